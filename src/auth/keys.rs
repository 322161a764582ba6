//! API keys: what is kept of them, and the ring they are looked up in.

mod last_use;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

pub use self::last_use::KeyUse;
use self::last_use::LastUse;
use super::api_key::{KeyDigest, Pepper};
use super::call::Credentials;
use super::passed_on::Fingerprint;
use super::scope::Scopes;
use crate::clock::Timestamp;
use crate::command::AccountId;
use crate::command::name::name_key;
use crate::journal::seal::Seal;
use crate::secret::Secret;

/// A live key: everything but the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name, unique among live keys, except for a key and the one that replaces it.
    pub name: String,
    /// What the presented key is compared with.
    pub digest: KeyDigest,
    /// What it may do.
    pub scopes: Scopes,
    /// The accounts it may name; any account where the list is empty.
    pub accounts: Vec<AccountId>,
    /// The routes it works on, by name; any route where the list is empty.
    pub routes: Vec<String>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

impl Key {
    /// Whether the key may act in the account.
    pub fn may_use(&self, account: AccountId) -> bool {
        self.accounts.is_empty() || self.accounts.contains(&account)
    }

    /// Whether the key works then, on the route of that name.
    pub fn works(&self, route: Option<&str>, now: Timestamp) -> bool {
        // Both are looked at in any case: which of them fails is nobody's business.
        let is_alive = self.expires_at.is_none_or(|end| now < end);
        let is_named = route.is_some_and(|route| self.routes.iter().any(|name| name == route));
        is_alive && (self.routes.is_empty() || is_named)
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
    /// When it was used last, as far as that is written down.
    pub last_used_at: Option<Timestamp>,
    /// When another secret took its place. It works until it expires or is revoked.
    pub replaced_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl KeyRecord {
    /// A key that is new.
    pub const fn new(key: Key, hint: String, created_at: Timestamp) -> Self {
        Self {
            key,
            hint,
            created_at,
            last_used_at: None,
            replaced_at: None,
            revoked_at: None,
        }
    }
}

/// The live keys in memory, replaced as a whole when they change. Looking one up takes no lock, and
/// neither does noting that it was used.
#[derive(Debug)]
pub struct KeyRing {
    pepper: Pepper,
    known: Mutex<Known>,
    live: ArcSwap<Live>,
    /// What an unknown key is compared with, so that it takes as long as a known one.
    decoy: Slot,
}

impl KeyRing {
    /// A ring with the keys of the configuration, which no store can revoke.
    pub fn new(pepper: Pepper, fixed: Vec<Key>) -> Self {
        let ring = Self {
            pepper,
            known: Mutex::default(),
            live: ArcSwap::default(),
            decoy: Slot::decoy(),
        };
        ring.replace_fixed(fixed);
        ring
    }

    /// Makes these, and the keys of the configuration, the live ones.
    pub fn replace(&self, stored: Vec<Key>) {
        let mut known = self.known();
        known.stored = stored.into_iter().map(Arc::new).collect();
        self.renew(&known);
    }

    /// Makes these, which are in the configuration now, and the stored keys the live ones.
    pub fn replace_fixed(&self, fixed: Vec<Key>) {
        let mut known = self.known();
        known.fixed = fixed.into_iter().map(Arc::new).collect();
        self.renew(&known);
    }

    fn renew(&self, known: &Known) {
        let next = self.live.load().next(&known.stored, &known.fixed);
        self.live.store(Arc::new(next));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Each list is replaced as a whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The live key that was presented on the route of that name. It counts as used.
    ///
    /// A key that is refused is refused in the same time, whether it is unknown, expired or of
    /// another route.
    pub fn find(
        &self,
        presented: &Secret,
        route: Option<&str>,
        now: Timestamp,
    ) -> Option<Arc<Key>> {
        self.with(presented, route, now, |slot| {
            if let Some(used) = &slot.used {
                used.stamp(now);
            }
        })
    }

    /// The same key, which does not count as used.
    pub fn look_up(
        &self,
        presented: &Secret,
        route: Option<&str>,
        now: Timestamp,
    ) -> Option<Arc<Key>> {
        self.with(presented, route, now, |_| {})
    }

    fn with(
        &self,
        presented: &Secret,
        route: Option<&str>,
        now: Timestamp,
        found_it: impl FnOnce(&Slot),
    ) -> Option<Arc<Key>> {
        let digest = self.pepper.digest(presented);
        let live = self.live.load();
        let found = live.slots.get(&digest.index());
        let slot = found.unwrap_or(&self.decoy);
        let is_same = slot.key.digest == digest;
        let works = slot.key.works(route, now);
        if found.is_none() || !is_same || !works {
            return None;
        }
        found_it(slot);
        Some(Arc::clone(&slot.key))
    }

    /// What digests are made with that nobody can guess: of calls, as the audit trail's of users.
    pub fn seal(&self) -> Seal {
        self.pepper.seal()
    }

    /// What tells a caller apart whom an upstream judges; nothing where it presents nothing.
    pub fn fingerprint(&self, credentials: &Credentials) -> Option<Fingerprint> {
        let name = match credentials {
            Credentials::None => return None,
            Credentials::Key(key) => key.reveal(),
            Credentials::Basic { login, .. } => &name_key(login),
        };
        Some(Fingerprint(self.pepper.fingerprint(name)))
    }

    /// The uses of stored keys that nobody has written down yet, at most one a key.
    pub fn uses(&self) -> Vec<KeyUse> {
        let live = self.live.load();
        let pending = live.uses().filter_map(|(digest, used)| {
            Some(KeyUse {
                digest: digest.clone(),
                at: used.pending()?,
            })
        });
        pending.collect()
    }

    /// These uses are written down.
    pub fn noted(&self, uses: &[KeyUse]) {
        let live = self.live.load();
        for one in uses {
            if let Some(used) = live.last_use(&one.digest) {
                used.note(one.at);
            }
        }
    }
}

/// All live keys, by where they are kept. Whoever replaces some holds it until they are live.
#[derive(Debug, Default)]
struct Known {
    stored: Vec<Arc<Key>>,
    fixed: Vec<Arc<Key>>,
}

/// What a ring holds at a time.
#[derive(Debug, Default)]
struct Live {
    /// By [`KeyDigest::index`].
    slots: HashMap<u128, Slot>,
    /// Keys that are no longer live and have a use that is not written down.
    gone: Vec<(KeyDigest, Arc<LastUse>)>,
}

#[derive(Debug)]
struct Slot {
    key: Arc<Key>,
    /// Of stored keys only: there is no place to write down those of the configuration.
    used: Option<Arc<LastUse>>,
}

impl Slot {
    /// A key that nobody has: no secret has that digest.
    fn decoy() -> Self {
        let key = Key {
            name: String::new(),
            digest: KeyDigest::from_bytes([0; 32]),
            scopes: Scopes::new([]),
            accounts: Vec::new(),
            routes: Vec::new(),
            expires_at: None,
        };
        Self {
            key: Arc::new(key),
            used: None,
        }
    }
}

impl Live {
    /// The next state, in which the last uses are those of this one. A call that still looks into
    /// this state is not lost to the next.
    fn next(&self, stored: &[Arc<Key>], fixed: &[Arc<Key>]) -> Self {
        let used = |key: &Arc<Key>| Some(self.last_use(&key.digest).cloned().unwrap_or_default());
        let stored = stored.iter().map(|key| (key, used(key)));
        let fixed = fixed.iter().map(|key| (key, None));
        let slots: HashMap<_, _> = stored
            .chain(fixed)
            .map(|(key, used)| {
                let key = Arc::clone(key);
                (key.digest.index(), Slot { key, used })
            })
            .collect();
        let gone = self
            .uses()
            .filter(|(digest, used)| {
                !slots.contains_key(&digest.index()) && used.pending().is_some()
            })
            .map(|(digest, used)| (digest.clone(), Arc::clone(used)))
            .collect();
        Self { slots, gone }
    }

    fn uses(&self) -> impl Iterator<Item = (&KeyDigest, &Arc<LastUse>)> {
        let live = self.slots.values();
        let live = live.filter_map(|slot| Some((&slot.key.digest, slot.used.as_ref()?)));
        live.chain(self.gone.iter().map(|(digest, used)| (digest, used)))
    }

    fn last_use(&self, digest: &KeyDigest) -> Option<&Arc<LastUse>> {
        if let Some(slot) = self.slots.get(&digest.index()) {
            return slot.used.as_ref();
        }
        let mut gone = self.gone.iter();
        gone.find(|(other, _)| other == digest)
            .map(|(_, used)| used)
    }
}

#[cfg(test)]
mod tests;
