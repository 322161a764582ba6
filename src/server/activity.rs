//! What a connection is doing, written by its socket and its requests, read by its timer.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::tunnel::Tunnel;

/// Which protocol the first bytes of a connection speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Nothing has arrived, or only the beginning of the HTTP/2 preface.
    Unknown,
    /// HTTP/1.0 or HTTP/1.1.
    Http1,
    /// HTTP/2 with prior knowledge.
    Http2,
}

/// Counters of one connection.
///
/// HTTP/2 streams run as tasks of their own, hence the atomics; they are uncontended.
#[derive(Debug, Default)]
pub(super) struct Activity {
    protocol: AtomicU8,
    read: AtomicU64,
    read_at_rest: AtomicU64,
    written: AtomicU64,
    pieces: AtomicU64,
    finished: AtomicU64,
    open: AtomicU32,
    held_up: AtomicU32,
    write_blocked: AtomicBool,
    unread_body: AtomicBool,
    closing: AtomicBool,
    abort: AtomicBool,
    /// What became of the last request that asked to leave HTTP.
    upgrade: AtomicU8,
    tunnel: Mutex<Option<Tunnel>>,
}

/// [`Activity`] at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) protocol: Protocol,
    /// Requests without a finished response.
    pub(super) open: u32,
    /// Requests with a finished response, ever.
    pub(super) finished: u64,
    /// Bytes have arrived since no request was open any more.
    pub(super) head_begun: bool,
    /// The kernel takes no more bytes.
    pub(super) write_blocked: bool,
    /// Bytes the kernel has taken, ever.
    pub(super) written: u64,
    /// Response bodies whose last piece the protocol has not passed on yet.
    pub(super) held_up: u32,
    /// Pieces of response bodies handed to the protocol, ever.
    pub(super) pieces: u64,
    /// Our side of the connection is shut.
    pub(super) closing: bool,
}

impl Activity {
    pub(super) fn seen(&self) -> Seen {
        Seen {
            protocol: match self.protocol.load(Ordering::Relaxed) {
                1 => Protocol::Http1,
                2 => Protocol::Http2,
                _ => Protocol::Unknown,
            },
            open: self.open.load(Ordering::Acquire),
            finished: self.finished.load(Ordering::Relaxed),
            head_begun: self.read.load(Ordering::Relaxed)
                > self.read_at_rest.load(Ordering::Relaxed),
            write_blocked: self.write_blocked.load(Ordering::Relaxed),
            written: self.written.load(Ordering::Relaxed),
            held_up: self.held_up.load(Ordering::Relaxed),
            pieces: self.pieces.load(Ordering::Relaxed),
            closing: self.closing.load(Ordering::Relaxed),
        }
    }

    pub(super) fn recognized(&self, protocol: Protocol) {
        let number = match protocol {
            Protocol::Unknown => 0,
            Protocol::Http1 => 1,
            Protocol::Http2 => 2,
        };
        self.protocol.store(number, Ordering::Relaxed);
    }

    pub(super) fn read(&self, bytes: usize) {
        self.read.fetch_add(count(bytes), Ordering::Relaxed);
    }

    pub(super) fn wrote(&self, bytes: usize) {
        self.written.fetch_add(count(bytes), Ordering::Relaxed);
        self.write_blocked.store(false, Ordering::Relaxed);
    }

    pub(super) fn write_blocked(&self) {
        self.write_blocked.store(true, Ordering::Relaxed);
    }

    /// Our side is being shut. Says whether the peer may still be sending a body nobody has read.
    pub(super) fn shutting(&self) -> bool {
        self.closing.store(true, Ordering::Relaxed);
        self.unread_body.load(Ordering::Relaxed)
    }

    /// The connection is at rest: all of the last request has been read.
    pub(super) fn nothing_unread(&self) {
        self.unread_body.store(false, Ordering::Relaxed);
    }

    /// A request that asked to leave HTTP is answered: by a tunnel, or by staying.
    pub(super) fn answered_upgrade(&self, tunnel: Option<Tunnel>) {
        let number = if tunnel.is_some() { 2 } else { 1 };
        *self.tunnel.lock().unwrap_or_else(PoisonError::into_inner) = tunnel;
        self.upgrade.store(number, Ordering::Release);
    }

    /// Whether such a request left HTTP, once, as soon as it is known.
    pub(super) fn take_upgrade(&self) -> Option<bool> {
        match self.upgrade.swap(0, Ordering::AcqRel) {
            0 => None,
            number => Some(number == 2),
        }
    }

    /// What goes on after HTTP, if anything does.
    pub(super) fn take_tunnel(&self) -> Option<Tunnel> {
        let mut tunnel = self.tunnel.lock().unwrap_or_else(PoisonError::into_inner);
        tunnel.take()
    }

    /// The socket shall be reset when it is dropped, so that the kernel forgets its send buffer.
    pub(super) fn abort(&self) {
        self.abort.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.abort.load(Ordering::Relaxed)
    }
}

/// A request whose response is not finished. Dropping it finishes it.
#[derive(Debug)]
pub(super) struct OpenRequest {
    activity: Arc<Activity>,
    held_up: bool,
}

impl OpenRequest {
    /// `may_leave_unread`: closing after the response may leave bytes of its body in the socket.
    pub(super) fn begin(activity: &Arc<Activity>, may_leave_unread: bool) -> Self {
        activity.open.fetch_add(1, Ordering::AcqRel);
        let unread = &activity.unread_body;
        unread.store(may_leave_unread, Ordering::Relaxed);
        Self {
            activity: Arc::clone(activity),
            held_up: false,
        }
    }

    /// A piece of the response body was handed to the protocol.
    pub(super) fn handed_over(&mut self) {
        self.activity.pieces.fetch_add(1, Ordering::Relaxed);
        if !self.held_up {
            self.held_up = true;
            self.activity.held_up.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The protocol asked for the next piece, so it has passed on the last one.
    pub(super) fn asked(&mut self) {
        if self.held_up {
            self.held_up = false;
            self.activity.held_up.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.asked();
        let read = self.activity.read.load(Ordering::Relaxed);
        self.activity.read_at_rest.store(read, Ordering::Relaxed);
        self.activity.finished.fetch_add(1, Ordering::Relaxed);
        self.activity.open.fetch_sub(1, Ordering::AcqRel);
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
