//! A request on its way to an endpoint, and what is concluded from what comes of it.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;

use super::endpoint::Endpoint;
use super::slots::Slot;
use crate::client::{self, Cause, Client, Part, Stage};
use crate::dialect::exchange;
use crate::error::{Error, Kind};

/// A time-out is no endpoint's fault where there was less time than that, and less than it is ever given.
const FAIR: Duration = Duration::from_millis(100);

/// What is remembered of a request from one try to the next: whom it sticks to, and where it was in vain or
/// still is. Clones are tries of the same request, beside each other.
#[derive(Clone, Debug, Default)]
pub(in crate::forward) struct Errand {
    stick: Option<u64>,
    /// A bit for each endpoint; nothing where there is one.
    tried: Option<Arc<AtomicU64>>,
    /// Whether it is better not to try out with it whether an endpoint works.
    is_precious: bool,
}

/// The endpoint that a request goes to. What comes of it is told before it is dropped.
#[derive(Debug)]
pub(in crate::forward) struct Picked<'a> {
    endpoint: &'a Endpoint,
    index: usize,
    slot: Option<&'a Slot>,
    /// Whether it is to show that the endpoint works again.
    is_probe: bool,
    /// Whether the endpoint was told: one answer counts once, whoever reads it again.
    is_told: bool,
}

impl Errand {
    pub(super) fn new(stick: Option<u64>, is_many: bool) -> Self {
        Self {
            stick,
            tried: is_many.then(Arc::default),
            is_precious: false,
        }
    }

    /// A write that comes to nothing may leave its outcome unknown, and a read does no harm.
    pub(in crate::forward) const fn is_for(&mut self, is_write: bool) {
        self.is_precious = is_write;
    }

    pub(super) const fn is_precious(&self) -> bool {
        self.is_precious
    }

    pub(super) const fn stick(&self) -> Option<u64> {
        self.stick
    }

    pub(super) fn avoids(&self, index: usize) -> bool {
        let tried = self.tried.as_ref();
        tried.is_some_and(|tried| tried.load(Ordering::Relaxed) & bit(index) != 0)
    }

    /// Whether it was there, or still is.
    pub(super) fn was_at(&self, picked: &Picked<'_>) -> bool {
        self.avoids(picked.index)
    }

    /// Goes elsewhere the next time, if there is anywhere.
    pub(super) fn avoid(&self, picked: &Picked<'_>) {
        if let Some(tried) = &self.tried {
            tried.fetch_or(bit(picked.index), Ordering::Relaxed);
        }
    }

    /// Goes there again if it may be: it did its part.
    pub(in crate::forward) fn forgive(&self, picked: &Picked<'_>) {
        if let Some(tried) = &self.tried {
            tried.fetch_and(!bit(picked.index), Ordering::Relaxed);
        }
    }

    /// Whether it was not at one of so many endpoints yet.
    pub(super) fn has_others(&self, all: usize) -> bool {
        (0..all).any(|index| !self.avoids(index))
    }
}

fn bit(index: usize) -> u64 {
    u32::try_from(index)
        .ok()
        .and_then(|index| 1_u64.checked_shl(index))
        .unwrap_or_default()
}

impl<'a> Picked<'a> {
    pub(super) fn new(
        endpoint: &'a Endpoint,
        index: usize,
        slot: Option<&'a Slot>,
        is_probe: bool,
    ) -> Self {
        if let Some(slot) = slot {
            slot.enter();
        }
        Self {
            endpoint,
            index,
            slot,
            is_probe,
            is_told: false,
        }
    }

    #[cfg(test)]
    pub(super) const fn index(&self) -> usize {
        self.index
    }

