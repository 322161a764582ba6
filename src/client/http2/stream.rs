//! One request on a connection, and its answer.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream};
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use super::pool::Lease;
use super::sending::{Broken, Sending};
use crate::client::failure::{Cause, Failure, Part, Sent, Stage};
use crate::client::parameters::Parameters;
use crate::client::response::{Whole, head_bytes};
use crate::client::socket::Mark;
use crate::client::upload::{BodyError, Outgoing, Upload};

/// A request that waits for the head of its answer. Dropped before, it is cancelled.
#[derive(Debug)]
pub(super) struct Stream {
    answer: ResponseFuture,
    sending: Option<Sending>,
    upload: Option<Upload>,
    mark: Mark,
    is_head: bool,
    /// Bytes of interim answers so far.
    interim: usize,
    /// Given back after the stream has ended.
    lease: Lease,
}

/// The body of an answer, with what is still to be sent of the request. Dropped before its end, it cancels the
/// rest.
#[derive(Debug)]
pub(in crate::client) struct Arriving {
    body: RecvStream,
    sending: Option<Sending>,
    /// Bytes that are still to come, where that was announced.
    left: Option<u64>,
    has_data: bool,
    _lease: Lease,
}

impl Stream {
    /// Begins to send a request. One that fails here was not sent.
    pub(super) fn open(lease: Lease, head: Parts, body: Outgoing) -> Result<Self, Failure> {
        let connection = lease.connection();
        let mark = connection.vitals().mark();
        let upload = match &body {
            Outgoing::Streamed(upload) => Some(upload.clone()),
            Outgoing::Whole(_) => None,
        };
        if let Some(upload) = &upload {
            upload.begin(mark.clone());
        }
        let is_head = head.method == Method::HEAD;
        let has_no_body = body.is_end_stream();
        match connection.send(Request::from_parts(head, ()), has_no_body) {
            Ok((answer, stream)) => Ok(Self {
                answer,
                sending: (!has_no_body).then(|| Sending::new(stream, body)),
                upload,
                mark,
                is_head,
                interim: 0,
                lease,
            }),
            Err(error) => {
                lease.retire();
                Err(Failure::new(Sent::Nothing, Cause::Reset).with(error))
            }
        }
    }

    /// Sends on, and waits for the head of the answer. Whoever still sends at a good pace is not late: after
    /// the last piece that was taken there is [`Parameters::head`] again.
    pub(super) async fn head(
        mut self,
        parameters: &Parameters,
        until: Instant,
    ) -> Result<Response<Arriving>, Failure> {
        let allowed = parameters.head_bytes;
        let upload = self.upload.clone();
        let upload = upload.as_ref();
        let mut taken = upload.and_then(Upload::underway);
        let mut timer = pin!(sleep_until(until));
        let vitals = Arc::clone(self.lease.connection().vitals());
        let mut written = pin!(vitals.written());
        let answer = poll_fn(|context| {
            loop {
                if let Err(Broken) = poll_sending(&mut self.sending, context) {
                    return Poll::Ready(Err(Failure::new(self.sent(), Cause::Body)));
                }
                if let Poll::Ready(answer) = self.poll_head(allowed, context) {
                    return Poll::Ready(answer);
                }
                if let Some(upload) = upload {
                    while written.as_mut().poll(context).is_ready() {
                        written.set(vitals.written());
                    }
                    if upload.may_go_on() {
                        continue;
                    }
                }
                ready!(timer.as_mut().poll(context));
                let now = upload.and_then(Upload::underway);
                if now == taken {
                    return Poll::Ready(Err(Failure::timeout(Stage::Head, self.sent())));
                }
                taken = now;
                timer.as_mut().reset(Instant::now() + parameters.head);
            }
        });
        let (mut head, body) = answer.await?.into_parts();
        if head_bytes(&head.headers) > allowed {
            let cause = Cause::TooLarge { part: Part::Head };
            return Err(Failure::new(Sent::Maybe, cause));
        }
        // Callers of either version are answered alike.
        head.version = Version::HTTP_11;
        let has_body = !self.is_head
            && !matches!(
                head.status,
                StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
            );
        let body = Arriving {
            left: has_body.then(|| length(&head.headers)).flatten(),
            body,
            sending: self.sending,
            has_data: true,
            _lease: self.lease,
        };
        Ok(Response::from_parts(head, body))
    }

