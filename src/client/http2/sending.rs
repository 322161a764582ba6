//! The body of a request on its way into a stream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};
use http_body::Body;

use crate::client::upload::Outgoing;

/// A body, and the stream that it goes into at the pace that its windows allow.
#[derive(Debug)]
pub(super) struct Sending {
    stream: SendStream<Bytes>,
    body: Outgoing,
}

/// Whoever sends the body failed.
#[derive(Debug)]
pub(super) struct Broken;

impl Sending {
    pub(super) fn new(stream: SendStream<Bytes>, body: Outgoing) -> Self {
        Self { stream, body }
    }

    /// Sends what can be. Ready when that was all, or the upstream takes no more of it, which is no failure:
    /// its answer tells.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        loop {
            if !ready!(self.has_room(context)) {
                return Poll::Ready(Ok(()));
            }
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else {
                return self.end(Bytes::new());
            };
            let Ok(frame) = frame else {
                self.stream.send_reset(Reason::CANCEL);
                return Poll::Ready(Err(Broken));
            };
            let frame = match frame.into_data() {
                Ok(data) if self.body.is_end_stream() => return self.end(data),
                Ok(data) => {
                    if !data.is_empty() && self.stream.send_data(data, false).is_err() {
                        return Poll::Ready(Ok(()));
                    }
                    continue;
                }
                Err(frame) => frame,
            };
            if let Ok(trailers) = frame.into_trailers() {
                self.stream.reserve_capacity(0);
                // It fails where the upstream takes no more.
                let _ = self.stream.send_trailers(trailers);
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Whether the upstream takes more. Nothing is read of the body before it has room for some of it.
    fn has_room(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        self.stream.reserve_capacity(1);
        if self.stream.capacity() > 0 {
            let reset = self.stream.poll_reset(context);
            return Poll::Ready(reset.is_pending());
        }
        let room = ready!(self.stream.poll_capacity(context));
        Poll::Ready(matches!(room, Some(Ok(_))))
    }

    fn end(&mut self, last: Bytes) -> Poll<Result<(), Broken>> {
        // It fails where the upstream takes no more.
        let _ = self.stream.send_data(last, true);
        Poll::Ready(Ok(()))
    }
}
