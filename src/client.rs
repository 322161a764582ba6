//! HTTP towards one upstream: a pool of kept connections, and a deadline for everything a peer
//! can leave undone.
//!
//! The mirror of [`crate::server`]: nothing here knows what is sent. An answer comes back whole or
//! not at all, and every [`Failure`] says whether the request may have reached the upstream, because
//! only the caller knows whether it may be sent again. Redirects are answers like any other.
//!
//! A connection of HTTP/1.1 has no task of its own. It is driven by the request that uses it and rests in the
//! pool in between, so a request never waits for another thread, and a caller that leaves (drops
//! the future of [`Client::send`]) closes the connection on the spot.
//!
//! ```text
//! Client ─ Pool (cap, idle connections) ─ dial (TCP, Unix, TLS) ─ Connection (hyper) ─ Socket (counts)
//!       └─ Http2 (the same cap, shared connections) ─ dial ─ Multiplexed and its Driver (h2) ─ Socket
//! ```
//!
//! With HTTP/2 ([`HttpVersion::Http2`]) a connection carries many requests, and is driven by a task of its own.
//!
//! [`Client::stream`] is for bodies that are handed on as they arrive, both ways, and for connections that
//! become tunnels: then whoever reads the answer drives its connection.
//!
//! # Stale connections
//!
//! An upstream may close a kept connection at any moment. Before a request is written the socket is
//! read once, past what the runtime knows of it, so that an end that has arrived is always seen. What
//! failed before the first byte left is sent again on another connection. What remains is an end that
//! crosses the request on its way: then nobody knows, and the failure says [`Sent::Maybe`]. With HTTP/2 the
//! upstream says which requests it did not look at, and those are sent again, too.
//!
//! # Names
//!
//! A name is looked up beside the requests and again while it is used ([`Parameters::resolve`]); its addresses
//! are tried one after the other, and a connection to one that it has no longer is not used again. While it
//! cannot be resolved the addresses that it had are kept.
//!
//! # Answers that end with the connection
//!
//! A body with neither a length nor chunks (as PHP's built-in server and HTTP/1.0 send it) ends where
//! the connection does, and one cut short looks the same (RFC 9112, section 8). It is taken as it is
//! if the connection ended in an orderly way, over TLS with its `close_notify`, and the response carries
//! [`Unbounded`], so that whoever reads the body demands that its own syntax is complete.

mod connection;
mod dial;
mod download;
mod failure;
mod http2;
mod names;
mod parameters;
mod pool;
mod request;
mod response;
mod socket;
mod stream;
mod tls;
mod upload;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use tokio::{task, time};

pub use download::Download;
pub use failure::{Cause, Failure, Part, Sent, Stage};
pub use parameters::{
    Endpoint, HttpVersion, Identity, InvalidParameters, Parameters, TlsParameters,
};
pub use response::Unbounded;
pub use stream::{Answer, Relay, Tunnel};
pub use upload::{BodyError, Payload, Source};

use connection::Connection;
use dial::Dialer;
use http2::Http2;
use pool::Pool;
use upload::Outgoing;

/// The bytes that [`Client::send`] would send of a request, to the `Host` of the parameters.
///
/// Those of HTTP/2 are shown as if they were lines.
pub fn written(request: Request<Bytes>, parameters: &Parameters) -> Vec<u8> {
    request::written(request, &parameters.host, parameters.http_version)
}

/// Sends requests to one upstream. Clones share its connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    parameters: Parameters,
    dialer: Arc<Dialer>,
    pool: Arc<Pool>,
    /// Only where it is spoken.
    http2: Option<Http2>,
}

impl Client {
    /// A client that has not connected yet. Reads the system's trust roots where TLS needs them.
    pub fn new(parameters: Parameters) -> Result<Self, InvalidParameters> {
        parameters.check()?;
        let dialer = Arc::new(Dialer::new(&parameters)?);
        let pool = Arc::new(Pool::new(&parameters));
        let http2 = match parameters.http_version {
            HttpVersion::Http1 => None,
            HttpVersion::Http2 => Some(Http2::new(&parameters, Arc::clone(&dialer))),
        };
        Ok(Self(Arc::new(Inner {
            parameters,
            dialer,
            pool,
            http2,
        })))
    }

