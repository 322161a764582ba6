//! Heads of HTTP/1 on their way to a site of HTTP/2, what leaves HTTP there, and a site that fails.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use dragoman::client::{
    Answer, Client, Endpoint, HttpVersion, Parameters, Payload, Relay, Source, TlsParameters,
};
use h2::Reason;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::client_fixture::parameters;
use crate::http2_peer::{Asked, Peer, mirror, over_http2};
use crate::pass_fixture::{Passing, RawSite};
use crate::process::curl;
use crate::tls_fixture::Authority;

const HTTP2: &str = "http_version = '2'\nhead_timeout = '400ms'\n";

/// Names that HTTP/2 has no place for.
const OF_ONE_CONNECTION: [&str; 7] = [
    "host",
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
    "te",
];

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_would_say_something_else_in_http2_do_not_come_through() {
    let peer = Peer::mirror().await;
    let passing = Passing::start(peer.address, HTTP2);
    for head in [
        "GET /a b HTTP/1.1\r\nHost: x\r\n",
        "GET /a\tb HTTP/1.1\r\nHost: x\r\n",
        "GET / HTTP/2.0\r\nHost: x\r\n",
        "GET x HTTP/1.1\r\nHost: x\r\n",
        "GET http://y/ HTTP/1.1\r\nHost: x\r\n",
        "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n",
        "PRI * HTTP/1.1\r\nHost: x\r\n",
        "GE:T / HTTP/1.1\r\nHost: x\r\n",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n",
        "GET / HTTP/1.1\r\nHost: a@b\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n:path: /admin\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n:authority: y\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX : a\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX y: a\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX: a\nY: b\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n",
    ] {
        let answer = passing.ask(format!("{head}Connection: close\r\n\r\n"));
        let status = answer.get(9..12).unwrap_or_default();
        assert!(
            ["400", "405", "501", "505"].contains(&status),
            "{head:?}: {answer}"
        );
        assert_eq!(peer.requests(), 0, "{head:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_come_through_without_what_is_of_one_connection() {
    let peer = Peer::mirror().await;
    let passing = Passing::start(peer.address, HTTP2);
    for (line, headers, path) in [
        ("GET /", "Connection: x-own\r\nX-Own: 1\r\n", "/"),
        ("GET /%20%41//b/../c?d=%20x?", "", "/%20%41//b/../c"),
        (
            "OPTIONS /",
            "Keep-Alive: timeout=5\r\nProxy-Connection: close\r\n",
            "/",
        ),
        (
            "GET /",
            "TE: gzip;q=1, deflate\r\nX-Own: \t a b \t\r\n",
            "/",
        ),
        (
            "GET /",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
            "/",
        ),
        ("PATCH /", "Transfer-Encoding: chunked\r\n", "/"),
        ("GET /", "Expect: 100-continue\r\n", "/"),
    ] {
        let end = if line.starts_with("PATCH") {
            "0\r\n\r\n"
        } else {
            ""
        };
        let request = format!(
            "{line} HTTP/1.1\r\nHost: www.example.com\r\n{headers}Connection: close\r\n\r\n{end}"
        );
        let answer = passing.ask(&request);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{request}: {answer}");
        let heads = peer.heads();
        let [head] = &heads[..] else {
            panic!("{request}: {heads:?}");
        };
        assert_eq!(head.uri().path(), path);
        assert_eq!(head.uri().authority().unwrap().as_str(), "www.example.com");
        for name in OF_ONE_CONNECTION
            .iter()
            .chain(&["http2-settings", "expect"])
        {
            assert!(!head.headers().contains_key(*name), "{name}: {head:?}");
        }
        if headers.contains("x-own") {
            assert!(!head.headers().contains_key("x-own"));
        } else if let Some(own) = head.headers().get("x-own") {
            assert_eq!(own, "a b");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_of_http2_are_one_line_in_http1_and_as_they_came_in_http2() {
    let http2 = Peer::mirror().await;
    let http1 = crate::fault_server::FaultServer::always(crate::fault_server::Act::ok("ok")).await;
    let ask = |passing: &Passing| {
        let url = format!("{}/", passing.served.url);
        let two = ["-H", "Cookie: a=1", "-H", "Cookie: b=2"];
        curl(&[&two[..], &["--http2-prior-knowledge", &url]].concat())
    };
    ask(&Passing::start(http1.address, ""));
    let head = http1.requests()[0].head.to_ascii_lowercase();
    assert!(head.contains("cookie: a=1; b=2\r\n"), "{head}");
    ask(&Passing::start(http2.address, HTTP2));
    let heads = http2.heads();
    let cookies = heads[0].headers().get_all("cookie").iter();
    let cookies: Vec<_> = cookies.map(|it| it.to_str().unwrap()).collect();
    assert_eq!(cookies.join("; "), "a=1; b=2");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_share_a_connection_and_a_site_that_fails_is_a_plain_answer() {
    let peer = Peer::start(|mut asked: Asked| async move {
        match asked.request.uri().path() {
            "/stall" => tokio::time::sleep(Duration::from_secs(20)).await,
            "/reset" => asked.respond.send_reset(Reason::INTERNAL_ERROR),
            "/refused" => asked.respond.send_reset(Reason::REFUSED_STREAM),
            "/large" => {
                let head = Response::builder().header("x", "x".repeat(100_000));
                drop(asked.begin(head.body(()).unwrap()));
            }
            "/slow" => {
                let mut body = asked.begin(Response::new(()));
                body.send_data(Bytes::from("half"), false).unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
                body.send_data(Bytes::from("whole"), true).unwrap();
            }
            _ => mirror(asked).await,
        }
    })
    .await;
    let passing = Passing::start(peer.address, HTTP2);
    let address = passing.address();
    let get = |path: &str| {
        ask(
            address,
            &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        )
    };
    assert!(get("/").contains("200 OK"));
    let callers: Vec<_> = (0..40)
        .map(|_| {
            std::thread::spawn(move || {
                ask(
                    address,
                    "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                )
            })
        })
        .collect();
    for caller in callers {
        assert!(caller.join().unwrap().contains("/a: "));
    }
    for (path, status) in [
        ("/stall", 504),
        ("/reset", 502),
        ("/refused", 502),
        ("/large", 502),
    ] {
        let answer = get(path);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{path}: {answer}"
        );
        assert!(answer.contains("x-request-id: "), "{answer}");
    }
    // A body has no time of its own.
    assert!(get("/slow").contains("whole"));
    assert_eq!(peer.connections(), 1);
}

fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A site of TLS that takes up web sockets over HTTP/1.1 and answers over HTTP/2, and what was agreed on.
async fn both(
    authority: &Authority,
) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<Vec<u8>>) {
    let issued = authority.issue(&["upstream.example"]);
    let acceptor = acceptor(&issued, &[b"h2", b"http/1.1"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, agreed) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let protocol = stream
                .get_ref()
                .1
                .alpn_protocol()
                .unwrap_or_default()
                .to_vec();
            sender.send(protocol.clone()).unwrap();
            tokio::spawn(async move {
                if protocol == b"h2" {
                    let mut connection = h2::server::handshake(stream).await.unwrap();
                    while let Some(Ok((_, mut respond))) = connection.accept().await {
                        let mut body = respond.send_response(Response::new(()), false).unwrap();
                        body.send_data(Bytes::from("over HTTP/2"), true).unwrap();
                    }
                    return;
                }
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let taken = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
                stream.write_all(taken).await.unwrap();
                let (mut read, mut write) = tokio::io::split(stream);
                drop(tokio::io::copy(&mut read, &mut write).await);
            });
        }
    });
    (address, agreed)
}

fn acceptor(issued: &crate::tls_fixture::Issued, protocols: &[&[u8]]) -> tokio_rustls::TlsAcceptor {
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.der()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    std::sync::Arc::new(config).into()
}

fn secured(address: SocketAddr, authority: &Authority) -> Client {
    let directory = tempfile::tempdir().unwrap();
    let ca = std::fs::read(authority.write(directory.path())).unwrap();
    let endpoint = Endpoint::Https {
        host: address.ip().to_string(),
        port: address.port(),
    };
    Client::new(Parameters {
        http_version: HttpVersion::Http2,
        tls: TlsParameters {
            ca: Some(ca),
            server_name: Some("upstream.example".to_owned()),
            ..TlsParameters::default()
        },
        connect: Duration::from_secs(5),
        ..parameters(endpoint)
    })
    .unwrap()
}

fn get(headers: HeaderMap, upgrades: bool) -> Relay {
    let (mut head, ()) = Request::get("/chat").body(()).unwrap().into_parts();
    head.headers = headers;
    Relay::new(Box::new(head), Payload::Empty, upgrades)
}

fn post(body: Source) -> Relay {
    let (head, ()) = Request::post("/").body(()).unwrap().into_parts();
    Relay::new(Box::new(head), Payload::Streamed(body), false)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_socket_goes_over_http1_whatever_else_does_not() {
    let site = RawSite::start(|stream, _| {
        let taken = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        stream.write_all(taken).unwrap();
        let mut message = [0; 4];
        stream.read_exact(&mut message).unwrap();
        stream.write_all(&message).unwrap();
    });
    let passing = Passing::start(site.address, HTTP2);
    let mut stream = TcpStream::connect(passing.address()).unwrap();
    let asked =
        b"GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    stream.write_all(asked).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    stream.write_all(b"ping").unwrap();
    let mut back = [0; 4];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"ping");
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    assert!(site.taken()[0].starts_with("GET /chat HTTP/1.1\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_and_bodies_of_callers_of_http2_come_through_both_ways() {
    let peer = Peer::start(|mut asked: Asked| async move {
        let body = asked.request.body_mut();
        let text = String::from_utf8(crate::http2_peer::read(body).await).unwrap();
        let mut trailers = body.trailers().await.unwrap().unwrap();
        trailers.insert("x-seen", text.parse().unwrap());
        let mut body = asked.begin(Response::new(()));
        body.send_data(Bytes::from("body"), false).unwrap();
        body.send_trailers(trailers).unwrap();
    })
    .await;
    let passing = Passing::start(peer.address, HTTP2);
    let stream = tokio::net::TcpStream::connect(passing.address())
        .await
        .unwrap();
    let (mut send, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post("http://www.example.com/").header("te", "trailers");
    let (answer, mut body) = send.send_request(request.body(()).unwrap(), false).unwrap();
    for piece in ["a", "b", "c"] {
        body.send_data(Bytes::from(piece), false).unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "3".parse().unwrap());
    body.send_trailers(trailers).unwrap();
    let mut answer = answer.await.unwrap().into_body();
    assert_eq!(crate::http2_peer::read(&mut answer).await, b"body");
    let trailers = answer.trailers().await.unwrap().unwrap();
    assert_eq!(trailers["x-sum"], "3");
    assert_eq!(trailers["x-seen"], "abc");
    assert_eq!(peer.heads()[0].headers()["te"], "trailers");
}

#[tokio::test]
async fn over_tls_http2_is_agreed_on_and_what_leaves_http_goes_over_http1() {
    let authority = Authority::new();
    let (address, mut agreed) = both(&authority).await;
    let client = secured(address, &authority);
    let Answer::Response(response) = client.stream(&get(HeaderMap::new(), false)).await.unwrap()
    else {
        panic!("a tunnel");
    };
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "over HTTP/2");
    assert_eq!(agreed.recv().await.unwrap(), b"h2");
    let mut upgrade = HeaderMap::new();
    upgrade.insert("connection", "upgrade".parse().unwrap());
    upgrade.insert("upgrade", "websocket".parse().unwrap());
    let Answer::Tunnel(_, mut tunnel) = client.stream(&get(upgrade, true)).await.unwrap() else {
        panic!("no tunnel");
    };
    tunnel.write_all(b"ping").await.unwrap();
    let mut back = [0; 4];
    tunnel.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"ping");
    assert_eq!(agreed.recv().await.unwrap(), b"http/1.1");
}

#[tokio::test]
async fn over_tls_who_does_not_agree_on_http2_is_told_so() {
    let authority = Authority::new();
    let issued = authority.issue(&["upstream.example"]);
    // One that refuses what it does not know, and one that says nothing of it.
    for protocols in [&[&b"http/1.1"[..]][..], &[]] {
        let acceptor = acceptor(&issued, protocols);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = secured(listener.local_addr().unwrap(), &authority);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                drop(acceptor.accept(stream).await);
            }
        });
        let failure = client.connect().await.unwrap_err();
        assert_eq!(
            failure.cause,
            dragoman::client::Cause::NotHttp2,
            "{failure:?}"
        );
        task.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_its_sender_breaks_off_resets_its_stream_and_nothing_else() {
    let peer = Peer::start(mirror).await;
    let client = Client::new(over_http2(peer.address)).unwrap();
    let broken = futures_util::stream::iter([
        Ok(http_body::Frame::data(Bytes::from("half"))),
        Err(dragoman::client::BodyError::from("gone")),
    ]);
    let body = http_body_util::StreamBody::new(broken).boxed_unsync();
    let relay = post(body);
    let failure = client.stream(&relay).await.unwrap_err();
    assert_eq!(failure.cause, dragoman::client::Cause::Body);
    let whole = Full::new(Bytes::from("whole")).map_err(|never| match never {});
    let relay = post(whole.boxed_unsync());
    let Answer::Response(response) = client.stream(&relay).await.unwrap() else {
        panic!("a tunnel");
    };
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "/: whole");
    assert_eq!(peer.connections(), 1);
}
