//! The admin listener's health checks and the probe that asks them.

use std::net::SocketAddr;
use std::time::Duration;

use dragoman::server::health::probe::probe;
use dragoman::server::{Drain, Limits, Listener, Server, Signal};

use crate::server_harness::{PATIENCE, bound, generous, start, start_with};

#[tokio::test]
async fn a_serving_process_is_live_and_ready() {
    let server = start(generous());
    let mut client = server.connect_admin().await;
    let live = client.get("/health/live").await;
    assert!(live.starts_with("HTTP/1.1 200"), "{live}");
    assert!(live.contains("content-type: text/plain"), "{live}");
    assert!(live.ends_with("ok"), "{live}");
    assert!(client.get("/health/ready").await.ends_with("ready"));
    assert!(client.get("/").await.starts_with("HTTP/1.1 404"));
    client
        .send("POST /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    let refused = client.response().await;
    assert!(refused.starts_with("HTTP/1.1 405"), "{refused}");
    assert!(refused.contains("allow: GET, HEAD"), "{refused}");
}

#[tokio::test]
async fn a_head_request_gets_no_body() {
    let server = start(generous());
    let mut client = server.connect_admin().await;
    client
        .send("HEAD /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    let answer = String::from_utf8(client.rest().await).unwrap();
    assert!(answer.contains("content-length: 2"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probe_follows_the_life_of_the_server() {
    let bind = || Listener::bind(&[SocketAddr::from(([127, 0, 0, 1], 0)).into()]).unwrap();
    let admin = bind();
    let address = bound(&admin)[0];
    let server = Server::new(bind(), Limits::default()).with_admin(admin);
    let ask = || async move {
        tokio::task::spawn_blocking(move || probe(address))
            .await
            .unwrap()
    };
    assert!(!ask().await.unwrap(), "ready before it serves");
    drop(server);

    let drain = Drain {
        lame_duck: Duration::from_millis(1500),
        deadline: PATIENCE,
    };
    let server = start_with(generous(), drain);
    server.connect().await.get("/").await;
    let address = server.admin;
    let ask = || async move {
        tokio::task::spawn_blocking(move || probe(address))
            .await
            .unwrap()
    };
    assert!(ask().await.unwrap());
    server.shutdown.request(Signal::Terminate);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!ask().await.unwrap(), "ready while it drains");
    server.ended().await;
    assert!(ask().await.is_err(), "answering after the end");
}

#[tokio::test]
async fn health_is_answered_while_requests_are_finished() {
    let server = start(generous());
    let mut client = server.connect().await;
    client
        .send("GET /slow/800 HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.shutdown.request(Signal::Interrupt);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut health = server.connect_admin().await;
    assert!(health.get("/health/ready").await.ends_with("draining"));
    assert!(health.get("/health/live").await.ends_with("ok"));
    assert!(client.response().await.ends_with("slow"));
}
