//! HTTP/2 towards the upstream (RFC 9113): many requests on one connection.
//!
//! # Connections
//!
//! Unlike one of HTTP/1.1 a connection has a task of its own, since no request may wait for another one's
//! caller to read on. It takes at most [`connection::STREAMS`] requests at a time, or as many as the upstream's
//! SETTINGS allow if that is less; a further one is dialled when all are full, and whoever comes meanwhile waits
//! for the same dial. It is usable once the upstream's SETTINGS have come: so it is known what it allows, and who
//! does not speak HTTP/2 was sent no request.
//!
//! It ends as one of HTTP/1.1 does: after its time at rest or its lifetime, and when its name leads elsewhere; by
//! then requests that are on it finish. After a GOAWAY it takes none either. One from which nothing was read
//! for 20 seconds, though requests are on it, is sent a PING, and is dead if nothing was read in 10 more.
//!
//! # What was sent
//!
//! A stream that was refused (`REFUSED_STREAM`), or is beyond the last one that a GOAWAY names, was not looked at
//! (section 8.7): that request is sent again here, as is one of which no byte left. Of a request whose body is
//! handed on that holds as long as no more than one piece of it was taken.
//!
//! A caller that leaves resets its stream and nothing else.

pub(super) mod connection;
mod pool;
mod sending;
mod stream;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::uri::Scheme;
use http::{Request, Response};
use tokio::time::{Instant, sleep};

use super::dial::Dialer;
use super::failure::Failure;
use super::parameters::{Endpoint, Parameters};
use super::request;
use super::response;
use super::upload::Outgoing;
use pool::Pool;
use stream::Stream;

pub(super) use stream::Arriving;

/// How often a request is sent to who refuses it.
const REFUSALS: Patience = Patience { most: 16, soon: 2 };

/// The same where the connection ends. More often: each brings others further, and a server that ends connections
/// after few requests may take all of those of others, many times in a row.
const ENDS: Patience = Patience { most: 64, soon: 32 };

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_millis(64);

/// What sends requests by HTTP/2.
pub(super) struct Http2 {
    pool: Arc<Pool>,
    scheme: Scheme,
}

impl Http2 {
    pub(super) fn new(parameters: &Parameters, dialer: Arc<Dialer>) -> Self {
        let scheme = match parameters.endpoint {
            Endpoint::Https { .. } => Scheme::HTTPS,
            Endpoint::Http { .. } | Endpoint::Unix { .. } => Scheme::HTTP,
        };
        let pool = Arc::new(Pool::new(parameters, dialer));
        Self { pool, scheme }
    }

    /// Connects, unless there is a connection.
    pub(super) async fn connect(&self, until: Instant) -> Result<(), Failure> {
        self.pool.lease(until).await.map(drop)
    }

    /// Sends the request and reads the whole answer.
    pub(super) async fn send(
        &self,
        request: Request<Outgoing>,
        parameters: &Parameters,
        until: Instant,
    ) -> Result<Response<Bytes>, Failure> {
        let (head, body) = request.into_parts();
        let head = request::for_http2(head, &self.scheme);
        let mut tries = Tries::default();
        loop {
            let lease = self.pool.lease(until).await?;
            let stream = Stream::open(lease, head.clone(), body.clone());
            let answered = match stream {
                Ok(stream) => whole(stream, parameters, until).await,
                Err(failure) => Err(failure),
            };
            match answered {
                Err(failure) if failure.is_stale() => tries.again(failure, until).await?,
                answered => return answered,
            }
        }
    }

    /// Sends the request and returns with the head of the answer.
    pub(super) async fn stream(
        &self,
        head: &Parts,
        body: &Outgoing,
        parameters: &Parameters,
        until: Instant,
    ) -> Result<Response<Arriving>, Failure> {
        let mut head = head.clone();
        request::add_host(&mut head.headers, &parameters.host);
        let head = request::for_http2(head, &self.scheme);
        let mut tries = Tries::default();
        loop {
            let lease = self.pool.lease(until).await?;
            let stream = Stream::open(lease, head.clone(), body.clone());
            let opened = match stream {
                Ok(stream) => {
                    let until = Instant::now() + parameters.head;
                    stream.head(parameters, until).await
                }
                Err(failure) => Err(failure),
            };
            match opened {
                Err(failure) if failure.is_stale() => tries.again(failure, until).await?,
                opened => {
                    let (mut head, body) = opened?.into_parts();
                    response::judge_framing(&head)?;
                    request::strip_but_trailer(&mut head.headers);
                    return Ok(Response::from_parts(head, body));
                }
            }
        }
    }

    /// Connections that requests are on, and those that rest.
    pub(super) fn connections(&self) -> (usize, usize) {
        self.pool.connections()
    }
}

/// One exchange whose answer is read whole.
async fn whole(
    stream: Stream,
    parameters: &Parameters,
    until: Instant,
) -> Result<Response<Bytes>, Failure> {
    let head_until = until.min(Instant::now() + parameters.head);
    let (mut head, body) = stream.head(parameters, head_until).await?.into_parts();
    response::judge(&head, body.left(), parameters.response_bytes)?;
    let body = body.whole(parameters.response_bytes, until).await?;
    request::strip(&mut head.headers);
    Ok(Response::from_parts(head, body))
}

/// How often something is tried, and how often of that without a pause.
struct Patience {
    most: u32,
    soon: u32,
}

/// How often a request was sent that nobody looked at.
#[derive(Debug, Default)]
struct Tries {
    refusals: u32,
    ends: u32,
}

impl Tries {
    /// It may be sent again, after a pause where that was often in vain; or it failed for good.
    async fn again(&mut self, failure: Failure, until: Instant) -> Result<(), Failure> {
        let error = failure.source().and_then(<dyn Error>::downcast_ref);
        let is_refusal = error.is_some_and(h2::Error::is_reset);
        let (tries, patience) = if is_refusal {
            (&mut self.refusals, REFUSALS)
        } else {
            (&mut self.ends, ENDS)
        };
        *tries += 1;
        let pause = match tries.saturating_sub(patience.soon) {
            0 => Duration::ZERO,
            late => Duration::from_millis(1 << late.min(8)).min(LONGEST_PAUSE),
        };
        if *tries >= patience.most || Instant::now() + pause >= until {
            return Err(failure);
        }
        if !pause.is_zero() {
            sleep(pause).await;
        }
        Ok(())
    }
}
