//! Which limit a connection runs against, and what follows when it is reached.
//!
//! ```text
//!              first bytes                head complete
//! FirstByte ──────────────► Head (HTTP/1) ─────────────► Busy ──► Idle ──► Head …
//!          └──────────────► Idle (HTTP/2) ─────────────► Busy ──► Idle
//! ```
//! A head limit closes the connection without an answer: there is no request yet that one could belong
//! to. An idle connection is closed cleanly. A peer that takes no response bytes is reset.
//!
//! One case is held by the idle instead of the head limit: an unfinished head that came in the same read
//! as the request before it and of which no further byte arrives. HTTP/1 parsing is not ours, so those
//! bytes cannot be told from the earlier request.

use std::time::Duration;

use tokio::time::Instant;

use super::activity::{Protocol, Seen};
use super::lifecycle::Stage;
use super::limits::Limits;

/// How long a connection that has not said anything may still do so once the drain has stopped accepting:
/// its request may be on the way.
pub(super) const LAST_CALL: Duration = Duration::from_millis(200);

/// The state of one connection's time limits.
#[derive(Debug)]
pub(super) struct Patience {
    phase: Phase,
    since: Instant,
    finished: u64,
    shut: bool,
    stopping_since: Option<Instant>,
    socket: Stall,
    streams: Stall,
}

/// What to do with a connection now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Look again when something happens, at the latest then.
    Wait(Option<Instant>),
    /// Ask the protocol to finish what is open and close.
    Shut,
    /// Drop the connection.
    Close(Reason),
    /// Drop the connection and what the kernel still holds for it.
    Reset(Reason),
}

/// Why a connection was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    FirstByte,
    Head,
    Linger,
    StalledWrite,
    Cut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    FirstByte,
    Head,
    Busy,
    Idle,
    Closing,
}

/// Something that waits for the peer: since when without progress.
#[derive(Debug, Default)]
struct Stall {
    since: Option<Instant>,
    progress: u64,
}

impl Reason {
    /// The limit in words.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::FirstByte => "no first byte in time",
            Self::Head => "request head not complete in time",
            Self::Linger => "peer did not close in time",
            Self::StalledWrite => "peer does not take the response",
            Self::Cut => "drain deadline",
        }
    }
}

impl Patience {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            phase: Phase::FirstByte,
            since: now,
            finished: 0,
            shut: false,
            stopping_since: None,
            socket: Stall::default(),
            streams: Stall::default(),
        }
    }

    /// Judges a connection by what was seen of it. After [`Verdict::Shut`] it shall be judged again.
    pub(super) fn judge(
        &mut self,
        seen: &Seen,
        stage: Stage,
        limits: &Limits,
        now: Instant,
    ) -> Verdict {
        if stage == Stage::Cut {
            return Verdict::Close(Reason::Cut);
        }
        let stalled = self.stall_deadline(seen, limits, now);
        if stalled.is_some_and(|deadline| deadline <= now) {
            return Verdict::Reset(Reason::StalledWrite);
        }
        self.enter(seen, now);
        if !self.shut && self.is_asked_to_leave(seen, stage) {
            self.shut = true;
            return Verdict::Shut;
        }
        let deadline = self.deadline(seen, stage, limits, now);
        if deadline.is_some_and(|deadline| deadline <= now) {
            return self.expired();
        }
        Verdict::Wait(earlier(deadline, stalled))
    }

    fn enter(&mut self, seen: &Seen, now: Instant) {
        let phase = if seen.closing {
            Phase::Closing
        } else if seen.open > 0 || seen.write_blocked {
            Phase::Busy
        } else if seen.protocol == Protocol::Unknown {
            Phase::FirstByte
        } else if seen.protocol == Protocol::Http1 && seen.head_begun {
            Phase::Head
        } else if self.shut {
            Phase::Closing
        } else {
            Phase::Idle
        };
        if phase != self.phase || seen.finished != self.finished {
            self.phase = phase;
            self.finished = seen.finished;
            self.since = now;
        }
    }

    /// Whether the drain wants this connection to finish. A head that has begun is let through; its answer
    /// carries `Connection: close`.
    fn is_asked_to_leave(&self, seen: &Seen, stage: Stage) -> bool {
        match seen.protocol {
            Protocol::Unknown => false,
            Protocol::Http1 => {
                stage >= Stage::Stopping && matches!(self.phase, Phase::Busy | Phase::Idle)
            }
            Protocol::Http2 => stage >= Stage::LameDuck,
        }
    }

    fn deadline(
        &mut self,
        seen: &Seen,
        stage: Stage,
        limits: &Limits,
        now: Instant,
    ) -> Option<Instant> {
        match self.phase {
            Phase::FirstByte if stage >= Stage::Stopping => {
                let stopping = *self.stopping_since.get_or_insert(now);
                earlier(
                    Some(self.since + limits.first_byte),
                    Some(stopping + LAST_CALL),
                )
            }
            Phase::FirstByte => Some(self.since + limits.first_byte),
            Phase::Head => Some(self.since + limits.head),
            Phase::Idle => Some(self.since + limits.idle),
            Phase::Closing => Some(self.since + limits.linger),
            // HTTP/2 streams run in tasks of their own and do not always wake the connection: look at
            // their progress now and then.
            Phase::Busy if seen.protocol == Protocol::Http2 => Some(now + limits.stalled_write),
            Phase::Busy => None,
        }
    }

    fn expired(&mut self) -> Verdict {
        match self.phase {
            Phase::FirstByte => Verdict::Close(Reason::FirstByte),
            Phase::Head => Verdict::Close(Reason::Head),
            Phase::Closing => Verdict::Close(Reason::Linger),
            Phase::Idle | Phase::Busy => {
                self.shut = true;
                Verdict::Shut
            }
        }
    }

    /// When a peer that takes nothing is given up: a full socket counts by bytes, an exhausted HTTP/2
    /// window by pieces of response bodies, since bytes also answer PINGs.
    fn stall_deadline(&mut self, seen: &Seen, limits: &Limits, now: Instant) -> Option<Instant> {
        let socket = self.socket.since(seen.write_blocked, seen.written, now);
        let held_up = seen.protocol == Protocol::Http2 && seen.held_up > 0;
        let streams = self.streams.since(held_up, seen.pieces, now);
        earlier(socket, streams).map(|since| since + limits.stalled_write)
    }
}

impl Stall {
    fn since(&mut self, waiting: bool, progress: u64, now: Instant) -> Option<Instant> {
        if !waiting {
            self.since = None;
        } else if self.since.is_none() || progress != self.progress {
            self.since = Some(now);
            self.progress = progress;
        }
        self.since
    }
}

fn earlier(left: Option<Instant>, right: Option<Instant>) -> Option<Instant> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (only, None) | (None, only) => only,
    }
}

#[cfg(test)]
mod tests;
