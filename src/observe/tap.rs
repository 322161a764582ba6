//! Copies a request while it is handed on.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use http_body::{Body, Frame, SizeHint};

use super::queue::Queue;
use super::sample::Sample;
use super::terms::Terms;
use crate::auth::call::RequestId;
use crate::route::Route;

/// What a header takes beside its text.
const OF_A_HEADER: usize = 64;

/// Where requests of observed routes are copied.
#[derive(Clone, Debug)]
pub struct Tap {
    queue: Arc<Queue>,
    terms: Arc<Terms>,
}

impl Tap {
    pub(super) const fn new(queue: Arc<Queue>, terms: Arc<Terms>) -> Self {
        Self { queue, terms }
    }

    /// Begins with the head of a request; nothing where there is no room for it.
    pub fn begin<B: Body>(
        &self,
        route: &Arc<Route>,
        request: &Request<B>,
        id: RequestId,
        source: Option<IpAddr>,
    ) -> Option<Watched> {
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = request.method().clone();
        head.uri = request.uri().clone();
        head.version = request.version();
        head.headers = request.headers().clone();
        let mut watched = self.watch(route, head, id, source)?;
        if request.body().is_end_stream() {
            watched.end();
        }
        Some(watched)
    }

    fn watch(
        &self,
        route: &Arc<Route>,
        head: Parts,
        id: RequestId,
        source: Option<IpAddr>,
    ) -> Option<Watched> {
        let mut room = self.queue.room();
        let headers = head.headers.iter();
        let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + OF_A_HEADER);
        let target = head.uri.path_and_query().map_or(0, |it| it.as_str().len());
        let length = headers.sum::<usize>() + target + size_of::<Sample>();
        if !room.take(length) {
            self.queue.lose();
            return None;
        }
        let sample = Sample {
            at: self.terms.clock.now(),
            id,
            source,
            head,
            body: Vec::new(),
            is_long: false,
            is_late: false,
            route: Arc::clone(route),
            terms: Arc::clone(&self.terms),
            room,
        };
        Some(Watched {
            queue: Arc::clone(&self.queue),
            sample: Some(Box::new(sample)),
            since: Instant::now(),
        })
    }
}

/// A request that is being copied. It is looked at once all of it has come, or more than a call may have;
/// one that breaks off is not.
#[derive(Debug)]
pub struct Watched {
    queue: Arc<Queue>,
    sample: Option<Box<Sample>>,
    since: Instant,
}

impl Watched {
    fn data(&mut self, data: &[u8]) {
        let Some(sample) = &mut self.sample else {
            return;
        };
        if !sample.room.take(data.len()) {
            self.sample = None;
            self.queue.lose();
            return;
        }
        sample.body.extend_from_slice(data);
        if sample.body.len() > sample.route.limits.body_bytes {
            sample.is_long = true;
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some(mut sample) = self.sample.take() {
            sample.is_late = self.since.elapsed() > sample.route.limits.body_timeout;
            self.queue.push(sample);
        }
    }
}

/// A body that may be copied as it is read.
#[derive(Debug)]
pub struct Tapped<B> {
    body: B,
    watched: Option<Watched>,
}

impl<B> Tapped<B> {
    /// The body, copied if it is watched.
    pub const fn new(body: B, watched: Option<Watched>) -> Self {
        Self { body, watched }
    }
}

impl<B> Body for Tapped<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        if let Some(watched) = &mut this.watched {
            if let Some(Ok(frame)) = &frame
                && let Some(data) = frame.data_ref()
            {
                watched.data(data);
            }
            if frame.is_none() || this.body.is_end_stream() {
                watched.end();
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
