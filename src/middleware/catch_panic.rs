//! Keeps a panic from taking more down than its own request.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::CatchUnwind;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::Routed;
use crate::error::{Error, Kind};

/// Turns a panic below into [`Kind::Internal`].
///
/// *Position*: inside the responder, which answers in the dialect. Everything with a permit or a
/// lock is below and gives it back while unwinding. *Failure*: [`Kind::Internal`]; where it
/// was is logged ([`crate::telemetry`]). *Cost*: none.
#[derive(Clone, Copy, Debug, Default)]
pub struct CatchPanicLayer;

impl<S> Layer<S> for CatchPanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> CatchPanic<S> {
        CatchPanic { inner }
    }
}

/// The service of [`CatchPanicLayer`].
#[derive(Clone, Copy, Debug)]
pub struct CatchPanic<S> {
    inner: S,
}

impl<S, B> Service<Routed<B>> for CatchPanic<S>
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
        ResponseFuture {
            inner: AssertUnwindSafe(self.inner.call(request)).catch_unwind(),
        }
    }
}

pin_project! {
    /// The future of [`CatchPanic`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: CatchUnwind<AssertUnwindSafe<F>>,
    }
}

impl<F, T> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, Error>>,
{
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(cx).map(|caught| match caught {
            Ok(result) => result,
            Err(_panic) => Err(Kind::Internal.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::middleware::routed;

    #[tokio::test]
    async fn a_panic_is_an_internal_error_and_the_next_request_is_served() {
        let service = CatchPanicLayer.layer(service_fn(|request: Routed<()>| async move {
            assert!(request.head.headers.is_empty(), "a fault on purpose");
            Ok::<_, Error>(())
        }));
        let mut bad = routed::request(&routed::route(1));
        bad.head
            .headers
            .insert("x", http::HeaderValue::from_static("y"));
        let error = service.oneshot(bad).await.unwrap_err();
        assert_eq!(error.kind(), &Kind::Internal);
        assert!(
            service
                .oneshot(routed::request(&routed::route(1)))
                .await
                .is_ok()
        );
    }
}
