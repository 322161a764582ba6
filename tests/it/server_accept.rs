//! Addresses, caps, and what a host without file descriptors does to accepting.

use std::fs::File;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use dragoman::server::{Limits, Listener, Server, Signal};
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep};

use crate::server_harness::{Client, PATIENCE, Running, bound, generous, start};

/// Whether a new connection is served.
async fn is_served(server: &Running) -> bool {
    let mut client = server.connect().await;
    // A refused connection may be gone before the request is sent.
    let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let _ = tokio::io::AsyncWriteExt::write_all(&mut client.0, request).await;
    client.rest().await.ends_with(b"hello")
}

async fn is_served_soon(server: &Running) -> bool {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if is_served(server).await {
            return true;
        }
        sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test]
async fn a_connection_above_the_total_is_closed_at_once_and_a_freed_slot_is_taken() {
    let server = start(Limits {
        connections: 2,
        ..generous()
    });
    let mut first = server.connect().await;
    first.get("/").await;
    let mut second = server.connect().await;
    second.get("/").await;
    assert!(!is_served(&server).await);
    assert!(second.get("/").await.ends_with("hello"));
    drop(first);
    assert!(is_served_soon(&server).await);
}

#[tokio::test]
async fn a_source_above_its_cap_is_closed_at_once() {
    let limits = Limits {
        connections_per_source: 1,
        ..generous()
    };
    let server = start(Limits {
        count_loopback: true,
        ..limits.clone()
    });
    let mut first = server.connect().await;
    first.get("/").await;
    assert!(!is_served(&server).await);
    drop(first);
    assert!(is_served_soon(&server).await);

    let uncounted = start(limits);
    let mut first = uncounted.connect().await;
    first.get("/").await;
    assert!(is_served(&uncounted).await);
}

#[tokio::test]
async fn every_address_is_served() {
    let any = || SocketAddr::from(([127, 0, 0, 1], 0)).into();
    let listener = Listener::bind(&[any(), any()]).unwrap();
    let addresses = bound(&listener);
    assert_ne!(addresses[0], addresses[1]);
    let server = Server::new(listener, generous());
    let shutdown = server.shutdown();
    let running = tokio::spawn(server.run(tower::service_fn(hello)));
    for address in addresses {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        assert!(Client(stream).get("/").await.ends_with("hello"));
    }
    shutdown.request(Signal::Interrupt);
    running.await.unwrap();
}

async fn hello(_: Request<Incoming>) -> Result<Response<String>, std::convert::Infallible> {
    Ok(Response::new("hello".to_owned()))
}

/// Runs in a process of its own, with few descriptors, so that it takes them from no other test.
#[test]
fn accepting_goes_on_after_the_process_was_out_of_descriptors() {
    if std::env::var_os("DRAGOMAN_TEST_FEW_DESCRIPTORS").is_some() {
        return exhaust_descriptors();
    }
    let name = "server_accept::accepting_goes_on_after_the_process_was_out_of_descriptors";
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 64 && exec \"$0\" --exact \"$1\""])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env("DRAGOMAN_TEST_FEW_DESCRIPTORS", "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}

#[tokio::main(flavor = "current_thread")]
async fn exhaust_descriptors() {
    let server = start(generous());
    let socket = TcpSocket::new_v4().unwrap();
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
        assert!(files.len() < 64, "the limit is not in force");
    }
    let mut client = Client(socket.connect(server.address).await.unwrap());
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    client.stays_open_for(Duration::from_millis(300)).await;
    drop(files);
    assert!(client.response().await.ends_with("hello"));
}
