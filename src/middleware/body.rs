//! Reads a request's body whole, within limits of size and time.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::poll;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tower::{Layer, Service};

use super::Routed;
use crate::error::{Error, Kind};
use crate::route::Limits;

/// Buffers the body of a request, then calls on with it.
///
/// *Position*: outside the in-flight limit, so that a slow sender holds no permit. What it holds
/// instead is a part of the budget that all bodies share, from its first byte to the answer.
/// *Failure*: [`Kind::Overloaded`] when the budget is spent; [`Kind::TooLarge`], from the `Content-Length` before a byte is read, or when the
/// limit is passed; [`Kind::Timeout`] when the body is not complete in time or arrives slower than
/// 500 bytes a second over 10 seconds; [`Kind::Malformed`] when its framing breaks.
/// *Cost*: one buffer of the body's size; none where the body arrives in one piece.
#[derive(Clone, Debug)]
pub struct BodyLayer {
    budget: Budget,
}

/// Bytes that all request bodies in memory may have together.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Semaphore>);

/// What one permit of the budget stands for: a body is rounded up to this.
const UNIT: usize = 1024;

impl Budget {
    /// So many bytes, rounded up to whole KiB.
    pub fn new(bytes: usize) -> Self {
        let units = bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(units)))
    }

    /// The part of one body, nothing at first.
    pub(super) fn share(&self) -> Share {
        Share::of(Arc::clone(&self.0))
    }
}

impl BodyLayer {
    /// All bodies together share the budget.
    pub const fn new(budget: Budget) -> Self {
        Self { budget }
    }
}

impl<S> Layer<S> for BodyLayer {
    type Service = ReadBody<S>;

    fn layer(&self, inner: S) -> ReadBody<S> {
        ReadBody {
            inner,
            budget: self.budget.clone(),
        }
    }
}

/// The service of [`BodyLayer`].
#[derive(Clone, Debug)]
pub struct ReadBody<S> {
    inner: S,
    budget: Budget,
}

impl<S, B> Service<Routed<B>> for ReadBody<S>
where
    S: Service<Routed<Bytes>, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = S::Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<S::Response, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Routed<B>) -> Self::Future {
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let mut share = self.budget.share();
        Box::pin(async move {
            let Routed { head, body, route } = request;
            let body = read(&head.headers, body, &route.limits, &mut share).await?;
            inner.call(Routed { head, body, route }).await
        })
    }
}

/// The least that must arrive in a [`WINDOW`].
const WINDOW_BYTES: usize = 5_000;
const WINDOW: Duration = Duration::from_secs(10);

async fn read<B>(
    headers: &HeaderMap,
    body: B,
    limits: &Limits,
    share: &mut Share,
) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if announced_length(headers).is_some_and(|length| length > limits.body_bytes) {
        return Err(too_large(limits));
    }
    let mut body = pin!(body);
    let mut buffer = Buffer::default();
    // What has arrived with the head needs no clock.
    let mut timing = None;
    loop {
        if body.is_end_stream() {
            return Ok(buffer.into_bytes());
        }
        let next = if let Poll::Ready(next) = poll!(body.frame()) {
            next
        } else {
            let begin = || Timing::begin(limits.body_timeout, buffer.length());
            let Timing { deadline, window } = timing.get_or_insert_with(begin);
            let Ok(next) = timeout_at((*deadline).min(window.end), body.frame()).await else {
                window.close(*deadline)?;
                continue;
            };
            next
        };
        let Some(frame) = next else {
            return Ok(buffer.into_bytes());
        };
        let frame = frame.map_err(|cause| Error::from(Kind::Malformed).caused_by(cause))?;
        // Trailers mean nothing to any dialect.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if buffer.length() + data.len() > limits.body_bytes {
            return Err(too_large(limits));
        }
        if let Some(timing) = &mut timing {
            timing.window.received += data.len();
        }
        share.cover(buffer.length() + data.len())?;
        buffer.push(data);
    }
}

fn announced_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

pub(super) fn too_large(limits: &Limits) -> Error {
    let message = format!(
        "the body is larger than {} bytes; send less at once",
        limits.body_bytes
    );
    Error::new(Kind::TooLarge, message)
}

