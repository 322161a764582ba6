//! Requests whose bodies are handed on as they arrive, both ways.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};

use super::Client;
use super::connection::Connection;
use super::failure::{Cause, Failure, Sent, Stage};
use super::http2::Arriving;
use super::pool::Pool;
use super::request;
use super::response;
use super::socket::Wire;
use super::upload::{BodyError, Outgoing, Source, Upload};

/// What an upstream answers before its body is there.
#[derive(Debug)]
pub enum Answer {
    /// An answer whose body arrives as it is read.
    Response(Response<Download>),
    /// 101: from here on the connection belongs to both ends.
    Tunnel(Response<()>, Tunnel),
}

/// The body of an answer. With HTTP/1.1 it has its connection to itself until it ends, and dropped before, it
/// closes that; with HTTP/2 it has a stream.
#[derive(Debug)]
pub struct Download(Kind);

#[derive(Debug)]
enum Kind {
    Alone { body: Incoming, link: Option<Link> },
    Shared(Option<Box<Shared>>),
}

#[derive(Debug)]
struct Shared {
    body: Arriving,
    /// Given back after its stream has ended.
    _place: OwnedSemaphorePermit,
}

/// The upstream's end of a connection that no longer speaks HTTP.
#[derive(Debug)]
pub struct Tunnel {
    wire: Wire,
    /// What came right behind the answer.
    ahead: Bytes,
}

/// A request that is handed on, as often as it takes until a byte of it has left.
#[derive(Debug)]
pub struct Relay {
    head: Parts,
    body: Outgoing,
    upgrades: bool,
}

#[derive(Debug)]
struct Link {
    connection: Box<Connection>,
    pool: Arc<Pool>,
    /// Given back after the connection has gone to rest, so that the next in line finds it there.
    _place: OwnedSemaphorePermit,
}

impl Relay {
    /// What concerns a single connection is left out, but trailers and what they need. Where `upgrades`, the
    /// request's `Upgrade` is kept and the upstream may take it up.
    pub fn new(request: Request<Option<Source>>, upgrades: bool) -> Self {
        let (head, body) = request::relay(request, upgrades);
        Self {
            head,
            body,
            upgrades,
        }
    }
}

impl Client {
    /// Sends the request and returns with the head of the answer, from which what concerns a single
    /// connection is left out, too. No time is set to the bodies; but an answer must begin within
    /// [`super::Parameters::head`] of the last byte that was taken of the request.
    ///
    /// One that failed with [`Sent::Nothing`] can be sent again, elsewhere too.
    pub async fn stream(&self, relay: &Relay) -> Result<Answer, Failure> {
        let parameters = &self.0.parameters;
        let (body, upgrades) = (&relay.body, relay.upgrades);
        let until = Instant::now() + parameters.head;
        let place = self.0.pool.enter_owned(until).await;
        let place = place.ok_or_else(|| Failure::timeout(Stage::Queue, Sent::Nothing))?;
        // HTTP/2 has no `Upgrade` (RFC 9113, section 8.6).
        if let Some(http2) = &self.0.http2
            && !upgrades
        {
            let sending = http2.stream(&relay.head, body, parameters, until);
            let answer = Box::pin(sending).await?;
            return Ok(Answer::Response(
                answer.map(|body| Download::shared(body, place)),
            ));
        }
        loop {
            let (mut connection, is_new) = match self.rested() {
                Some(connection) => (connection, false),
                None => (self.0.dialer.dial(until).await?, true),
            };
            let mut head = relay.head.clone();
            request::add_host(&mut head.headers, &parameters.host);
            let request = Request::from_parts(head, body.clone());
            let upload = match body {
                Outgoing::Streamed(upload) => Some(upload),
                Outgoing::Whole(_) => None,
            };
            let opened = connection.open(request, upload, parameters).await;
            let answer = match opened {
                Err(failure) if failure.is_stale() && !is_new => continue,
                opened => opened?,
            };
            let (mut head, body) = answer.into_parts();
            if head.status == StatusCode::SWITCHING_PROTOCOLS {
                let tunnel = upgrades.then(|| connection.into_tunnel()).flatten();
                let (wire, ahead) =
                    tunnel.ok_or_else(|| Failure::new(Sent::Maybe, Cause::BadFraming))?;
                request::strip_but_upgrade(&mut head.headers);
                let tunnel = Tunnel { wire, ahead };
                return Ok(Answer::Tunnel(Response::from_parts(head, ()), tunnel));
            }
            response::judge_framing(&head)?;
            request::strip_but_trailer(&mut head.headers);
            let mut link = Some(Link {
                connection,
                pool: Arc::clone(&self.0.pool),
                _place: place,
            });
            if body.is_end_stream() {
                Link::end(&mut link);
            }
            let download = Download(Kind::Alone { body, link });
            return Ok(Answer::Response(Response::from_parts(head, download)));
        }
    }
}

