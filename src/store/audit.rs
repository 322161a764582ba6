//! The audit trail: reading it, and keeping its counts of refused calls going.

use std::convert::Infallible;
use std::time::Duration;

use super::StoreFuture;
use crate::clock::Clock;
use crate::journal::denial::DenialLog;
use crate::journal::record::{Record, RecordQuery};

/// How often counts of refused calls are written.
const INTERVAL: Duration = Duration::from_secs(60);

/// Reading the trail. Writing it is a part of every write, and [`crate::journal::denial::DenialLog`] for
/// what was not done. Checking it takes no more than reading: [`crate::journal::verify`].
pub trait AuditStore {
    /// The records that the query asks for.
    fn list_records(&self, query: RecordQuery) -> StoreFuture<'_, Vec<Record>>;

    /// The highest number that a record ever had, as the database counts apart from the records.
    fn written_records(&self) -> StoreFuture<'_, i64>;
}

/// Has the counts of minutes that ended written, for as long as it is polled.
pub async fn keep_counting(log: &dyn DenialLog, clock: &Clock) -> Infallible {
    loop {
        tokio::time::sleep(INTERVAL).await;
        log.write_counts(clock.now());
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::clock::Timestamp;
    use crate::journal::denial::Denial;

    #[derive(Default)]
    struct Told(AtomicUsize);

    impl DenialLog for Told {
        fn denied(&self, _: Denial) {}

        fn unauthenticated(&self, _: Timestamp, _: Option<IpAddr>) {}

        fn write_counts(&self, now: Timestamp) {
            assert_eq!(now, Timestamp::from_millis(7));
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_trail_is_told_every_minute_that_time_passes() {
        let told = Told::default();
        let clock = Clock::fixed(Timestamp::from_millis(7), 0);
        let telling = keep_counting(&told, &clock);
        let ended = tokio::time::timeout(Duration::from_secs(5 * 60 + 1), telling).await;
        assert!(ended.is_err());
        assert_eq!(told.0.load(Ordering::Relaxed), 5);
    }
}
