//! One connection, and one exchange on it at a time.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, Connection as Driver, Parts, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, Sleep, sleep_until};

use super::failure::{Cause, Failure, Part, Sent, Stage};
use super::parameters::Parameters;
use super::request;
use super::response::{self, Whole};
use super::socket::{Mark, Meter, Wire};
use super::upload::Outgoing;
use crate::quiet::quietly;

/// A connection without a task: whoever has a request on it drives it, and at rest it does nothing.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Outgoing>,
    driving: Driving,
    meter: Arc<Meter>,
    /// Which of its name's addresses it leads to.
    peer: Option<SocketAddr>,
    born: Instant,
}

/// What a request has led to.
type Taken = Result<Response<Incoming>, TrySendError<Request<Outgoing>>>;

/// The part of a connection that reads and writes.
#[derive(Debug)]
pub(super) struct Driving {
    /// Gone once the connection has ended, so that a request it did not take comes back.
    driver: Option<Driver<TokioIo<Wire>, Outgoing>>,
    /// Why it ended.
    error: Option<hyper::Error>,
    /// What it leaves: the socket, and what came after the end of an answer.
    left: Option<Parts<TokioIo<Wire>>>,
}

impl Connection {
    pub(super) async fn new(
        wire: Wire,
        meter: Arc<Meter>,
        peer: Option<SocketAddr>,
        head_bytes: usize,
    ) -> Result<Self, hyper::Error> {
        let mut builder = Builder::new();
        builder.max_buf_size(head_bytes);
        let (sender, driver) = builder.handshake(TokioIo::new(wire)).await?;
        Ok(Self {
            sender,
            driving: Driving {
                driver: Some(driver),
                error: None,
                left: None,
            },
            meter,
            peer,
            born: Instant::now(),
        })
    }

    pub(super) fn born(&self) -> Instant {
        self.born
    }

