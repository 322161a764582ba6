//! A listener at work: accepts connections, holds them to the caps, and ends them in stages.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use ipnet::IpNet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::connection::{self, Opened, Terms};
use super::lifecycle::{Lifecycle, Stage};
use super::limits::Limits;
use super::listener::Listener;
use super::patience::LAST_CALL;
use super::proxy_protocol;
use super::slots::{Slot, Slots};
use super::socket::Socket;
use super::stream::Stream;
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
    /// Who must introduce every connection by the PROXY protocol; nobody where it is off.
    proxies: Option<Arc<[IpNet]>>,
    refused: Arc<AtomicU64>,
    tasks: Tasks,
}

impl Endpoint {
    pub(super) fn new(limits: Limits) -> Self {
        let tasks = Tasks::default();
        Self {
            slots: Arc::new(Slots::new(&limits)),
            proxies: None,
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

    async fn accept<S, B>(self, socket: Socket, service: S)
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
        for (stream, peer) in socket.close() {
            self.admit(stream, peer, &service);
        }
    }

    fn admit<S, B>(&self, stream: Stream, peer: SocketAddr, service: &S)
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
            if let Some(opened) = endpoint.introduce(stream, peer, &mut slot).await {
                connection::serve(opened, service, endpoint.terms()).await;
            }
            drop(slot);
        });
    }

    /// Finds out who a connection is from: its peer, or whom the proxy that opened it names. A proxy
    /// that names nobody speaks for itself.
    async fn introduce(
        &self,
        mut stream: Stream,
        peer: SocketAddr,
        slot: &mut Slot,
    ) -> Option<Opened> {
        if self.proxies.is_none() {
            return Some(Opened {
                stream,
                ahead: BytesMut::new(),
                peer,
            });
        }
        let read = tokio::select! {
            read = proxy_protocol::read(&mut stream) => read,
            () = self.out_of_patience() => {
                debug!(peer = %peer, "connection closed: no PROXY protocol header in time");
                return None;
            }
        };
        let (source, ahead) = match read {
            Ok(read) => read,
            Err(fault) => {
                debug!(peer = %peer, error = %fault, "connection closed");
                return None;
            }
        };
        let peer = source.unwrap_or(peer);
        if let Err(full) = slot.assign(peer.ip()) {
            self.log_refusal(full.text(), peer.ip());
            return None;
        }
        Some(Opened {
            stream,
            ahead,
            peer,
        })
    }

    /// Ends when a connection should have said who it is from.
    async fn out_of_patience(&self) {
        let leaving = async {
            self.lifecycle().reached(Stage::Stopping).await;
            tokio::select! {
                () = self.lifecycle().reached(Stage::Cut) => {}
                () = sleep(LAST_CALL) => {}
            }
        };
        tokio::select! {
            () = sleep(self.terms.limits.first_byte) => {}
            () = leaving => {}
        }
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
