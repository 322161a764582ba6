//! Finds a request's route, or answers that there is none.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::{ClientIp, ResponseBody, Routed};
use crate::route::{Entry, FixedRoute, Mode, PassRoute, Route};
use crate::telemetry;

/// Looks a request's route up. One with a dialect goes on inside, or aside where its mode is not to
/// translate; one that is handed on goes aside, one with a fixed answer has it here, and what has none is
/// answered with a bare 404, because no dialect is known to answer in.
///
/// *Position*: above everything that reads the route. *Failure*: none above, 404 here.
/// *Cost*: a comparison with each route until one matches.
#[derive(Clone, Debug)]
pub struct RouteLayer<F, P> {
    find: F,
    pass: P,
}

/// A request on its way to a site.
pub type Passed = BoxFuture<'static, Response<ResponseBody>>;

impl<F, P> RouteLayer<F, P> {
    /// Routes are looked up by `find`, and requests handed on by `pass`, which is told the route with a
    /// dialect that a request came by, if it did.
    pub const fn new(find: F, pass: P) -> Self {
        Self { find, pass }
    }
}

impl<S, F: Clone, P: Clone> Layer<S> for RouteLayer<F, P> {
    type Service = FindRoute<S, F, P>;

    fn layer(&self, inner: S) -> FindRoute<S, F, P> {
        FindRoute {
            inner: Arc::new(inner),
            find: self.find.clone(),
            pass: self.pass.clone(),
        }
    }
}

/// The service of [`RouteLayer`].
#[derive(Clone, Debug)]
pub struct FindRoute<S, F, P> {
    /// Shared, since what is handed on needs none of it.
    inner: Arc<S>,
    find: F,
    pass: P,
}

impl<S, F, P, B> Service<Request<B>> for FindRoute<S, F, P>
where
    S: Service<Routed<B>, Response = Response<ResponseBody>, Error = Infallible> + Clone,
    F: Fn(&Request<B>) -> Option<Entry>,
    P: Fn(Arc<PassRoute>, Option<Arc<Route>>, Request<B>) -> Passed,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let way = match (self.find)(&request) {
            Some(Entry::Dialect(route)) => {
                if let Some(site) = site(&route) {
                    let passed = (self.pass)(site, Some(route), request);
                    Way::Aside { passed }
                } else {
                    let (head, body) = request.into_parts();
                    let mut layers = S::clone(&self.inner);
                    let inner = layers.call(Routed { head, body, route });
                    Way::Inside {
                        inner: Box::pin(inner),
                    }
                }
            }
            Some(Entry::Pass(route)) => Way::Aside {
                passed: (self.pass)(route, None, request),
            },
            Some(Entry::Fixed(route)) => Way::Here {
                response: Some(fixed(&route, &request)),
            },
            None => {
                telemetry::log_no_route(request.extensions(), request.method());
                Way::Here {
                    response: Some(not_found()),
                }
            }
        };
        ResponseFuture { way }
    }
}

/// Where all requests of the route go, if it is not one that is translated.
fn site(route: &Route) -> Option<Arc<PassRoute>> {
    match route.mode {
        Mode::Translate => None,
        Mode::Observe | Mode::Bypass => route.otherwise.clone(),
    }
}

pin_project! {
    /// The future of [`FindRoute`].
    pub struct ResponseFuture<F> {
        #[pin]
        way: Way<F>,
    }
}

pin_project! {
    #[project = WayProjection]
    enum Way<F> {
        Inside { inner: Pin<Box<F>> },
        Aside { passed: Passed },
        Here { response: Option<Response<ResponseBody>> },
    }
}

impl<F> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<ResponseBody>, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().way.project() {
            WayProjection::Inside { inner } => inner.as_mut().poll(cx),
            WayProjection::Aside { passed } => passed.as_mut().poll(cx).map(Ok),
            // A future that is polled after it is ready has no answer to give twice.
            WayProjection::Here { response } => response
                .take()
                .map_or(Poll::Pending, |it| Poll::Ready(Ok(it))),
        }
    }
}

/// The one answer of a route, without a look at the body.
fn fixed<B>(route: &FixedRoute, request: &Request<B>) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::new(route.body.clone().into()));
    *response.status_mut() = route.status;
    let headers = response.headers_mut();
    if !route.body.is_empty() {
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, plain);
    }
    if let Some(location) = &route.location {
        headers.insert(
            header::LOCATION,
            onward(location, &route.path.prefix, request.uri()),
        );
    }
    let id = request.extensions().get().copied().unwrap_or_default();
    let source = request.extensions().get().map(|ClientIp(ip)| *ip);
    telemetry::log_pass(&telemetry::PassLine {
        id,
        source,
        route: &route.name,
        status: route.status,
        cause: None,
        since: Instant::now(),
    });
    response
}

/// Where a redirect leads: what ends with a slash is followed by what came behind the route's own path.
fn onward(location: &HeaderValue, prefix: &str, uri: &Uri) -> HeaderValue {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let rest = target.get(prefix.len()..).unwrap_or_default();
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let joined = location
        .to_str()
        .ok()
        .filter(|location| location.ends_with('/'))
        .and_then(|location| HeaderValue::try_from(format!("{location}{rest}")).ok());
    joined.unwrap_or_else(|| location.clone())
}

fn not_found() -> Response<ResponseBody> {
    let text = "no route for this host and path; see [routes] in the configuration\n";
    let mut response = Response::new(ResponseBody::from(text));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
