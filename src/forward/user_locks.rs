//! One update of a user at a time, where an update reads the user and writes all of it back.

use std::hash::{BuildHasher, RandomState};

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout_at};

use crate::command::Id;
use crate::error::{Error, Kind};

/// Enough that two users seldom wait for one another.
const LOCKS: usize = 256;

/// The locks of one upstream's users. Their number is fixed: now and then users share one.
#[derive(Debug)]
pub(super) struct UserLocks {
    locks: Box<[Mutex<()>]>,
    hasher: RandomState,
}

impl UserLocks {
    pub(super) fn new() -> Self {
        Self {
            locks: (0..LOCKS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Waits until nobody else updates the user. Past the deadline nothing was done.
    pub(super) async fn lock(
        &self,
        user: Id,
        deadline: Instant,
    ) -> Result<Option<MutexGuard<'_, ()>>, Error> {
        let hash = usize::try_from(self.hasher.hash_one(user) % 0x1_0000).unwrap_or_default();
        let Some(lock) = self.locks.get(hash % LOCKS) else {
            return Ok(None);
        };
        let locked = timeout_at(deadline, lock.lock()).await;
        locked.map(Some).map_err(|_| Kind::Overloaded.into())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_user_is_updated_once_at_a_time() {
        let locks = UserLocks::new();
        let deadline = Instant::now() + Duration::from_secs(1);
        let first = locks.lock(Id::ONE, deadline).await.unwrap();
        let second = locks.lock(Id::ONE, deadline).await.unwrap_err();
        assert_eq!(second.kind(), &Kind::Overloaded);
        drop(first);
        let later = Instant::now() + Duration::from_secs(1);
        assert!(locks.lock(Id::ONE, later).await.unwrap().is_some());
    }
}
