use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use tokio::time::{Instant, advance};

use super::*;
use crate::client::{Cause, Endpoint as Place, HttpVersion, Payload, Relay, TlsParameters};
use crate::dialect::exchange::Failure;
use crate::error::Kind;
use crate::forward::checks::Asks;

const RULES: Rules = Rules {
    failures: 5,
    percent: 50,
    least: 20,
    window: Duration::from_secs(10),
    eject: Duration::from_secs(5),
    longest: Duration::from_secs(60),
};

fn client(port: u16) -> client::Parameters {
    let long = Duration::from_secs(60);
    client::Parameters {
        endpoint: Place::Http {
            host: "127.0.0.1".to_owned(),
            port,
        },
        host: HeaderValue::from_static("blog.example"),
        http_version: HttpVersion::Http1,
        tls: TlsParameters::default(),
        connections: 4,
        idle: long,
        lifetime: long,
        resolve: long,
        connect: long,
        head: long,
        total: long,
        head_bytes: 16 * 1024,
        response_bytes: 1024,
    }
}

fn parameters(ports: &[u16]) -> Parameters {
    let mut all = ports.iter().map(|port| Weighted {
        client: client(*port),
        weight: 1,
    });
    Parameters {
        first: all.next().unwrap(),
        others: all.collect(),
        slow_start: Duration::ZERO,
        rules: Some(RULES),
        ..Parameters::single("blog".to_owned(), client(1))
    }
}

fn endpoints(ports: &[u16]) -> Endpoints {
    Endpoints::new(parameters(ports), None).unwrap()
}

fn fail(endpoints: &Endpoints, index: usize, times: usize) {
    for _ in 0..times {
        endpoints.list[index]
            .gate
            .fails(false, "HTTP 500".to_owned());
    }
}

