//! The body of an answer that is handed on as it arrives.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;

use super::connection::{Connection, next};
use super::failure::Failure;
use super::http2::Arriving;
use super::pool::Pool;
use super::upload::BodyError;

/// The body of an answer. With HTTP/1.1 it has its connection to itself until it ends, and dropped before, it
/// closes that; with HTTP/2 it has a stream.
#[derive(Debug)]
pub struct Download(Kind);

#[derive(Debug)]
enum Kind {
    /// All of it came with the head, and waits to be taken.
    Whole(Bytes),
    Alone {
        /// What came with the head.
        ahead: Option<Frame<Bytes>>,
        body: Incoming,
        link: Option<Link>,
    },
    Shared(Option<Box<Shared>>),
}

#[derive(Debug)]
struct Shared {
    body: Arriving,
    /// Given back after its stream has ended.
    _place: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct Link {
    connection: Box<Connection>,
    pool: Arc<Pool>,
    /// Given back after the connection has gone to rest, so that the next in line finds it there.
    _place: OwnedSemaphorePermit,
}

impl Link {
    /// All was read: the connection may serve the next request, unless it has more to do.
    fn end(mut self) {
        if self.connection.rest() {
            self.pool.put(self.connection);
        }
    }
}

impl Download {
    /// The body of an answer whose head has just come on a connection. What came with it is taken at once: mostly
    /// that is all, and the connection is free before anybody reads it.
    pub(super) fn alone(
        mut body: Incoming,
        connection: Box<Connection>,
        pool: Arc<Pool>,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, Failure> {
        let mut link = Link {
            connection,
            pool,
            _place: place,
        };
        let mut ahead = None;
        if !body.is_end_stream() && body.size_hint().exact().is_some() {
            match next(&mut body) {
                Poll::Ready(Some(Ok(frame))) => ahead = Some(frame),
                Poll::Ready(Some(Err(error))) => return Err(link.connection.no_body(error)),
                Poll::Ready(None) | Poll::Pending => {}
            }
        }
        if !body.is_end_stream() {
            let link = Some(link);
            return Ok(Self(Kind::Alone { ahead, body, link }));
        }
        link.end();
        // A body of a length has no trailers.
        let whole = ahead.and_then(|frame| frame.into_data().ok());
        Ok(Self(Kind::Whole(whole.unwrap_or_default())))
    }

    pub(super) fn shared(body: Arriving, place: OwnedSemaphorePermit) -> Self {
        let has_more = !body.is_end_stream();
        let shared = Shared {
            body,
            _place: place,
        };
        Self(Kind::Shared(has_more.then(|| Box::new(shared))))
    }

    /// All of it, where that is there.
    pub fn take_whole(&mut self) -> Option<Bytes> {
        if let Kind::Whole(whole) = &mut self.0 {
            return Some(std::mem::take(whole));
        }
        None
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
            Kind::Whole(whole) => {
                let whole = std::mem::take(whole);
                Poll::Ready((!whole.is_empty()).then(|| Ok(Frame::data(whole))))
            }
            Kind::Alone { ahead, body, link } => {
                if let Some(ahead) = ahead.take() {
                    return Poll::Ready(Some(Ok(ahead)));
                }
                let Some(carried_by) = link else {
                    return Poll::Ready(None);
                };
                carried_by.connection.drive(context);
                let frame = ready!(next(body));
                if is_last(frame.as_ref(), body)
                    && let Some(link) = link.take()
                {
                    link.end();
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
            Kind::Whole(whole) => whole.is_empty(),
            Kind::Alone { ahead, body, link } => {
                ahead.is_none() && (link.is_none() || body.is_end_stream())
            }
            Kind::Shared(shared) => shared.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let (ahead, rest) = match &self.0 {
            Kind::Whole(whole) => (Some(whole), SizeHint::with_exact(0)),
            Kind::Alone { ahead, body, .. } => {
                (ahead.as_ref().and_then(Frame::data_ref), body.size_hint())
            }
            Kind::Shared(Some(shared)) => (None, shared.body.size_hint()),
            Kind::Shared(None) => (None, SizeHint::with_exact(0)),
        };
        match (ahead, rest.exact()) {
            (Some(ahead), Some(rest)) => {
                let ahead = u64::try_from(ahead.len()).unwrap_or(u64::MAX);
                SizeHint::with_exact(rest.saturating_add(ahead))
            }
            _ => rest,
        }
    }
}
