//! Failed attempts: how many there were of late, and whether more are refused.
//!
//! Pure: time comes in, a verdict goes out. What is remembered is a tag under a random key of this
//! process, a window and a refusal, 32 bytes each and never more than [`MOST`] of them, so that no
//! number of sources takes more than 33 MiB. Nothing is allocated before the first failure.

mod record;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use self::record::Record;
use crate::clock::{Clock, Timestamp};

/// Failures that are remembered at a time, each of another source or login.
pub const MOST: usize = SHARDS * SHARD;

/// Locks, so that failures in parallel seldom wait for each other.
const SHARDS: usize = 4096;

/// Records under one lock: what one failure looks through.
const SHARD: usize = 256;

/// Wrong passwords a source may send for all logins together, in those for one: enough for people
/// behind one address, and too few to try one password with every user.
const LOGINS: u32 = 5;

/// How many failures are answered as such, and what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Failures a minute; the next one begins a refusal. Default 20.
    pub per_minute: u16,
    /// How long the first refusal lasts. Each further one lasts twice as long. Default 1 min.
    pub first_refusal: Duration,
    /// How long a refusal lasts at most, and after what quiet the first one is the first again.
    /// Default 15 min.
    pub longest_refusal: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            per_minute: 20,
            first_refusal: Duration::from_secs(60),
            longest_refusal: Duration::from_secs(15 * 60),
        }
    }
}

/// Who counts as one: an IPv4 address, or an IPv6 /64, which a single host commonly holds whole.
/// Callers without an address are one source together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source(u128);

impl From<Option<IpAddr>> for Source {
    fn from(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => Self(address.to_ipv6_mapped().to_bits()),
            Some(IpAddr::V6(address)) => Self(address.to_bits() >> 64 << 64),
            None => Self(Ipv6Addr::UNSPECIFIED.to_bits()),
        }
    }
}

/// The address, or the first of the network: `192.0.2.1`, `2001:db8::/64`.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = Ipv6Addr::from_bits(self.0);
        match address.to_ipv4_mapped() {
            Some(address) => address.fmt(f),
            None => write!(f, "{address}/64"),
        }
    }
}

/// What a source tries to guess.
#[derive(Clone, Copy, Debug)]
pub enum Guess<'a> {
    /// An API key.
    Key,
    /// The password of a login, which is given by its
    /// [`name_key`](crate::command::name::name_key). Counted by source too, so that
    /// nobody locks another's login.
    Password(&'a str),
    /// The password of any login.
    AnyPassword,
}

/// Whether an attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Allowed,
    /// It is the one too many: a refusal of that length begins with it.
    RefusedFor(Duration),
    /// A refusal is in force.
    Refused,
}

/// The failures of every source.
pub struct Attempts {
    policy: Policy,
    key: Hmac<Sha256>,
    shards: Box<[Mutex<Vec<Record>>]>,
}

impl Attempts {
    /// Nothing has failed yet.
    pub fn new(policy: Policy, clock: &Clock) -> Self {
        Self {
            policy,
            key: Hmac::new((&clock.random::<64>()).into()),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Counts an attempt as failed. What turns out right is taken out again by
    /// [`Attempts::forgive`], so that attempts made at once count before any of them is judged.
    /// An attempt that is refused is not counted and lengthens nothing.
    pub fn count(&self, source: Source, guess: Guess<'_>, now: Timestamp) -> Verdict {
        let tag = self.tag(source, guess);
        let now = now.as_millis();
        let most = self.most(guess);
        let mut shard = self.shard(tag);
        if let Some(known) = shard.iter_mut().find(|record| record.tag == tag) {
            return known.count(now, most, &self.policy);
        }
        let mut fresh = Record::new(tag, now);
        let verdict = fresh.count(now, most, &self.policy);
        if shard.len() < SHARD {
            shard.push(fresh);
            return verdict;
        }
        let least = shard
            .iter_mut()
            .min_by_key(|record| record.harm(now, &self.policy));
        if let Some(least) = least {
            *least = fresh;
        }
        verdict
    }

    /// Whether a refusal is in force.
    pub fn is_refused(&self, source: Source, guess: Guess<'_>, now: Timestamp) -> bool {
        let tag = self.tag(source, guess);
        let now = now.as_millis();
        let shard = self.shard(tag);
        let known = shard.iter().find(|record| record.tag == tag);
        known.is_some_and(|record| record.is_refused(now, &self.policy))
    }

    /// The attempt was right: those before it are forgotten with it.
    pub fn forgive(&self, source: Source, guess: Guess<'_>) {
        let tag = self.tag(source, guess);
        let mut shard = self.shard(tag);
        if let Some(at) = shard.iter().position(|record| record.tag == tag) {
            shard.swap_remove(at);
        }
    }

    /// The attempt was not judged: it was none.
    pub fn take_back(&self, source: Source, guess: Guess<'_>) {
        let tag = self.tag(source, guess);
        let mut shard = self.shard(tag);
        if let Some(known) = shard.iter_mut().find(|record| record.tag == tag) {
            known.take_back();
        }
    }

    fn most(&self, guess: Guess<'_>) -> u32 {
        let per_minute = u32::from(self.policy.per_minute);
        match guess {
            Guess::Key | Guess::Password(_) => per_minute,
            Guess::AnyPassword => per_minute * LOGINS,
        }
    }

    /// Under a key that nobody knows: no caller can choose whose record it shares a shard with.
    fn tag(&self, source: Source, guess: Guess<'_>) -> u64 {
        let (kind, login) = match guess {
            Guess::Key => (0, ""),
            Guess::Password(login) => (1, login),
            Guess::AnyPassword => (2, ""),
        };
        let mac = self
            .key
            .clone()
            .chain_update([kind])
            .chain_update(source.0.to_be_bytes())
            .chain_update(login);
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        digest.first_chunk().copied().map_or(0, u64::from_be_bytes)
    }

    fn shard(&self, tag: u64) -> MutexGuard<'_, Vec<Record>> {
        let index = usize::try_from(tag).unwrap_or(usize::MAX) % SHARDS;
        #[expect(
            clippy::indexing_slicing,
            reason = "there are as many shards as the remainder has values"
        )]
        let shard = &self.shards[index];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempts")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
