//! The same for HTTP/2, where only streams count as use.

use std::time::Duration;

use dragoman::server::{Http2Limits, Limits};
use h2::client::Builder;
use http::Request;
use tokio::time::{Instant, timeout};

use crate::server_harness::{PATIENCE, generous, start};

const SHORT: Duration = Duration::from_millis(300);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[tokio::test]
async fn every_partial_preface_is_closed() {
    let server = start(Limits {
        first_byte: SHORT,
        ..generous()
    });
    let mut clients = Vec::new();
    for length in 1..PREFACE.len() {
        let mut client = server.connect().await;
        client.send(&PREFACE[..length]).await;
        clients.push(client);
    }
    for client in &mut clients {
        client.closed_after().await;
    }
}

#[tokio::test]
async fn a_preface_alone_is_told_goodbye_and_closed_when_idle() {
    let server = start(Limits {
        idle: SHORT,
        ..generous()
    });
    let mut client = server.connect().await;
    client.send(PREFACE).await;
    client.send([0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
    let started = Instant::now();
    let frames = frame_types(&client.rest().await);
    assert!(started.elapsed() >= SHORT / 2);
    assert!(frames.contains(&GOAWAY), "{frames:?}");
}

const GOAWAY: u8 = 7;

fn frame_types(mut bytes: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    while let [high, middle, low, kind, ..] = *bytes {
        types.push(kind);
        let length = u32::from_be_bytes([0, high, middle, low]);
        bytes = &bytes[9 + usize::try_from(length).unwrap()..];
    }
    types
}

#[tokio::test]
async fn pings_do_not_keep_a_connection_without_streams() {
    let server = start(Limits {
        idle: SHORT,
        ..generous()
    });
    let client = server.connect().await;
    let (_requests, mut connection) = h2::client::handshake(client.0).await.unwrap();
    let mut pings = connection.ping_pong().unwrap();
    let connection = tokio::spawn(connection);
    let started = Instant::now();
    while pings.ping(h2::Ping::opaque()).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(started.elapsed() < PATIENCE, "the connection is still open");
    }
    assert!(started.elapsed() >= SHORT);
    assert!(connection.is_finished() || connection.await.is_ok());
}

#[tokio::test]
async fn a_client_that_opens_no_window_is_reset() {
    let server = start(Limits {
        stalled_write: SHORT,
        ..generous()
    });
    let client = server.connect().await;
    let (requests, connection) = Builder::new()
        .initial_window_size(0)
        .handshake::<_, bytes::Bytes>(client.0)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let mut requests = requests.ready().await.unwrap();
    let request = Request::get("http://x/endless").body(()).unwrap();
    let (response, _) = requests.send_request(request, true).unwrap();
    let response = response.await.unwrap();
    timeout(PATIENCE, server.endless_dropped.notified())
        .await
        .expect("the response is given up");
    let _ = timeout(PATIENCE, connection)
        .await
        .expect("the connection is closed");
    drop(response);
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_closed() {
    let server = start(Limits {
        http2: Http2Limits {
            ping_interval: SHORT,
            ping_timeout: SHORT,
            ..Http2Limits::default()
        },
        ..generous()
    });
    let mut client = server.connect().await;
    client.send(PREFACE).await;
    client.send([0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
    assert!(client.closed_after().await >= SHORT);
}

#[tokio::test]
async fn a_stream_in_progress_is_not_cut_by_the_idle_limit() {
    let server = start(Limits {
        first_byte: SHORT,
        head: SHORT,
        idle: SHORT,
        stalled_write: SHORT,
        ..generous()
    });
    let client = server.connect().await;
    let (requests, connection) = h2::client::handshake(client.0).await.unwrap();
    tokio::spawn(connection);
    let mut requests = requests.ready().await.unwrap();
    let request = Request::get("http://x/slow/1200").body(()).unwrap();
    let (response, _) = requests.send_request(request, true).unwrap();
    assert_eq!(response.await.unwrap().status(), 200);
}
