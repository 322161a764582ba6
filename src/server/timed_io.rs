//! What HTTP is spoken over, with a count of what it reads and a patient end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::{Activity, Protocol};
use super::transport::Transport;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A transport that tells an [`Activity`] what it reads, decrypted if it was encrypted.
#[derive(Debug)]
pub(super) struct TimedIo {
    transport: Transport,
    activity: Arc<Activity>,
    recognition: Recognition,
    closing: Closing,
}

/// How much of the HTTP/2 preface has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recognition {
    Preface(usize),
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    Open,
    Draining,
    Done,
}

impl TimedIo {
    pub(super) fn new(transport: Transport, activity: Arc<Activity>) -> Self {
        Self {
            transport,
            activity,
            recognition: Recognition::Preface(0),
            closing: Closing::Open,
        }
    }

    fn note_read(&mut self, fresh: &[u8]) {
        self.activity.read(fresh.len());
        if let Recognition::Preface(matched) = self.recognition {
            let protocol = recognize(matched, fresh);
            self.recognition = if protocol == Protocol::Unknown {
                Recognition::Preface(matched + fresh.len())
            } else {
                Recognition::Done
            };
            self.activity.recognized(protocol);
        }
    }
}

impl AsyncRead for TimedIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.transport).poll_read(context, buffer))?;
        self.note_read(buffer.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
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
