//! Passwords that were right a moment ago, so that a caller does not pay for argon2 on every call.
//!
//! An entry is found by an HMAC, under a random key of this process, of login, password and the
//! hash that is stored now. So it says nothing of the password, and ends with the hash: the caller
//! of this module reads the user from the store for each call, since only the store knows at once
//! of a changed password, a closed user or a deleted one.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::OnceCell;

use super::password::PasswordHash;
use crate::clock::{Clock, Timestamp};
use crate::error::Error;
use crate::secret::Secret;

/// Entries at a time, about 200 bytes each. One core verifies fewer in the default lifetime.
const MOST: usize = 4096;

/// The verified passwords of a short while.
pub(super) struct Verified {
    lifetime: i64,
    key: Hmac<Sha256>,
    clock: Clock,
    entries: Mutex<HashMap<Claim, Entry>>,
}

/// That a password is the one of a stored hash, as a digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Claim([u8; 32]);

struct Entry {
    /// Empty while the claim is being verified: whoever makes the same one waits for the answer.
    answer: Arc<OnceCell<bool>>,
    /// Until when it is taken for granted, once it was found to be right.
    until: Option<Timestamp>,
}

impl Verified {
    /// Takes what was verified for granted for that long; not at all where that is zero.
    pub(super) fn new(lifetime: Duration, clock: Clock) -> Self {
        Self {
            lifetime: i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX),
            key: Hmac::new((&clock.random::<64>()).into()),
            clock,
            entries: Mutex::default(),
        }
    }

    /// The claim that the password of that login is the one that was hashed.
    pub(super) fn claim(
        &self,
        login: &str,
        password: &Secret,
        hash: Option<&PasswordHash>,
    ) -> Claim {
        // With its length before it, no part can be taken for another.
        let hash = hash.map_or("", PasswordHash::as_str);
        let parts = [login, password.reveal(), hash].map(str::as_bytes);
        let mac = parts.iter().fold(self.key.clone(), |mac, part| {
            mac.chain_update(part.len().to_be_bytes())
                .chain_update(part)
        });
        Claim(mac.finalize().into_bytes().into())
    }

    /// Whether the claim is right: known, or learnt from `verify`. Of calls that make the same claim
    /// at once one verifies it for all, and where that one fails or is dropped the next one does.
    pub(super) async fn check(
        &self,
        claim: Claim,
        verify: impl Future<Output = Result<bool, Error>>,
    ) -> Result<bool, Error> {
        let answer = self.answer(claim);
        if let Some(known) = answer.get() {
            return Ok(*known);
        }
        let is_right = *answer.get_or_try_init(|| verify).await?;
        self.keep(claim, &answer, is_right);
        Ok(is_right)
    }

    /// The answer to the claim, which may still be to come.
    fn answer(&self, claim: Claim) -> Arc<OnceCell<bool>> {
        let now = self.clock.now();
        let mut entries = self.lock();
        if let Some(entry) = entries.get(&claim)
            && entry.until.is_none_or(|until| self.is_live(until, now))
        {
            return Arc::clone(&entry.answer);
        }
        if entries.len() >= MOST {
            self.make_room(&mut entries, now);
        }
        let answer = Arc::new(OnceCell::new());
        let entry = Entry {
            answer: Arc::clone(&answer),
            until: None,
        };
        entries.insert(claim, entry);
        answer
    }

    /// Starts the lifetime of an entry that is right, and drops every other.
    fn keep(&self, claim: Claim, answer: &Arc<OnceCell<bool>>, is_right: bool) {
        let mut entries = self.lock();
        let Some(entry) = entries
            .get_mut(&claim)
            .filter(|entry| entry.until.is_none() && Arc::ptr_eq(&entry.answer, answer))
        else {
            return;
        };
        if is_right && self.lifetime > 0 {
            let now = self.clock.now().as_millis();
            entry.until = Some(Timestamp::from_millis(now.saturating_add(self.lifetime)));
        } else {
            entries.remove(&claim);
        }
    }

    /// Drops what has ended and what nobody waits for any more; where that is nothing, the entry
    /// that would end first.
    fn make_room(&self, entries: &mut HashMap<Claim, Entry>, now: Timestamp) {
        entries.retain(|_, entry| match entry.until {
            Some(until) => self.is_live(until, now),
            None => Arc::strong_count(&entry.answer) > 1,
        });
        if entries.len() < MOST {
            return;
        }
        let first = entries.iter().min_by_key(|(_, entry)| entry.until);
        if let Some(claim) = first.map(|(claim, _)| *claim) {
            entries.remove(&claim);
        }
    }

    /// A wall clock that was set back ends an entry, and does not lengthen it.
    fn is_live(&self, until: Timestamp, now: Timestamp) -> bool {
        let left = until.as_millis().saturating_sub(now.as_millis());
        (1..=self.lifetime).contains(&left)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Claim, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
