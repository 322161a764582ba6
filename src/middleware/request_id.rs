//! Gives every request an id and sends it back.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderName, HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::auth::call::{IdText, RequestId};
use crate::clock::Clock;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Makes an id, a UUID of version 7, keeps it in the request's extensions and answers with it as
/// `X-Request-Id`. An id that a client sends is not taken over: it would let clients choose what
/// the log and the audit trail call their requests.
///
/// *Position*: outermost, so that every answer carries an id. *Failure*: none.
/// *Cost*: ten random bytes and one header.
#[derive(Clone, Debug)]
pub struct RequestIdLayer {
    clock: Clock,
}

impl RequestIdLayer {
    /// Ids from the clock's time and random bytes.
    pub const fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

impl<S> Layer<S> for RequestIdLayer {
    type Service = SetRequestId<S>;

    fn layer(&self, inner: S) -> SetRequestId<S> {
        SetRequestId {
            inner,
            clock: self.clock.clone(),
        }
    }
}

/// The service of [`RequestIdLayer`].
#[derive(Clone, Debug)]
pub struct SetRequestId<S> {
    inner: S,
    clock: Clock,
}

impl<S, B, R> Service<Request<B>> for SetRequestId<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let id = RequestId::new(self.clock.uuid().as_u128());
        request.extensions_mut().insert(id);
        ResponseFuture {
            inner: self.inner.call(request),
            id,
        }
    }
}

pin_project! {
    /// The future of [`SetRequestId`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        id: RequestId,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        if let Ok(value) = HeaderValue::from_str(this.id.text(&mut IdText::default())) {
            response.headers_mut().insert(X_REQUEST_ID, value);
        }
        Poll::Ready(Ok(response))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::clock::Timestamp;

    #[tokio::test]
    async fn the_answer_carries_the_id_that_the_request_was_given() {
        let clock = Clock::fixed(Timestamp::from_millis(1_700_000_000_000), 0xab);
        let service =
            RequestIdLayer::new(clock).layer(service_fn(|request: Request<()>| async move {
                let id = request.extensions().get::<RequestId>().unwrap().to_string();
                Ok::<_, Infallible>(Response::new(id))
            }));
        let request = Request::builder()
            .header("x-request-id", "chosen")
            .body(())
            .unwrap();
        let response = service.oneshot(request).await.unwrap();
        assert_eq!(
            response.headers()["x-request-id"],
            "018bcfe5-6800-7bab-abab-abababababab"
        );
        assert_eq!(response.headers()["x-request-id"], response.body().as_str());
    }
}
