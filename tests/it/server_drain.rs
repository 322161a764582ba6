//! The end of a server: lame duck, stop, cut.

use std::time::Duration;

use dragoman::server::{Drain, Outcome, Signal};
use http::Request;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::server_harness::{PATIENCE, Running, generous, start, start_with};

const NEVER: Duration = Duration::from_secs(600);

fn start_draining(lame_duck: Duration, deadline: Duration) -> Running {
    let drain = Drain {
        lame_duck,
        deadline,
    };
    start_with(generous(), drain)
}

async fn stopped_accepting(server: &Running) {
    let started = Instant::now();
    while TcpStream::connect(server.address).await.is_ok() {
        assert!(started.elapsed() < PATIENCE, "still accepting");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_lame_duck_answers_everybody_and_asks_them_to_leave() {
    let server = start_draining(Duration::from_millis(1500), PATIENCE);
    let mut kept = server.connect().await;
    assert!(!kept.get("/").await.contains("connection: close"));
    server.shutdown.request(Signal::Terminate);

    kept.stays_open_for(Duration::from_millis(200)).await;
    let mut health = server.connect_admin().await;
    let unready = health.get("/health/ready").await;
    assert!(unready.starts_with("HTTP/1.1 503"), "{unready}");
    assert!(unready.ends_with("draining"), "{unready}");

    let answer = kept.get("/").await;
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(answer.ends_with("hello"), "{answer}");
    assert!(kept.rest().await.is_empty());

    let mut new = server.connect().await;
    let answer = new.get("/").await;
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(server.ended().await, Outcome::Clean);
}

#[tokio::test]
async fn a_lame_duck_says_goodbye_to_http_2_and_finishes_its_streams() {
    let server = start_draining(Duration::from_millis(500), PATIENCE);
    let client = server.connect().await;
    let (requests, connection) = h2::client::handshake(client.0).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut requests = requests.ready().await.unwrap();
    let request = Request::get("http://x/slow/1000").body(()).unwrap();
    let (response, _) = requests.send_request(request, true).unwrap();
    sleep(Duration::from_millis(100)).await;
    server.shutdown.request(Signal::Terminate);
    sleep(Duration::from_millis(200)).await;
    assert!(requests.ready().await.is_err(), "no GOAWAY has come");
    assert_eq!(response.await.unwrap().status(), 200);
    assert_eq!(server.ended().await, Outcome::Clean);
    connection.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_interrupt_skips_the_lame_duck_and_closes_what_is_idle() {
    let server = start_draining(NEVER, NEVER);
    let mut idle = server.connect().await;
    idle.get("/").await;
    let mut silent = server.connect().await;
    server.shutdown.request(Signal::Interrupt);
    assert!(idle.rest().await.is_empty());
    assert!(silent.rest().await.is_empty());
    assert_eq!(server.ended().await, Outcome::Clean);
}

#[tokio::test]
async fn a_request_in_flight_is_finished_after_accepting_has_stopped() {
    let server = start(generous());
    let mut client = server.connect().await;
    client
        .send("GET /slow/800 HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    sleep(Duration::from_millis(100)).await;
    server.shutdown.request(Signal::Terminate);
    stopped_accepting(&server).await;
    let answer = client.response().await;
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(answer.ends_with("slow"), "{answer}");
    assert_eq!(server.ended().await, Outcome::Clean);
}

#[tokio::test]
async fn a_head_that_has_begun_may_be_finished_after_accepting_has_stopped() {
    let server = start(generous());
    let mut client = server.connect().await;
    client.get("/").await;
    client.send("GET / HTTP/1.1\r\nHo").await;
    sleep(Duration::from_millis(100)).await;
    server.shutdown.request(Signal::Terminate);
    stopped_accepting(&server).await;
    client.send("st: x\r\n\r\n").await;
    let answer = client.response().await;
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(server.ended().await, Outcome::Clean);
}

#[tokio::test]
async fn a_client_connected_by_the_kernel_is_served_although_accepting_stops() {
    let server = start(generous());
    // One thread: nothing is accepted between connecting and the signal.
    let mut clients = Vec::new();
    for _ in 0..20 {
        let stream = std::net::TcpStream::connect(server.address).unwrap();
        std::io::Write::write_all(&mut &stream, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        stream.set_nonblocking(true).unwrap();
        clients.push(crate::server_harness::Client(
            TcpStream::from_std(stream).unwrap(),
        ));
    }
    server.shutdown.request(Signal::Interrupt);
    for client in &mut clients {
        assert!(client.response().await.ends_with("hello"));
    }
    assert_eq!(server.ended().await, Outcome::Clean);
}

#[tokio::test]
async fn the_deadline_cuts_and_says_so() {
    let server = start_draining(Duration::ZERO, Duration::from_millis(300));
    let mut client = server.connect().await;
    client
        .send("GET /slow/600000 HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    sleep(Duration::from_millis(100)).await;
    server.shutdown.request(Signal::Terminate);
    assert!(client.rest().await.is_empty());
    let outcome = server.ended().await;
    assert_eq!(outcome, Outcome::Cut { connections: 1 });
    assert_eq!(outcome.exit_code(), 1);
}

#[tokio::test]
async fn a_second_signal_ends_at_once_in_every_stage() {
    for (lame_duck, second, code) in [
        (NEVER, Signal::Terminate, 143),
        (Duration::ZERO, Signal::Interrupt, 130),
    ] {
        let server = start_draining(lame_duck, NEVER);
        let mut client = server.connect().await;
        client
            .send("GET /slow/600000 HTTP/1.1\r\nHost: x\r\n\r\n")
            .await;
        sleep(Duration::from_millis(100)).await;
        server.shutdown.request(Signal::Terminate);
        client.stays_open_for(Duration::from_millis(200)).await;
        server.shutdown.request(second);
        assert!(client.rest().await.is_empty());
        let outcome = server.ended().await;
        assert_eq!(outcome, Outcome::Forced(second));
        assert_eq!(outcome.exit_code(), code);
    }
}
