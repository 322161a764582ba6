//! Connections are kept, limited and given up, and one that went stale costs nobody an answer.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::time::Duration;

use dragoman::client::{Client, Parameters, Sent};
use futures_util::future::join_all;
use rand::RngExt;
use tokio::time::{sleep, timeout};

use crate::client_fixture::{ask, at, client, post};
use crate::fault_server::{Act, End, FaultServer, with_length};

fn slow() -> Act {
    Act::ok("answer").dripping(10, Duration::from_millis(2))
}

#[tokio::test]
async fn there_are_never_more_connections_than_allowed_and_they_are_used_again() {
    let server = FaultServer::always(slow()).await;
    let client = Client::new(Parameters {
        connections: 3,
        ..at(server.address)
    })
    .unwrap();
    let answers = join_all((0..30).map(|_| ask(&client))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn who_waits_for_a_connection_is_served_in_the_order_of_arrival() {
    let server = FaultServer::always(slow()).await;
    let client = Client::new(Parameters {
        connections: 1,
        ..at(server.address)
    })
    .unwrap();
    let asked = (0..20).map(|number| client.send(post(&format!("/{number}"), ""), None));
    join_all(asked).await;
    let order: Vec<_> = server
        .requests()
        .into_iter()
        .map(|seen| path(&seen.head))
        .collect();
    let expected: Vec<_> = (0..20).map(|number| format!("/{number}")).collect();
    assert_eq!(order, expected);
}

#[tokio::test]
async fn the_connection_that_rested_last_is_used_first() {
    let server = FaultServer::always(slow()).await;
    let client = client(server.address);
    join_all((0..4).map(|_| ask(&client))).await;
    assert_eq!(server.connections(), 4);
    for _ in 0..6 {
        ask(&client).await.unwrap();
    }
    let later = &server.requests()[4..];
    let on_connection: Vec<_> = later.iter().map(|seen| seen.on_connection).collect();
    assert_eq!(on_connection, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn a_connection_that_rests_too_long_is_closed_without_a_request() {
    let server = FaultServer::always(Act::ok("answer")).await;
    let idle = Duration::from_millis(60);
    let client = Client::new(Parameters {
        idle,
        ..at(server.address)
    })
    .unwrap();
    for round in 1..=2 {
        ask(&client).await.unwrap();
        ask(&client).await.unwrap();
        assert_eq!(server.connections(), round);
        server.all_closed().await;
    }
}

#[tokio::test]
async fn a_connection_is_not_used_beyond_its_lifetime() {
    let server = FaultServer::always(Act::ok("answer")).await;
    let lifetime = Duration::from_millis(60);
    let client = Client::new(Parameters {
        lifetime,
        ..at(server.address)
    })
    .unwrap();
    for _ in 0..20 {
        ask(&client).await.unwrap();
        sleep(Duration::from_millis(10)).await;
    }
    assert!(server.connections() >= 3, "{}", server.connections());
    server.all_closed().await;

    let lifetime = Duration::ZERO;
    let client = Client::new(Parameters {
        lifetime,
        ..at(server.address)
    })
    .unwrap();
    let before = server.connections();
    ask(&client).await.unwrap();
    ask(&client).await.unwrap();
    assert_eq!(server.connections(), before + 2);
}

#[tokio::test]
async fn the_last_client_to_go_closes_its_connections() {
    let server = FaultServer::always(Act::ok("answer")).await;
    let client = client(server.address);
    let other = client.clone();
    ask(&client).await.unwrap();
    drop(client);
    ask(&other).await.unwrap();
    assert_eq!(server.connections(), 1);
    drop(other);
    server.all_closed().await;
}

#[tokio::test]
async fn a_connection_is_not_kept_against_the_upstream_s_will() {
    for head in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: keep-alive, Close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    ] {
        let server = FaultServer::always(Act::new(head, End::Keep)).await;
        let client = client(server.address);
        ask(&client).await.unwrap();
        ask(&client).await.unwrap();
        assert_eq!(server.connections(), 2, "{head}");
        server.all_closed().await;
    }
}

#[tokio::test]
async fn callers_that_leave_at_random_moments_take_no_place_with_them() {
    let server = FaultServer::always(slow()).await;
    let client = Client::new(Parameters {
        connections: 2,
        ..at(server.address)
    })
    .unwrap();
    let callers = (0..300).map(|_| {
        let patience = Duration::from_millis(rand::rng().random_range(0..100));
        timeout(patience, ask(&client))
    });
    let answered = join_all(callers).await.into_iter().flatten().flatten();
    assert!(answered.count() < 300);

    let answers = join_all((0..10).map(|_| ask(&client))).await;
    assert!(answers.iter().all(Result::is_ok));
    let order = server.requests();
    let last: Vec<_> = order.iter().rev().take(10).collect();
    let fresh = last.iter().filter(|seen| seen.on_connection == 0).count();
    assert!(fresh <= 2, "{fresh} connections for ten requests over two");
    drop(client);
    server.all_closed().await;
}

/// A server that answers one request a connection and, when it is told to, sends a farewell and closes.
struct ClosingServer {
    address: SocketAddr,
    close: mpsc::Sender<()>,
    /// The path of the request, once its connection is closed.
    closed: mpsc::Receiver<String>,
}

impl ClosingServer {
    fn start(farewell: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (close, told) = mpsc::channel();
        let (sender, closed) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"question") {
                    let mut piece = [0; 1024];
                    let length = stream.read(&mut piece).unwrap();
                    assert!(length > 0, "the client closed within a request");
                    request.extend_from_slice(&piece[..length]);
                }
                stream.write_all(&with_length("answer")).unwrap();
                if told.recv().is_err() {
                    return;
                }
                stream.write_all(farewell).unwrap();
                drop(stream);
                let request = String::from_utf8(request).unwrap();
                sender.send(path(&request)).unwrap();
            }
        });
        Self {
            address,
            close,
            closed,
        }
    }
}

