//! Whatever an upstream does instead of answering is one named failure, and never an answer.

use dragoman::client::{Cause, Part, Sent};

use crate::client_fixture::{ask, client, verdict};
use crate::fault_server::{Act, End, FaultServer, in_chunks, refusing, until_close, with_length};

const TOO_LARGE_HEAD: Cause = Cause::TooLarge { part: Part::Head };
const TOO_LARGE_BODY: Cause = Cause::TooLarge { part: Part::Body };

/// The fault, then answers. The request must have been seen once, and the connection must not be used
/// again.
async fn assert_fault(act: Act, expected: Cause) {
    let shown = String::from_utf8_lossy(&act.bytes[..act.bytes.len().min(150)]).into_owned();
    let shown = format!("{shown:?} and {:?}", act.end);
    let server = FaultServer::start(move |seen| match seen.number {
        0 => act.clone(),
        _ => Act::ok("answer"),
    })
    .await;
    let client = client(server.address);

    let found = verdict(ask(&client).await);
    assert_eq!(found, (Sent::Maybe, expected), "{shown}");
    assert_eq!(server.requests().len(), 1, "sent again: {shown}");

    assert_eq!(ask(&client).await.unwrap().body(), "answer", "{shown}");
    assert_eq!(server.connections(), 2, "{shown}");
    server
        .requests()
        .iter()
        .for_each(|seen| assert_eq!(seen.on_connection, 0));
}

#[tokio::test]
async fn an_upstream_that_refuses_was_sent_nothing() {
    let client = client(refusing().await);
    let found = verdict(ask(&client).await);
    assert_eq!(found, (Sent::Nothing, Cause::Connect));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_was_sent_nothing() {
    let endpoint = dragoman::client::Endpoint::Http {
        host: "no such name".to_owned(),
        port: 80,
    };
    let parameters = crate::client_fixture::parameters(endpoint);
    let client = dragoman::client::Client::new(parameters).unwrap();
    assert_eq!(verdict(ask(&client).await), (Sent::Nothing, Cause::Connect));
}

#[tokio::test]
async fn a_connection_that_ends_early_is_no_answer() {
    let answer = with_length("answer");
    let head = answer.len() - "answer".len();
    for (length, closed) in [
        (0, Cause::Reset),
        (1, Cause::Truncated),
        (head - 1, Cause::Truncated),
        (head, Cause::Truncated),
        (head + 3, Cause::Truncated),
    ] {
        assert_fault(Act::cut(&answer, length, End::Close), closed).await;
        assert_fault(Act::cut(&answer, length, End::Reset), Cause::Reset).await;
    }
}

#[tokio::test]
async fn what_is_no_http_is_no_answer() {
    for garbage in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"<html><body>Error</body></html>\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nName : space\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: \x00\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ] {
        assert_fault(Act::new(garbage, End::Keep), Cause::BadFraming).await;
    }
}

#[tokio::test]
async fn an_answer_that_contradicts_itself_about_its_length_is_none() {
    for headers in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked",
        "Content-Length: 6\r\nContent-Length: 6",
        "Content-Length: 6\r\nContent-Length: 5",
        "Content-Length: 6, 6",
        "Content-Length: -6",
        "Content-Length: +6",
        "Content-Length: 0x6",
        "Content-Length: six",
        "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity",
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n6\r\nanswer\r\n0\r\n\r\n");
        assert_fault(Act::new(bytes, End::Keep), Cause::BadFraming).await;
    }
    let bytes = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_fault(Act::new(bytes, End::Keep), Cause::BadFraming).await;
}

#[tokio::test]
async fn an_answer_that_goes_on_after_its_end_is_none() {
    for bytes in [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nanswer",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nanswer",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nanswer",
        "HTTP/1.1 204 No Content\r\n\r\nanswer",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nanswer",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ] {
        assert_fault(Act::new(bytes, End::Keep), Cause::BadFraming).await;
    }
}

#[tokio::test]
async fn broken_chunks_are_no_answer() {
    for chunks in [
        "zz\r\nanswer\r\n0\r\n\r\n",
        "\r\nanswer\r\n0\r\n\r\n",
        "6\r\nanswer0\r\n\r\n",
        "-6\r\nanswer\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nanswer\r\n",
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        assert_fault(Act::new(bytes, End::Keep), Cause::BadFraming).await;
    }
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_cut_off() {
    let megabyte = format!(
        "HTTP/1.1 200 OK\r\nX-Large: {}\r\n\r\n",
        "x".repeat(1 << 20)
    );
    assert_fault(Act::new(megabyte, End::Keep), TOO_LARGE_HEAD).await;
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X-A: b\r\n".repeat(200));
    assert_fault(Act::new(many, End::Keep), TOO_LARGE_HEAD).await;
    for piece in [
        "X-Endless: header\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "\r\n",
    ] {
        let start = if piece.starts_with('X') {
            "HTTP/1.1 200 OK\r\n"
        } else {
            ""
        };
        let flood = End::Repeat(piece.repeat(100).into_bytes());
        assert_fault(Act::new(start, flood), TOO_LARGE_HEAD).await;
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_cut_off() {
    let announced = "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n";
    assert_fault(Act::new(announced, End::Stall), TOO_LARGE_BODY).await;
    let piece = End::Repeat(
        b"400\r\n"
            .iter()
            .copied()
            .chain([b'x'; 1024])
            .chain(*b"\r\n")
            .collect(),
    );
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_fault(Act::new(chunks, piece), TOO_LARGE_BODY).await;
    assert_fault(
        Act::new(until_close(""), End::Repeat(vec![b'x'; 4096])),
        TOO_LARGE_BODY,
    )
    .await;
}

#[tokio::test]
async fn a_body_at_the_limit_is_taken() {
    let body = "x".repeat(1024 * 1024);
    for (bytes, end) in [
        (with_length(&body), End::Keep),
        (in_chunks(&body), End::Keep),
        (until_close(&body), End::Close),
    ] {
        let server = FaultServer::always(Act::new(bytes, end)).await;
        assert_eq!(ask(&client(server.address)).await.unwrap().body(), &body);
    }
}

#[tokio::test]
async fn a_compressed_answer_is_none() {
    for coding in ["gzip", "br", "identity, gzip", "x"] {
        let bytes = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: 6\r\n\r\nanswer"
        );
        assert_fault(Act::new(bytes, End::Keep), Cause::Encoded).await;
    }
    let bytes = "HTTP/1.1 200 OK\r\nContent-Encoding: Identity\r\nContent-Length: 6\r\n\r\nanswer";
    let server = FaultServer::always(Act::new(bytes, End::Keep)).await;
    assert_eq!(ask(&client(server.address)).await.unwrap().body(), "answer");
}
