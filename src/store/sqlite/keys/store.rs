//! What the store does with keys.

use crate::auth::keys::{Key, KeyRecord, KeyUse};
use crate::clock::Timestamp;
use crate::journal::Entry;
use crate::store::sqlite::{SqliteStore, keys};
use crate::store::{KeyStore, Rotated, Rotation, StoreFuture};

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
        let mut seen = None;
        self.watch("keys", move |connection| {
            let live = keys::live(connection)?;
            if seen.as_ref() != Some(&live) {
                changed(live.clone());
                seen = Some(live);
            }
            Ok(())
        })
    }
}
