//! The PROXY protocol: who a request is from where a proxy in front says so, and who may say it.

use std::time::Duration;

use dragoman::server::{Limits, Outcome, Signal};
use tokio::io::AsyncWriteExt;

use crate::server_harness::{Client, Running, generous, start, start_behind};

const LINE: &str = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
const GET_PEER: &str = "GET /peer HTTP/1.1\r\nHost: x\r\n\r\n";

/// The header of version 2 for `2001:db8::7`, port 56324, with an extension.
fn block() -> Vec<u8> {
    let mut block = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\x00\x28".to_vec();
    block.extend(b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07");
    block.extend(b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01");
    block.extend(b"\xdc\x04\x01\xbb");
    block.extend(b"\x04\x00\x01\x00");
    block
}

/// A server that trusts whoever connects from this host.
fn start_trusting(limits: Limits) -> Running {
    start_behind("127.0.0.1/32", limits)
}

/// What is answered to these bytes before the connection is closed.
async fn answer_to(server: &Running, bytes: &[u8]) -> Vec<u8> {
    let mut client = server.connect().await;
    // The connection may be closed before all of it is sent.
    let _ = client.0.write_all(bytes).await;
    client.rest().await
}

#[tokio::test]
async fn every_request_of_a_connection_is_from_whom_the_proxy_names() {
    let server = start_trusting(generous());
    for (header, named) in [
        (LINE.as_bytes().to_vec(), "192.0.2.7:56324"),
        (block(), "[2001:db8::7]:56324"),
    ] {
        let mut client = server.connect().await;
        client.send(&header).await;
        for _ in 0..2 {
            let answer = client.get("/peer").await;
            assert!(answer.ends_with(named), "{answer}");
        }

        let mut at_once = server.connect().await;
        at_once.send([&header, GET_PEER.as_bytes()].concat()).await;
        let answer = at_once.response().await;
        assert!(answer.ends_with(named), "{answer}");
    }
}

#[tokio::test]
async fn a_header_in_single_bytes_is_read() {
    let server = start_trusting(generous());
    let mut client = server.connect().await;
    client.0.set_nodelay(true).unwrap();
    for byte in [block().as_slice(), GET_PEER.as_bytes()].concat() {
        client.send([byte]).await;
    }
    let answer = client.response().await;
    assert!(answer.ends_with("[2001:db8::7]:56324"), "{answer}");
}

#[tokio::test]
async fn a_large_body_behind_the_header_arrives_whole() {
    let server = start_trusting(generous());
    let mut client = server.connect().await;
    let body = "0123456789".repeat(30_000);
    let head = format!(
        "{LINE}POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    client.send([head, body.clone()].concat()).await;
    assert!(client.response().await.ends_with(&body));
}

#[tokio::test]
async fn a_proxy_that_checks_on_the_server_speaks_for_itself() {
    let server = start_trusting(generous());
    for header in [
        b"PROXY UNKNOWN\r\n".as_slice(),
        b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00",
    ] {
        let mut client = server.connect().await;
        client.send(header).await;
        let own = client.0.local_addr().unwrap().to_string();
        let answer = client.get("/peer").await;
        assert!(answer.ends_with(&own), "{answer}");
    }
}

#[tokio::test]
async fn a_connection_without_a_header_is_closed_without_an_answer() {
    let server = start_trusting(generous());
    for bytes in [
        GET_PEER.as_bytes(),
        b"PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\nGET /peer HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x01xGET /peer HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        assert_eq!(answer_to(&server, bytes).await, b"");
    }
}

#[tokio::test]
async fn a_header_from_who_is_no_trusted_proxy_is_not_believed_and_the_connection_closed() {
    let server = start_behind("192.0.2.0/24", generous());
    let request = [LINE, GET_PEER].concat();
    assert_eq!(answer_to(&server, request.as_bytes()).await, b"");
}

#[tokio::test]
async fn where_it_is_off_a_header_is_a_bad_request() {
    let server = start(generous());
    let request = [LINE, GET_PEER].concat();
    let answer = answer_to(&server, request.as_bytes()).await;
    assert!(answer.starts_with(b"HTTP/1.1 400"), "{answer:?}");
}

#[tokio::test]
async fn a_header_that_is_not_complete_in_time_closes_the_connection() {
    let limit = Duration::from_millis(300);
    let server = start_trusting(Limits {
        first_byte: limit,
        ..generous()
    });
    for begun in ["", "PROXY TCP4 192.0.2.7 "] {
        let mut client = server.connect().await;
        client.send(begun).await;
        let took = client.closed_after().await;
        assert!(took + Duration::from_millis(20) >= limit, "{took:?}");
        assert!(took < 4 * limit, "{took:?}");
    }
}

#[tokio::test]
async fn the_cap_of_a_source_is_for_whom_the_proxy_names_and_not_for_the_proxy() {
    let server = start_trusting(Limits {
        connections_per_source: 1,
        count_loopback: true,
        uncounted: vec!["127.0.0.1/32".parse().unwrap()],
        ..generous()
    });
    let mut first = server.connect().await;
    first.send(LINE).await;
    first.get("/").await;
    let second = [LINE, GET_PEER].concat();
    assert_eq!(answer_to(&server, second.as_bytes()).await, b"");

    let mut other = server.connect().await;
    other.send(LINE.replace("192.0.2.7", "192.0.2.8")).await;
    assert!(other.get("/").await.ends_with("hello"));
}

#[tokio::test]
async fn a_trusted_proxy_is_held_to_no_cap_of_a_source() {
    let server = start(Limits {
        connections_per_source: 1,
        count_loopback: true,
        uncounted: vec!["127.0.0.0/8".parse().unwrap()],
        ..generous()
    });
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..5 {
        let mut client = server.connect().await;
        assert!(client.get("/").await.ends_with("hello"));
        clients.push(client);
    }
}

#[tokio::test]
async fn a_connection_that_has_not_said_who_it_is_from_does_not_hold_up_the_end() {
    let server = start_trusting(generous());
    let mut silent = server.connect().await;
    let mut busy = server.connect().await;
    busy.send(LINE).await;
    busy.get("/").await;
    server.shutdown.request(Signal::Interrupt);
    let closed = silent.closed_after().await;
    assert!(closed < Duration::from_secs(2), "{closed:?}");
    assert_eq!(server.ended().await, Outcome::Clean);
}
