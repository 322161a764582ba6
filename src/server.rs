//! Listening, connections and their limits, health, and an end that loses no request.
//!
//! Generic over the service: nothing here knows what is served. Without limits of its own a hyper server
//! keeps a stalled connection for ever, so each connection runs under one timer (`patience`); what a request
//! does between its head and its response is the service's matter, the time its body may take included.
//!
//! ```text
//! Server ─ Endpoint (accept, caps, TLS) ─ connection (timer) ─ head guard ─ hyper ─ Requests ─ the service
//! ```

mod activity;
mod address;
mod connection;
mod drain;
mod endpoint;
mod head_guard;
pub mod health;
mod http2_head;
mod lifecycle;
mod limits;
mod listener;
mod path_lock;
mod patience;
mod proxy_protocol;
mod requests;
mod response_body;
pub mod signals;
mod slots;
mod socket;
mod socket_file;
mod stream;
mod tasks;
mod timed_io;
pub mod tls;
mod transport;
mod tunnel;
mod wire;

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use ipnet::IpNet;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub use address::Address;
pub use drain::{Drain, Outcome, Shutdown, Signal};
pub use limits::{Http2Limits, Limits};
pub use listener::{BindError, Listener};
pub use requests::{OverTls, PeerAddr};
pub(crate) use socket_file::SocketFile;
pub use tunnel::{Duplex, Offer};

use endpoint::Endpoint;
use health::{Health, Readiness, Required};
use tls::Tls;

/// Connections the admin listener holds at a time.
const ADMIN_CONNECTIONS: usize = 64;

/// A server that is bound and not yet serving.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    endpoint: Endpoint,
    admin: Option<Endpoint>,
    required: Required,
    drain: Drain,
    shutdown: Shutdown,
    signals: UnboundedReceiver<Signal>,
}

impl Server {
    /// A server for these addresses.
    pub fn new(listener: Listener, limits: Limits) -> Self {
        let (requests, signals) = unbounded_channel();
        Self {
            listener,
            endpoint: Endpoint::new(limits),
            admin: None,
            required: Required::default(),
            drain: Drain::default(),
            shutdown: Shutdown::new(requests),
            signals,
        }
    }

    /// Takes this long to end.
    #[must_use]
    pub fn with_drain(mut self, drain: Drain) -> Self {
        self.drain = drain;
        self
    }

    /// Takes connections from these networks only, and each of them must begin with a header of the
    /// PROXY protocol, of version 1 or 2, within [`Limits::first_byte`]. What does not is closed.
    #[must_use]
    pub fn with_proxy_protocol(mut self, proxies: Vec<IpNet>) -> Self {
        self.endpoint = self.endpoint.with_proxy_protocol(proxies);
        self
    }

    /// Speaks TLS with this on the addresses that are for it ([`Address::Tls`]). Without it they are closed
    /// to everybody.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.endpoint = self.endpoint.with_tls(tls);
        self
    }

    /// Answers health checks on these addresses, from now on (as `starting`) until [`Server::run`] returns.
    ///
    /// Must be called within a Tokio runtime.
    #[must_use]
    pub fn with_admin(mut self, listener: Listener) -> Self {
        let admin = Endpoint::new(Limits {
            connections: ADMIN_CONNECTIONS,
            ..Limits::default()
        });
        admin.open(listener, &Health::new(self.readiness()));
        self.admin = Some(admin);
        self
    }

    /// Tells whether the server takes new work.
    pub fn readiness(&self) -> Readiness {
        Readiness::new(self.endpoint.terms(), self.required.clone())
    }

    /// Is ready from now on only while this holds, which is asked with every health check.
    pub fn require(&self, holds: impl Fn() -> bool + Send + Sync + 'static) {
        self.required.set(Box::new(holds));
    }

    /// Asks this server to end.
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Serves until it was asked to end and has drained. Every request carries a [`PeerAddr`], and one
    /// that came over TLS [`OverTls`].
    pub async fn run<S, B>(mut self, service: S) -> Outcome
    where
        S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.endpoint.open(self.listener, &service);
        drop(service);
        let outcome = self.drain.run(&self.endpoint, &mut self.signals).await;
        if let Some(admin) = &self.admin {
            admin.cut().await;
        }
        outcome
    }
}

/// A multi-threaded Tokio runtime with this many workers.
pub fn runtime(workers: usize) -> io::Result<Runtime> {
    if workers == 0 {
        let message = "a runtime needs at least one worker";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let started = AtomicUsize::new(0);
    Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name_fn(move || format!("dragoman-{}", started.fetch_add(1, Ordering::Relaxed)))
        .enable_all()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_names_its_threads_and_needs_one() {
        let name = runtime(1).unwrap().block_on(async {
            tokio::spawn(async { std::thread::current().name().map(str::to_owned) }).await
        });
        assert_eq!(name.unwrap().as_deref(), Some("dragoman-0"));
        assert!(runtime(0).is_err());
    }
}
