//! A listener at work: accepts connections, holds them to the caps, and ends them in stages.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::connection::{self, Terms};
use super::lifecycle::{Lifecycle, Stage};
use super::limits::Limits;
use super::listener::Listener;
use super::slots::{Full, Slots};
use super::tasks::Tasks;

/// The wait after an error of accept that is the host's, not one connection's: out of file descriptors or
/// memory. The connections stay in the backlog meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

/// How long tasks may take to notice that they were cut.
const CUT: Duration = Duration::from_secs(1);

/// One listener with its connections.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    terms: Arc<Terms>,
    slots: Arc<Slots>,
    refused: Arc<AtomicU64>,
    tasks: Tasks,
}

impl Endpoint {
    pub(super) fn new(limits: Limits) -> Self {
        let tasks = Tasks::default();
        Self {
            slots: Arc::new(Slots::new(&limits)),
            refused: Arc::default(),
            terms: Arc::new(Terms {
                protocol: limits.protocol(tasks.clone()),
                limits,
                lifecycle: Lifecycle::default(),
            }),
            tasks,
        }
    }

    pub(super) fn lifecycle(&self) -> &Lifecycle {
        &self.terms.lifecycle
    }

    /// Terms of the connections, which hold the life cycle.
    pub(super) fn terms(&self) -> Arc<Terms> {
        Arc::clone(&self.terms)
    }

    /// Starts to accept on every address. Returns at once.
    pub(super) fn open<S, B>(&self, listener: Listener, service: &S)
    where
        S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.terms.lifecycle.enter(Stage::Serving);
        for socket in listener.into_sockets() {
            let endpoint = self.clone();
            let service = service.clone();
            self.tasks.spawn(async move {
                endpoint.accept(socket, service).await;
            });
        }
    }

    /// Waits until the last connection is gone, which needs [`Stage::Stopping`].
    pub(super) async fn finished(&self) {
        self.tasks.finished().await;
    }

    /// Connections open now.
    pub(super) fn connections(&self) -> usize {
        self.slots.taken()
    }

    /// Drops what is left.
    pub(super) async fn cut(&self) {
        self.terms.lifecycle.enter(Stage::Cut);
        if timeout(CUT, self.finished()).await.is_err() {
            warn!("connections did not end when they were cut");
        }
    }

    async fn accept<S, B>(self, socket: TcpListener, service: S)
    where
        S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let lifecycle = &self.terms.lifecycle;
        let mut is_exhausted = false;
        loop {
            let accepted = tokio::select! {
                biased;
                () = lifecycle.reached(Stage::Stopping) => break,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    is_exhausted = false;
                    self.admit(stream, peer, &service);
                }
                Err(error) if concerns_one_connection(&error) => {
                    debug!(error = %error, "a connection broke before it was accepted");
                }
                Err(error) => {
                    if !is_exhausted {
                        warn!(error = %error, "cannot accept connections at the moment");
                    }
                    is_exhausted = true;
                    sleep(PAUSE).await;
                }
            }
        }
        // Clients that the kernel has already told they are connected are served too.
        for (stream, peer) in backlog(socket) {
            self.admit(stream, peer, &service);
        }
    }

    fn admit<S, B>(&self, stream: TcpStream, peer: SocketAddr, service: &S)
    where
        S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        // An IPv4 client of a dual-stack socket is known by its IPv4 address.
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let slot = match self.slots.take(peer.ip()) {
            Ok(slot) => slot,
            Err(full) => return self.log_refusal(full, peer.ip()),
        };
        if let Err(error) = stream.set_nodelay(true) {
            debug!(peer = %peer, error = %error, "connection broke after it was accepted");
            return;
        }
        let terms = self.terms();
        let service = service.clone();
        self.tasks.spawn(async move {
            connection::serve(stream, peer, service, terms).await;
            drop(slot);
        });
    }

    /// Warns of the 1st, 2nd, 4th, 8th … refusal, so that a flood of connections is none of log lines.
    fn log_refusal(&self, full: Full, source: IpAddr) {
        let refused = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
        if refused.is_power_of_two() {
            let cap = match full {
                Full::Total => "all connections",
                Full::Source => "connections of one source",
            };
            warn!(refused, cap, source = %source, "connection refused: its cap is reached");
        }
    }
}

/// Takes what waits in the backlog of a socket and closes it.
fn backlog(socket: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let Ok(socket) = socket.into_std() else {
        return Vec::new();
    };
    let mut waiting = Vec::new();
    while let Ok((stream, peer)) = socket.accept() {
        let stream = stream.set_nonblocking(true).map(|()| stream);
        if let Ok(stream) = stream.and_then(TcpStream::from_std) {
            waiting.push((stream, peer));
        }
    }
    waiting
}

/// Errors of accept that belong to the connection it would have returned.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::TimedOut
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exhausted_descriptors_pause_and_a_broken_connection_does_not() {
        for (number, name) in [(23, "ENFILE"), (24, "EMFILE"), (12, "ENOMEM")] {
            let error = io::Error::from_raw_os_error(number);
            assert!(!concerns_one_connection(&error), "{name}");
        }
        for (number, name) in [(103, "ECONNABORTED"), (113, "EHOSTUNREACH")] {
            let error = io::Error::from_raw_os_error(number);
            assert!(concerns_one_connection(&error), "{name}");
        }
    }
}
