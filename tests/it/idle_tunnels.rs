//! A thousand web sockets that say nothing.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::pass_fixture::Passing;

const TUNNELS: usize = 1000;

/// What each may take of the gateway's memory.
const MOST_KIB: u64 = 64;

/// A site that takes up every web socket, and answers with what it gets.
async fn site() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                head(&mut stream).await;
                let taken = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
                stream.write_all(taken).await.unwrap();
                let (mut read, mut write) = stream.split();
                drop(tokio::io::copy(&mut read, &mut write).await);
            });
        }
    });
    address
}

async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Opens a web socket and has one message sent back.
async fn open(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let asked = b"GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(asked).await.unwrap();
    let answer = head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    say(&mut stream).await;
    stream
}

async fn say(stream: &mut TcpStream) {
    let message = [b'm'; 1000];
    stream.write_all(&message).await.unwrap();
    let mut back = [0; 1000];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(back, message);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_web_sockets_take_64_kib_each_at_most_and_are_awake() {
    let passing = Passing::start(site().await, "");
    let address = passing.address();
    // What is there once, whatever the number.
    let mut open_ones = Vec::new();
    for _ in 0..20 {
        open_ones.push(open(address).await);
    }
    let before = passing.served.resident_kib();
    for _ in 0..TUNNELS {
        open_ones.push(open(address).await);
    }
    let grown = passing.served.resident_kib().saturating_sub(before);
    let tunnels = u64::try_from(TUNNELS).unwrap();
    println!(
        "{tunnels} idle web sockets: {grown} KiB, {} each",
        grown / tunnels
    );
    assert!(grown <= MOST_KIB * tunnels, "{grown} KiB");
    for stream in &mut open_ones {
        say(stream).await;
    }
}