    fn poll_head(
        &mut self,
        allowed: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<Response<RecvStream>, Failure>> {
        while let Poll::Ready(Some(interim)) = self.answer.poll_informational(context) {
            let interim = interim.map_err(|error| self.no_head(error))?;
            self.interim += head_bytes(interim.headers()).max(1);
            if self.interim > allowed {
                let cause = Cause::TooLarge { part: Part::Head };
                return Poll::Ready(Err(Failure::new(Sent::Maybe, cause)));
            }
        }
        let answer = ready!(Pin::new(&mut self.answer).poll(context));
        Poll::Ready(answer.map_err(|error| self.no_head(error)))
    }

    fn no_head(&self, error: h2::Error) -> Failure {
        let was_not_looked_at = error.is_remote()
            && (error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM));
        if error.is_go_away() {
            self.lease.retire();
        }
        let sent = if was_not_looked_at && self.upload.as_ref().is_none_or(Upload::take_back) {
            Sent::Nothing
        } else {
            self.sent()
        };
        let cause = match sent {
            // However that came, another connection may do better.
            Sent::Nothing => Cause::Reset,
            Sent::Maybe => cause(&error, Cause::Reset),
        };
        Failure::new(sent, cause).with(error)
    }

    fn sent(&self) -> Sent {
        if self.mark.has_sent() {
            Sent::Maybe
        } else {
            Sent::Nothing
        }
    }
}

impl Arriving {
    /// Bytes that are still to come, where that is known.
    pub(super) fn left(&self) -> Option<u64> {
        if self.body.is_end_stream() {
            return Some(0);
        }
        self.left
    }

    /// All of it, if it is no more than that and there by then.
    pub(super) async fn whole(mut self, limit: usize, until: Instant) -> Result<Bytes, Failure> {
        let mut whole = Whole::new(self.left(), limit);
        let mut timer = pin!(sleep_until(until));
        loop {
            let next = poll_fn(|context| {
                if let Poll::Ready(frame) = self.poll(context) {
                    return Poll::Ready(Ok(frame));
                }
                let late = timer.as_mut().poll(context);
                late.map(|()| Err(Failure::timeout(Stage::Body, Sent::Maybe)))
            });
            match next.await? {
                Some(frame) => whole.add(frame?)?,
                None => return whole.end(),
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if let Err(Broken) = poll_sending(&mut self.sending, context) {
            let failure = Failure::new(Sent::Maybe, Cause::Body);
            return Poll::Ready(Some(Err(failure)));
        }
        if self.has_data {
            match ready!(self.body.poll_data(context)) {
                Some(Ok(data)) => {
                    // Whoever has this piece asks for the next one when there is room for it. It fails where
                    // the stream has ended.
                    let _ = self.body.flow_control().release_capacity(data.len());
                    let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
                    self.left = self.left.map(|left| left.saturating_sub(length));
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(self.no_body(error)))),
                None => self.has_data = false,
            }
        }
        match ready!(self.body.poll_trailers(context)) {
            Ok(trailers) => Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers)))),
            Err(error) => Poll::Ready(Some(Err(self.no_body(error)))),
        }
    }

    fn no_body(&self, error: h2::Error) -> Failure {
        // Less than was announced is told as an error of the protocol's.
        let is_short = self.left.is_some_and(|left| left > 0);
        let cause = if is_short {
            Cause::Truncated
        } else {
            cause(&error, Cause::Truncated)
        };
        Failure::new(Sent::Maybe, cause).with(error)
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(self.poll(context));
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.left()
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Sends on, if there is anything.
fn poll_sending(sending: &mut Option<Sending>, context: &mut Context<'_>) -> Result<(), Broken> {
    if let Some(under_way) = sending
        && let Poll::Ready(sent) = under_way.poll(context)
    {
        *sending = None;
        return sent;
    }
    Ok(())
}

/// What went wrong where the stream or its connection ended.
fn cause(error: &h2::Error, ended: Cause) -> Cause {
    if error.reason() == Some(Reason::HTTP_1_1_REQUIRED) {
        return Cause::NotHttp2;
    }
    if error.is_library() {
        return Cause::BadFraming;
    }
    ended
}

/// What was announced; a head that contradicts itself is refused elsewhere.
fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