    /// Connects, up to the end of the TLS handshake or the beginning of HTTP/2, and keeps the connection
    /// for the next request.
    pub async fn connect(&self) -> Result<(), Failure> {
        let until = time::Instant::now() + self.0.parameters.total;
        if let Some(http2) = &self.0.http2 {
            return Box::pin(http2.connect(until)).await;
        }
        let mut connection = self.0.dialer.dial(until).await?;
        if connection.rest() {
            self.0.pool.put(connection);
        }
        Ok(())
    }

    /// Sends the request and reads the whole answer, by the deadline if it comes before
    /// [`Parameters::total`] is over.
    ///
    /// `Content-Length`, `Accept-Encoding` and, unless the request has one, `Host` are the client's own,
    /// and what concerns a single connection is left out, of the request and of the answer. The answer's headers describe the body
    /// as it arrived; its trailers are dropped.
    pub fn send(
        &self,
        request: Request<Bytes>,
        deadline: Option<Instant>,
    ) -> impl Future<Output = Result<Response<Bytes>, Failure>> + Send + use<'_> {
        let Inner {
            parameters, pool, ..
        } = &*self.0;
        // Large, and for the most part of the time only kept in case it has to be sent again.
        let request = Box::new(request::prepare(request, &parameters.host));
        async move {
            let now = time::Instant::now();
            let until = deadline.map(time::Instant::from_std);
            let until = until
                .unwrap_or(now + parameters.total)
                .min(now + parameters.total);
            if until <= now {
                return Err(Failure::timeout(Stage::Queue, Sent::Nothing));
            }

            // Given back after the connection has gone to rest, so that the next in line finds it there.
            let _place = pool
                .enter(until)
                .await
                .ok_or_else(|| Failure::timeout(Stage::Queue, Sent::Nothing))?;
            if let Some(http2) = &self.0.http2 {
                return Box::pin(http2.send(*request, parameters, until)).await;
            }
            self.let_others_read().await;
            while let Some(connection) = self.rested() {
                match self.exchange(connection, request.clone(), until).await {
                    Err(failure) if failure.is_stale() => {}
                    answered => return answered,
                }
            }
            // Rarely needed, so that it takes no room in every call.
            let connection = Box::pin(self.0.dialer.dial(until)).await?;
            self.exchange(connection, request, until).await
        }
    }

    /// Connections that requests are on, and those that rest.
    pub fn connections(&self) -> (usize, usize) {
        let Inner {
            parameters, pool, ..
        } = &*self.0;
        match &self.0.http2 {
            None => (parameters.connections - pool.free(), pool.resting()),
            Some(http2) => {
                let (busy, idle) = http2.connections();
                (busy, idle + pool.resting())
            }
        }
    }

    /// The addresses that its name has at the moment; none where it is none, or was not looked up.
    pub fn addresses(&self) -> Vec<IpAddr> {
        let addresses = self.0.dialer.resolved();
        let addresses = addresses.as_deref().unwrap_or_default().iter();
        addresses.map(SocketAddr::ip).collect()
    }

    /// Where several requests are under way, those that have arrived together are all read before the first is
    /// sent: an upstream that gets them at once is woken once, and not for each, which costs more than reading one.
    async fn let_others_read(&self) {
        let under_way = self.0.parameters.connections - self.0.pool.free();
        if under_way > 1 {
            task::yield_now().await;
        }
    }

    /// A connection that rested and still leads to the upstream.
    fn rested(&self) -> Option<Box<Connection>> {
        loop {
            let connection = self.0.pool.take()?;
            if self.0.dialer.leads_to(connection.peer()) {
                return Some(connection);
            }
        }
    }

    /// One request and its answer on one connection, which goes back to the pool if it may.
    async fn exchange(
        &self,
        mut connection: Box<Connection>,
        request: Box<Request<Outgoing>>,
        until: time::Instant,
    ) -> Result<Response<Bytes>, Failure> {
        let answered = connection
            .exchange(*request, &self.0.parameters, until)
            .await?;
        if connection.rest() {
            self.0.pool.put(connection);
        }
        Ok(answered)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client")
            .field(&self.0.parameters.endpoint)
            .finish()
    }
}
