//! What HTTP is spoken over, with a count of what it reads and a patient end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::activity::{Activity, Protocol};
use super::head_guard::HeadGuard;
use super::transport::Transport;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes to read at least while a head is not whole.
const MORE: usize = 4096;

/// A transport that tells an [`Activity`] what it reads, decrypted if it was encrypted, and hands on what its
/// guard lets through.
#[derive(Debug)]
pub(super) struct TimedIo {
    transport: Transport,
    /// What was read and not yet handed on: mostly nothing.
    ahead: BytesMut,
    /// How much of that may be.
    judged: usize,
    guard: HeadGuard,
    activity: Arc<Activity>,
    recognition: Recognition,
    closing: Closing,
}

/// How much of the HTTP/2 preface has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recognition {
    Preface(usize),
    Http1,
    Http2,
}

/// What came of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    /// Bytes that were handed on.
    Some,
    /// Bytes that were not, or not yet.
    Held,
    /// No more bytes.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    Open,
    Draining,
    Done,
}

impl TimedIo {
    pub(super) fn new(transport: Transport, guard: HeadGuard, activity: Arc<Activity>) -> Self {
        Self {
            transport,
            ahead: BytesMut::new(),
            judged: 0,
            guard,
            activity,
            recognition: Recognition::Preface(0),
            closing: Closing::Open,
        }
    }

    /// Notes what was read, and says how much of the bytes may be handed on: those, or with them the ones
    /// that were held back.
    fn judge(&mut self, fresh: &[u8], held: Option<&[u8]>) -> usize {
        self.activity.read(fresh.len());
        if let Recognition::Preface(matched) = self.recognition {
            let protocol = recognize(matched, fresh);
            self.activity.recognized(protocol);
            if protocol == Protocol::Unknown {
                // hyper waits for the same bytes, and tells the same from them.
                self.recognition = Recognition::Preface(matched + fresh.len());
                return 0;
            }
            self.recognition = if protocol == Protocol::Http2 {
                Recognition::Http2
            } else {
                Recognition::Http1
            };
        }
        let all = held.unwrap_or(fresh);
        if self.recognition == Recognition::Http2 {
            return all.len();
        }
        if self.guard.asks()
            && let Some(leaves) = self.activity.take_upgrade()
        {
            self.guard.answered(leaves);
        }
        self.guard.judge(all)
    }

    /// Reads into the buffer, and takes back what may not be handed on yet.
    fn poll_fresh(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Read>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.transport).poll_read(context, buffer))?;
        let fresh = buffer.filled().get(before..).unwrap_or_default();
        if fresh.is_empty() {
            return Poll::Ready(Ok(Read::End));
        }
        let passed = self.judge(fresh, None);
        self.ahead
            .extend_from_slice(fresh.get(passed..).unwrap_or_default());
        buffer.set_filled(before + passed);
        Poll::Ready(Ok(if passed == 0 { Read::Held } else { Read::Some }))
    }

    /// Reads behind what is held back.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Read>> {
        let mut ahead = std::mem::take(&mut self.ahead);
        let known = ahead.len();
        ahead.reserve(MORE);
        let read = poll_read_buf(Pin::new(&mut self.transport), context, &mut ahead);
        if !matches!(read, Poll::Ready(Ok(1..))) {
            self.ahead = ahead;
            ready!(read)?;
            return Poll::Ready(Ok(Read::End));
        }
        self.judged = self.judge(ahead.get(known..).unwrap_or_default(), Some(&ahead));
        self.ahead = ahead;
        Poll::Ready(Ok(Read::Held))
    }
}

impl AsyncRead for TimedIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.judged > 0 {
                let length = this.judged.min(buffer.remaining());
                buffer.put_slice(&this.ahead.split_to(length));
                this.judged -= length;
                return Poll::Ready(Ok(()));
            }
            if let Some(refusal) = this.guard.refusal() {
                this.ahead = BytesMut::from(refusal?);
                this.judged = this.ahead.len();
                continue;
            }
            if this.guard.is_sealed() {
                this.ahead.clear();
            }
            let read = if this.ahead.is_empty() {
                ready!(this.poll_fresh(context, buffer))?
            } else {
                ready!(this.poll_more(context))?
            };
            if read != Read::Held {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for TimedIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_flush(context)
    }

    /// Shuts our side and, where the peer may still be sending a body, reads and drops it until the peer
    /// closes: closing with unread bytes resets the connection and can take the answer with it. The
    /// connection's own timer ends the wait.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closing == Closing::Open {
            ready!(Pin::new(&mut self.transport).poll_shutdown(context))?;
            self.closing = if self.activity.shutting() {
                Closing::Draining
            } else {
                Closing::Done
            };
        }
        while self.closing == Closing::Draining {
            let mut space = [0; 2048];
            let mut buffer = ReadBuf::new(&mut space);
            let read = ready!(Pin::new(&mut self.transport).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                self.closing = Closing::Done;
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// What the connection speaks, after `matched` bytes of the preface and these.
fn recognize(matched: usize, fresh: &[u8]) -> Protocol {
    let expected = PREFACE.get(matched..).unwrap_or_default();
    let differs = expected
        .iter()
        .zip(fresh)
        .any(|(left, right)| left != right);
    if differs {
        Protocol::Http1
    } else if fresh.len() >= expected.len() {
        Protocol::Http2
    } else {
        Protocol::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preface_is_recognized_in_any_pieces() {
        for cut in 0..PREFACE.len() {
            let (head, tail) = PREFACE.split_at(cut);
            assert_eq!(recognize(0, head), Protocol::Unknown, "{cut}");
            assert_eq!(recognize(cut, tail), Protocol::Http2, "{cut}");
        }
    }

    #[test]
    fn a_method_with_the_same_beginning_is_http_1() {
        assert_eq!(recognize(0, b"P"), Protocol::Unknown);
        assert_eq!(recognize(1, b"OST / HTTP/1.1\r\n"), Protocol::Http1);
        assert_eq!(recognize(0, b"GET"), Protocol::Http1);
    }
}
