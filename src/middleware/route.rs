//! Finds a request's route, or answers that there is none.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::{Either, Ready, ready};
use http::{HeaderValue, Request, Response, StatusCode, header};
use tower::{Layer, Service};

use super::{ResponseBody, Routed};
use crate::route::Route;
use crate::telemetry;

/// Looks a request's route up; what has none is answered with a bare 404, because no dialect is
/// known to answer in.
///
/// *Position*: above everything that reads the route. *Failure*: none above, 404 here.
/// *Cost*: a comparison with each route until one matches.
#[derive(Clone, Debug)]
pub struct RouteLayer<F> {
    find: F,
}

impl<F> RouteLayer<F> {
    /// Routes are looked up by `find`.
    pub const fn new(find: F) -> Self {
        Self { find }
    }
}

impl<S, F: Clone> Layer<S> for RouteLayer<F> {
    type Service = FindRoute<S, F>;

    fn layer(&self, inner: S) -> FindRoute<S, F> {
        FindRoute {
            inner,
            find: self.find.clone(),
        }
    }
}

/// The service of [`RouteLayer`].
#[derive(Clone, Debug)]
pub struct FindRoute<S, F> {
    inner: S,
    find: F,
}

impl<S, F, B> Service<Request<B>> for FindRoute<S, F>
where
    S: Service<Routed<B>, Response = Response<ResponseBody>, Error = Infallible>,
    F: Fn(&Request<B>) -> Option<Arc<Route>>,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<S::Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some(route) = (self.find)(&request) else {
            telemetry::log_no_route(request.extensions(), request.method());
            return Either::Right(ready(Ok(not_found())));
        };
        let (head, body) = request.into_parts();
        Either::Left(self.inner.call(Routed { head, body, route }))
    }
}

fn not_found() -> Response<ResponseBody> {
    let text = "no route for this host and path; see [routes] in the configuration\n";
    let mut response = Response::new(ResponseBody::from(text));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
