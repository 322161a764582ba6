//! A response body that knows whether it is finished and who waits for whom.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::activity::OpenRequest;

/// The most an HTTP/2 response hands over at once: its default frame size. So a request counts as open
/// until all but its last piece has fitted into the peer's window, however large the body's own chunks are.
const PIECE: usize = 16 * 1024;

pin_project! {
    /// The service's body, or none for an answer of the server's own. Its request stays open until it ends
    /// or is dropped.
    #[derive(Debug)]
    pub(super) struct ResponseBody<B> {
        #[pin]
        body: Option<B>,
        rest: Bytes,
        split: bool,
        open: Option<OpenRequest>,
    }
}

impl<B> ResponseBody<B> {
    pub(super) fn new(body: Option<B>, split: bool, open: Option<OpenRequest>) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            split,
            open,
        }
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body<Data = Bytes>,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        if let Some(open) = this.open.as_mut() {
            open.asked();
        }
        if this.rest.is_empty() {
            let frame = match this.body.as_pin_mut() {
                Some(body) => ready!(body.poll_frame(context)),
                None => None,
            };
            match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => *this.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => {
                    *this.open = None;
                    return Poll::Ready(end);
                }
            }
        }
        let piece = if *this.split && this.rest.len() > PIECE {
            this.rest.split_to(PIECE)
        } else {
            std::mem::take(this.rest)
        };
        if let Some(open) = this.open.as_mut() {
            open.handed_over();
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let Some(body) = &self.body else {
            return SizeHint::with_exact(0);
        };
        let inner = body.size_hint();
        let rest = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(rest));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::{BodyExt, Empty, Full};

    use super::*;
    use crate::server::activity::Activity;

    #[tokio::test]
    async fn a_large_chunk_leaves_in_pieces_and_keeps_its_length() {
        let bytes = Bytes::from(vec![7; 40_000]);
        let mut body = ResponseBody::new(Some(Full::new(bytes.clone())), true, None);
        assert_eq!(body.size_hint().exact(), Some(40_000));
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first.len(), PIECE);
        assert_eq!(body.size_hint().exact(), Some(40_000 - 16_384));
        assert!(!body.is_end_stream());
        let rest = body.collect().await.unwrap().to_bytes();
        assert_eq!([first, rest].concat(), bytes);
    }

    #[tokio::test]
    async fn a_request_is_open_until_its_body_ends() {
        let activity = Arc::new(Activity::default());
        let open = OpenRequest::begin(&activity, false);
        let mut body =
            ResponseBody::new(Some(Full::new(Bytes::from_static(b"x"))), true, Some(open));
        assert!(body.frame().await.is_some());
        assert_eq!(activity.seen().open, 1);
        assert_eq!(activity.seen().held_up, 1);
        assert!(body.frame().await.is_none());
        assert_eq!(activity.seen().open, 0);
        assert_eq!(activity.seen().held_up, 0);
        assert_eq!(activity.seen().finished, 1);
    }

    #[test]
    fn an_answer_of_the_servers_own_is_empty() {
        let body: ResponseBody<Empty<Bytes>> = ResponseBody::new(None, true, None);
        assert!(body.is_end_stream());
        assert_eq!(body.size_hint().exact(), Some(0));
    }
}
