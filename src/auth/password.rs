//! Users' passwords: argon2id, computed off the async threads, a bounded number at once.
//!
//! Hashes that other systems made are kept as they are and checked in their own way; the first
//! successful sign-in replaces them by one of ours.

mod bcrypt;
mod own_memory;
mod phpass;
mod plain_md5;
mod scheme;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::Params;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::{Semaphore, oneshot};

use self::own_memory::OwnMemory;
pub use self::scheme::HashFault;
use self::scheme::Scheme;
use super::hash_threads::HashThreads;
use crate::error::{Error, Kind};
use crate::secret::Secret;

/// A password's hash: not reversible, and still nothing to print.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash as it was stored.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// A hash that another system made, if it is one that a password can be checked against.
    pub fn parse(text: impl Into<String>) -> Result<Self, HashFault> {
        let text = text.into();
        Scheme::parse(&text).map(|_| Self(text))
    }

    /// Whether it is as good as one of our own. What cannot be read is not.
    pub fn is_current(&self) -> bool {
        Scheme::parse(&self.0).is_ok_and(|scheme| scheme.is_current())
    }

    /// The text to store.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Hashes and verifies passwords: argon2id with 19 MiB, two passes, one lane, as OWASP advises.
///
/// *Failure*: [`Kind::Overloaded`] when 64 are waiting already. *Cost*: 19 MiB and about 25 ms of
/// one core each; at most `at_once` run together, after everything that is not hashing. The memory of
/// as many is kept.
#[derive(Clone, Debug)]
pub struct PasswordHasherPool {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    computed: Arc<AtomicU64>,
    threads: Arc<HashThreads>,
}

const QUEUE: usize = 64;

impl PasswordHasherPool {
    /// A pool that lets `at_once` computations run together.
    pub fn new(at_once: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(at_once)),
            waiting: Arc::new(Semaphore::new(QUEUE + at_once)),
            computed: Arc::default(),
            threads: Arc::new(HashThreads::new(at_once)),
        }
    }

    /// Hashes a password under a fresh salt.
    pub async fn hash(&self, password: Secret) -> Result<PasswordHash, Error> {
        self.run(move || {
            let hashed = argon2().hash_password(password.reveal().as_bytes());
            hashed
                .map(|hash| PasswordHash(hash.to_string()))
                .map_err(|error| Error::internal(error.to_string()))
        })
        .await?
    }

    /// Whether the password is the one of the hash. Without a hash, or with one of another system
    /// that is checked in no time, the time is spent all the same, so that an unknown login takes
    /// as long as a wrong password. A bcrypt hash of cost 10 and more takes longer than that.
    pub async fn verify(
        &self,
        password: Secret,
        hash: Option<PasswordHash>,
    ) -> Result<bool, Error> {
        self.run(move || {
            let password = password.reveal().as_bytes();
            let stored = hash.and_then(|hash| Scheme::parse(hash.as_str()).ok());
            if stored.as_ref().is_none_or(Scheme::is_quick) {
                spend_time(password);
            }
            stored.is_some_and(|scheme| scheme.verify(password))
        })
        .await
    }

    /// How many hashes were computed until now.
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let Ok(_waiting) = Arc::clone(&self.waiting).try_acquire_owned() else {
            return Err(Kind::Overloaded.into());
        };
        let running = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(Error::internal)?;
        self.computed.fetch_add(1, Ordering::Relaxed);
        let (done, result) = oneshot::channel();
        let job = move || {
            let _running = running;
            // Nobody waits any more where the caller left.
            drop(done.send(work()));
        };
        self.threads.start(job).map_err(Error::internal)?;
        result.await.map_err(Error::internal)
    }
}

/// A hash under the same parameters that no password is known for.
const DUMMY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$ZHJhZ29tYW4tZHVtbXk$Y9cFaZm3dfcUOcCfKdWTuPXJhnZ2YkhLc1pXbkVxVGs";

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// As much as the check of one of our own hashes takes.
fn spend_time(password: &[u8]) {
    if let Ok(dummy) = argon2::PasswordHash::new(DUMMY_HASH) {
        // It fits nothing; only the time counts.
        let _ = std::hint::black_box(argon2().verify_password(password, &dummy));
    }
}

fn argon2() -> OwnMemory {
    OwnMemory(Params::new(MEMORY_KIB, PASSES, 1, None).unwrap_or(Params::DEFAULT))
}

#[cfg(test)]
mod tests;