/// What one body takes of the budget. It goes back when the request is over.
pub(super) struct Share {
    budget: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl Share {
    const fn of(budget: Arc<Semaphore>) -> Self {
        Self {
            budget,
            taken: None,
        }
    }

    /// Takes what is missing for a body of that length.
    pub(super) fn cover(&mut self, length: usize) -> Result<(), Error> {
        let taken = self
            .taken
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = length.div_ceil(UNIT).saturating_sub(taken);
        let missing = u32::try_from(missing).map_err(|_| Error::from(Kind::TooLarge))?;
        let permit = Arc::clone(&self.budget)
            .try_acquire_many_owned(missing)
            .map_err(|_| Error::from(Kind::Overloaded))?;
        match &mut self.taken {
            Some(taken) => taken.merge(permit),
            None => self.taken = Some(permit),
        }
        Ok(())
    }
}

/// Until when what is still to come must have come, and how fast.
struct Timing {
    deadline: Instant,
    window: Window,
}

impl Timing {
    /// The clock begins, with so many bytes there.
    fn begin(limit: Duration, received: usize) -> Self {
        Self {
            deadline: Instant::now() + limit,
            window: Window {
                received,
                ..Window::open()
            },
        }
    }
}

/// A stretch of time in which enough of the body must arrive.
struct Window {
    end: Instant,
    received: usize,
}

impl Window {
    fn open() -> Self {
        Self {
            end: Instant::now() + WINDOW,
            received: 0,
        }
    }

    /// Begins the next window, if this one saw enough and the deadline is not over.
    fn close(&mut self, deadline: Instant) -> Result<(), Error> {
        if Instant::now() >= deadline || self.received < WINDOW_BYTES {
            return Err(Error::new(
                Kind::Timeout,
                "the body arrived too slowly; send it again",
            ));
        }
        *self = Self::open();
        Ok(())
    }
}

/// What has arrived: kept as it came while it is one piece.
#[derive(Default)]
struct Buffer {
    first: Bytes,
    all: BytesMut,
}

impl Buffer {
    fn length(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    fn push(&mut self, data: Bytes) {
        if self.length() == 0 {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&data);
    }

    fn into_bytes(self) -> Bytes {
        if self.all.is_empty() {
            self.first
        } else {
            self.all.freeze()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream::{self, Stream, StreamExt};
    use http_body::Frame;
    use http_body_util::StreamBody;
    use tokio::time::sleep;

    use super::*;

    const LIMITS: Limits = Limits {
        body_bytes: 1_000_000,
        body_timeout: Duration::from_secs(30),
        call_timeout: Duration::from_secs(30),
        in_flight: 1,
    };

    async fn read_stream(pieces: impl Stream<Item = Bytes>) -> Result<Bytes, Error> {
        let frames = pieces.map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
        let mut share = Share::of(Arc::new(Semaphore::new(10_000)));
        read(
            &HeaderMap::new(),
            StreamBody::new(frames),
            &LIMITS,
            &mut share,
        )
        .await
    }

    fn every(pause: Duration, piece: &'static [u8]) -> impl Stream<Item = Bytes> {
        stream::repeat(Bytes::from_static(piece)).then(move |piece| async move {
            sleep(pause).await;
            piece
        })
    }

    #[tokio::test]
    async fn pieces_are_joined_in_order() {
        let pieces =
            stream::iter(["a", "bc", "", "d"].map(|text| Bytes::from_static(text.as_bytes())));
        assert_eq!(read_stream(pieces).await.unwrap(), "abcd");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_is_given_up_after_ten_seconds() {
        let begin = Instant::now();
        let error = read_stream(stream::pending()).await.unwrap_err();
        assert_eq!(error.kind(), &Kind::Timeout);
        assert_eq!(begin.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_given_up_after_ten_seconds() {
        let begin = Instant::now();
        let error = read_stream(every(Duration::from_millis(10), b"1234"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), &Kind::Timeout);
        assert_eq!(begin.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_fast_enough_ends_at_the_deadline_at_the_latest() {
        let begin = Instant::now();
        let error = read_stream(every(Duration::from_millis(10), b"123456"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), &Kind::Timeout);
        assert_eq!(begin.elapsed().as_secs(), 30);
    }

    #[tokio::test]
    async fn one_byte_too_many_is_refused() {
        let piece = Bytes::from(vec![b'x'; LIMITS.body_bytes]);
        assert!(read_stream(stream::iter([piece.clone()])).await.is_ok());
        let error = read_stream(stream::iter([piece, Bytes::from_static(b"x")]))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), &Kind::TooLarge);
    }

    #[tokio::test]
    async fn a_body_announced_too_large_is_refused_before_it_is_read() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, (LIMITS.body_bytes + 1).into());
        let mut share = Share::of(Arc::new(Semaphore::new(1)));
        let never = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        let error = read(&headers, never, &LIMITS, &mut share)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), &Kind::TooLarge);
    }

    #[test]
    fn bodies_share_a_budget_and_give_their_part_back() {
        let budget = Arc::new(Semaphore::new(3));
        let mut first = Share::of(Arc::clone(&budget));
        let mut second = Share::of(Arc::clone(&budget));
        first.cover(1).unwrap();
        first.cover(UNIT + 1).unwrap();
        assert_eq!(budget.available_permits(), 1);
        second.cover(UNIT).unwrap();
        assert_eq!(
            second.cover(UNIT + 1).unwrap_err().kind(),
            &Kind::Overloaded
        );
        drop(first);
        second.cover(UNIT + 1).unwrap();
        drop(second);
        assert_eq!(budget.available_permits(), 3);
    }
}
