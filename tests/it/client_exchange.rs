//! The client sends what it was given and gives back what came, and nothing that concerns a connection.

use std::time::{Duration, Instant};

use bytes::Bytes;
use dragoman::client::{Client, Endpoint, Sent, Unbounded};
use http::{Method, Request};
use tokio::net::UnixListener;
use tokio::time::sleep;

use crate::client_fixture::{ask, client, parameters, post};
use crate::fault_server::{
    Act, End, FaultServer, converse, header, in_chunks, until_close, with_length,
};
use crate::php_upstream::PhpUpstream;

#[tokio::test]
async fn a_request_goes_out_with_its_host_and_the_client_s_own_length_and_encoding() {
    let server = FaultServer::always(Act::ok("answer")).await;
    let request = Request::post("http://elsewhere.example/path?query=1")
        .header("host", "elsewhere.example")
        .header("content-length", "3")
        .header("accept-encoding", "gzip")
        .header("x-kept", "kept")
        .header("connection", "close, x-named")
        .header("x-named", "1")
        .header("te", "trailers")
        .header("trailer", "x")
        .header("expect", "100-continue")
        .header("upgrade", "websocket")
        .header("transfer-encoding", "chunked")
        .header("keep-alive", "timeout=1")
        .header("proxy-connection", "close")
        .body(Bytes::from_static(b"question"))
        .unwrap();

    let client = client(server.address);
    let answer = client.send(request, None).await.unwrap();

    assert_eq!(answer.body(), "answer");
    let seen = &server.requests()[0];
    let mut lines: Vec<_> = seen.head.trim_end().lines().collect();
    assert_eq!(lines.remove(0), "POST /path?query=1 HTTP/1.1");
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "accept-encoding: identity",
            "content-length: 8",
            "host: elsewhere.example",
            "x-kept: kept",
        ]
    );
    assert_eq!(seen.body, b"question");
}

#[tokio::test]
async fn an_empty_body_has_a_length_only_where_one_is_expected() {
    let server = FaultServer::always(Act::ok("")).await;
    let client = client(server.address);
    let cases = [
        (Method::GET, None),
        (Method::DELETE, None),
        (Method::POST, Some("0")),
        (Method::PUT, Some("0")),
    ];
    for (number, (method, length)) in cases.into_iter().enumerate() {
        let request = Request::builder().method(&method).uri("/");
        let request = request.body(Bytes::new()).unwrap();
        client.send(request, None).await.unwrap();
        let seen = &server.requests()[number];
        assert_eq!(header(&seen.head, "content-length"), length, "{method}");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_answer_comes_back_without_what_concerns_the_connection() {
    let head = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\
        Connection: x-named\r\nX-Named: 1\r\nKeep-Alive: timeout=5\r\nTrailer: x\r\n\
        Content-Length: 4\r\n\r\nbody";
    let server = FaultServer::always(Act::new(head, End::Keep)).await;

    let answer = ask(&client(server.address)).await.unwrap();

    assert_eq!(answer.status(), 302);
    assert_eq!(answer.body(), "body");
    let headers: Vec<_> = answer.headers().iter().collect();
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    assert_eq!(
        headers,
        [
            "location: /elsewhere",
            "set-cookie: a=1",
            "set-cookie: b=2",
            "content-length: 4",
        ]
    );
    assert_eq!(server.requests().len(), 1, "a redirect was followed");
}

#[tokio::test]
async fn a_body_is_whole_in_every_framing_and_in_any_pieces() {
    let body = "0123456789abcdef".repeat(1000);
    let framings = [
        (with_length(&body), End::Keep, false),
        (in_chunks(&body), End::Keep, false),
        (until_close(&body), End::Close, true),
    ];
    for (bytes, end, is_unbounded) in framings {
        for size in [1009, 8192, usize::MAX] {
            let act = Act::new(bytes.clone(), end.clone());
            let act = act.dripping(size, Duration::from_micros(50));
            let server = FaultServer::always(act).await;
            let answer = ask(&client(server.address)).await.unwrap();
            assert_eq!(answer.body(), &body);
            let extension = answer.extensions().get::<Unbounded>();
            assert_eq!(extension.is_some(), is_unbounded);
        }
    }
}

#[tokio::test]
async fn the_server_built_into_php_ends_its_answers_with_the_connection() {
    let upstream = PhpUpstream::start("grupo");
    let client = client(upstream.address().parse().unwrap());
    for round in 1..=3 {
        let answer = ask(&client).await.unwrap();
        assert!(answer.extensions().get::<Unbounded>().is_some());
        assert_eq!(upstream.requests().len(), round);
    }
}

#[tokio::test]
async fn answers_without_a_body_leave_the_connection_usable() {
    let server = FaultServer::start(|seen| match seen.number {
        0 => Act::new("HTTP/1.1 204 No Content\r\n\r\n", End::Keep),
        1 => Act::new("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", End::Keep),
        2 => Act::new("HTTP/1.1 304 Not Modified\r\n\r\n", End::Keep),
        _ => Act::ok("body"),
    })
    .await;
    let client = client(server.address);
    for (method, expected) in [("GET", ""), ("HEAD", ""), ("GET", ""), ("GET", "body")] {
        let request = Request::builder().method(method).uri("/");
        let answer = client.send(request.body(Bytes::new()).unwrap(), None).await;
        assert_eq!(answer.unwrap().body(), expected);
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn interim_answers_are_passed_over() {
    let bytes = [
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".to_vec(),
        with_length("answer"),
    ];
    let server = FaultServer::always(Act::new(bytes.concat(), End::Keep)).await;
    let answer = ask(&client(server.address)).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.body()[..]),
        (200, b"answer".as_slice())
    );
}

#[tokio::test]
async fn a_unix_socket_is_an_upstream_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upstream.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let server = FaultServer::serve(
        "127.0.0.1:0".parse().unwrap(),
        |_| Act::ok("answer"),
        async move |record| {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let record = std::sync::Arc::clone(&record);
                tokio::spawn(async move { converse(&mut stream, &record).await.map(drop) });
            }
        },
    );
    let client = Client::new(parameters(Endpoint::Unix { path })).unwrap();
    for _ in 0..3 {
        assert_eq!(ask(&client).await.unwrap().body(), "answer");
    }
    assert_eq!(server.connections(), 1);

    let path = folder.path().join("nobody.sock");
    let client = Client::new(parameters(Endpoint::Unix { path })).unwrap();
    assert_eq!(ask(&client).await.unwrap_err().sent, Sent::Nothing);
}

#[tokio::test]
async fn a_caller_that_leaves_closes_the_connection_at_once() {
    for part in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
    ] {
        let mut server = FaultServer::always(Act::new(part, End::Stall)).await;
        let client = client(server.address);
        let asking = {
            let client = client.clone();
            tokio::spawn(async move { client.send(post("/", "question"), None).await })
        };
        while server.requests().is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        sleep(Duration::from_millis(5)).await;
        let left = Instant::now();
        asking.abort();
        server.client_left().await;
        assert!(left.elapsed() < Duration::from_millis(100), "{part}");
    }
}
