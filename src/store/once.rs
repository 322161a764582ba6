//! Forgetting calls that nobody may send again any more.

use std::convert::Infallible;
use std::time::Duration;

use super::{StoreError, StoreFuture};
use crate::clock::{Clock, Timestamp};

/// How often. An expired call is unknown at once; this is only for its room.
const INTERVAL: Duration = Duration::from_secs(60);

/// Where calls that are to be done once are forgotten in time.
pub trait ForgetCalls {
    /// Whether there are any that have expired.
    fn has_old_calls(&self, now: Timestamp) -> StoreFuture<'_, bool>;

    /// Forgets some of those that have expired; whether there may be more.
    fn forget_calls(&self, now: Timestamp) -> StoreFuture<'_, bool>;
}

/// Forgets expired calls, once a minute, for as long as it is polled.
pub async fn keep_forgetting(store: &dyn ForgetCalls, clock: &Clock) -> Infallible {
    loop {
        tokio::time::sleep(INTERVAL).await;
        if let Err(error) = forget(store, clock.now()).await {
            tracing::warn!(error = ?error, "expired idempotency keys cannot be forgotten just now");
        }
    }
}

/// Forgets all that have expired. Writes nothing where there are none.
pub async fn forget(store: &dyn ForgetCalls, now: Timestamp) -> Result<(), StoreError> {
    if !store.has_old_calls(now).await? {
        return Ok(());
    }
    while store.forget_calls(now).await? {}
    Ok(())
}
