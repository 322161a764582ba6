//! Tells a client that its connection ends where its body was left unread.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::quiet::quietly;

/// Answers with `Connection: close` where the answer is ready before the end of the request's
/// body: a body that is too large, or of a request that no route answers for. The server closes
/// such a connection, and a client that was not told sends its next request into the void.
///
/// *Position*: outside everything that answers without reading. *Failure*: none.
/// *Cost*: one flag for a request over HTTP/1 with a body; HTTP/2 ends single streams.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnreadBodyLayer;

impl<S> Layer<S> for UnreadBodyLayer {
    type Service = CloseUnread<S>;

    fn layer(&self, inner: S) -> CloseUnread<S> {
        CloseUnread { inner }
    }
}

/// The service of [`UnreadBodyLayer`].
#[derive(Clone, Copy, Debug)]
pub struct CloseUnread<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for CloseUnread<S>
where
    S: Service<Request<WatchedBody<B>>, Response = Response<R>>,
    B: Body,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let is_watched = request.version() != Version::HTTP_2 && !request.body().is_end_stream();
        let is_read = is_watched.then(|| Arc::new(AtomicBool::new(false)));
        let watched = request.map(|body| WatchedBody {
            body,
            is_read: is_read.clone(),
        });
        ResponseFuture {
            inner: self.inner.call(watched),
            is_read,
        }
    }
}

pin_project! {
    /// A body that notes when it was read to its end.
    #[derive(Debug)]
    pub struct WatchedBody<B> {
        #[pin]
        body: B,
        is_read: Option<Arc<AtomicBool>>,
    }
}

impl<B: Body> Body for WatchedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let (frame, connection) = quietly(|| this.body.as_mut().poll_frame(cx));
        // A connection of HTTP/1 that has handed over all of a body waits for the answer.
        if this.is_read.is_some() && this.body.is_end_stream() {
            connection.forget();
        } else {
            connection.wake();
        }
        let frame = ready!(frame);
        // Who knows the length of a body does not ask for its end.
        if let Some(is_read) = this.is_read
            && (frame.is_none() || this.body.is_end_stream())
        {
            is_read.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

pin_project! {
    /// The future of [`CloseUnread`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        is_read: Option<Arc<AtomicBool>>,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut answered = ready!(this.inner.poll(cx));
        let is_unread = this
            .is_read
            .as_ref()
            .is_some_and(|is_read| !is_read.load(Ordering::Relaxed));
        if is_unread && let Ok(response) = &mut answered {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        Poll::Ready(answered)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};
    use tower::{ServiceExt, service_fn};

    use super::*;

    /// The `Connection` header of the answer to a body, which is read if it is said so.
    async fn connection(version: Version, body: &'static str, reads: bool) -> Option<HeaderValue> {
        let inner = service_fn(
            move |request: Request<WatchedBody<Full<Bytes>>>| async move {
                if reads {
                    let read = request.into_body().collect().await.unwrap().to_bytes();
                    assert_eq!(read, body);
                }
                Ok::<_, Infallible>(Response::new(()))
            },
        );
        let mut request = Request::new(Full::from(body));
        *request.version_mut() = version;
        let service = UnreadBodyLayer.layer(inner);
        let response = service.oneshot(request).await.unwrap();
        response.headers().get(CONNECTION).cloned()
    }

    #[tokio::test]
    async fn a_connection_whose_request_was_left_unread_is_said_to_end() {
        for version in [Version::HTTP_10, Version::HTTP_11] {
            let closes = connection(version, "body", false).await;
            assert_eq!(closes.unwrap(), "close");
        }
    }

    #[tokio::test]
    async fn a_connection_is_kept_where_nothing_was_left_unread() {
        assert_eq!(connection(Version::HTTP_11, "body", true).await, None);
        assert_eq!(connection(Version::HTTP_11, "", false).await, None);
    }

    #[tokio::test]
    async fn http_2_has_no_such_header() {
        assert_eq!(connection(Version::HTTP_2, "body", false).await, None);
    }
}
