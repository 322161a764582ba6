//! The pipeline that is running, behind one pointer.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use tower::Service;

/// A service that can be replaced as a whole while it is called, and is ready whenever it is.
///
/// *Position*: outermost; a request looks once, and goes its whole way through what it found. One that is
/// under way ends in the service that it began in, which lives as long as that. *Failure*: none of its
/// own. *Cost*: one atomic load without a wait.
pub struct Live<S>(Arc<ArcSwap<S>>);

impl<S> Live<S> {
    /// Has this one called.
    pub fn new(service: S) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(service)))
    }

    /// Has another one called from the next request on, on connections that are open too.
    pub fn replace(&self, service: S) {
        self.0.store(Arc::new(service));
    }
}

impl<S> Clone for Live<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for Live<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

impl<S, R> Service<R> for Live<S>
where
    S: Service<R, Error = Infallible> + Clone,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = S::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        S::clone(&self.0.load()).call(request)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep;
    use tower::{ServiceExt, service_fn};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_ends_in_the_service_that_it_began_in() {
        let named = |name: &'static str| {
            service_fn(move |wait: Duration| async move {
                sleep(wait).await;
                Ok::<_, Infallible>(name)
            })
        };
        let live = Live::new(named("before"));
        let begun = tokio::spawn(live.clone().oneshot(Duration::from_secs(1)));
        tokio::task::yield_now().await;
        live.replace(named("after"));
        assert_eq!(live.clone().oneshot(Duration::ZERO).await, Ok("after"));
        assert_eq!(begun.await.unwrap(), Ok("before"));
    }
}