/// The runtime is not given a chance to learn of the end: the thread that drives it blocks until the
/// upstream has closed, and sends at once.
async fn ask_over_stale_connections(rounds: usize, farewell: &'static [u8]) {
    let server = ClosingServer::start(farewell);
    let client = client(server.address);
    for round in 0..rounds {
        let path = format!("/{round}");
        let answer = client.send(post(&path, "question"), None).await;
        let answer = answer.unwrap_or_else(|failure| panic!("round {round}: {failure}"));
        assert_eq!(answer.body(), "answer");
        server.close.send(()).unwrap();
        assert_eq!(server.closed.recv().unwrap(), path, "each arrives once");
    }
}

#[tokio::test]
async fn no_request_of_5000_fails_because_its_connection_had_gone_stale() {
    ask_over_stale_connections(5_000, b"").await;
}

#[tokio::test]
async fn a_farewell_on_a_resting_connection_is_not_taken_for_an_answer() {
    let farewell = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
    ask_over_stale_connections(200, farewell).await;
}

/// 10,000 requests while the upstream closes resting connections at random moments, some of them just
/// when a request is on its way. Only those may fail, they say so, and nothing is ever sent twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_of_10000_fails_unsent_and_none_arrives_twice_when_connections_close_at_random()
{
    let server = FaultServer::start(|_| {
        // Timers are late on a busy machine. Every eighth close waits for none, so that there are
        // enough of them anywhere.
        let mut rng = rand::rng();
        let after = if rng.random_ratio(1, 8) {
            Duration::ZERO
        } else {
            Duration::from_micros(rng.random_range(0..20_000))
        };
        Act::new(with_length("answer"), End::CloseAfter(after))
    })
    .await;
    let client = Client::new(Parameters {
        connections: 40,
        ..at(server.address)
    })
    .unwrap();
    let callers = (0..40).map(|caller| {
        let client = client.clone();
        tokio::spawn(async move {
            let mut outcomes = Vec::new();
            for number in 0..250 {
                let path = format!("/{caller}/{number}");
                let answered = client.send(post(&path, "question"), None).await;
                outcomes.push((path, answered.map(drop)));
                let pause = rand::rng().random_range(0..20_000);
                sleep(Duration::from_micros(pause)).await;
            }
            outcomes
        })
    });
    let outcomes = join_all(callers).await.into_iter().flat_map(Result::unwrap);

    let mut arrived = HashMap::<String, usize>::new();
    for seen in server.requests() {
        *arrived.entry(path(&seen.head)).or_default() += 1;
    }
    let mut unknown = 0;
    for (path, outcome) in outcomes {
        let times = arrived.get(&path).copied().unwrap_or_default();
        match outcome {
            Ok(()) => assert_eq!(times, 1, "{path}"),
            Err(failure) => {
                assert_eq!(failure.sent, Sent::Maybe, "{path}: {failure}");
                assert!(times <= 1, "{path} arrived {times} times");
                unknown += 1;
            }
        }
    }
    let reconnected = server.connections();
    println!("{reconnected} connections, {unknown} of 10,000 crossed their end");
    assert!(
        reconnected > 1000,
        "only {reconnected} connections: nothing was tried"
    );
    assert!(
        unknown < 2000,
        "{unknown} of 10,000 crossed the end of their connection"
    );
}

fn path(head: &str) -> String {
    head.split(' ').nth(1).unwrap().to_owned()
}
