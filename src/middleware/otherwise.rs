//! Tells the site's own requests from calls, where both come to one path.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::future::{BoxFuture, Either};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};
use tower::{Layer, Service};

use super::body::{Budget, too_large};
use super::route::Passed;
use super::{BodyError, ResponseBody, Routed};
use crate::dialect::{is_always_ours, is_ours};
use crate::error::{Error, Kind};
use crate::route::{PassRoute, is_plain};

/// Hands on to the site what is no call, where a route has `otherwise`: what was read of its body is sent
/// first, and the rest as it arrives, whatever its length.
///
/// *Position*: outside the deadline and the limits of calls, which the site's requests are not held to.
/// *Failure*: [`Kind::TooLarge`] and [`Kind::Timeout`] for a call whose body is too long or too slow;
/// [`Kind::Overloaded`] when the budget of bodies is spent. *Cost*: none for routes without; else one
/// buffer of at most the calls' limit until it is known what the request is.
#[derive(Clone, Debug)]
pub struct OtherwiseLayer<P> {
    pass: P,
    budget: Budget,
}

impl<P> OtherwiseLayer<P> {
    /// Requests are handed on by `pass`; what is read of them counts towards the budget of bodies.
    pub const fn new(pass: P, budget: Budget) -> Self {
        Self { pass, budget }
    }
}

impl<S, P: Clone> Layer<S> for OtherwiseLayer<P> {
    type Service = Sift<S, P>;

    fn layer(&self, inner: S) -> Sift<S, P> {
        Sift {
            inner,
            pass: self.pass.clone(),
            budget: self.budget.clone(),
        }
    }
}

/// The service of [`OtherwiseLayer`].
#[derive(Clone, Debug)]
pub struct Sift<S, P> {
    inner: S,
    pass: P,
    budget: Budget,
}

impl<S, P, B> Service<Routed<B>> for Sift<S, P>
where
    S: Service<Routed<Replayed<B>>, Response = Response<ResponseBody>, Error = Error>,
    S: Clone + Send + 'static,
    S::Future: Send,
    P: Fn(Arc<PassRoute>, Request<Replayed<B>>) -> Passed + Clone + Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError>,
{
    type Response = S::Response;
    type Error = Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<S::Response, Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Routed<B>) -> Self::Future {
        let Routed { head, body, route } = request;
        let mut replayed = Replayed {
            ahead: Bytes::new(),
            is_ended: body.is_end_stream(),
            rest: body,
        };
        let site = route.otherwise.clone();
        let Some(site) = site.filter(|_| !is_always_ours(route.dialect)) else {
            let body = replayed;
            return Either::Left(self.inner.call(Routed { head, body, route }));
        };
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let (pass, mut share) = (self.pass.clone(), self.budget.share());
        Either::Right(Box::pin(async move {
            let limit = route.limits.body_bytes;
            let until = Instant::now() + route.limits.body_timeout;
            let mut ahead = BytesMut::new();
            let mut is_late = false;
            while !replayed.is_ended && ahead.len() <= limit {
                let Ok(frame) = timeout_at(until, replayed.rest.frame()).await else {
                    is_late = true;
                    break;
                };
                match frame {
                    Some(Ok(frame)) => {
                        // Trailers mean nothing to any dialect, and PHP sees none.
                        let data = frame.into_data().unwrap_or_default();
                        share.cover(ahead.len() + data.len())?;
                        ahead.extend_from_slice(&data);
                        replayed.is_ended = replayed.rest.is_end_stream();
                    }
                    Some(Err(cause)) => return Err(Error::from(Kind::Malformed).caused_by(cause)),
                    None => replayed.is_ended = true,
                }
            }
            // What can be read in more than one way is refused further in.
            let is_call =
                !is_plain(head.uri.path()) || is_ours(route.dialect, &head, &ahead, &route.policy);
            let is_whole = replayed.is_ended && ahead.len() <= limit;
            replayed.ahead = ahead.freeze();
            if !is_call {
                let request = Request::from_parts(head, replayed);
                return Ok(pass(site, request).await);
            }
            if is_late {
                let message = "the body arrived too slowly; send it again";
                return Err(Error::new(Kind::Timeout, message));
            }
            if !is_whole {
                return Err(too_large(&route.limits));
            }
            // The layer inside counts it again.
            drop(share);
            let body = replayed;
            inner.call(Routed { head, body, route }).await
        }))
    }
}

/// A body of which something was read: that comes first.
#[derive(Debug)]
pub struct Replayed<B> {
    ahead: Bytes,
    rest: B,
    is_ended: bool,
}

impl<B> Body for Replayed<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if self.ahead.has_remaining() {
            let ahead = std::mem::take(&mut self.ahead);
            return Poll::Ready(Some(Ok(Frame::data(ahead))));
        }
        if self.is_ended {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.rest).poll_frame(context));
        self.is_ended = frame.is_none() || self.rest.is_end_stream();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        !self.ahead.has_remaining() && (self.is_ended || self.rest.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = u64::try_from(self.ahead.len()).unwrap_or(u64::MAX);
        if self.is_ended {
            return SizeHint::with_exact(ahead);
        }
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(ahead));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(ahead));
        }
        hint
    }
}
