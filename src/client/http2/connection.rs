//! One connection of HTTP/2, and the task that drives it.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, ResponseFuture, SendRequest};
use h2::{Ping, PingPong, SendStream};
use http::Request;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::{Instant, sleep_until};

use super::pool::Pool;
use crate::client::failure::{Cause, Failure, Sent};
use crate::client::socket::{Mark, Meter, Wire};

/// The most requests that are on a connection at a time.
pub(super) const STREAMS: usize = 100;

/// Bytes of an answer that may be on their way to whoever reads it.
const WINDOW: u32 = 64 * 1024;

/// The same of all answers of a connection. As large as all of them together, so that readers who take their
/// time hold up nobody else.
const CONNECTION_WINDOW: u32 = 100 * WINDOW;

/// Bytes of a request's body that wait to be written.
const SEND_BUFFER: usize = 64 * 1024;

/// Without a byte for so long, a connection with requests on it is asked whether it is alive.
const QUIET: Duration = Duration::from_secs(20);

/// And then it has so much time to say anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// What requests are sent by. When the last of it is dropped, the connection is closed once they are done.
pub(in crate::client) struct Multiplexed {
    sender: SendRequest<Bytes>,
    vitals: Arc<Vitals>,
    peer: Option<SocketAddr>,
    born: Instant,
}

/// What is known of a connection, to those who are on it and to its driver.
#[derive(Debug)]
pub(super) struct Vitals {
    meter: Arc<Meter>,
    written: Notify,
    has_ended: AtomicBool,
}

/// The part of a connection that reads and writes.
pub(in crate::client) struct Driver {
    connection: Connection<Wire, Bytes>,
    pings: Option<PingPong>,
    vitals: Arc<Vitals>,
    /// How much was written when somebody was last told.
    told: usize,
    /// How much was read, and since when it is no more.
    heard: usize,
    quiet_since: Instant,
    asked: Option<Instant>,
}

/// Begins to speak HTTP/2, up to the upstream's SETTINGS.
pub(in crate::client) async fn open(
    wire: Wire,
    meter: Arc<Meter>,
    peer: Option<SocketAddr>,
    head_bytes: usize,
) -> Result<(Multiplexed, Driver), Failure> {
    // Each line of a head counts 32 bytes more there than it has (RFC 9113, section 6.5.2).
    let list_bytes = head_bytes.saturating_mul(2);
    let mut builder = Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(u32::try_from(list_bytes).unwrap_or(u32::MAX))
        .max_send_buffer_size(SEND_BUFFER)
        // By this it shows that SETTINGS have come.
        .initial_max_send_streams(0);
    let is_plain = matches!(wire, Wire::Plain(_));
    let begun = builder.handshake(wire).await;
    let (sender, mut connection) =
        begun.map_err(|error| Failure::new(Sent::Nothing, Cause::Connect).with(error))?;
    poll_fn(|context| {
        let ended = Pin::new(&mut connection).poll(context);
        let has_begun = connection.max_concurrent_send_streams() > 0;
        match ended {
            Poll::Pending if has_begun => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
            Poll::Ready(ended) => {
                let is_other = !has_begun && is_plain && meter.has_read();
                Poll::Ready(Err(no_http2(ended.err(), is_other)))
            }
        }
    })
    .await?;
    let vitals = Arc::new(Vitals {
        meter,
        written: Notify::new(),
        has_ended: AtomicBool::new(false),
    });
    let driver = Driver {
        pings: connection.ping_pong(),
        connection,
        vitals: Arc::clone(&vitals),
        told: 0,
        heard: 0,
        quiet_since: Instant::now(),
        asked: None,
    };
    let multiplexed = Multiplexed {
        sender,
        vitals,
        peer,
        born: Instant::now(),
    };
    Ok((multiplexed, driver))
}

