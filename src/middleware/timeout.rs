//! The last resort against a request that never ends.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service};

use super::Routed;
use crate::error::{Error, Kind};

/// Ends a request that took longer than its body and its calls together may.
///
/// *Position*: outside the body and the calls, which have deadlines of their own and better
/// answers; this one fires when those did not. *Failure*: [`Kind::Timeout`]. *Cost*: one timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeoutLayer;

/// What the deadlines below get beyond their sum, so that they answer first.
const GRACE: Duration = Duration::from_secs(1);

impl<S> Layer<S> for TimeoutLayer {
    type Service = Timeout<S>;

    fn layer(&self, inner: S) -> Timeout<S> {
        Timeout { inner }
    }
}

/// The service of [`TimeoutLayer`].
#[derive(Clone, Copy, Debug)]
pub struct Timeout<S> {
    inner: S,
}

impl<S, B> Service<Routed<B>> for Timeout<S>
where
    S: Service<Routed<B>, Error = Error>,
{
    type Response = S::Response;
    type Error = Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Routed<B>) -> Self::Future {
        let limits = request.route.limits;
        let limit = limits.body_timeout + limits.call_timeout + GRACE;
        ResponseFuture {
            inner: self.inner.call(request),
            limit,
            sleep: None,
        }
    }
}

pin_project! {
    /// The future of [`Timeout`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        limit: Duration,
        // Set once it is waited for: what is answered at once needs no timer.
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl<F, T> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, Error>>,
{
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(result) = this.inner.poll(cx) {
            return Poll::Ready(result);
        }
        if this.sleep.is_none() {
            this.sleep.set(Some(sleep(*this.limit)));
        }
        let late = this.sleep.as_pin_mut().map(|sleep| sleep.poll(cx));
        late.map_or(Poll::Pending, |late| {
            late.map(|()| Err(Kind::Timeout.into()))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::middleware::routed;

    #[tokio::test(start_paused = true)]
    async fn a_request_that_never_ends_is_ended_after_the_deadlines_below() {
        let begin = tokio::time::Instant::now();
        let service =
            TimeoutLayer.layer(service_fn(|_: Routed<()>| pending::<Result<(), Error>>()));
        let error = service
            .oneshot(routed::request(&routed::route(1)))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), &Kind::Timeout);
        assert_eq!(begin.elapsed().as_secs(), 61);
    }
}
