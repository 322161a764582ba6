//! A server over a small service on port 0, and a client that is nothing but a socket.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use dragoman::server::tls::Tls;
use dragoman::server::{
    Address, Drain, Limits, Listener, Outcome, OverTls, PeerAddr, Server, Shutdown,
};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// Longer than any limit a test sets, shorter than those it leaves alone.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);

static ZEROS: [u8; 65_536] = [0; 65_536];

/// A limit a test leaves alone.
const NEVER: Duration = Duration::from_secs(600);

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) shutdown: Shutdown,
    /// Told whenever the body of `/endless` is dropped.
    pub(crate) endless_dropped: Arc<Notify>,
    task: JoinHandle<Outcome>,
}

impl Running {
    pub(crate) async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    pub(crate) async fn connect_admin(&self) -> Client {
        Client(TcpStream::connect(self.admin).await.unwrap())
    }

    pub(crate) async fn ended(self) -> Outcome {
        timeout(PATIENCE, self.task).await.unwrap().unwrap()
    }
}

/// Limits that no test reaches unless it sets them.
pub(crate) fn generous() -> Limits {
    Limits {
        first_byte: NEVER,
        head: NEVER,
        idle: NEVER,
        stalled_write: NEVER,
        linger: Duration::from_millis(300),
        ..Limits::default()
    }
}

pub(crate) fn start(limits: Limits) -> Running {
    start_with(
        limits,
        Drain {
            lame_duck: Duration::ZERO,
            deadline: PATIENCE,
        },
    )
}

pub(crate) fn start_with(limits: Limits, drain: Drain) -> Running {
    start_server(limits, drain, |server| server)
}

/// A server that takes connections from these networks only, and the PROXY protocol on them.
pub(crate) fn start_behind(proxies: &str, limits: Limits) -> Running {
    let drain = Drain {
        lame_duck: Duration::ZERO,
        deadline: PATIENCE,
    };
    let proxies = vec![proxies.parse().unwrap()];
    start_server(limits, drain, |server| server.with_proxy_protocol(proxies))
}

/// A server that speaks TLS, on the address of a port of its own.
pub(crate) fn start_tls(
    limits: Limits,
    drain: Drain,
    tls: Tls,
    set_up: impl FnOnce(Server) -> Server,
) -> Running {
    let address = Address::Tls(own_address());
    start_on(&address, limits, drain, |server| {
        set_up(server.with_tls(tls))
    })
}

fn start_server(limits: Limits, drain: Drain, set_up: impl FnOnce(Server) -> Server) -> Running {
    start_on(&Address::from(own_address()), limits, drain, set_up)
}

fn start_on(
    free: &Address,
    limits: Limits,
    drain: Drain,
    set_up: impl FnOnce(Server) -> Server,
) -> Running {
    let listener = Listener::bind(slice::from_ref(free)).unwrap();
    let address = bound(&listener)[0];
    let admin_address = SocketAddr::new(address.ip(), 0);
    let admin_listener = Listener::bind(&[admin_address.into()]).unwrap();
    let admin = bound(&admin_listener)[0];
    let server = set_up(Server::new(listener, limits))
        .with_drain(drain)
        .with_admin(admin_listener);
    let shutdown = server.shutdown();
    let endless_dropped = Arc::new(Notify::new());
    let dropped = Arc::clone(&endless_dropped);
    let service = tower::service_fn(move |request| {
        let dropped = Arc::clone(&dropped);
        async move { Ok::<_, Infallible>(respond(request, dropped).await) }
    });
    Running {
        address,
        admin,
        shutdown,
        endless_dropped,
        task: tokio::spawn(server.run(service)),
    }
}

/// The addresses of TCP that a listener has, with the ports it was given.
pub(crate) fn bound(listener: &Listener) -> Vec<SocketAddr> {
    let addresses = listener.addresses();
    addresses.filter_map(Address::tcp).collect()
}

/// Any port of a loopback address that no other test has, so that none takes a port this one gave back.
fn own_address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let host = NEXT.fetch_add(1, Ordering::Relaxed);
    assert!(host < u8::MAX, "more servers than addresses");
    SocketAddr::from(([127, 0, 77, host], 0))
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

async fn respond(request: Request<Incoming>, dropped: Arc<Notify>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    if let Some(milliseconds) = path.strip_prefix("/slow/") {
        sleep(Duration::from_millis(milliseconds.parse().unwrap())).await;
        return text("slow");
    }
    match path.as_str() {
        "/peer" => {
            let PeerAddr(peer) = request.extensions().get().unwrap();
            text(peer.to_string())
        }
        "/scheme" => {
            let over_tls = request.extensions().get::<OverTls>();
            text(if over_tls.is_some() { "https" } else { "http" })
        }
        "/echo" => {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            Response::new(Full::from(body).boxed_unsync())
        }
        "/refuse" => {
            let mut response = text("too large");
            *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            response
        }
        "/endless" => Response::new(Endless { dropped }.boxed_unsync()),
        _ => text("hello"),
    }
}

fn text(text: impl Into<Bytes>) -> Response<Body> {
    Response::new(Full::new(text.into()).boxed_unsync())
}

struct Endless {
    dropped: Arc<Notify>,
}

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&ZEROS)))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.dropped.notify_one();
    }
}

pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    pub(crate) async fn get(&mut self, path: &str) -> String {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
            .await;
        self.response().await
    }

    /// One response with a Content-Length, head and body.
    pub(crate) async fn response(&mut self) -> String {
        let mut response = String::new();
        while !response.ends_with("\r\n\r\n") {
            response.push(char::from(self.byte().await));
        }
        let length = response
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        for _ in 0..length {
            response.push(char::from(self.byte().await));
        }
        response
    }

    async fn byte(&mut self) -> u8 {
        timeout(PATIENCE, self.0.read_u8()).await.unwrap().unwrap()
    }

    /// What arrives until the connection is closed, by a FIN or a reset.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let closed = timeout(PATIENCE, self.0.read_to_end(&mut rest));
        let _ = closed.await.expect("the connection is closed in time");
        rest
    }

    /// How long it takes until the connection is closed.
    pub(crate) async fn closed_after(&mut self) -> Duration {
        let started = Instant::now();
        self.rest().await;
        started.elapsed()
    }

    /// Asserts that the connection is open and silent for this long.
    pub(crate) async fn stays_open_for(&mut self, time: Duration) {
        let read = timeout(time, self.0.read_u8()).await;
        assert!(read.is_err(), "unexpected {read:?}");
    }
}
