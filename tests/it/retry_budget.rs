//! An upstream that is down is not asked much more than callers ask, and the log says what was done.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rand::prelude::*;
use rand::rngs::StdRng;
use serde_json::Value;

use crate::fault_server::{Act, End, FaultServer, with_length};
use crate::forward_fixture::{CALLERS_KEY, Front, vision6_at};
use crate::process::{Served, curl};
use crate::upstream_script::{Reply, Script};

fn unavailable() -> Reply {
    let text = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    Reply::Raw(text.as_bytes().to_vec())
}

fn made() -> Reply {
    Reply::Answer(200, r#"{"id":1,"result":5,"error":null}"#.to_owned())
}

/// A gateway in front of it that has been answered once: it knows that its key is taken, so that no call
/// waits for another.
async fn known(script: &Script, options: &str) -> Front {
    let front = Front::vision6(&format!("{}\n{options}", vision6_at(script.address)), "");
    let first = front.call("countUsers", "1").await;
    assert!(first.body.contains(r#""result":5"#), "{first:?}");
    front
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_always_fails_sees_a_fifth_more_and_ten_a_second() {
    let number = AtomicUsize::new(0);
    let script = Script::start(move |_| match number.fetch_add(1, Ordering::SeqCst) {
        0 => made(),
        _ => unavailable(),
    });
    // The breaker would keep nearly all of them away.
    let front = known(&script, "breaker = { failures = 0, percent = 0 }").await;
    let begin = Instant::now();
    let mut calls = 0_u32;
    while calls < 600 || begin.elapsed().as_millis() < 1500 {
        let reads = (0..10).map(|_| front.call("countUsers", "1"));
        for answered in join_all(reads).await {
            assert!(answered.body.contains(r#""code":100"#), "{answered:?}");
        }
        let set = front.call("editUser", r#"1,{"id":5,"position":"A"}"#).await;
        assert!(!set.body.contains(r#""error":null"#), "{set:?}");
        calls += 11;
    }
    let seconds = begin.elapsed().as_secs_f64();
    let seen = f64::from(u32::try_from(script.asked().len()).unwrap());
    let calls = f64::from(calls);
    // And what a second's worth is there at the beginning.
    let most = 1.2 * calls + 10.0 * seconds + 10.0;
    println!("{calls} calls in {seconds:.1} s, {seen} requests, at most {most}");
    assert!(seen <= most, "{seen} > {most}");
    assert!(seen >= 1.1 * calls, "{seen} of {calls}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_an_upstream_fails_no_user_is_made_twice() {
    let number = AtomicUsize::new(0);
    let script = Script::start(move |_| {
        let number = number.fetch_add(1, Ordering::SeqCst);
        match number % 5 {
            1 => Reply::Raw(Vec::new()),
            0 if number > 0 => Reply::Raw(
                b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n".to_vec(),
            ),
            2 => Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-".to_vec()),
            3 => Reply::Raw(b"HTTP/1.1 504 Late\r\nContent-Length: 0\r\n\r\n".to_vec()),
            _ => made(),
        }
    });
    let options = "retry = { most = 10, per_second = 10000, percent = 100 }";
    let front = known(&script, options).await;
    let adds = (0..200).map(|number| {
        let details = format!(r#"1,{{"username":"user{number}x"}}"#);
        let front = &front;
        async move { front.call("addUser", &details).await }
    });
    join_all(adds).await;
    let asked = script.asked();
    // One may go down with a connection before it arrives, and is in doubt then.
    assert!(asked.len() > 150, "{}", asked.len());
    for number in 0..200 {
        let name = format!("user{number}x");
        let times = asked
            .iter()
            .filter(|asked| asked.body.contains(&name))
            .count();
        assert!(times <= 1, "{name}");
    }
}

/// The upstream closes each connection when the next request may be on its way: a change is sent again, and
/// of a new user it is said at worst that nobody knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_connections_that_went_stale_no_change_hears_and_no_user_is_made_twice() {
    let server = FaultServer::start(|seen| {
        let adds = seen.body.windows(7).any(|word| word == b"addUser");
        let result = if adds { "55" } else { "true" };
        let answer = format!(r#"{{"id":1,"result":{result},"error":null}}"#);
        let end = End::CloseAfter(Duration::from_micros(300));
        Act::new(with_length(&answer), end)
    })
    .await;
    let options = "retry = { per_second = 10000 }";
    let front = Front::vision6(&format!("{}\n{options}", vision6_at(server.address)), "");
    let mut random = StdRng::seed_from_u64(7);
    let mut pause = async || {
        let micros = random.random_range(0..600);
        tokio::time::sleep(Duration::from_micros(micros)).await;
    };
    for number in 0..1000 {
        let details = format!(r#"1,{{"id":5,"position":"P{number}"}}"#);
        let answered = front.call("editUser", &details).await;
        assert!(answered.body.contains(r#""error":null"#), "{answered:?}");
        pause().await;
    }
    let changes = server.requests().len();
    let mut unknown = 0;
    for number in 0..500 {
        let details = format!(r#"1,{{"username":"user{number}"}}"#);
        let answered = front.call("addUser", &details).await;
        unknown += usize::from(answered.body.contains(r#""code":103"#));
        pause().await;
    }
    let mut made = HashSet::new();
    for seen in &server.requests()[changes..] {
        let call: Value = serde_json::from_slice(&seen.body).unwrap();
        let name = call["params"][2]["username"].as_str().unwrap().to_owned();
        assert!(made.insert(name.clone()), "{name} was made twice");
    }
    println!("{unknown} of 500 users are in doubt");
}

#[test]
fn the_log_says_how_often_a_call_was_sent_and_when_the_budget_is_spent() {
    let script = Script::start(|_| unavailable());
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "[keys.crm]\nvalue = '{CALLERS_KEY}'\n[upstreams.back]\n{}\nretry = {{ percent = 0, per_second = 3 }}\n\
         [routes.front]\ndialect = 'vision6'\nuser = 'back'\n",
        vision6_at(script.address)
    );
    std::fs::write(directory.path().join("routes.toml"), text).unwrap();
    let served = Served::start(directory.path());
    let url = format!("{}/api/jsonrpcserver", served.url);
    let body = format!(r#"{{"id":1,"method":"countUsers","params":["{CALLERS_KEY}",1]}}"#);
    for _ in 0..4 {
        curl(&["-d", &body, &url]);
    }
    let (_, log) = served.stop();
    assert!(log.contains(r#""upstream.tries":3"#), "{log}");
    assert!(log.contains("the upstream answered 503"), "{log}");
    assert_eq!(
        log.matches("not all of them are sent again").count(),
        1,
        "{log}"
    );
    assert!(!log.contains(CALLERS_KEY));
}
