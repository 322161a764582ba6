//! How many requests may be sent again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What a share of requests has earned is worth no more than so many: a long time without failures is no
/// reason to send a thousand again at once.
const MOST_EARNED: u64 = 20;

/// How often it is told that the budget is spent.
const TOLD_AGAIN: Duration = Duration::from_secs(10);

/// A share of the requests, and some every second. Nothing is counted on the way of a request but that it
/// is one.
#[derive(Debug)]
pub(super) struct Budget {
    percent: u64,
    per_second: u64,
    /// Requests since a balance was drawn.
    requests: AtomicU64,
    balance: Mutex<Balance>,
}

#[derive(Debug)]
struct Balance {
    /// Of the share, in hundredths.
    earned: u64,
    /// Of those every second, in thousandths.
    granted: u64,
    at: Instant,
    told: Option<Instant>,
}

/// What is answered who wants to send a request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spent {
    /// Whether it may be.
    pub(super) is_granted: bool,
    /// Whether nobody was told for a while that it may not.
    pub(super) is_to_be_told: bool,
}

impl Budget {
    /// So many percent of the requests, and so many a second, a second's worth of which there is now.
    pub(super) fn new(percent: u32, per_second: u32, now: Instant) -> Self {
        let per_second = u64::from(per_second);
        Self {
            percent: u64::from(percent),
            per_second,
            requests: AtomicU64::new(0),
            balance: Mutex::new(Balance {
                earned: 0,
                granted: per_second.saturating_mul(1000),
                at: now,
                told: None,
            }),
        }
    }

    /// A request is sent for the first time.
    pub(super) fn earn(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// A request is to be sent again.
    pub(super) fn spend(&self, now: Instant) -> Spent {
        let requests = self.requests.swap(0, Ordering::Relaxed);
        let mut balance = self.lock();
        let earned = requests.saturating_mul(self.percent);
        balance.earned = balance.earned.saturating_add(earned).min(MOST_EARNED * 100);
        let passed = now.saturating_duration_since(balance.at).as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        let granted = passed.saturating_mul(self.per_second);
        let most = self.per_second.saturating_mul(1000);
        balance.granted = balance.granted.saturating_add(granted).min(most);
        balance.at = now;
        if balance.earned >= 100 {
            balance.earned -= 100;
            return Spent::GRANTED;
        }
        if balance.granted >= 1000 {
            balance.granted -= 1000;
            return Spent::GRANTED;
        }
        let is_new = |told: Instant| now.saturating_duration_since(told) >= TOLD_AGAIN;
        let is_to_be_told = balance.told.is_none_or(is_new);
        if is_to_be_told {
            balance.told = Some(now);
        }
        Spent {
            is_granted: false,
            is_to_be_told,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Balance> {
        // A balance is drawn in one step.
        self.balance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spent {
    const GRANTED: Self = Self {
        is_granted: true,
        is_to_be_told: false,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(budget: &Budget, now: Instant) -> usize {
        (0..10_000)
            .take_while(|_| budget.spend(now).is_granted)
            .count()
    }

    #[test]
    fn a_fifth_of_the_requests_and_ten_a_second_are_sent_again() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let budget = Budget::new(20, 10, begin);
        assert_eq!(granted(&budget, at(0)), 10);
        for _ in 0..50 {
            budget.earn();
        }
        assert_eq!(granted(&budget, at(0)), 10);
        assert_eq!(granted(&budget, at(99)), 0);
        assert_eq!(granted(&budget, at(100)), 1);
        assert_eq!(granted(&budget, at(600)), 5);
        // No more than a second's worth is kept, however long nothing failed.
        assert_eq!(granted(&budget, at(3_600_000)), 10);
        for _ in 0..1_000_000 {
            budget.earn();
        }
        assert_eq!(granted(&budget, at(3_600_000)), 20);
    }

    #[test]
    fn what_is_spent_is_told_once_in_a_while() {
        let begin = Instant::now();
        let budget = Budget::new(0, 0, begin);
        let told = |seconds| {
            budget
                .spend(begin + Duration::from_secs(seconds))
                .is_to_be_told
        };
        assert_eq!(
            [0, 1, 9, 10, 11].map(told),
            [true, false, false, true, false]
        );
    }
}
