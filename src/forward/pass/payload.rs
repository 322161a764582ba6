//! The body of a request on its way to a site: whole, where all of it is there already.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

use super::pace::Paced;
use crate::client::{BodyError, Payload};

/// Looks at a body once. Most have come with their heads, and what is whole needs nobody who hands it on. One that
/// its sender holds back until it is asked for is left alone.
pub(super) async fn payload<B>(mut body: B, is_held_back: bool) -> Payload
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError>,
{
    if body.is_end_stream() {
        return Payload::Empty;
    }
    if is_held_back || body.size_hint().exact().is_none() {
        return Payload::Streamed(Paced::new(body).boxed_unsync());
    }
    let first = poll_fn(|context| Poll::Ready(Pin::new(&mut body).poll_frame(context))).await;
    let first = match first {
        Poll::Ready(Some(Ok(frame))) if body.is_end_stream() => match frame.into_data() {
            Ok(whole) => return Payload::Whole(whole),
            Err(trailers) => Poll::Ready(Some(Ok(trailers))),
        },
        first @ (Poll::Ready(_) | Poll::Pending) => {
            first.map(|first| first.map(|first| first.map_err(Into::into)))
        }
    };
    let begun = Begun { first, rest: body };
    Payload::Streamed(Paced::new(begun).boxed_unsync())
}

/// A body whose first piece was taken already.
struct Begun<B> {
    first: Poll<Option<Result<Frame<Bytes>, BodyError>>>,
    rest: B,
}

impl<B> Body for Begun<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let first @ Poll::Ready(_) = std::mem::replace(&mut self.first, Poll::Pending) {
            return first;
        }
        let next = Pin::new(&mut self.rest).poll_frame(context);
        next.map(|next| next.map(|next| next.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_pending() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.size_hint();
        let Poll::Ready(Some(Ok(first))) = &self.first else {
            return rest;
        };
        let first = first.data_ref().map_or(0, Bytes::len);
        let first = u64::try_from(first).unwrap_or(u64::MAX);
        match rest.exact() {
            Some(rest) => SizeHint::with_exact(rest.saturating_add(first)),
            None => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::{Empty, Full, StreamBody};

    use super::*;

    /// A body of a length that is known, in pieces.
    struct Pieces(Vec<Bytes>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let piece = (!self.0.is_empty()).then(|| self.0.remove(0));
            Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
        }

        fn is_end_stream(&self) -> bool {
            self.0.is_empty()
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(u64::try_from(self.0.concat().len()).unwrap())
        }
    }

    async fn streamed(payload: Payload) -> (Option<u64>, Bytes) {
        let Payload::Streamed(body) = payload else {
            panic!("{payload:?}");
        };
        let length = body.size_hint().exact();
        (length, body.collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn what_is_there_is_whole() {
        let body = payload(Full::from("all of it"), false).await;
        assert!(matches!(body, Payload::Whole(whole) if whole == "all of it"));
        let none = payload(Empty::<Bytes>::new(), false).await;
        assert!(matches!(none, Payload::Empty));
    }

    #[tokio::test]
    async fn what_is_still_to_come_is_handed_on_with_what_was_taken() {
        let pieces = || Pieces(vec!["one ".into(), "two ".into(), "three".into()]);
        for is_held_back in [false, true] {
            let (length, all) = streamed(payload(pieces(), is_held_back).await).await;
            assert_eq!(length, Some(13));
            assert_eq!(all, "one two three");
        }
        let unknown = || {
            StreamBody::new(stream::iter([Ok::<_, Infallible>(Frame::data(
                Bytes::from("x"),
            ))]))
        };
        let (length, all) = streamed(payload(unknown(), false).await).await;
        assert_eq!((length, &all[..]), (None, &b"x"[..]));
    }
}
