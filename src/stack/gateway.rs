//! The pipeline as one service, whatever its layers are.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use tower::Service;

use crate::middleware::ResponseBody;

/// Any HTTP request in, always an answer out.
///
/// *Failure*: none. *Cost*: a copy of the layers, which share what they hold, and a box for the answer to come.
pub struct Gateway<B>(Arc<Enter<B>>);

/// An answer that is being made.
pub type Answering = BoxFuture<'static, Result<Response<ResponseBody>, Infallible>>;

type Enter<B> = dyn Fn(Request<B>) -> Answering + Send + Sync;

impl<B> Gateway<B> {
    /// The layers must be ready whenever they are called: limits refuse at the call, and nothing waits.
    pub(super) fn new<S>(layers: S) -> Self
    where
        S: Service<Request<B>, Response = Response<ResponseBody>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        Self(Arc::new(move |request| {
            Box::pin(layers.clone().call(request))
        }))
    }
}

impl<B> Clone for Gateway<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B> fmt::Debug for Gateway<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for Gateway<B> {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answering {
        (self.0)(request)
    }
}
