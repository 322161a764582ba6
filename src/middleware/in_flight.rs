//! Bounds how many requests are worked on at once.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{Layer, Service};

use super::Routed;
use crate::error::{Error, Kind};
use crate::route::Route;

/// Refuses a request when its route has as many in flight as it may.
///
/// *Position*: inside the body layer, so that a slow sender holds no permit. *Failure*:
/// [`Kind::Overloaded`], at once: nothing queues here. *Cost*: one atomic operation each way.
#[derive(Clone, Debug, Default)]
pub struct InFlightLayer {
    permits: Arc<HashMap<String, Bound>>,
}

/// How many there may be of one route, and the permits for as many.
#[derive(Clone, Debug)]
struct Bound {
    most: usize,
    permits: Arc<Semaphore>,
}

impl InFlightLayer {
    /// A bound of its own for each route.
    pub fn new<'a>(routes: impl IntoIterator<Item = &'a Route>) -> Self {
        Self::default().next(routes)
    }

    /// The same for other routes. What is in flight still counts where a route keeps name and bound.
    #[must_use]
    pub fn next<'a>(&self, routes: impl IntoIterator<Item = &'a Route>) -> Self {
        let permits = routes.into_iter().map(|route| {
            let most = route.limits.in_flight;
            let known = self.permits.get(&route.name).cloned();
            let bound = known.filter(|bound| bound.most == most);
            let bound = bound.unwrap_or_else(|| Bound {
                most,
                permits: Arc::new(Semaphore::new(most)),
            });
            (route.name.clone(), bound)
        });
        Self {
            permits: Arc::new(permits.collect()),
        }
    }
}

impl<S> Layer<S> for InFlightLayer {
    type Service = InFlight<S>;

    fn layer(&self, inner: S) -> InFlight<S> {
        InFlight {
            inner,
            permits: Arc::clone(&self.permits),
        }
    }
}

/// The service of [`InFlightLayer`].
#[derive(Clone, Debug)]
pub struct InFlight<S> {
    inner: S,
    permits: Arc<HashMap<String, Bound>>,
}

impl<S, B> Service<Routed<B>> for InFlight<S>
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
        let route = self.permits.get(&request.route.name);
        let permit = route.and_then(|bound| Arc::clone(&bound.permits).try_acquire_owned().ok());
        let inner = permit.is_some().then(|| self.inner.call(request));
        ResponseFuture { inner, permit }
    }
}

pin_project! {
    /// The future of [`InFlight`]; its permit goes back with it, finished or dropped.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        // Nothing where there was no permit.
        #[pin]
        inner: Option<F>,
        permit: Option<OwnedSemaphorePermit>,
    }
}

impl<F, T> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, Error>>,
{
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().inner.as_pin_mut() {
            Some(inner) => inner.poll(cx),
            None => Poll::Ready(Err(Kind::Overloaded.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::middleware::routed;

    #[tokio::test]
    async fn a_request_too_many_is_refused_and_a_dropped_one_gives_its_place_back() {
        let route = routed::route(1);
        let layer = InFlightLayer::new([&route]);
        let stuck = layer.layer(service_fn(|_: Routed<()>| pending::<Result<(), Error>>()));
        let quick = layer.layer(service_fn(|_: Routed<()>| async { Ok::<_, Error>(()) }));

        let first = stuck.oneshot(routed::request(&route));
        let mut first = Box::pin(first);
        assert!(futures_util::poll!(&mut first).is_pending());
        let refused = quick
            .clone()
            .oneshot(routed::request(&route))
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), &Kind::Overloaded);

        drop(first);
        assert!(quick.oneshot(routed::request(&route)).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_in_flight_counts_on_where_a_route_keeps_its_bound() {
        let route = routed::route(1);
        let layer = InFlightLayer::new([&route]);
        let stuck = layer.layer(service_fn(|_: Routed<()>| pending::<Result<(), Error>>()));
        let mut first = Box::pin(stuck.oneshot(routed::request(&route)));
        assert!(futures_util::poll!(&mut first).is_pending());
        for (bound, is_taken) in [(1, false), (2, true)] {
            let route = routed::route(bound);
            let next = layer.next([&route]);
            let quick = next.layer(service_fn(|_: Routed<()>| async { Ok::<_, Error>(()) }));
            let answered = quick.oneshot(routed::request(&route)).await;
            assert_eq!(answered.is_ok(), is_taken, "{bound}");
        }
    }
}
