//! TLS on a connection: how long the handshake may take, what comes before it, and how it ends.

use std::time::Duration;

use dragoman::server::{Drain, Limits, Outcome, Server, Signal};
use tokio::time::timeout;

use crate::server_harness::{PATIENCE, Running, generous, start, start_tls};
use crate::tls_fixture::{Authority, Caller, Offer};

/// The beginning of a `ClientHello`: a record of 512 bytes of which few come.
const BEGUN: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

const LINE: &str = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";

fn serve(limits: Limits) -> Running {
    serve_as(limits, |server| server)
}

fn serve_as(limits: Limits, set_up: impl FnOnce(Server) -> Server) -> Running {
    let tls = Authority::new().issue(&["one.example"]).alone();
    let drain = Drain {
        lame_duck: Duration::ZERO,
        deadline: PATIENCE,
    };
    start_tls(limits, drain, tls, set_up)
}

async fn call(server: &Running) -> Caller {
    let stream = server.connect().await.0;
    Caller::connect(stream, Offer::default()).await.unwrap()
}

#[tokio::test]
async fn a_handshake_that_is_not_complete_in_time_closes_the_connection() {
    let limit = Duration::from_millis(300);
    let server = serve(Limits {
        tls_handshake: limit,
        ..generous()
    });
    for begun in [b"".as_slice(), BEGUN] {
        let mut client = server.connect().await;
        client.send(begun).await;
        let took = client.closed_after().await;
        assert!(took + Duration::from_millis(20) >= limit, "{took:?}");
        assert!(took < 8 * limit, "{took:?}");
    }
}

#[tokio::test]
async fn after_the_handshake_the_limits_of_http_hold() {
    let limit = Duration::from_millis(300);
    let server = serve(Limits {
        first_byte: limit,
        head: limit,
        ..generous()
    });
    for begun in ["", "GET / HTTP/1.1\r\nHo"] {
        let mut caller = call(&server).await;
        caller.send(begun).await;
        let mut rest = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut caller.0, &mut rest);
        // It is dropped: the end is not said.
        assert!(timeout(PATIENCE, read).await.unwrap().is_err());
        assert_eq!(rest, b"");
    }
}

#[tokio::test]
async fn a_caller_that_takes_no_answer_is_reset() {
    let server = serve(Limits {
        stalled_write: Duration::from_millis(300),
        ..generous()
    });
    let mut caller = call(&server).await;
    caller
        .send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    let dropped = server.endless_dropped.notified();
    timeout(PATIENCE, dropped).await.expect("it is given up");
}

#[tokio::test]
async fn who_speaks_http_to_it_gets_no_http() {
    let server = serve(generous());
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let said = client.rest().await;
    // A fatal alert and nothing else.
    assert!(said.starts_with(b"\x15\x03"), "{said:?}");
    assert!(said.len() < 8, "{said:?}");
}

#[tokio::test]
async fn an_address_for_tls_without_certificates_is_closed_to_everybody() {
    let listener = dragoman::server::Listener::bind(&[dragoman::server::Address::Tls(
        ([127, 0, 0, 1], 0).into(),
    )])
    .unwrap();
    let address = crate::server_harness::bound(&listener)[0];
    let server = Server::new(listener, generous());
    tokio::spawn(server.run(tower::service_fn(async |_| {
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    })));
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    assert!(Caller::connect(stream, Offer::default()).await.is_err());
}

#[tokio::test]
async fn a_request_tells_whether_it_came_over_tls() {
    let server = serve(generous());
    let mut caller = call(&server).await;
    for _ in 0..2 {
        assert!(caller.get("/scheme").await.ends_with("https"));
    }
    let plain = start(generous());
    assert!(
        plain
            .connect()
            .await
            .get("/scheme")
            .await
            .ends_with("\r\nhttp")
    );
}

#[tokio::test]
async fn the_header_of_the_proxy_protocol_comes_before_the_handshake() {
    let server = serve_as(generous(), |server| {
        server.with_proxy_protocol(vec!["127.0.0.0/8".parse().unwrap()])
    });
    let mut stream = server.connect().await;
    stream.send(LINE).await;
    let mut caller = Caller::connect(stream.0, Offer::default()).await.unwrap();
    assert!(caller.get("/peer").await.ends_with("192.0.2.7:56324"));

    // The header and the beginning of a handshake in one packet: neither is lost.
    let mut garbled = server.connect().await;
    garbled
        .send([LINE.as_bytes(), b"GET / HTTP/1.1\r\n\r\n"].concat())
        .await;
    let said = garbled.rest().await;
    assert!(said.starts_with(b"\x15\x03"), "{said:?}");
}

#[tokio::test]
async fn a_drain_answers_what_is_in_flight_and_says_good_bye_to_who_is_idle() {
    let server = serve(generous());
    let mut idle = call(&server).await;
    idle.get("/").await;
    let mut busy = call(&server).await;
    busy.send("GET /slow/300 HTTP/1.1\r\nHost: x\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.shutdown.request(Signal::Interrupt);
    assert_eq!(idle.rest().await, b"");
    let answer = busy.response().await;
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(answer.ends_with("slow"), "{answer}");
    assert_eq!(busy.rest().await, b"");
    assert_eq!(server.ended().await, Outcome::Clean);
}

#[tokio::test]
async fn a_handshake_that_nobody_ends_does_not_hold_up_the_end() {
    let server = serve(generous());
    let mut silent = server.connect().await;
    silent.send(BEGUN).await;
    server.shutdown.request(Signal::Interrupt);
    let closed = silent.closed_after().await;
    assert!(closed < Duration::from_secs(2), "{closed:?}");
    assert_eq!(server.ended().await, Outcome::Clean);
}
