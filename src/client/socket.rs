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

/// What went through a socket. It is shared between a connection, the socket that hyper or h2 holds for
/// it, and the requests that are on it.
#[derive(Debug, Default)]
pub(super) struct Meter {
    written: AtomicUsize,
    /// How much of that was written before the last request began.
    before: AtomicUsize,
    /// Since the request began, or, where there are many, all of it.
    read: AtomicUsize,
    allowance: AtomicUsize,
    overrun: AtomicBool,
}

/// Where a request began among what was written to a socket.
#[derive(Clone, Debug, Default)]
pub(super) struct Mark {
    meter: Arc<Meter>,
    before: usize,
}

impl Meter {
    /// A request begins, and until its answer's head is there no more than this many bytes may be read.
    pub(super) fn begin(&self, allowance: usize) {
        self.before.store(self.written(), Ordering::Relaxed);
        self.read.store(0, Ordering::Relaxed);
        self.allowance.store(allowance, Ordering::Relaxed);
    }

    /// A request begins beside others. What is written from here on may be of it.
    pub(super) fn mark(self: &Arc<Self>) -> Mark {
        let before = self.written();
        // The socket is read past what the runtime knows until the next byte is written.
        self.before.store(before, Ordering::Relaxed);
        let meter = Arc::clone(self);
        Mark { meter, before }
    }

    /// The answer's head is there.
    pub(super) fn unlimited(&self) {
        self.allowance.store(usize::MAX, Ordering::Relaxed);
    }

    /// So many bytes were sent.
    pub(super) fn note_sent(&self, bytes: usize) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether any byte was sent since the last request began.
    pub(super) fn has_sent(&self) -> bool {
        self.written() != self.before.load(Ordering::Relaxed)
    }

    /// Bytes that were sent in all.
    pub(super) fn written(&self) -> usize {
        self.written.load(Ordering::Relaxed)
    }

    /// Bytes that were read.
    pub(super) fn read(&self) -> usize {
        self.read.load(Ordering::Relaxed)
    }

    /// Whether any byte was read.
    pub(super) fn has_read(&self) -> bool {
        self.read() > 0
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

impl Mark {
    /// Whether any byte was sent since.
    pub(super) fn has_sent(&self) -> bool {
        self.meter.written() != self.before
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
        if let Poll::Ready(Ok(bytes)) = written {
            self.meter.note_sent(bytes);
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
