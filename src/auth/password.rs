//! Users' passwords: argon2id, computed off the async threads, a bounded number at once.

mod own_memory;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::Params;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::{Semaphore, oneshot};

use self::own_memory::OwnMemory;
use super::hash_threads::HashThreads;
use crate::error::{Error, Kind};
use crate::secret::Secret;

/// A password's hash in PHC string form: not reversible, and still nothing to print.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash as it was stored.
    pub const fn from_stored(phc: String) -> Self {
        Self(phc)
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

    /// Whether the password is the one of the hash. Without a hash the time is spent all the same,
    /// so that an unknown login takes as long as a wrong password.
    pub async fn verify(
        &self,
        password: Secret,
        hash: Option<PasswordHash>,
    ) -> Result<bool, Error> {
        self.run(move || {
            let stored = hash.as_ref().map_or(DUMMY_HASH, PasswordHash::as_str);
            let Ok(parsed) = argon2::PasswordHash::new(stored) else {
                return false;
            };
            let matches = argon2()
                .verify_password(password.reveal().as_bytes(), &parsed)
                .is_ok();
            matches && hash.is_some()
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

fn argon2() -> OwnMemory {
    OwnMemory(Params::new(19 * 1024, 2, 1, None).unwrap_or(Params::DEFAULT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let pool = PasswordHasherPool::new(1);
        let hash = pool.hash(Secret::from("correct horse")).await.unwrap();
        assert!(
            pool.verify(Secret::from("correct horse"), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(
            !pool
                .verify(Secret::from("wrong horse"), Some(hash))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn an_unknown_login_verifies_nothing_and_the_dummy_hash_parses() {
        assert!(argon2::PasswordHash::new(DUMMY_HASH).is_ok());
        assert!(
            !PasswordHasherPool::new(1)
                .verify(Secret::from("x"), None)
                .await
                .unwrap()
        );
    }
}
