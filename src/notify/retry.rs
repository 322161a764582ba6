//! When to try again, and when to stop.

use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::store::notifications::Notification;

/// How attempts follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The wait after the first attempt that failed. Each further one is twice as long.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// For how long attempts are made. The first one that fails after that is the last.
    pub give_up: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(5),
            longest: Duration::from_secs(60 * 60),
            give_up: Duration::from_secs(3 * 24 * 60 * 60),
        }
    }
}

impl Retry {
    /// The wait after so many failures in a row: a random time in the upper half of what is
    /// allowed, so that senders which failed together do not come back together. What the receiver
    /// asked for is the least.
    pub(super) fn wait(&self, failures: u32, asked: Option<Duration>, clock: &Clock) -> Duration {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1));
        let whole = doubled.and_then(|times| self.first.checked_mul(times));
        let half = whole.unwrap_or(self.longest).min(self.longest) / 2;
        let part = u32::from(u16::from_be_bytes(clock.random()));
        let jitter = half.saturating_mul(part) / u32::from(u16::MAX);
        half.saturating_add(jitter).max(self.asked(asked))
    }

    /// What the receiver asked for, but no longer than attempts are made at all.
    pub(super) fn asked(&self, wait: Option<Duration>) -> Duration {
        wait.unwrap_or_default().min(self.give_up)
    }

    /// Whether it is of no use to go on.
    pub(super) fn is_over(&self, notification: &Notification, now: Timestamp) -> bool {
        after(notification.queued_at, self.give_up) <= now
    }
}

/// That much later.
pub(super) fn after(time: Timestamp, duration: Duration) -> Timestamp {
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(time.as_millis().saturating_add(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry {
        first: Duration::from_secs(4),
        longest: Duration::from_secs(60),
        give_up: Duration::from_secs(600),
    };

    fn wait(failures: u32, asked: Option<u64>, seed: u8) -> Duration {
        let clock = Clock::fixed(Timestamp::from_millis(0), seed);
        RETRY.wait(failures, asked.map(Duration::from_secs), &clock)
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits = [1, 2, 3, 4, 5, 6, 32, 33, u32::MAX].map(|failures| wait(failures, None, 0xff));
        let seconds = [4, 8, 16, 32, 60, 60, 60, 60, 60];
        assert_eq!(waits, seconds.map(Duration::from_secs));
    }

    #[test]
    fn a_wait_is_random_within_its_upper_half() {
        assert_eq!(wait(2, None, 0), Duration::from_secs(4));
        let middle = wait(2, None, 0x7f);
        assert!(middle > Duration::from_secs(5) && middle < Duration::from_secs(7));
    }

    #[test]
    fn what_the_receiver_asks_for_is_the_least_and_never_more_than_it_is_tried() {
        assert_eq!(wait(1, Some(90), 0xff), Duration::from_secs(90));
        assert_eq!(wait(1, Some(1), 0xff), Duration::from_secs(4));
        assert_eq!(wait(1, Some(9999), 0xff), Duration::from_secs(600));
    }
}