/// Who answers something else does not speak it; who ends without a word may be anything.
fn no_http2(error: Option<h2::Error>, is_other: bool) -> Failure {
    let is_other = is_other || error.as_ref().is_some_and(h2::Error::is_library);
    let cause = if is_other {
        Cause::NotHttp2
    } else {
        Cause::Connect
    };
    let failure = Failure::new(Sent::Nothing, cause);
    match error {
        Some(error) => failure.with(error),
        None => failure.with("the connection ended before HTTP/2 began"),
    }
}

impl Multiplexed {
    pub(super) fn born(&self) -> Instant {
        self.born
    }

    pub(super) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    pub(super) fn vitals(&self) -> &Arc<Vitals> {
        &self.vitals
    }

    pub(super) fn has_ended(&self) -> bool {
        self.vitals.has_ended.load(Ordering::Acquire)
    }

    /// Requests that may be on it at a time.
    pub(super) fn room(&self) -> usize {
        self.sender.current_max_send_streams().min(STREAMS)
    }

    pub(super) fn send(
        &self,
        request: Request<()>,
        has_no_body: bool,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        self.sender.clone().send_request(request, has_no_body)
    }
}

impl Vitals {
    /// Where a request begins that is about to be sent.
    pub(super) fn mark(&self) -> Mark {
        self.meter.mark()
    }

    /// Ready when something was written since.
    pub(super) fn written(&self) -> Notified<'_> {
        self.written.notified()
    }
}

impl Driver {
    /// Reads and writes until the connection ends.
    pub(super) async fn run(mut self, pool: Weak<Pool>) {
        let mut timer = pin!(sleep_until(Instant::now()));
        poll_fn(|context| {
            let ended = Pin::new(&mut self.connection).poll(context);
            self.note();
            if ended.is_ready() {
                return Poll::Ready(());
            }
            while timer.as_mut().poll(context).is_ready() {
                match self.look(&pool) {
                    Some(next) => timer.as_mut().reset(next),
                    None => return Poll::Ready(()),
                }
            }
            Poll::Pending
        })
        .await;
        self.vitals.has_ended.store(true, Ordering::Release);
        let vitals = Arc::clone(&self.vitals);
        // Requests that are on it learn of it by this.
        drop(self);
        if let Some(pool) = pool.upgrade() {
            pool.has_ended(&vitals);
        }
    }

    /// Notes what was read, and tells what was written.
    fn note(&mut self) {
        let heard = self.vitals.meter.read();
        if heard != self.heard {
            self.heard = heard;
            self.quiet_since = Instant::now();
            self.asked = None;
        }
        let written = self.vitals.meter.written();
        if written != self.told {
            self.told = written;
            self.vitals.written.notify_waiters();
        }
    }

    /// Lets the pool look whether the connection has rested long enough, and looks whether it is alive. When to
    /// look again; never if it is dead.
    fn look(&mut self, pool: &Weak<Pool>) -> Option<Instant> {
        let now = Instant::now();
        // One that is in the pool no longer is there for the requests that are on it.
        let rest = pool.upgrade().and_then(|pool| pool.look(&self.vitals, now));
        let (is_busy, next) = rest.map_or((true, now + QUIET), |rest| (rest.is_busy, rest.next));
        if let Some(asked) = self.asked {
            let until = asked + PATIENCE;
            return (now < until).then(|| next.min(until));
        }
        let until = self.quiet_since + QUIET;
        if !is_busy || now < until {
            return Some(if is_busy { next.min(until) } else { next });
        }
        self.ask();
        self.asked = Some(now);
        Some(next.min(now + PATIENCE))
    }

    fn ask(&mut self) {
        if let Some(pings) = &mut self.pings {
            // The answer to the last one makes room for this.
            let _ = pings.poll_pong(&mut Context::from_waker(Waker::noop()));
            // It fails only where the connection has ended, which shows by itself.
            let _ = pings.send_ping(Ping::opaque());
        }
    }
}
