//! The body of a request on its way out: whole, or as it arrives from somewhere else.

use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use http_body_util::combinators::UnsyncBoxBody;

use super::socket::Mark;

/// What goes wrong with a body that somebody else sends.
pub type BodyError = Box<dyn Error + Send + Sync>;

/// A body that somebody else sends.
pub type Source = UnsyncBoxBody<Bytes, BodyError>;

/// The body of a request that is handed on.
#[derive(Debug)]
pub enum Payload {
    /// None.
    Empty,
    /// All of it.
    Whole(Bytes),
    /// One that somebody else sends.
    Streamed(Source),
}

/// The body of a request.
#[derive(Clone, Debug)]
pub(super) enum Outgoing {
    Whole(Full<Bytes>),
    Streamed(Upload),
}

/// A body that is handed on as it arrives. Clones are the same body.
///
/// Its first piece is kept until there is another one, which is not taken before a byte of the request has left: so a
/// request that failed with nothing sent can be sent again, and one of which anything was sent never is, unless
/// the upstream says that it did not look at it.
#[derive(Clone, Debug)]
pub(super) struct Upload(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    source: Source,
    /// Where the request began on its connection.
    mark: Mark,
    first: First,
    /// Whether somebody waits for a byte to leave.
    waits: bool,
    taken: u64,
    end: End,
}

#[derive(Debug)]
enum First {
    /// Nothing was taken yet.
    Ahead,
    /// It was taken, and perhaps not sent.
    Kept(Bytes),
    /// It is to be sent once more.
    Again(Bytes),
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    None,
    Whole,
    Broken,
}

impl Upload {
    pub(super) fn new(source: Source) -> Self {
        Self(Arc::new(Mutex::new(State {
            source,
            mark: Mark::default(),
            first: First::Ahead,
            waits: false,
            taken: 0,
            end: End::None,
        })))
    }

    /// A request with this body begins on a connection.
    pub(super) fn begin(&self, mark: Mark) {
        let mut state = self.state();
        let was_sent = std::mem::replace(&mut state.mark, mark).has_sent();
        state.first = match std::mem::replace(&mut state.first, First::Gone) {
            First::Kept(_) if was_sent => First::Gone,
            First::Kept(first) => First::Again(first),
            first @ (First::Ahead | First::Again(_) | First::Gone) => first,
        };
    }

    /// The upstream did not look at what it was sent: whether it can be sent once more.
    pub(super) fn take_back(&self) -> bool {
        let mut state = self.state();
        state.first = match std::mem::replace(&mut state.first, First::Gone) {
            First::Kept(first) => First::Again(first),
            first @ (First::Ahead | First::Again(_) | First::Gone) => first,
        };
        !matches!(state.first, First::Gone)
    }

    /// Whether more of it may be taken now than when it was last asked for.
    pub(super) fn may_go_on(&self) -> bool {
        let mut state = self.state();
        let may = state.waits && state.mark.has_sent();
        state.waits &= !may;
        may
    }

    /// How much of it was taken, and nothing once that was all.
    pub(super) fn underway(&self) -> Option<u64> {
        let state = self.state();
        (state.end == End::None).then_some(state.taken)
    }

    /// Whether its sender failed.
    pub(super) fn is_broken(&self) -> bool {
        self.state().end == End::Broken
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock leaves the state half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &self.first {
            First::Again(first) => {
                let first = first.clone();
                self.first = First::Kept(first.clone());
                return Poll::Ready(Some(Ok(Frame::data(first))));
            }
            First::Kept(_) if !self.mark.has_sent() => {
                self.waits = true;
                return Poll::Pending;
            }
            First::Ahead | First::Kept(_) | First::Gone => {}
        }
        if self.end == End::Whole {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.source).poll_frame(context));
        match &frame {
            None => self.end = End::Whole,
            Some(Err(_)) => self.end = End::Broken,
            Some(Ok(frame)) => {
                let data = frame.data_ref().cloned().unwrap_or_default();
                let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
                self.taken = self.taken.saturating_add(length);
                self.first = match self.first {
                    First::Ahead => First::Kept(data),
                    First::Kept(_) | First::Again(_) | First::Gone => First::Gone,
                };
                if self.source.is_end_stream() {
                    self.end = End::Whole;
                }
            }
        }
        Poll::Ready(frame)
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body)
                .poll_frame(context)
                .map_err(|never| match never {}),
            Self::Streamed(upload) => upload.state().poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Streamed(upload) => {
                let state = upload.state();
                // A piece that is kept may have to be sent once more.
                !matches!(state.first, First::Again(_)) && state.source.is_end_stream()
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Streamed(upload) => {
                let state = upload.state();
                let hint = state.source.size_hint();
                match (&state.first, hint.exact()) {
                    (First::Again(first), Some(rest)) => {
                        let first = u64::try_from(first.len()).unwrap_or(u64::MAX);
                        SizeHint::with_exact(rest.saturating_add(first))
                    }
                    _ => hint,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use http_body_util::BodyExt;

    use super::*;
    use crate::client::socket::Meter;

    fn poll(body: &mut Outgoing) -> Poll<Option<Bytes>> {
        let mut context = Context::from_waker(Waker::noop());
        let frame = Pin::new(body).poll_frame(&mut context);
        frame.map(|frame| frame.map(|frame| frame.unwrap().into_data().unwrap()))
    }

    fn upload(text: &'static str) -> Upload {
        let body = Full::new(Bytes::from(text));
        Upload::new(body.map_err(|never| match never {}).boxed_unsync())
    }

    #[test]
    fn the_first_piece_comes_again_where_nothing_was_sent_and_nothing_else_before() {
        let upload = upload("all of it");
        for _ in 0..2 {
            upload.begin(Mark::default());
            let mut body = Outgoing::Streamed(upload.clone());
            assert_eq!(body.size_hint().exact(), Some(9));
            assert!(!body.is_end_stream());
            assert_eq!(poll(&mut body), Poll::Ready(Some("all of it".into())));
            assert_eq!(poll(&mut body), Poll::Pending);
            assert!(!upload.may_go_on());
        }
    }

    #[test]
    fn what_was_sent_never_comes_again() {
        let upload = upload("x");
        let meter = Arc::<Meter>::default();
        upload.begin(meter.mark());
        let mut body = Outgoing::Streamed(upload.clone());
        assert_eq!(poll(&mut body), Poll::Ready(Some("x".into())));
        assert_eq!(poll(&mut body), Poll::Pending);
        meter.note_sent(1);
        assert!(upload.may_go_on() && !upload.may_go_on());
        assert_eq!(poll(&mut body), Poll::Ready(None));
        assert_eq!(upload.underway(), None);
        upload.begin(Mark::default());
        assert!(body.is_end_stream());
        assert_eq!(poll(&mut body), Poll::Ready(None));
        assert!(!upload.take_back());
    }

    #[test]
    fn what_the_upstream_did_not_look_at_comes_again_if_it_was_one_piece() {
        let upload = upload("x");
        let meter = Arc::<Meter>::default();
        upload.begin(meter.mark());
        let mut body = Outgoing::Streamed(upload.clone());
        assert_eq!(poll(&mut body), Poll::Ready(Some("x".into())));
        meter.note_sent(1);
        assert_eq!(poll(&mut body), Poll::Ready(None));
        assert!(upload.take_back());
        upload.begin(Mark::default());
        assert!(!body.is_end_stream());
        assert_eq!(poll(&mut body), Poll::Ready(Some("x".into())));
    }
}
