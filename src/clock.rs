//! Time and randomness, passed in so that tests can fix both.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rand::Rng;
use uuid::{Builder, Uuid};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A point in time from milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

/// Where a component reads the time and takes its random bytes from.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    fill: Arc<Fill>,
}

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

impl Clock {
    /// The machine's wall clock and the thread's cryptographic generator.
    pub fn system() -> Self {
        Self {
            now: Arc::new(wall_clock),
            fill: Arc::new(|bytes| rand::rng().fill_bytes(bytes)),
        }
    }

    /// A clock that stands still and random bytes that are all `seed`: for tests.
    pub fn fixed(now: Timestamp, seed: u8) -> Self {
        Self::set_by(move || now, seed)
    }

    /// A clock that somebody sets, and random bytes that are all `seed`: for tests in which time
    /// passes.
    pub fn set_by(now: impl Fn() -> Timestamp + Send + Sync + 'static, seed: u8) -> Self {
        Self {
            now: Arc::new(now),
            fill: Arc::new(move |bytes| bytes.fill(seed)),
        }
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Fresh random bytes, fit for keys.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.fill)(&mut bytes);
        bytes
    }

    /// A new id that nothing else has: a UUID of version 7 (RFC 9562), from the time and ten random
    /// bytes.
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.now().as_millis()).unwrap_or_default();
        Builder::from_unix_timestamp_millis(millis, &self.random()).into_uuid()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the wall clock is read"
)]
fn wall_clock() -> Timestamp {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}
