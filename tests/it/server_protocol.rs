//! What a client of a healthy connection gets.

use std::time::Duration;

use bytes::Bytes;
use dragoman::server::Limits;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;

use crate::server_harness::{generous, start};

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let mut client = start(generous()).connect().await;
    client
        .send(
            "GET /slow/100 HTTP/1.1\r\nHost: x\r\n\r\n\
             POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\
             GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        )
        .await;
    assert!(client.response().await.ends_with("slow"));
    assert!(client.response().await.ends_with("abc"));
    assert!(client.response().await.ends_with("hello"));
}

#[tokio::test]
async fn http_2_with_prior_knowledge_is_served() {
    let client = start(generous()).connect().await;
    let io = TokioIo::new(client.0);
    let (mut requests, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
            .await
            .unwrap();
    tokio::spawn(connection);
    let large = Bytes::from(vec![b'x'; 300_000]);
    let request = Request::post("http://x/echo")
        .body(Full::new(large.clone()))
        .unwrap();
    let response = requests.send_request(request).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        large
    );
}

#[tokio::test]
async fn too_many_header_lines_are_refused_on_http_2_too() {
    let client = start(Limits {
        headers: 3,
        ..generous()
    })
    .connect()
    .await;
    let (requests, connection) = h2::client::handshake(client.0).await.unwrap();
    tokio::spawn(connection);
    let mut requests = requests.ready().await.unwrap();
    let request = |lines: usize| {
        let builder = Request::get("http://x/");
        (0..lines)
            .fold(builder, |builder, line| {
                builder.header(format!("x-{line}"), "1")
            })
            .body(())
            .unwrap()
    };
    let (accepted, _) = requests.send_request(request(3), true).unwrap();
    assert_eq!(accepted.await.unwrap().status(), StatusCode::OK);
    let (refused, _) = requests.send_request(request(4), true).unwrap();
    assert_eq!(
        refused.await.unwrap().status(),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
    );
}

#[tokio::test]
async fn a_host_that_is_not_the_authority_is_refused_on_http_2() {
    let client = start(generous()).connect().await;
    let (requests, connection) = h2::client::handshake(client.0).await.unwrap();
    tokio::spawn(connection);
    let mut requests = requests.ready().await.unwrap();
    for (hosts, status) in [(&["x"][..], 200), (&["y"], 400), (&["x", "y"], 400)] {
        let mut request = Request::get("http://x/");
        for host in hosts {
            request = request.header("host", *host);
        }
        let request = request.body(()).unwrap();
        let (answer, _) = requests.send_request(request, true).unwrap();
        assert_eq!(answer.await.unwrap().status(), status, "{hosts:?}");
    }
    for method in ["TRACE", "-501"] {
        let request = Request::builder().method(method).uri("http://x/");
        let (answer, _) = requests
            .send_request(request.body(()).unwrap(), true)
            .unwrap();
        assert_eq!(answer.await.unwrap().status(), StatusCode::NOT_IMPLEMENTED);
    }
}

#[tokio::test]
async fn an_expecting_client_is_told_to_continue_once_the_body_is_wanted() {
    let server = start(generous());
    let head = |path| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
    };
    let mut client = server.connect().await;
    client.send(head("/echo")).await;
    assert_eq!(client.response().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ab").await;
    assert!(client.response().await.ends_with("ab"));

    let mut refused = server.connect().await;
    refused.send(head("/refuse")).await;
    assert!(refused.response().await.starts_with("HTTP/1.1 413"));
}

#[tokio::test]
async fn an_http_1_0_client_gets_a_plain_answer_and_a_close() {
    let mut client = start(generous()).connect().await;
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    let answer = String::from_utf8(client.rest().await).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    assert!(!answer.contains("chunked"), "{answer}");
    assert!(answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn an_endless_answer_to_http_1_0_is_not_chunked() {
    let mut client = start(generous()).connect().await;
    client.send("GET /endless HTTP/1.0\r\n\r\n").await;
    let head = client.response().await;
    assert!(!head.contains("chunked"), "{head}");
}

#[tokio::test]
async fn the_service_learns_the_peer() {
    let mut client = start(generous()).connect().await;
    let own = client.0.local_addr().unwrap().to_string();
    assert!(client.get("/peer").await.ends_with(&own));
}

#[tokio::test]
async fn a_head_above_its_limits_is_refused() {
    let server = start(generous());
    let long = "x".repeat(9 * 1024);
    let many = "X: 1\r\n".repeat(65);
    for (head, status) in [
        (format!("GET /{long} HTTP/1.1\r\n"), "414"),
        (
            format!("GET / HTTP/1.1\r\nA: {long}\r\nB: {long}\r\n"),
            "431",
        ),
        (format!("GET / HTTP/1.1\r\n{many}"), "431"),
        (format!("GET / HTTP/1.1\r\nA: {long}\r\n"), "200"),
    ] {
        let mut client = server.connect().await;
        // The answer may come, and the connection close, before the last byte is sent.
        let _ = client
            .0
            .write_all(format!("{head}Host: x\r\n\r\n").as_bytes())
            .await;
        let answer = client.response().await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert_eq!(answer.contains("connection: close"), status != "200");
    }
}

#[tokio::test]
async fn a_refused_body_does_not_reset_its_answer_away() {
    let server = start(Limits {
        linger: Duration::from_secs(5),
        ..generous()
    });
    let mut client = server.connect().await;
    client
        .send("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n")
        .await;
    for _ in 0..80 {
        client.send(vec![b'x'; 100_000]).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let answer = client.response().await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_refused_body_that_never_ends_is_dropped_after_the_linger_time() {
    let server = start(generous());
    let mut client = server.connect().await;
    client
        .send("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n")
        .await;
    client.response().await;
    let started = tokio::time::Instant::now();
    while client.0.write_all(b"x").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(started.elapsed() < crate::server_harness::PATIENCE);
    }
}
