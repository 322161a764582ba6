//! API keys: what is kept of them, and the ring they are looked up in.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::api_key::KeyDigest;
use super::scope::Scopes;
use crate::clock::Timestamp;
use crate::command::AccountId;
use crate::secret::Secret;

/// A live key: everything but the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name, unique among live keys.
    pub name: String,
    /// What the presented key is compared with.
    pub digest: KeyDigest,
    /// What it may do.
    pub scopes: Scopes,
    /// The accounts it may name; any account where the list is empty.
    pub accounts: Vec<AccountId>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

impl Key {
    /// Whether the key may act in the account.
    pub fn may_use(&self, account: AccountId) -> bool {
        self.accounts.is_empty() || self.accounts.contains(&account)
    }
}

/// A key as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key.
    pub key: Key,
    /// The last four characters, to tell keys apart by eye.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// The live keys in memory, replaced as a whole when they change. Looking one up takes no lock.
#[derive(Debug)]
pub struct KeyRing {
    pepper: super::api_key::Pepper,
    fixed: Vec<Key>,
    live: ArcSwap<HashMap<KeyDigest, Arc<Key>>>,
}

impl KeyRing {
    /// A ring with the keys of the configuration, which no store can revoke.
    pub fn new(pepper: super::api_key::Pepper, fixed: Vec<Key>) -> Self {
        let ring = Self {
            pepper,
            fixed,
            live: ArcSwap::default(),
        };
        ring.replace(Vec::new());
        ring
    }

    /// Makes these, and the keys of the configuration, the live ones.
    pub fn replace(&self, stored: Vec<Key>) {
        let live = stored.into_iter().chain(self.fixed.iter().cloned());
        self.live.store(Arc::new(
            live.map(|key| (key.digest.clone(), Arc::new(key)))
                .collect(),
        ));
    }

    /// The live key that was presented.
    ///
    /// The table is indexed by a digest that nobody without the pepper can choose, so the time of
    /// a look-up tells nothing of the keys in it.
    pub fn find(&self, presented: &Secret, now: Timestamp) -> Option<Arc<Key>> {
        let digest = self.pepper.digest(presented);
        let live = self.live.load();
        live.get(&digest)
            .filter(|key| key.expires_at.is_none_or(|end| now < end))
            .cloned()
    }
}
