//! Connections at rest, and how many there may be.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::connection::Connection;
use super::parameters::Parameters;

/// The connections of one upstream.
///
/// A permit stands for a connection in use. A new one is opened only by who holds a permit and finds
/// none at rest, so all of them together are never more than there are permits.
#[derive(Debug)]
pub(super) struct Pool {
    permits: Arc<Semaphore>,
    rack: Mutex<Rack>,
    idle: Duration,
    lifetime: Duration,
}

#[derive(Debug, Default)]
struct Rack {
    /// Those that have rested longest come first.
    resting: Vec<Resting>,
    /// Whether a task watches over them.
    watched: bool,
}

#[derive(Debug)]
struct Resting {
    connection: Box<Connection>,
    /// When it is closed.
    until: Instant,
}

impl Pool {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(
                parameters.connections.min(Semaphore::MAX_PERMITS),
            )),
            rack: Mutex::default(),
            idle: parameters.idle,
            lifetime: parameters.lifetime,
        }
    }

    /// A place, in the order of arrival; none if the time is over first.
    pub(super) async fn enter(&self, until: Instant) -> Option<SemaphorePermit<'_>> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Some(permit);
        }
        let waited = timeout_at(until, self.permits.acquire()).await;
        waited.ok()?.ok()
    }

    /// The same, for an answer that outlives the call.
    pub(super) async fn enter_owned(&self, until: Instant) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Some(permit);
        }
        let waited = timeout_at(until, Arc::clone(&self.permits).acquire_owned()).await;
        waited.ok()?.ok()
    }

    /// Connections that there might be beside those in use.
    pub(super) fn free(&self) -> usize {
        self.permits.available_permits()
    }

    /// Connections at rest.
    pub(super) fn resting(&self) -> usize {
        self.rack().resting.len()
    }

    /// The connection that rested last, so that those not needed grow old.
    pub(super) fn take(&self) -> Option<Box<Connection>> {
        let now = Instant::now();
        loop {
            let resting = self.rack().resting.pop()?;
            if resting.until > now {
                return Some(resting.connection);
            }
        }
    }

    /// Lays a connection to rest, unless it is too old.
    pub(super) fn put(self: &Arc<Self>, connection: Box<Connection>) {
        let now = Instant::now();
        let until = (now + self.idle).min(connection.born() + self.lifetime);
        if until <= now {
            return;
        }
        let mut rack = self.rack();
        rack.resting.push(Resting { connection, until });
        if !rack.watched {
            rack.watched = true;
            tokio::spawn(watch(Arc::downgrade(self), until));
        }
    }

    /// Closes what has rested long enough, and tells when to look again.
    fn clear(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut rack = self.rack();
        let expired: Vec<_> = rack
            .resting
            .extract_if(.., |resting| resting.until <= now)
            .collect();
        let next = rack.resting.iter().map(|resting| resting.until).min();
        rack.watched = next.is_some();
        drop(rack);
        // Closing is the operating system's work, so it is done outside the lock.
        drop(expired);
        next
    }

    fn rack(&self) -> MutexGuard<'_, Rack> {
        // Nothing that is done under the lock leaves the rack half changed.
        self.rack.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections when their time is over, as long as there are any.
async fn watch(pool: Weak<Pool>, first: Instant) {
    let mut next = Some(first);
    while let Some(until) = next {
        sleep_until(until).await;
        next = pool.upgrade().and_then(|pool| pool.clear());
    }
}
