//! When keys were used last.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::auth::api_key::KeyDigest;
use crate::clock::Timestamp;

/// Earlier than any time.
const NEVER: i64 = i64::MIN;

/// Uses that follow each other faster are one.
const RESOLUTION: i64 = 1000;

/// That a key was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// Which secret of it.
    pub digest: KeyDigest,
    /// When, to the second; the last time.
    pub at: Timestamp,
}

/// When a key was used last, and how much of that is written down. Milliseconds since 1970.
///
/// Nothing else is published with these numbers, so that no order between them matters.
#[derive(Debug)]
pub(super) struct LastUse {
    at: AtomicI64,
    noted: AtomicI64,
}

impl LastUse {
    /// Notes that the key is used now. Takes no lock, and mostly does not even write: a key that is
    /// used all the time would otherwise travel between the caches of the cores with every call.
    pub(super) fn stamp(&self, now: Timestamp) {
        let now = now.as_millis();
        if now.saturating_sub(self.at.load(Ordering::Relaxed)) >= RESOLUTION {
            self.at.fetch_max(now, Ordering::Relaxed);
        }
    }

    /// The last use, if it is not written down yet.
    pub(super) fn pending(&self) -> Option<Timestamp> {
        let at = self.at.load(Ordering::Relaxed);
        (at > self.noted.load(Ordering::Relaxed)).then_some(Timestamp::from_millis(at))
    }

    /// Everything up to then is written down.
    pub(super) fn note(&self, at: Timestamp) {
        self.noted.fetch_max(at.as_millis(), Ordering::Relaxed);
    }
}

impl Default for LastUse {
    fn default() -> Self {
        Self {
            at: AtomicI64::new(NEVER),
            noted: AtomicI64::new(NEVER),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_pending_until_it_is_written_down() {
        let time = Timestamp::from_millis;
        let used = LastUse::default();
        assert_eq!(used.pending(), None);
        used.stamp(time(5_000));
        used.stamp(time(5_999));
        assert_eq!(used.pending(), Some(time(5_000)), "within the same second");
        used.stamp(time(6_000));
        used.note(time(5_000));
        assert_eq!(used.pending(), Some(time(6_000)), "it came after the note");
        used.note(time(6_000));
        assert_eq!(used.pending(), None);
        used.stamp(time(4_000));
        assert_eq!(used.pending(), None, "a clock that is set back");
    }
}
