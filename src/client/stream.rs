//! Requests whose bodies are handed on as they arrive, both ways.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

use super::Client;
use super::connection::{Connection, quiet};
use super::download::Download;
use super::failure::{Cause, Failure, Sent, Stage};
use super::parameters::Parameters;
use super::request;
use super::response;
use super::socket::Wire;
use super::upload::{Outgoing, Payload, Upload};

/// What an upstream answers before its body is there.
#[derive(Debug)]
pub enum Answer {
    /// An answer whose body arrives as it is read.
    Response(Response<Download>),
    /// 101: from here on the connection belongs to both ends.
    Tunnel(Response<()>, Tunnel),
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
    head: Box<Parts>,
    body: Outgoing,
    upgrades: bool,
}

impl Relay {
    /// What concerns a single connection is left out, but trailers and what they need. Where `upgrades`, the
    /// request's `Upgrade` is kept and the upstream may take it up.
    pub fn new(mut head: Box<Parts>, body: Payload, upgrades: bool) -> Self {
        let body = request::relay(&mut head, body, upgrades);
        Self {
            head,
            body,
            upgrades,
        }
    }

    fn request(&self, host: &HeaderValue) -> Request<Outgoing> {
        let mut head = self.head.as_ref().clone();
        request::add_host(&mut head.headers, host);
        Request::from_parts(head, self.body.clone())
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
        let now = Instant::now();
        let until = now + parameters.head;
        let place = self.0.pool.enter_owned(until).await;
        let place = place.ok_or_else(|| Failure::timeout(Stage::Queue, Sent::Nothing))?;
        // HTTP/2 has no `Upgrade` (RFC 9113, section 8.6).
        if let Some(http2) = &self.0.http2
            && !relay.upgrades
        {
            let sending = http2.stream(&relay.head, &relay.body, parameters, until);
            let answer = Box::pin(sending).await?;
            return Ok(Answer::Response(
                answer.map(|body| Download::shared(body, place)),
            ));
        }
        self.let_others_read().await;
        loop {
            let (mut connection, is_new) = match self.rested() {
                Some(connection) => (connection, false),
                // Rarely needed, so that it takes no room in every call.
                None => (Box::pin(self.0.dialer.dial(until)).await?, true),
            };
            let opened = connection.open(relay, parameters, now).await;
            let answer = match opened {
                Err(failure) if failure.is_stale() && !is_new => continue,
                opened => opened?,
            };
            let (mut head, body) = answer.into_parts();
            if head.status == StatusCode::SWITCHING_PROTOCOLS {
                let tunnel = relay.upgrades.then(|| connection.into_tunnel()).flatten();
                let (wire, ahead) =
                    tunnel.ok_or_else(|| Failure::new(Sent::Maybe, Cause::BadFraming))?;
                request::strip_but_upgrade(&mut head.headers);
                let tunnel = Tunnel { wire, ahead };
                return Ok(Answer::Tunnel(Response::from_parts(head, ()), tunnel));
            }
            response::judge_framing(&head)?;
            request::strip_but_trailer(&mut head.headers);
            let pool = Arc::clone(&self.0.pool);
            let download = Download::alone(body, connection, pool, place)?;
            return Ok(Answer::Response(Response::from_parts(head, download)));
        }
    }
}

impl Connection {
    /// Sends a request and reads the head of its answer.
    fn open<'a>(
        &'a mut self,
        relay: &'a Relay,
        parameters: &'a Parameters,
        now: Instant,
    ) -> impl Future<Output = Result<Response<Incoming>, Failure>> + Send + use<'a> {
        // An answer's head, and what of its body comes with it before anybody looks.
        let mark = self.begin(parameters.head_bytes.saturating_mul(2));
        let upload = match &relay.body {
            Outgoing::Streamed(upload) => Some(upload),
            Outgoing::Whole(_) => None,
        };
        if let Some(upload) = upload {
            upload.begin(mark);
        }
        let request = relay.request(&parameters.host);
        // Apart, since it has room for the request.
        let mut answer = Box::pin(self.sender().try_send_request(request));
        async move {
            let mut timer = pin!(sleep_until(now + parameters.head));
            let mut taken = upload.and_then(Upload::underway);
            let opened = std::future::poll_fn(|context| {
                loop {
                    self.drive(context);
                    if let Poll::Ready(answered) = quiet(answer.as_mut()) {
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
            });
            match opened.await {
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
