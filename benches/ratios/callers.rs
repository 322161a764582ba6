//! Callers that cost as little as callers can: a socket each, and requests that are written out.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::process::Server;

/// How many there are.
pub(crate) const CALLERS: u32 = 64;

/// A request as it is sent, and how the answer ends if it was carried out.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) bytes: Vec<u8>,
    pub(crate) done: &'static [u8],
}

/// A connection that is kept open.
pub(crate) struct Caller {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Caller {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket option");
        Self {
            stream,
            answer: Vec::with_capacity(4096),
        }
    }

    /// Sends a request; its answer, head and all.
    ///
    /// # Panics
    ///
    /// If the answer is not a 200 that ends as it should.
    pub(crate) async fn call(&mut self, request: &Request) -> &[u8] {
        let sent = self.stream.write_all(&request.bytes).await;
        sent.expect("the request is taken");
        self.answer.clear();
        while length(&self.answer).is_none_or(|length| self.answer.len() < length) {
            let read = self.stream.read_buf(&mut self.answer).await;
            assert!(read.is_ok_and(|read| read > 0), "no answer");
        }
        let answer = &self.answer;
        assert!(
            answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(request.done),
            "{}",
            String::from_utf8_lossy(answer)
        );
        answer
    }
}

/// How long an answer is, once its head is there.
fn length(answer: &[u8]) -> Option<usize> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, _) = answer.split_at(end);
    let body = head.split(|byte| *byte == b'\n').find_map(|line| {
        let line = str::from_utf8(line).ok()?;
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    });
    Some(end + 4 + body.expect("the answer has a length"))
}

/// What all callers did.
pub(crate) struct Calls {
    pub(crate) number: u32,
    pub(crate) took: Duration,
}

/// Has every caller send one request after the other, each told its caller and its number, for a
/// time.
pub(crate) async fn call_for(
    time: Duration,
    address: SocketAddr,
    request: impl Fn(u32, u32) -> Request,
) -> Calls {
    let callers = join_all((0..CALLERS).map(|_| Caller::connect(address))).await;
    let began = Instant::now();
    let request = &request;
    let calls = (0..).zip(callers).map(|(place, mut caller)| async move {
        let mut number = 0;
        while began.elapsed() < time {
            caller.call(&request(place, number)).await;
            number += 1;
        }
        number
    });
    let numbers = join_all(calls).await;
    Calls {
        number: numbers.into_iter().sum(),
        took: began.elapsed(),
    }
}

/// How many microseconds a call keeps the server on a processor.
pub(crate) async fn cost(
    server: &Server,
    time: Duration,
    request: impl Fn(u32, u32) -> Request,
) -> f64 {
    let before = server.ran();
    let calls = call_for(time, server.address, request).await;
    let ran = server.ran().saturating_sub(before);
    ran.as_secs_f64() * 1e6 / f64::from(calls.number)
}