fn picked(endpoints: &Endpoints, times: usize) -> Vec<usize> {
    let mut counts = vec![0; endpoints.list.len()];
    for _ in 0..times {
        if let Some(picked) = endpoints.pick(&Errand::default()) {
            counts[picked.index()] += 1;
        }
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn one_endpoint_fails_fast_after_five_failures_until_one_probe_shows_that_it_works() {
    let endpoints = endpoints(&[1]);
    fail(&endpoints, 0, 4);
    assert!(endpoints.is_ready());
    fail(&endpoints, 0, 1);
    assert!(!endpoints.is_ready());
    assert!(endpoints.pick(&Errand::default()).is_none());
    advance(RULES.eject).await;
    let mut probe = endpoints.pick(&Errand::default()).unwrap();
    let second = endpoints.pick(&Errand::default());
    assert!(second.is_none(), "one probe at a time");
    probe.works();
    assert!(endpoints.is_ready());
    assert!(endpoints.pick(&Errand::default()).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_ejects_for_twice_as_long_and_one_that_comes_to_nothing_for_no_longer() {
    let endpoints = endpoints(&[1]);
    fail(&endpoints, 0, 5);
    for seconds in [5, 10, 20, 40, 60, 60] {
        advance(Duration::from_millis(seconds * 1000 - 1)).await;
        assert!(endpoints.pick(&Errand::default()).is_none(), "{seconds}");
        advance(Duration::from_millis(1)).await;
        drop(endpoints.pick(&Errand::default()).unwrap());
        let probe = endpoints.pick(&Errand::default()).unwrap();
        probe.endpoint().gate.fails(true, "HTTP 500".to_owned());
        drop(probe);
    }
    advance(Duration::from_secs(60)).await;
    endpoints.pick(&Errand::default()).unwrap().works();
    // In for as long as the longest ejection: the next one is short again.
    advance(Duration::from_secs(60)).await;
    fail(&endpoints, 0, 5);
    advance(Duration::from_secs(5)).await;
    assert!(endpoints.pick(&Errand::default()).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_ejected_endpoint_gets_nothing_and_where_more_than_half_are_out_all_are_used() {
    let endpoints = endpoints(&[1, 2, 3]);
    fail(&endpoints, 1, 5);
    let counts = picked(&endpoints, 300);
    assert_eq!(counts[1], 0, "{counts:?}");
    assert!(counts[0] > 100 && counts[2] > 100, "{counts:?}");
    assert!(!endpoints.panics());
    fail(&endpoints, 2, 5);
    let counts = picked(&endpoints, 300);
    assert!(counts.iter().all(|count| *count > 60), "{counts:?}");
    assert!(endpoints.panics() && endpoints.is_ready());
    fail(&endpoints, 0, 5);
    assert_eq!(picked(&endpoints, 10), [0, 0, 0], "nobody is left to ask");
    assert!(!endpoints.panics() && !endpoints.is_ready());
}

#[tokio::test(start_paused = true)]
async fn the_next_try_goes_elsewhere_as_long_as_there_is_an_elsewhere() {
    let endpoints = endpoints(&[1, 2, 3]);
    for _ in 0..50 {
        let errand = endpoints.errand(None);
        let mut seen = Vec::new();
        for _ in 0..3 {
            // One that goes beside the others goes elsewhere as well.
            let errand = errand.clone();
            let picked = endpoints.pick(&errand).unwrap();
            errand.avoid(&picked);
            seen.push(picked.index());
        }
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2]);
        assert!(!errand.has_others(3));
        let picked = endpoints.pick(&errand).expect("better one than none");
        errand.forgive(&picked);
        let again = endpoints.pick(&errand).unwrap();
        assert_eq!(again.index(), picked.index());
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_is_no_probe_unless_nobody_else_is_in_or_no_read_comes() {
    let endpoints = endpoints(&[1, 2]);
    let mut write = Errand::default();
    write.is_for(true);
    fail(&endpoints, 0, 5);
    advance(RULES.eject).await;
    for _ in 0..20 {
        assert_eq!(endpoints.pick(&write).unwrap().index(), 1);
    }
    assert_eq!(endpoints.pick(&Errand::default()).unwrap().index(), 0);
    advance(RULES.eject).await;
    assert_eq!(endpoints.pick(&write).unwrap().index(), 0);
    fail(&endpoints, 1, 5);
    advance(RULES.eject).await;
    drop(endpoints.pick(&write).unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_sticks_goes_to_one_endpoint_and_to_another_one_while_that_is_out() {
    let endpoints = endpoints(&[1, 2, 3]);
    let at = |stick| {
        let errand = endpoints.errand(Some(stick));
        endpoints.pick(&errand).unwrap().index()
    };
    let before: Vec<_> = (0..100).map(at).collect();
    assert_eq!(before, (0..100).map(at).collect::<Vec<_>>());
    assert!((0..3).all(|index| before.contains(&index)));
    fail(&endpoints, 0, 5);
    for (stick, before) in (0..100).zip(&before) {
        let now = at(stick);
        assert!(now != 0 && (*before == 0 || now == *before));
    }
}

#[tokio::test(start_paused = true)]
async fn the_share_of_an_endpoint_that_is_back_grows_over_the_time_that_is_set() {
    let mut parameters = parameters(&[1, 2]);
    parameters.slow_start = Duration::from_secs(10);
    let endpoints = Endpoints::new(parameters, None).unwrap();
    assert_eq!(
        endpoints.list[1].gate.warmth(),
        1000,
        "all are new at the start"
    );
    fail(&endpoints, 1, 5);
    advance(RULES.eject).await;
    let mut probe = endpoints.pick(&Errand::default()).unwrap();
    assert_eq!(probe.index(), 1);
    probe.works();
    drop(probe);
    let mut shares = Vec::new();
    for _ in 0..6 {
        shares.push(picked(&endpoints, 2_000)[1]);
        advance(Duration::from_secs(2)).await;
    }
    assert!(shares[0] < 400, "{shares:?}");
    assert!(
        shares.is_sorted_by(|one, next| *one < next + 120),
        "{shares:?}"
    );
    assert!(shares[5] > 850, "{shares:?}");
}

#[tokio::test(start_paused = true)]
async fn endpoints_that_are_the_same_are_kept_and_one_that_is_added_starts_slowly() {
    let mut first = parameters(&[1, 2]);
    first.slow_start = Duration::from_secs(10);
    let before = Endpoints::new(first, None).unwrap();
    fail(&before, 1, 5);
    let mut next = parameters(&[2, 3]);
    next.slow_start = Duration::from_secs(10);
    next.first.weight = 7;
    let after = Endpoints::new(next.clone(), Some(&before)).unwrap();
    assert!(Arc::ptr_eq(&after.list[0], &before.list[1]));
    assert!(!after.list[0].gate.is_in(), "what it did is not forgotten");
    assert_eq!(after.list[1].gate.warmth(), 100);
    next.rules = None;
    let other = Endpoints::new(next, Some(&after)).unwrap();
    assert!(!Arc::ptr_eq(&other.list[0], &after.list[0]));
}

#[tokio::test(start_paused = true)]
async fn checks_bring_endpoints_down_and_up_and_end_ejections_without_a_caller() {
    let mut parameters = parameters(&[1]);
    parameters.check = Some(Check {
        asks: Asks::Call,
        every: Duration::from_secs(5),
        timeout: Duration::from_secs(1),
        rise: 2,
        fall: 3,
    });
    let endpoints = Endpoints::new(parameters, None).unwrap();
    let gate = &endpoints.list[0].gate;
    let begin = Instant::now();
    assert!(gate.is_in() && !gate.is_ready(), "nobody has looked yet");
    gate.passes();
    assert!(gate.is_ready());
    for _ in 0..2 {
        gate.flunks("no answer".to_owned());
    }
    assert!(gate.is_in());
    gate.flunks("no answer".to_owned());
    assert_eq!(gate.state(), State::Down);
    assert!(endpoints.pick(&Errand::default()).is_none());
    gate.passes();
    assert!(!gate.is_in());
    gate.passes();
    assert_eq!(gate.state(), State::In);

    fail(&endpoints, 0, 5);
    gate.passes();
    assert!(!gate.is_in(), "its time is not over");
    advance(RULES.eject).await;
    assert!(
        endpoints.pick(&Errand::default()).is_none(),
        "no caller is risked"
    );
    gate.flunks("no answer".to_owned());
    gate.passes();
    assert!(!gate.is_in(), "it takes twice as long now");
    advance(2 * RULES.eject).await;
    gate.passes();
    assert!(gate.is_ready());
    assert_eq!(begin.elapsed(), 3 * RULES.eject);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_read_twice_counts_once() {
    let endpoints = endpoints(&[1]);
    let mut picked = endpoints.pick(&Errand::default()).unwrap();
    for _ in 0..2 {
        let failure = Failure::Call(Kind::Upstream.into());
        assert!(picked.judge(&failure, StatusCode::BAD_GATEWAY));
    }
    let (failures, ..) = endpoints.list[0].gate.history();
    assert_eq!(failures, 1);
}

/// In real time, since it is the system that refuses a connection. No more than one of two is out, so that
/// no panic has the other one used.
#[tokio::test]
async fn a_request_knocks_once_at_the_only_endpoint_that_is_in_and_does_not_listen() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let endpoints = endpoints(&[port, 1]);
    fail(&endpoints, 1, 5);
    let until = std::time::Instant::now() + Duration::from_secs(2);
    let errand = endpoints.errand(None);
    let sent = endpoints.send(Box::new(Request::new(Bytes::new())), until, &errand);
    assert_eq!(sent.await.unwrap_err().cause, Cause::Connect);
    let relay = Relay::new(
        Box::new(Request::new(()).into_parts().0),
        Payload::Empty,
        false,
    );
    let streamed = endpoints.stream(&relay, endpoints.errand(None)).await;
    assert_eq!(streamed.unwrap_err().cause, Cause::Connect);
    let gate = &endpoints.list[0].gate;
    assert_eq!(gate.history().0, 2, "each has failed once");
    assert!(gate.is_in());
}
