//! What the store does with keys.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::auth::keys::{Key, KeyRecord, KeyUse};
use crate::clock::Timestamp;
use crate::journal::Entry;
use crate::store::sqlite::failure::Failure;
use crate::store::sqlite::watch::Watch;
use crate::store::sqlite::writer::lock;
use crate::store::sqlite::{SqliteStore, keys};
use crate::store::{KeyStore, Rotated, Rotation, StoreError, StoreFuture};

impl KeyStore for SqliteStore {
    fn list_keys(&self) -> StoreFuture<'_, Vec<KeyRecord>> {
        Box::pin(self.readers.read(keys::list))
    }

    fn insert_key(&self, key: KeyRecord, entry: Entry) -> StoreFuture<'_, bool> {
        let draft = self.draft(entry);
        Box::pin(
            self.writer
                .write(move |connection| keys::insert(connection, &key, &draft)),
        )
    }

    fn revoke_key(&self, name: String, at: Timestamp, entry: Entry) -> StoreFuture<'_, bool> {
        let draft = self.draft(entry);
        Box::pin(
            self.writer
                .write(move |connection| keys::revoke(connection, &name, at, &draft)),
        )
    }

    fn rotate_key(
        &self,
        name: String,
        rotation: Rotation,
        entry: Entry,
    ) -> StoreFuture<'_, Rotated> {
        let draft = self.draft(entry);
        Box::pin(
            self.writer
                .write(move |connection| keys::rotate(connection, &name, rotation, &draft)),
        )
    }

    fn note_key_uses(&self, uses: Vec<KeyUse>) -> StoreFuture<'_, ()> {
        Box::pin(
            self.writer
                .write(move |connection| keys::note_uses(connection, &uses)),
        )
    }

    fn watch_keys(&self, changed: Box<dyn Fn(Vec<Key>) + Send + Sync>) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let (ready, told) = oneshot::channel();
            {
                let mut watches = lock(&self.watches);
                let watches = watches.as_mut().ok_or(Failure::Closed)?;
                let presence = Arc::clone(&watches.presence);
                let recent = self.recent.clone();
                let watch = Watch::start(self.path.clone(), presence, recent, changed, ready)
                    .map_err(|error| StoreError::Database(Box::new(error)))?;
                watches.running.push(watch);
            }
            told.await.map_err(|_| Failure::Closed)?
        })
    }
}
