//! HTTP/2 towards an upstream: many requests on few connections, and which of them are sent again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dragoman::client::{Cause, Client, Endpoint, Part, Sent, Stage};
use futures_util::future::join_all;
use h2::Reason;
use http::{Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::client_fixture::{ask, post, verdict};
use crate::http2_peer::{Asked, Manner, Peer, http2_client, mirror, over_http2};

/// A peer whose answers wait for permits.
async fn gated(manner: Manner) -> (Peer, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let plan = move |asked: Asked| {
        let held = Arc::clone(&held);
        async move {
            held.acquire().await.unwrap().forget();
            mirror(asked).await;
        }
    };
    (Peer::with(manner, plan).await, gate)
}

async fn until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(15), "it did not come");
        sleep(Duration::from_millis(2)).await;
    }
}

fn ask_many(client: &Client, count: usize) -> Vec<tokio::task::JoinHandle<String>> {
    let one = |number: usize| {
        let client = client.clone();
        tokio::spawn(async move {
            let answer = client.send(post(&format!("/{number}"), "question"), None);
            let body = answer.await.unwrap().into_body();
            String::from_utf8(body.to_vec()).unwrap()
        })
    };
    (0..count).map(one).collect()
}

#[tokio::test]
async fn requests_that_come_together_share_a_dial_and_a_connection() {
    let (peer, gate) = gated(Manner::default()).await;
    let client = http2_client(peer.address);
    let asked = ask_many(&client, 60);
    until(|| peer.most_at_once() == 60).await;
    assert_eq!(client.connections(), (1, 0));
    gate.add_permits(60);
    for (number, answered) in asked.into_iter().enumerate() {
        assert_eq!(answered.await.unwrap(), format!("/{number}: question"));
    }
    assert_eq!((peer.connections(), client.connections()), (1, (0, 1)));
    let heads = peer.heads();
    let head = &heads[0];
    assert_eq!(head.uri().authority().unwrap().as_str(), "upstream.example");
    assert_eq!(head.uri().scheme_str(), Some("http"));
    assert_eq!(head.headers()["content-length"], "8");
    assert!(!head.headers().contains_key("host") && !head.headers().contains_key("connection"));
}

#[tokio::test]
async fn no_connection_has_more_requests_than_the_peer_or_the_gateway_allow() {
    for (streams, connections) in [(Some(10), 12), (None, 2)] {
        let manner = Manner {
            streams,
            ..Manner::default()
        };
        let (peer, gate) = gated(manner).await;
        let client = http2_client(peer.address);
        let asked = ask_many(&client, 120);
        until(|| peer.most_at_once() == 120).await;
        assert_eq!(peer.connections(), connections);
        gate.add_permits(120);
        join_all(asked)
            .await
            .into_iter()
            .for_each(|it| drop(it.unwrap()));
        assert_eq!(peer.requests(), 120, "none was refused");
    }
}

#[tokio::test]
async fn the_cap_is_of_requests_and_whoever_comes_later_waits_in_turn() {
    let (peer, gate) = gated(Manner::default()).await;
    let client = Client::new(dragoman::client::Parameters {
        connections: 3,
        ..over_http2(peer.address)
    })
    .unwrap();
    let asked = ask_many(&client, 9);
    until(|| peer.most_at_once() == 3).await;
    let soon = std::time::Instant::now() + Duration::from_millis(100);
    let late = client.send(post("/late", ""), Some(soon)).await;
    let queue = Cause::Timeout {
        stage: Stage::Queue,
    };
    assert_eq!(verdict(late), (Sent::Nothing, queue));
    gate.add_permits(9);
    join_all(asked)
        .await
        .into_iter()
        .for_each(|it| drop(it.unwrap()));
    assert_eq!((peer.most_at_once(), peer.connections()), (3, 1));
}

#[tokio::test]
async fn a_stream_that_was_refused_is_sent_again_and_one_that_was_reset_is_not() {
    let peer = Peer::start(|mut asked: Asked| async move {
        match asked.number {
            0..3 => asked.respond.send_reset(Reason::REFUSED_STREAM),
            3 => mirror(asked).await,
            _ => asked.respond.send_reset(Reason::INTERNAL_ERROR),
        }
    })
    .await;
    let client = http2_client(peer.address);
    assert_eq!(ask(&client).await.unwrap().body(), "/ask: question");
    assert_eq!((peer.requests(), peer.connections()), (4, 1));
    assert_eq!(verdict(ask(&client).await), (Sent::Maybe, Cause::Reset));
    assert_eq!((peer.requests(), peer.connections()), (5, 1));
}

