//! What is remembered of one source, or of one source and login.

use std::time::Duration;

use super::{Policy, Verdict};

/// The window in which failures are counted: a minute.
const WINDOW: i64 = 60_000;

/// Failures in a window and the refusals they led to. Times are milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    /// Whose it is.
    pub(super) tag: u64,
    /// When the window began.
    since: i64,
    /// When the last refusal ends or ended.
    until: i64,
    /// Failures in the window.
    failures: u32,
    /// Refusals without a long quiet between them.
    refusals: u8,
}

impl Record {
    pub(super) const fn new(tag: u64, now: i64) -> Self {
        Self {
            tag,
            since: now,
            until: i64::MIN,
            failures: 0,
            refusals: 0,
        }
    }

    /// Counts a failure; `most` are allowed in a window.
    pub(super) fn count(&mut self, now: i64, most: u32, policy: &Policy) -> Verdict {
        *self = self.at(now, policy);
        if now < self.until {
            return Verdict::Refused;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures <= most {
            return Verdict::Allowed;
        }
        let length = policy
            .first_refusal
            .saturating_mul(1 << self.refusals.min(30))
            .min(policy.longest_refusal);
        self.failures = 0;
        self.refusals = self.refusals.saturating_add(1);
        self.until = now.saturating_add(millis(length));
        Verdict::RefusedFor(length)
    }

    pub(super) fn take_back(&mut self) {
        self.failures = self.failures.saturating_sub(1);
    }

    pub(super) fn is_refused(self, now: i64, policy: &Policy) -> bool {
        now < self.at(now, policy).until
    }

    /// How much would be lost with the record: a refusal most, then what makes the next one longer,
    /// then failures, then the younger window.
    pub(super) fn harm(self, now: i64, policy: &Policy) -> (bool, u8, u32, i64) {
        let record = self.at(now, policy);
        let is_refused = now < record.until;
        (is_refused, record.refusals, record.failures, record.since)
    }

    /// What is left of it at that time.
    fn at(mut self, now: i64, policy: &Policy) -> Self {
        let longest = millis(policy.longest_refusal);
        // The wall clock may be set back: that must not lengthen a refusal.
        self.until = self.until.min(now.saturating_add(longest));
        self.since = self.since.min(now);
        let quiet = now.saturating_sub(self.until.max(self.since));
        if quiet >= longest {
            self.refusals = 0;
        }
        if now.saturating_sub(self.since) >= WINDOW {
            self.since = now;
            self.failures = 0;
        }
        self
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