    #[cfg(test)]
    pub(super) const fn endpoint(&self) -> &'a Endpoint {
        self.endpoint
    }

    pub(super) fn client(&self) -> &'a Client {
        &self.endpoint.client
    }

    /// It answered as it should.
    pub(in crate::forward) fn works(&mut self) {
        if std::mem::replace(&mut self.is_told, true) {
            return;
        }
        self.endpoint.gate.works(self.is_probe);
        self.is_probe = false;
    }

    /// It answered, and that was no success. Whether the endpoint is to blame for it: not with a status that
    /// blames who asked, as of a firewall in front of it, since callers could take it from others by that.
    pub(in crate::forward) fn judge(
        &mut self,
        failure: &exchange::Failure,
        status: StatusCode,
    ) -> bool {
        match failure {
            exchange::Failure::Call(error)
                if is_of_upstream(error) && !status.is_client_error() =>
            {
                self.fails(error);
                true
            }
            // It works, and says that somebody else does not.
            exchange::Failure::Call(_) | exchange::Failure::Login(_) => {
                self.works();
                false
            }
        }
    }

    /// It did not answer, in that time.
    pub(super) fn failed(&mut self, failure: &client::Failure, took: Duration) {
        let fair = FAIR.min(self.endpoint.least_limit());
        if is_of_endpoint(failure.cause, took >= fair) {
            self.fails(failure);
        }
    }

    fn fails(&mut self, error: &(dyn StdError + 'static)) {
        if std::mem::replace(&mut self.is_told, true) {
            return;
        }
        self.endpoint.gate.fails(self.is_probe, chain(error));
        self.is_probe = false;
    }
}

impl Drop for Picked<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            slot.leave();
        }
        if self.is_probe {
            self.endpoint.gate.end_probe();
        }
    }
}

/// Whether the upstream failed, and not who asked: neither the caller nor the gateway, whose credentials and
/// questions these are.
pub(in crate::forward) fn is_of_upstream(error: &Error) -> bool {
    let failed = matches!(
        error.kind(),
        Kind::Upstream | Kind::UnknownOutcome | Kind::Timeout | Kind::Overloaded | Kind::Internal
    );
    // A fault that a caller is not told as it is has the upstream's own behind it.
    let cause = error.source().and_then(<dyn StdError>::downcast_ref);
    failed && cause.is_none_or(is_of_upstream)
}

/// Whether it is the endpoint that did not do its part.
const fn is_of_endpoint(cause: Cause, had_time: bool) -> bool {
    match cause {
        Cause::Timeout {
            stage: Stage::Queue,
        }
        | Cause::Body
        // Whoever asked for so much.
        | Cause::TooLarge { part: Part::Body }
        | Cause::Unavailable => false,
        Cause::Timeout {
            stage: Stage::Connect | Stage::Handshake | Stage::Head | Stage::Body,
        } => had_time,
        Cause::Connect
        | Cause::Tls
        | Cause::NotHttp2
        | Cause::Reset
        | Cause::Truncated
        | Cause::TooLarge { part: Part::Head }
        | Cause::BadFraming
        | Cause::Encoded => true,
    }
}

/// Letters that are kept of an error: it may have what the upstream said, at any length.
const LONGEST: usize = 512;

/// An error with its causes, in one line, and without what writes to a terminal.
pub(in crate::forward) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut shown = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        shown.push_str(": ");
        shown.push_str(&error.to_string());
        cause = error.source();
    }
    let letters = shown.chars().take(LONGEST);
    letters
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_callers_or_of_the_gateways_own_is_none_of_the_upstreams() {
        for kind in [Kind::Upstream, Kind::Overloaded, Kind::UnknownOutcome] {
            assert!(is_of_upstream(&kind.into()));
        }
        for kind in [Kind::UserNotFound, Kind::EmailTaken, Kind::Malformed] {
            assert!(!is_of_upstream(&kind.clone().into()));
            // As a caller is told of a question that was the gateway's.
            assert!(!is_of_upstream(
                &Error::from(Kind::Upstream).caused_by(Error::from(kind))
            ));
        }
        let failed = Error::from(Kind::Upstream).caused_by(std::io::Error::other("HTML"));
        assert!(is_of_upstream(&failed));
    }

    #[test]
    fn what_an_upstream_says_is_kept_in_one_line_and_no_more_of_it_than_is_looked_at() {
        let said = format!("no\r\n\u{1b}[2J{}", "ü".repeat(100_000));
        let shown = chain(&Error::from(Kind::Upstream).caused_by(said));
        assert!(shown.contains(": no   [2Jü"), "{shown}");
        assert_eq!(shown.chars().count(), LONGEST);
    }

    #[test]
    fn who_has_no_time_blames_nobody() {
        let late = |stage, had_time| is_of_endpoint(Cause::Timeout { stage }, had_time);
        assert!(!late(Stage::Head, false) && late(Stage::Head, true));
        assert!(!late(Stage::Queue, true));
        assert!(is_of_endpoint(Cause::Connect, false));
        assert!(!is_of_endpoint(Cause::Body, true));
        let too_large = |part| is_of_endpoint(Cause::TooLarge { part }, true);
        assert!(too_large(Part::Head) && !too_large(Part::Body));
    }
}