#[tokio::test]
async fn who_refuses_everything_is_not_asked_for_ever() {
    let peer = Peer::start(|mut asked: Asked| async move {
        asked.respond.send_reset(Reason::REFUSED_STREAM);
    })
    .await;
    let client = http2_client(peer.address);
    assert_eq!(verdict(ask(&client).await), (Sent::Nothing, Cause::Reset));
    assert_eq!(peer.requests(), 16);
}

#[tokio::test]
async fn a_peer_that_goes_away_again_and_again_under_load_costs_no_request() {
    let manner = Manner {
        goes_after: Some(7),
        ..Manner::default()
    };
    let peer = Peer::with(manner, |asked: Asked| async move {
        sleep(Duration::from_millis(3)).await;
        mirror(asked).await;
    })
    .await;
    let client = http2_client(peer.address);
    for _ in 0..5 {
        let asked = ask_many(&client, 80);
        for (number, answered) in asked.into_iter().enumerate() {
            assert_eq!(answered.await.unwrap(), format!("/{number}: question"));
        }
    }
    // Each of them was carried out once: what a connection took beyond that was told to be none of it.
    assert_eq!(peer.requests(), 400);
    assert!(peer.connections() >= 5, "{}", peer.connections());
}

#[tokio::test]
async fn a_caller_that_leaves_resets_its_stream_and_nothing_else() {
    let (peer, gate) = gated(Manner::default()).await;
    let client = http2_client(peer.address);
    let asked = ask_many(&client, 5);
    until(|| peer.most_at_once() == 5).await;
    asked[2].abort();
    gate.add_permits(20);
    let answers = join_all(asked).await;
    assert_eq!(answers.iter().filter(|it| it.is_ok()).count(), 4);
    assert_eq!(ask(&client).await.unwrap().status(), StatusCode::OK);
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn a_caller_that_leaves_while_a_dial_is_under_way_leaves_it_to_the_others() {
    let (peer, gate) = gated(Manner::default()).await;
    let client = http2_client(peer.address);
    let first = client.clone();
    let asked = ask_many(&client, 3);
    {
        let mut leaving = Box::pin(ask(&first));
        let polled = futures_util::poll!(leaving.as_mut());
        assert!(polled.is_pending());
    }
    gate.add_permits(3);
    for answered in asked {
        answered.await.unwrap();
    }
    assert_eq!((peer.connections(), peer.requests()), (1, 3));
}

#[tokio::test]
async fn a_connection_that_the_peer_closed_costs_no_request() {
    let peer = Peer::with(
        Manner {
            goes_after: Some(1),
            ..Manner::default()
        },
        mirror,
    )
    .await;
    let client = http2_client(peer.address);
    for round in 1..=50 {
        assert_eq!(ask(&client).await.unwrap().body(), "/ask: question");
        assert_eq!(peer.requests(), round);
    }
    assert_eq!(peer.connections(), 50);
}

#[tokio::test]
async fn connections_end_when_they_have_rested_and_when_they_are_old() {
    let peer = Peer::mirror().await;
    let short = Duration::from_millis(200);
    let resting = Client::new(dragoman::client::Parameters {
        idle: short,
        ..over_http2(peer.address)
    })
    .unwrap();
    ask(&resting).await.unwrap();
    assert_eq!(resting.connections(), (0, 1));
    peer.no_more_than(0).await;
    assert_eq!(resting.connections(), (0, 0));

    let (peer, gate) = gated(Manner::default()).await;
    let ageing = Client::new(dragoman::client::Parameters {
        lifetime: short,
        ..over_http2(peer.address)
    })
    .unwrap();
    let asked = ask_many(&ageing, 1);
    until(|| peer.requests() == 1).await;
    sleep(short * 2).await;
    // What is on it finishes there, and what comes goes elsewhere.
    let later = ask_many(&ageing, 1);
    until(|| peer.requests() == 2).await;
    assert_eq!(peer.connections(), 2);
    gate.add_permits(2);
    for answered in asked.into_iter().chain(later) {
        answered.await.unwrap();
    }
    peer.no_more_than(0).await;

    let peer = Peer::mirror().await;
    let hasty = Client::new(dragoman::client::Parameters {
        idle: Duration::ZERO,
        ..over_http2(peer.address)
    })
    .unwrap();
    for round in 1..4 {
        ask(&hasty).await.unwrap();
        assert_eq!(peer.connections(), round);
    }
    peer.no_more_than(0).await;
}

#[tokio::test]
async fn the_last_client_to_go_closes_its_connection() {
    let peer = Peer::mirror().await;
    let client = http2_client(peer.address);
    let other = client.clone();
    ask(&client).await.unwrap();
    drop(client);
    ask(&other).await.unwrap();
    assert_eq!(peer.connections(), 1);
    drop(other);
    peer.no_more_than(0).await;
}

#[tokio::test]
async fn each_stage_has_its_deadline() {
    let (peer, _gate) = gated(Manner::default()).await;
    let short = Duration::from_millis(150);
    let client = Client::new(dragoman::client::Parameters {
        head: short,
        ..over_http2(peer.address)
    })
    .unwrap();
    let late = |stage| Cause::Timeout { stage };
    assert_eq!(
        verdict(ask(&client).await),
        (Sent::Maybe, late(Stage::Head))
    );
    let peer = Peer::start(|mut asked: Asked| async move {
        let mut body = asked.begin(Response::new(()));
        drop(body.send_data(Bytes::from("half"), false));
        sleep(Duration::from_secs(30)).await;
    })
    .await;
    let client = Client::new(dragoman::client::Parameters {
        total: short,
        ..over_http2(peer.address)
    })
    .unwrap();
    assert_eq!(
        verdict(ask(&client).await),
        (Sent::Maybe, late(Stage::Body))
    );
    // A listener that says nothing: HTTP/2 has not begun, so that nothing was sent.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(dragoman::client::Parameters {
        connect: short,
        ..over_http2(silent.local_addr().unwrap())
    })
    .unwrap();
    assert_eq!(
        verdict(ask(&client).await),
        (Sent::Nothing, late(Stage::Handshake))
    );
}

