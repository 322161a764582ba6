//! The least pace of a body that a caller sends.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use thiserror::Error;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::client::BodyError;

/// The least that must arrive in so much waiting: 500 bytes a second.
const LEAST: usize = 5_000;
const WAITING: Duration = Duration::from_secs(10);

/// A body arrived more slowly than that.
#[derive(Debug, Error)]
#[error("the body arrived too slowly")]
pub(super) struct TooSlow;

pin_project! {
    /// A body that fails where its sender is too slow. Only the time in which somebody waits for it counts:
    /// a site that takes its time is no fault of the caller's.
    pub(super) struct Paced<B> {
        #[pin]
        body: B,
        #[pin]
        timer: Option<Sleep>,
        since: Option<Instant>,
        waited: Duration,
        received: usize,
    }
}

impl<B> Paced<B> {
    pub(super) fn new(body: B) -> Self {
        Self {
            body,
            timer: None,
            since: None,
            waited: Duration::ZERO,
            received: 0,
        }
    }
}

impl<B> Body for Paced<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut this = self.project();
        if let Poll::Ready(frame) = this.body.poll_frame(context) {
            if let Some(since) = this.since.take() {
                *this.waited += since.elapsed();
            }
            if let Some(Ok(frame)) = &frame {
                *this.received += frame.data_ref().map_or(0, Bytes::len);
            }
            if *this.received >= LEAST {
                *this.received = 0;
                *this.waited = Duration::ZERO;
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        if this.since.is_none() {
            let now = Instant::now();
            *this.since = Some(now);
            let left = WAITING.saturating_sub(*this.waited);
            this.timer.set(Some(sleep_until(now + left)));
        }
        match this.timer.as_pin_mut() {
            Some(timer) => timer.poll(context).map(|()| Some(Err(TooSlow.into()))),
            None => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream::{self, Stream, StreamExt};
    use http_body_util::{BodyExt, StreamBody};
    use tokio::time::sleep;

    use super::*;

    fn every(
        pause: Duration,
        length: usize,
    ) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> {
        stream::repeat(vec![b'x'; length]).then(move |piece| async move {
            sleep(pause).await;
            Ok(Frame::data(Bytes::from(piece)))
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_fails_after_ten_seconds_of_waiting() {
        let begin = Instant::now();
        let body = StreamBody::new(Box::pin(every(Duration::from_millis(10), 4)));
        let error = Paced::new(body).collect().await.unwrap_err();
        assert!(error.is::<TooSlow>(), "{error}");
        assert_eq!(begin.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_at_the_least_pace_takes_as_long_as_it_takes() {
        let pieces = every(Duration::from_secs(1), 600).take(300);
        let body = StreamBody::new(Box::pin(pieces));
        let whole = Paced::new(body).collect().await.unwrap().to_bytes();
        assert_eq!(whole.len(), 180_000);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_asks_is_not_the_callers() {
        let pieces = every(Duration::from_millis(900), 100).take(20);
        let mut body = Box::pin(Paced::new(StreamBody::new(Box::pin(pieces))));
        for _ in 0..5 {
            assert!(body.frame().await.unwrap().is_ok());
            sleep(Duration::from_secs(60)).await;
        }
    }
}
