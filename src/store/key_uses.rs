//! Writing down when keys were used, apart from the calls that use them.

use std::convert::Infallible;
use std::time::Duration;

use super::{KeyStore, StoreError};
use crate::auth::keys::KeyRing;

/// How often. A key's last use is known that much later at most.
const INTERVAL: Duration = Duration::from_secs(60);

/// Writes the last uses of the ring's keys to the store, once a minute, for as long as it is
/// polled. What cannot be written is kept for the next time.
pub async fn keep_noting(ring: &KeyRing, store: &dyn KeyStore) -> Infallible {
    let mut failing = false;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let noted = note(ring, store).await;
        if let Err(error) = &noted
            && !failing
        {
            tracing::warn!(
                error = ?error,
                "the last uses of keys cannot be written; they are kept in memory until they can"
            );
        }
        failing = noted.is_err();
    }
}

/// Writes the last uses of the ring's keys to the store now, if there are any.
pub async fn note(ring: &KeyRing, store: &dyn KeyStore) -> Result<(), StoreError> {
    let uses = ring.uses();
    if uses.is_empty() {
        return Ok(());
    }
    store.note_key_uses(uses.clone()).await?;
    ring.noted(&uses);
    Ok(())
}
