//! Claims of a gateway without a store: in memory, as long as the process lives.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, ready};

use super::{Answer, Claim, Known, OnceLog, State};
use crate::clock::Timestamp;
use crate::error::{Error, Kind};
use crate::journal::seal::Digest;

/// How many claims are remembered, at about 200 bytes each. More are refused: one that was forgotten
/// early would be carried out twice.
const MOST: usize = 65_536;

/// Claims in memory. A restart forgets them.
#[derive(Debug)]
pub struct OnceMemory {
    kept: Mutex<HashMap<Digest, Kept>>,
    most: usize,
}

#[derive(Debug)]
struct Kept {
    known: Known,
    until: Timestamp,
}

impl Default for OnceMemory {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            most: MOST,
        }
    }
}

impl OnceMemory {
    fn note(&self, claim: &Claim) -> Result<(), Error> {
        let mut kept = self.lock();
        if kept.len() >= self.most {
            kept.retain(|_, kept| kept.until > claim.at);
        }
        let is_full = kept.len() >= self.most;
        let known = Known {
            fingerprint: claim.fingerprint,
            state: State::Sent,
        };
        let until = claim.until;
        match kept.entry(claim.key) {
            Entry::Occupied(old) if old.get().until > claim.at => Err(Kind::InProgress.into()),
            Entry::Occupied(mut old) => {
                old.insert(Kept { known, until });
                Ok(())
            }
            Entry::Vacant(_) if is_full => Err(Kind::Overloaded.into()),
            Entry::Vacant(vacant) => {
                vacant.insert(Kept { known, until });
                Ok(())
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Kept>> {
        // Each claim is written in one step.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OnceLog for OnceMemory {
    fn find(&self, key: Digest, at: Timestamp) -> BoxFuture<'_, Result<Option<Known>, Error>> {
        let kept = self.lock();
        let found = kept.get(&key).filter(|kept| kept.until > at);
        Box::pin(ready(Ok(found.map(|kept| kept.known.clone()))))
    }

    fn begin(&self, claim: Claim) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(ready(self.note(&claim)))
    }

    fn settle(&self, claim: Claim, answer: Option<Answer>) -> BoxFuture<'_, Result<(), Error>> {
        let mut kept = self.lock();
        match answer {
            Some(answer) => {
                if let Some(kept) = kept.get_mut(&claim.key) {
                    kept.known.state = State::Done(answer);
                }
            }
            None => {
                kept.remove(&claim.key);
            }
        }
        Box::pin(ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;

    fn claim(key: u8, at: i64) -> Claim {
        Claim {
            key: Digest::from_bytes([key; 32]),
            fingerprint: Digest::from_bytes([7; 32]),
            at: Timestamp::from_millis(at),
            until: Timestamp::from_millis(at + 100),
        }
    }

    async fn state(memory: &OnceMemory, key: u8, at: i64) -> Option<State> {
        let claim = claim(key, at);
        let found = memory.find(claim.key, claim.at).await.unwrap();
        found.map(|known| known.state)
    }

    #[tokio::test]
    async fn a_claim_is_known_until_it_expires_or_was_not_done() {
        let memory = OnceMemory::default();
        memory.begin(claim(1, 0)).await.unwrap();
        assert_eq!(state(&memory, 1, 99).await, Some(State::Sent));
        let again = memory.begin(claim(1, 99)).await.unwrap_err();
        assert_eq!(again.kind(), &Kind::InProgress);
        let answer = Answer::of(&Outcome::Done, &[]);
        let settled = memory.settle(claim(1, 0), Some(answer.clone()));
        settled.await.unwrap();
        assert_eq!(state(&memory, 1, 99).await, Some(State::Done(answer)));
        assert_eq!(state(&memory, 1, 100).await, None);
        memory.begin(claim(1, 100)).await.unwrap();
        memory.settle(claim(1, 100), None).await.unwrap();
        assert_eq!(state(&memory, 1, 100).await, None);
    }

    #[tokio::test]
    async fn what_is_remembered_is_never_forgotten_for_want_of_room() {
        let memory = OnceMemory {
            most: 2,
            ..OnceMemory::default()
        };
        memory.begin(claim(1, 0)).await.unwrap();
        memory.begin(claim(2, 50)).await.unwrap();
        let full = memory.begin(claim(3, 99)).await.unwrap_err();
        assert_eq!(full.kind(), &Kind::Overloaded);
        // The first has expired by then.
        memory.begin(claim(3, 100)).await.unwrap();
        assert_eq!(state(&memory, 2, 100).await, Some(State::Sent));
    }
}
