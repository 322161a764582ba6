//! The socket of a connection, with a count of what passes through it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

/// Bytes that a look at a resting socket takes in: more than the session tickets that a TLS server
/// sends after its first answer, so that its farewell behind them is seen too.
const LOOK: usize = 4096;

/// What went through a socket since the request began. It is shared between a connection and the
/// socket that hyper holds for it, and only ever used by the task that drives both.
#[derive(Debug, Default)]
pub(super) struct Meter {
    sent: AtomicBool,
    read: AtomicUsize,
    allowance: AtomicUsize,
    overrun: AtomicBool,
}

impl Meter {
    /// A request begins, and until its answer's head is there no more than this many bytes may be read.
    pub(super) fn begin(&self, allowance: usize) {
        self.sent.store(false, Ordering::Relaxed);
        self.read.store(0, Ordering::Relaxed);
        self.allowance.store(allowance, Ordering::Relaxed);
    }

    /// The answer's head is there.
    pub(super) fn unlimited(&self) {
        self.allowance.store(usize::MAX, Ordering::Relaxed);
    }

    /// A byte was sent.
    pub(super) fn note_sent(&self) {
        self.sent.store(true, Ordering::Relaxed);
    }

    /// Whether any byte was sent.
    pub(super) fn has_sent(&self) -> bool {
        self.sent.load(Ordering::Relaxed)
    }

    /// Whether any byte was read.
    pub(super) fn has_read(&self) -> bool {
        self.read.load(Ordering::Relaxed) > 0
    }

    /// Whether the peer sent more than it was allowed to.
    pub(super) fn is_overrun(&self) -> bool {
        self.overrun.load(Ordering::Relaxed)
    }

    fn may_read(&self) -> bool {
        let within = self.read.load(Ordering::Relaxed) < self.allowance.load(Ordering::Relaxed);
        if !within {
            self.overrun.store(true, Ordering::Relaxed);
        }
        within
    }

    fn note_read(&self, bytes: usize) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A TCP or Unix stream.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Stream,
    meter: Arc<Meter>,
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    pub(super) fn tcp(stream: TcpStream) -> Self {
        Self::new(Stream::Tcp(stream))
    }

    pub(super) fn unix(stream: UnixStream) -> Self {
        Self::new(Stream::Unix(stream))
    }

    fn new(stream: Stream) -> Self {
        let meter = Arc::<Meter>::default();
        meter.unlimited();
        Self { stream, meter }
    }

    pub(super) fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter)
    }

    /// Reads what the kernel has, whether or not the runtime knows of it yet: before a request leaves,
    /// the peer must not have ended the connection. Mostly there is nothing, which one byte tells
    /// without clearing room for more.
    fn look(&self, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
        self.receive(&mut [0], RecvFlags::DONTWAIT | RecvFlags::PEEK)?;
        let length = buffer.remaining().min(LOOK);
        let space = buffer.initialize_unfilled_to(length);
        let received = self.receive(space, RecvFlags::DONTWAIT)?;
        buffer.advance(received);
        Ok(())
    }

    fn receive(&self, space: &mut [u8], flags: RecvFlags) -> io::Result<usize> {
        let (received, _) = match &self.stream {
            Stream::Tcp(stream) => recv(stream, space, flags)?,
            Stream::Unix(stream) => recv(stream, space, flags)?,
        };
        Ok(received)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.meter.may_read() {
            let message = "the answer's head is too large";
            return Poll::Ready(Err(io::Error::other(message)));
        }
        if !self.meter.has_sent() {
            match self.look(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                looked => return Poll::Ready(looked),
            }
        }
        let before = buffer.filled().len();
        let read = match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        self.meter.note_read(buffer.filled().len() - before);
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
            Stream::Unix(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
        };
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.meter.note_sent();
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Stream::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// A socket, with TLS on it or not.
#[derive(Debug)]
pub(super) enum Wire {
    /// As it is.
    Plain(Socket),
    /// Under TLS.
    Tls(Box<TlsStream<Socket>>),
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write_vectored(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
