//! Callers who vanish: in the middle of a head, of a body, of an answer, before one, with and without a word.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::client::SendRequest;
use http::Request;
use rand::RngExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::storm_gateway::{KEY, PATIENCE, STUCK};

/// Where requests go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To a write of the gateway's own store.
    Own,
    /// To a write of the upstream's.
    Front,
    /// To the site.
    Site,
}

/// What a caller knows of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It never sent all of it.
    Unsent,
    /// It sent all of it, and left before the end of the answer, or was told that nobody knows.
    Nothing,
    /// It was told that it is done.
    Done,
}

/// What became of one request: where it went, the name of the user to be made, and what the caller heard.
pub(crate) type Fate = (Way, String, Heard);

/// Sends requests until none is left, and vanishes from most.
pub(crate) async fn call_and_leave(address: SocketAddr, left: Arc<AtomicUsize>) -> Vec<Fate> {
    let mut fates = Vec::new();
    let mut streams = None;
    while let Ok(number) = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
        left.checked_sub(1)
    }) {
        let way = [Way::Own, Way::Front, Way::Site][number % 3];
        // One in a hundred is never answered, but for those that the gateway answers itself.
        let name = if way != Way::Own && rand::rng().random_ratio(1, 100) {
            format!("{STUCK}{number}")
        } else {
            format!("storm{number}")
        };
        let heard = if rand::rng().random_ratio(1, 4) {
            over_http_2(address, &mut streams, way, &name).await
        } else {
            over_http_1(address, way, &name).await
        };
        fates.push((way, name, heard));
    }
    fates
}

/// Path and body.
fn request(way: Way, name: &str) -> (String, String) {
    let call =
        format!(r#"{{"id":1,"method":"addUser","params":["{KEY}",1,{{"username":"{name}"}}]}}"#);
    match way {
        Way::Own => ("/own".to_owned(), call),
        Way::Front => ("/front".to_owned(), call),
        Way::Site => (format!("/{name}"), call.repeat(20)),
    }
}

/// Bytes of a whole request.
pub(crate) fn bytes(way: Way, name: &str) -> Vec<u8> {
    let (path, body) = request(way, name);
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Whether that is the whole answer to a call, and a good one.
pub(crate) fn is_done(answer: &[u8]) -> bool {
    answer.ends_with(b"\"error\":null}")
}

async fn over_http_1(address: SocketAddr, way: Way, name: &str) -> Heard {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = bytes(way, name);
    let cut = rand::rng()
        .random_range(0..request.len() * 3)
        .min(request.len());
    // A gateway that refused it early may have closed.
    let is_sent = stream.write_all(&request[..cut]).await.is_ok() && cut == request.len();
    let mut answer = Vec::new();
    let reading = async {
        let mut space = vec![0; 16 << 10];
        while let Ok(length @ 1..) = stream.read(&mut space).await {
            answer.extend_from_slice(&space[..length]);
            if is_done(&answer) {
                return;
            }
        }
    };
    drop(timeout(moment(), reading).await);
    // Half of them leave with a reset.
    if rand::rng().random() {
        stream.set_zero_linger().unwrap();
    }
    match (is_sent, is_done(&answer)) {
        (false, _) => Heard::Unsent,
        (true, false) => Heard::Nothing,
        (true, true) => Heard::Done,
    }
}

/// How long a caller stays: some until the end.
fn moment() -> Duration {
    let mut rng = rand::rng();
    match rng.random_range(0..8) {
        0 => Duration::ZERO,
        1 => Duration::from_secs(1),
        _ => Duration::from_micros(rng.random_range(0..30_000)),
    }
}

/// Over the connection of the requests before it, if that goes on.
async fn over_http_2(
    address: SocketAddr,
    streams: &mut Option<Streams>,
    way: Way,
    name: &str,
) -> Heard {
    let connected = match streams.take() {
        Some(connected) => connected,
        None => Streams::connect(address).await,
    };
    let ready = connected.requests.clone().ready();
    let Ok(Ok(mut ready)) = timeout(PATIENCE, ready).await else {
        return Heard::Unsent;
    };
    let (path, body) = request(way, name);
    let head = Request::post(format!("http://x{path}")).header("content-length", body.len());
    let Ok((response, mut sender)) = ready.send_request(head.body(()).unwrap(), false) else {
        return Heard::Unsent;
    };
    let cut = rand::rng().random_range(0..body.len() * 3).min(body.len());
    let is_sent = cut == body.len();
    let sent = sender.send_data(Bytes::copy_from_slice(&body.as_bytes()[..cut]), is_sent);
    let mut answer = Vec::new();
    let reading = async {
        let Ok(response) = response.await else {
            return;
        };
        let mut body = response.into_body();
        while let Some(Ok(piece)) = body.data().await {
            answer.extend_from_slice(&piece);
            // Not all give the window back, and then leave.
            if way != Way::Site || piece.len() % 2 == 0 {
                drop(body.flow_control().release_capacity(piece.len()));
            }
        }
    };
    drop(timeout(moment(), reading).await);
    sender.send_reset(Reason::CANCEL);
    // One in three takes the whole connection along.
    if rand::rng().random_ratio(2, 3) {
        *streams = Some(connected);
    }
    match (is_sent && sent.is_ok(), is_done(&answer)) {
        (false, _) => Heard::Unsent,
        (true, false) => Heard::Nothing,
        (true, true) => Heard::Done,
    }
}

/// A connection of HTTP/2, which ends without a word when dropped.
struct Streams {
    requests: SendRequest<Bytes>,
    task: JoinHandle<()>,
}

impl Streams {
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (requests, connection) = h2::client::handshake(stream).await.unwrap();
        let task = tokio::spawn(async move { drop(connection.await) });
        Self { requests, task }
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How long a good answer takes, on a connection of its own.
pub(crate) async fn answered_after(address: SocketAddr, way: Way, name: &str) -> Duration {
    let begin = tokio::time::Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&bytes(way, name)).await.unwrap();
    let mut answer = Vec::new();
    while !(is_done(&answer) || way == Way::Site && answer.ends_with(b"xxx")) {
        let read = timeout(PATIENCE, stream.read_buf(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert!(read > 0, "{way:?}: {}", String::from_utf8_lossy(&answer));
    }
    begin.elapsed()
}
