//! Every way to hold an HTTP/1 connection without using it ends at its own limit.
//!
//! All other limits are ten minutes, so each test fails when its limit is not enforced.

use std::time::Duration;

use dragoman::server::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use crate::server_harness::{PATIENCE, generous, start};

const SHORT: Duration = Duration::from_millis(300);

fn first_byte() -> Limits {
    Limits {
        first_byte: SHORT,
        ..generous()
    }
}

fn head() -> Limits {
    Limits {
        head: SHORT,
        ..generous()
    }
}

fn idle() -> Limits {
    Limits {
        idle: SHORT,
        ..generous()
    }
}

#[tokio::test]
async fn a_client_that_sends_nothing_is_closed() {
    let mut client = start(first_byte()).connect().await;
    assert!(client.closed_after().await >= SHORT);
}

#[tokio::test]
async fn a_client_that_sends_the_byte_p_is_closed() {
    let mut client = start(first_byte()).connect().await;
    client.send("P").await;
    assert!(client.closed_after().await >= SHORT / 2);
}

#[tokio::test]
async fn a_partial_head_is_closed() {
    let mut client = start(head()).connect().await;
    client.send("GET / HTTP/1.1\r\nHost: x\r\n").await;
    assert!(client.closed_after().await >= SHORT / 2);
}

#[tokio::test]
async fn a_head_trickled_byte_by_byte_is_closed() {
    let mut client = start(head()).connect().await;
    let started = Instant::now();
    client.send("GET / HTTP/1.1\r\nX: ").await;
    while client.0.write_all(b"x").await.is_ok() {
        sleep(Duration::from_millis(20)).await;
        assert!(started.elapsed() < PATIENCE, "the connection is still open");
    }
    assert!(started.elapsed() >= SHORT);
}

#[tokio::test]
async fn a_partial_second_head_is_closed() {
    let mut client = start(head()).connect().await;
    client.get("/").await;
    client.send("GET / HT").await;
    assert!(client.closed_after().await >= SHORT / 2);
}

#[tokio::test]
async fn an_idle_connection_is_closed_without_a_reset() {
    let mut client = start(idle()).connect().await;
    client.get("/").await;
    let started = Instant::now();
    let end = timeout(PATIENCE, client.0.read(&mut [0; 16])).await;
    assert_eq!(end.unwrap().unwrap(), 0);
    assert!(started.elapsed() >= SHORT / 2);
}

#[tokio::test]
async fn a_partial_head_behind_a_pipelined_request_is_closed_when_idle() {
    let mut client = start(idle()).connect().await;
    client
        .send("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT")
        .await;
    client.response().await;
    client.closed_after().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_reset() {
    let server = start(Limits {
        stalled_write: SHORT,
        ..generous()
    });
    let mut client = server.connect().await;
    let started = Instant::now();
    client
        .send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    timeout(PATIENCE, server.endless_dropped.notified())
        .await
        .expect("the response is given up");
    assert!(started.elapsed() >= SHORT);
    let mut sink = Vec::new();
    let end = timeout(PATIENCE, client.0.read_to_end(&mut sink)).await;
    let error = end.unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_client_that_reads_slowly_is_served() {
    let server = start(Limits {
        stalled_write: Duration::from_secs(1),
        ..generous()
    });
    let mut client = server.connect().await;
    client
        .send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    let mut space = vec![0; 4 * 1024 * 1024];
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(3) {
        client.0.read_exact(&mut space).await.unwrap();
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_client_with_a_request_now_and_then_is_kept() {
    let limit = Duration::from_millis(1500);
    let server = start(Limits {
        first_byte: limit,
        head: limit,
        idle: limit,
        ..generous()
    });
    let mut client = server.connect().await;
    for _ in 0..5 {
        assert!(client.get("/").await.ends_with("hello"));
        sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn a_slow_handler_is_not_cut_by_the_limits_of_a_waiting_connection() {
    let server = start(Limits {
        first_byte: SHORT,
        head: SHORT,
        idle: SHORT,
        stalled_write: SHORT,
        ..generous()
    });
    let mut client = server.connect().await;
    assert!(client.get("/slow/1200").await.ends_with("slow"));
}
