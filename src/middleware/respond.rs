//! Turns what failed above the seam into the caller's own fault.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::Response;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::{ResponseBody, Routed};
use crate::auth::call::RequestId;
use crate::dialect::{self, ReplyTo};
use crate::error::Error;
use crate::route::Route;
use crate::telemetry;

/// Answers every error from below in the dialect of the route.
///
/// *Position*: directly inside the router; nothing fails above it. What the answer needs of the
/// request is noted before the call, because the request is gone afterwards.
/// *Failure*: none. *Cost*: what the codec notes of the head.
#[derive(Clone, Copy, Debug, Default)]
pub struct RespondLayer;

impl<S> Layer<S> for RespondLayer {
    type Service = Respond<S>;

    fn layer(&self, inner: S) -> Respond<S> {
        Respond { inner }
    }
}

/// The service of [`RespondLayer`].
#[derive(Clone, Copy, Debug)]
pub struct Respond<S> {
    inner: S,
}

impl<S, B> Service<Routed<B>> for Respond<S>
where
    S: Service<Routed<B>, Response = Response<ResponseBody>, Error = Error>,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Nothing below makes a caller wait for readiness: limits refuse at the call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Routed<B>) -> Self::Future {
        let noted = Noted {
            reply_to: dialect::unread(request.route.dialect, &request.head),
            route: Arc::clone(&request.route),
            id: request.id(),
            source: request.client_ip(),
            since: Instant::now(),
        };
        ResponseFuture {
            inner: self.inner.call(request),
            noted: Some(noted),
        }
    }
}

#[derive(Debug)]
struct Noted {
    reply_to: ReplyTo,
    route: Arc<Route>,
    id: RequestId,
    source: Option<std::net::IpAddr>,
    since: Instant,
}

pin_project! {
    /// The future of [`Respond`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        noted: Option<Noted>,
    }
}

impl<F> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<ResponseBody>, Error>>,
{
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = match (ready!(this.inner.poll(cx)), this.noted.take()) {
            (Ok(response), _) => response,
            (Err(error), Some(noted)) => noted.respond(error),
            // A future that is polled after it is ready has no answer to give twice.
            (Err(_), None) => return Poll::Pending,
        };
        Poll::Ready(Ok(response))
    }
}

impl Noted {
    fn respond(self, error: Error) -> Response<ResponseBody> {
        telemetry::log_call(&telemetry::CallLine {
            id: self.id,
            source: self.source,
            route: &self.route,
            caller: None,
            action: None,
            error: Some(&error),
            replayed: false,
            tries: None,
            took: self.since.elapsed(),
        });
        self.reply_to
            .encode_response(vec![Err(error)], self.id.reference(), &self.route.policy)
            .map(ResponseBody::new)
    }
}