impl Connection {
    /// Sends a request and reads the head of its answer.
    async fn open(
        &mut self,
        request: Request<Outgoing>,
        upload: Option<&Upload>,
        parameters: &super::Parameters,
    ) -> Result<Response<Incoming>, Failure> {
        // An answer's head, and what of its body comes with it before anybody looks.
        let mark = self.begin(parameters.head_bytes.saturating_mul(2));
        if let Some(upload) = upload {
            upload.begin(mark);
        }
        let mut timer = pin!(sleep_until(Instant::now() + parameters.head));
        let mut taken = upload.and_then(Upload::underway);
        let (sender, driving) = self.split();
        let mut answer = pin!(sender.try_send_request(request));
        let opened = std::future::poll_fn(|context| {
            loop {
                driving.drive(context);
                if let Poll::Ready(answered) = answer.as_mut().poll(context) {
                    return Poll::Ready(Some(answered.map_err(TrySendError::into_error)));
                }
                if upload.is_some_and(Upload::may_go_on) {
                    continue;
                }
                ready!(timer.as_mut().poll(context));
                // Whoever still sends at a good pace is not late; the last byte has its own time.
                let now = upload.and_then(Upload::underway);
                if now == taken {
                    return Poll::Ready(None);
                }
                taken = now;
                timer.as_mut().reset(Instant::now() + parameters.head);
            }
        })
        .await;
        match opened {
            Some(Ok(answer)) => {
                self.unlimited();
                Ok(answer)
            }
            Some(Err(_)) if upload.is_some_and(Upload::is_broken) => {
                Err(Failure::new(self.sent(), Cause::Body))
            }
            Some(Err(error)) => Err(self.no_head(error)),
            None => Err(Failure::timeout(Stage::Head, self.sent())),
        }
    }
}

impl Link {
    /// All was read: the connection may serve the next request, unless it has more to do.
    fn end(link: &mut Option<Self>) {
        if let Some(mut link) = link.take()
            && link.connection.rest()
        {
            link.pool.put(link.connection);
        }
    }
}

impl Download {
    fn shared(body: Arriving, place: OwnedSemaphorePermit) -> Self {
        let has_more = !body.is_end_stream();
        let shared = Shared {
            body,
            _place: place,
        };
        Self(Kind::Shared(has_more.then(|| Box::new(shared))))
    }
}

/// Whether nothing comes after this of a body that went well.
fn is_last<E>(frame: Option<&Result<Frame<Bytes>, E>>, body: &impl Body) -> bool {
    match frame {
        None => true,
        Some(Ok(_)) => body.is_end_stream(),
        Some(Err(_)) => false,
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Kind::Alone { body, link } => {
                let Some(carried_by) = link else {
                    return Poll::Ready(None);
                };
                carried_by.connection.drive(context);
                let frame = ready!(Pin::new(&mut *body).poll_frame(context));
                if is_last(frame.as_ref(), body) {
                    Link::end(link);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Kind::Shared(shared) => {
                let Some(carried) = shared else {
                    return Poll::Ready(None);
                };
                let frame = ready!(Pin::new(&mut carried.body).poll_frame(context));
                if is_last(frame.as_ref(), &carried.body) {
                    *shared = None;
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Alone { body, link } => link.is_none() || body.is_end_stream(),
            Kind::Shared(shared) => shared.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Alone { body, .. } => body.size_hint(),
            Kind::Shared(Some(shared)) => shared.body.size_hint(),
            Kind::Shared(None) => SizeHint::with_exact(0),
        }
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.wire).poll_read(context, buffer);
        }
        let length = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }
}
