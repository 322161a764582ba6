//! A listener at work: accepts connections, holds them to the caps, and ends them in stages.

mod introduction;

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
use ipnet::IpNet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::connection::{self, Terms};
use super::lifecycle::{Lifecycle, Stage};
use super::limits::Limits;
use super::listener::Listener;
use super::slots::Slots;
use super::socket::Socket;
use super::stream::Stream;
use super::tasks::Tasks;
use super::tls::Tls;

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
    /// Who must introduce every connection by the PROXY protocol; nobody where it is off.
    proxies: Option<Arc<[IpNet]>>,
    /// What is spoken on the addresses of TLS. Where there is nothing, they are closed at once.
    tls: Option<Tls>,
    refused: Arc<AtomicU64>,
    tasks: Tasks,
}

impl Endpoint {
    pub(super) fn new(limits: Limits) -> Self {
        let tasks = Tasks::default();
        Self {
            slots: Arc::new(Slots::new(&limits)),
            proxies: None,
            tls: None,
            refused: Arc::default(),
            terms: Arc::new(Terms {
                protocol: limits.protocol(tasks.clone()),
                limits,
                lifecycle: Lifecycle::default(),
            }),
            tasks,
        }
    }

    /// Takes connections from these networks only, each with a header of the PROXY protocol.
    pub(super) fn with_proxy_protocol(mut self, proxies: Vec<IpNet>) -> Self {
        self.proxies = Some(proxies.into());
        self
    }

    /// Speaks this on the addresses of TLS.
    pub(super) fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
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
        for (socket, is_tls) in listener.into_sockets() {
            let endpoint = self.clone();
            let service = service.clone();
            self.tasks.spawn(async move {
                endpoint.accept(socket, is_tls, service).await;
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

    async fn accept<S, B>(self, socket: Socket, is_tls: bool, service: S)
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
                    self.admit(stream, peer, is_tls, &service);
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
        for (stream, peer) in socket.close() {
            self.admit(stream, peer, is_tls, &service);
        }
    }

    fn admit<S, B>(&self, stream: Stream, peer: SocketAddr, is_tls: bool, service: &S)
    where
        S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        if let Some(proxies) = &self.proxies
            && !proxies.iter().any(|network| network.contains(&peer.ip()))
        {
            return self.log_refusal("it is from no trusted proxy", peer.ip());
        }
        let slot = match self.slots.take(peer.ip()) {
            Ok(slot) => slot,
            Err(full) => return self.log_refusal(full.text(), peer.ip()),
        };
        if let Err(error) = stream.set_nodelay() {
            debug!(peer = %peer, error = %error, "connection broke after it was accepted");
            return;
        }
        let endpoint = self.clone();
        let service = service.clone();
        self.tasks.spawn(async move {
            let mut slot = slot;
            if let Some(opened) = endpoint.introduce(stream, peer, is_tls, &mut slot).await {
                connection::serve(opened, service, endpoint.terms()).await;
            }
            drop(slot);
        });
    }

    /// Warns of the 1st, 2nd, 4th, 8th … refusal, so that a flood of connections is none of log lines.
    fn log_refusal(&self, reason: &str, source: IpAddr) {
        let refused = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
        if refused.is_power_of_two() {
            warn!(refused, reason, source = %source, "connection refused");
        }
    }
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