    pub(super) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Sends a request and reads its answer.
    pub(super) fn exchange<'a>(
        &'a mut self,
        request: Request<Outgoing>,
        parameters: &'a Parameters,
        until: Instant,
    ) -> impl Future<Output = Result<Response<Bytes>, Failure>> + Send + use<'a> {
        // An answer's head, and what of its body comes with it before anybody looks.
        let allowance = parameters.head_bytes.saturating_mul(2);
        self.meter.begin(allowance);
        // Apart, since it has room for the request.
        let mut answer = Box::pin(self.sender.try_send_request(request));
        async move {
            let head_until = until.min(Instant::now() + parameters.head);
            let mut timer = pin!(sleep_until(head_until));
            let answer = self.head(answer.as_mut(), timer.as_mut()).await?;
            self.meter.unlimited();
            let (mut head, body) = answer.into_parts();
            let length = body.size_hint().exact();
            response::judge(&head, length, parameters.response_bytes)?;
            response::note_end(&mut head, length);
            timer.as_mut().reset(until);
            let body = self.body(body, parameters.response_bytes, timer).await?;
            if self.driving.has_excess() {
                return Err(Failure::new(Sent::Maybe, Cause::BadFraming));
            }
            request::strip(&mut head.headers);
            Ok(Response::from_parts(head, body))
        }
    }

    /// Whether the connection may carry another request, after an exchange that went well.
    pub(super) fn rest(&mut self) -> bool {
        // Nobody is to be woken for a connection at rest: the task that used it may have ended, and
        // its memory would be kept by its waker.
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.driving.driver.is_some() && self.sender.is_ready()
    }

    async fn head(
        &mut self,
        mut answer: Pin<&mut impl Future<Output = Taken>>,
        mut timer: Pin<&mut Sleep>,
    ) -> Result<Response<Incoming>, Failure> {
        poll_fn(|context| {
            self.driving.drive(context);
            if let Poll::Ready(answered) = quiet(answer.as_mut()) {
                return Poll::Ready(answered.map_err(|error| self.no_head(error.into_error())));
            }
            if timer.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(Failure::timeout(Stage::Head, self.sent())));
            }
            Poll::Pending
        })
        .await
    }

    async fn body(
        &mut self,
        mut body: Incoming,
        limit: usize,
        mut timer: Pin<&mut Sleep>,
    ) -> Result<Bytes, Failure> {
        let mut whole = Whole::new(body.size_hint().exact(), limit);
        loop {
            let next = poll_fn(|context| {
                self.drive(context);
                if let Poll::Ready(frame) = next(&mut body) {
                    return Poll::Ready(Ok(frame));
                }
                let late = timer.as_mut().poll(context);
                late.map(|()| Err(Failure::timeout(Stage::Body, Sent::Maybe)))
            });
            match next.await? {
                Some(Ok(frame)) => whole.add(frame)?,
                Some(Err(error)) => return Err(self.no_body(error)),
                None => return whole.end(),
            }
        }
    }

    /// A request begins, whose answer's head may have so many bytes.
    pub(super) fn begin(&self, allowance: usize) -> Mark {
        self.meter.begin(allowance);
        self.meter.mark()
    }

    /// The answer's head is there.
    pub(super) fn unlimited(&self) {
        self.meter.unlimited();
    }

    /// What takes a request.
    pub(super) const fn sender(&mut self) -> &mut SendRequest<Outgoing> {
        &mut self.sender
    }

    /// Reads and writes what can be.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) {
        self.driving.drive(context);
    }

    /// The socket of a connection that has ended to become a tunnel, and what came behind the answer.
    pub(super) fn into_tunnel(mut self) -> Option<(Wire, Bytes)> {
        // The answer may be there before the end is.
        self.drive(&mut Context::from_waker(Waker::noop()));
        let left = self.driving.left?;
        self.meter.unlimited();
        Some((left.io.into_inner(), left.read_buf))
    }

    pub(super) fn sent(&self) -> Sent {
        if self.meter.has_sent() {
            Sent::Maybe
        } else {
            Sent::Nothing
        }
    }

    pub(super) fn no_head(&self, error: hyper::Error) -> Failure {
        let cause = if self.meter.is_overrun() || error.is_parse_too_large() {
            Cause::TooLarge { part: Part::Head }
        } else if error.is_parse() {
            Cause::BadFraming
        } else if let Some(error) = io_error(&error) {
            Cause::of(error)
        } else if self.meter.has_read() {
            Cause::Truncated
        } else {
            Cause::Reset
        };
        Failure::new(self.sent(), cause).with(error)
    }

    pub(super) fn no_body(&mut self, error: hyper::Error) -> Failure {
        // Where hyper blames the connection, the connection knows more.
        let error = match io_error(&error) {
            Some(_) => error,
            None => self.driving.error.take().unwrap_or(error),
        };
        let cause = io_error(&error).map_or(Cause::Reset, Cause::of);
        Failure::new(Sent::Maybe, cause).with(error)
    }
}

impl Driving {
    /// Reads and writes what can be.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) {
        let Some(driver) = &mut self.driver else {
            return;
        };
        if let Poll::Ready(ended) = Pin::new(driver).poll(context) {
            self.error = ended.err();
            self.left = self.driver.take().map(Driver::into_parts);
        }
    }

    fn has_excess(&self) -> bool {
        let left = self.left.as_ref();
        left.is_some_and(|left| !left.read_buf.is_empty())
    }
}

/// Polls what comes from a connection that was driven just before: so nothing is there that is not there now, and
/// nobody has to be woken for what will be.
pub(super) fn quiet<F: Future>(answer: Pin<&mut F>) -> Poll<F::Output> {
    answer.poll(&mut Context::from_waker(Waker::noop()))
}

/// The same, of an answer's body: whoever takes a piece drives the connection before it asks for the next.
pub(super) fn next(body: &mut Incoming) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
    let mut context = Context::from_waker(Waker::noop());
    let (next, connection) = quietly(|| Pin::new(body).poll_frame(&mut context));
    connection.forget();
    next
}

fn io_error(error: &hyper::Error) -> Option<&io::Error> {
    error.source()?.downcast_ref()
}
