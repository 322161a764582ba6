//! Judges every HTTP/1 request head by its bytes, before hyper sees them.
//!
//! hyper takes a length beside chunks, repeated lengths and bare line feeds, and shows nobody that they were
//! there. Whoever stands behind or before the gateway may read such a head otherwise, and then one request
//! hides another. So nothing goes on to hyper but whole heads that are judged, and bodies that end where
//! the head says: the guard follows lengths and chunks to know where the next head begins.
//!
//! Behind a request that asks to leave HTTP nothing goes on before its answer, and anything after a 101.
//!
//! A head that is refused is replaced by one that no client can send ([`REFUSED`]), so that hyper answers
//! what came before it, then the refusal, and closes. Nothing that follows it is read any more.

mod chunks;
mod head;

use std::io;

use http::{Method, StatusCode};
use tracing::debug;

use chunks::Chunks;
use head::{Framing, Head};

pub(super) use head::is_host;

/// What a method begins with that stands for a refused head. A client's own is refused.
const REFUSED: &str = "-";

/// Follows one connection.
#[derive(Debug)]
pub(super) struct HeadGuard {
    state: State,
    /// The head that is being read.
    head: Head,
    /// Bytes a head may have.
    limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    /// So much of the body is to come.
    Length(u64),
    Chunks(Chunks),
    /// A request asked to leave HTTP, and whether it may is not known yet.
    Asked,
    /// It left HTTP.
    Left,
    /// The head that comes next is refused.
    RefusedHead(Refusal),
    /// The body does not go on as chunks do.
    RefusedBody(Refusal),
    /// Nothing goes on any more.
    Sealed,
}

/// Why bytes are refused, and how that is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    reason: &'static str,
}

impl Refusal {
    const fn malformed(reason: &'static str) -> Self {
        let status = 400;
        Self { status, reason }
    }

    /// What hyper is handed instead of the head.
    const fn substitute(self) -> &'static [u8] {
        match self.status {
            414 => b"-414 / HTTP/1.1\r\n\r\n",
            431 => b"-431 / HTTP/1.1\r\n\r\n",
            501 => b"-501 / HTTP/1.1\r\n\r\n",
            _ => b"-400 / HTTP/1.1\r\n\r\n",
        }
    }
}

impl HeadGuard {
    /// A guard of a connection that has sent nothing yet, with so many bytes to a head.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            state: State::Head,
            head: Head::default(),
            limit,
        }
    }

    /// How many of the bytes may go on. The next call shall begin with those that may not.
    pub(super) fn judge(&mut self, bytes: &[u8]) -> usize {
        let mut passed = 0;
        while let Some(rest) = bytes.get(passed..).filter(|rest| !rest.is_empty()) {
            let Some(taken) = self.step(rest) else {
                break;
            };
            passed += taken;
        }
        passed
    }

    /// What follows what went on: nothing unless the next bytes are refused, then once the head that
    /// stands for the refusal, or the error of the body.
    pub(super) fn refusal(&mut self) -> Option<io::Result<&'static [u8]>> {
        let (refusal, answer) = match self.state {
            State::RefusedHead(refusal) => (refusal, Ok(refusal.substitute())),
            State::RefusedBody(refusal) => {
                let error = io::Error::new(io::ErrorKind::InvalidData, refusal.reason);
                (refusal, Err(error))
            }
            State::Head
            | State::Length(_)
            | State::Chunks(_)
            | State::Asked
            | State::Left
            | State::Sealed => return None,
        };
        debug!(reason = refusal.reason, "request refused by its bytes");
        self.state = State::Sealed;
        Some(answer)
    }

    /// Whether a request asked to leave HTTP and was not answered yet.
    pub(super) fn asks(&self) -> bool {
        self.state == State::Asked
    }

    /// The answer to that.
    pub(super) fn answered(&mut self, leaves: bool) {
        if self.asks() {
            self.state = if leaves { State::Left } else { State::Head };
        }
    }

    /// Whether nothing that is read goes on any more.
    pub(super) fn is_sealed(&self) -> bool {
        self.state == State::Sealed
    }

    /// Takes the beginning of the bytes, or none if more are needed or they are refused.
    fn step(&mut self, bytes: &[u8]) -> Option<usize> {
        match self.state {
            State::Head => match self.head.read(bytes, self.limit) {
                Ok(Some((length, framing))) => {
                    self.head = Head::default();
                    self.state = match framing {
                        Framing::Upgrade => State::Asked,
                        Framing::Length(0) => State::Head,
                        Framing::Length(left) => State::Length(left),
                        Framing::Chunked => State::Chunks(Chunks::default()),
                    };
                    Some(length)
                }
                Ok(None) => None,
                Err(refusal) => {
                    self.state = State::RefusedHead(refusal);
                    None
                }
            },
            State::Length(left) => {
                let (taken, left) = take(bytes, left);
                self.state = if left == 0 {
                    State::Head
                } else {
                    State::Length(left)
                };
                Some(taken)
            }
            State::Chunks(chunks) => match chunks.read(bytes, self.limit) {
                Ok(Some((taken, next))) => {
                    self.state = next.map_or(State::Head, State::Chunks);
                    Some(taken)
                }
                Ok(None) => None,
                Err(refusal) => {
                    self.state = State::RefusedBody(refusal);
                    None
                }
            },
            // Whoever goes on before the answer takes it for granted: what follows could be meant for
            // either side of it (CVE-2026-2833).
            State::Asked => {
                let reason = "something came before the answer to an upgrade";
                self.state = State::RefusedBody(Refusal::malformed(reason));
                None
            }
            State::Left => Some(bytes.len()),
            State::RefusedHead(_) | State::RefusedBody(_) | State::Sealed => None,
        }
    }
}

/// The answer to a request that stands for a refused head.
pub(super) fn answer(method: &Method) -> Option<StatusCode> {
    let status = method.as_str().strip_prefix(REFUSED)?;
    Some(status.parse().unwrap_or(StatusCode::BAD_REQUEST))
}

/// How much of the bytes belongs to what is left, and what is left then.
fn take(bytes: &[u8], left: u64) -> (usize, u64) {
    let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
    (
        taken,
        left.saturating_sub(u64::try_from(taken).unwrap_or(left)),
    )
}

/// The line at the start of the bytes, without its end, and its length with it; nothing if its end is still
/// to come. A line feed without its carriage return is refused: others may not take it for an end.
fn line(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, Refusal> {
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        return Ok(None);
    };
    let line = bytes.get(..end).and_then(|line| line.strip_suffix(b"\r"));
    let line = line.ok_or(Refusal::malformed("a line ends without a carriage return"))?;
    Ok(Some((line, end + 1)))
}

#[cfg(test)]
mod tests;