#[tokio::test]
async fn what_is_larger_than_it_may_be_is_no_answer_and_the_connection_goes_on() {
    let peer = Peer::start(|mut asked: Asked| async move {
        let head = Response::builder();
        let head = match asked.request.uri().path() {
            "/head" => head.header("x", "x".repeat(20_000)),
            "/heads" => (0..300).fold(head, |head, it| {
                head.header(format!("x-{it}"), "x".repeat(60))
            }),
            "/announced" => head.header("content-length", "2000000"),
            "/interim" => {
                for _ in 0..400 {
                    let early = Response::builder()
                        .status(103)
                        .header("link", "x".repeat(50));
                    drop(asked.respond.send_informational(early.body(()).unwrap()));
                }
                head
            }
            _ => head,
        };
        let mut body = asked.begin(head.body(()).unwrap());
        for _ in 0..2_000 {
            drop(body.send_data(Bytes::from(vec![b'x'; 1000]), false));
        }
        drop(body.send_data(Bytes::new(), true));
    })
    .await;
    let client = http2_client(peer.address);
    for (path, part) in [
        ("/head", Part::Head),
        ("/heads", Part::Head),
        ("/interim", Part::Head),
        ("/announced", Part::Body),
        ("/body", Part::Body),
    ] {
        let answered = client.send(post(path, ""), None).await;
        assert_eq!(
            verdict(answered),
            (Sent::Maybe, Cause::TooLarge { part }),
            "{path}"
        );
    }
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn a_unix_socket_speaks_it_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let peer = Peer::on_socket(&path);
    let client = Client::new(dragoman::client::Parameters {
        endpoint: Endpoint::Unix { path },
        ..over_http2(peer.address)
    })
    .unwrap();
    for _ in 0..3 {
        assert_eq!(ask(&client).await.unwrap().body(), "/ask: question");
    }
    assert_eq!((peer.connections(), peer.requests()), (1, 3));
}

#[tokio::test]
async fn interim_answers_are_no_answer() {
    let peer = Peer::start(|mut asked: Asked| async move {
        for status in [103, 102, 103] {
            let early = Response::builder().status(status).body(()).unwrap();
            asked.respond.send_informational(early).unwrap();
        }
        mirror(asked).await;
    })
    .await;
    let answer = ask(&http2_client(peer.address)).await.unwrap();
    assert_eq!(
        (answer.status(), &answer.body()[..]),
        (StatusCode::OK, &b"/ask: question"[..])
    );
}
