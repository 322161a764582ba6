//! The claims whose commands are carried out by this process at the moment.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Claim;
use crate::error::{Error, Kind};
use crate::journal::seal::Digest;

/// A place for each claim that is carried out. As long as one is taken nobody else carries out the same.
#[derive(Clone, Debug, Default)]
pub struct Running(Arc<Mutex<Places>>);

/// What is asked under each key.
type Places = HashMap<Digest, Digest>;

impl Running {
    /// Takes the claim's place, until what is returned is dropped.
    pub(super) fn enter(&self, claim: &Claim) -> Result<Place, Error> {
        match self.lock().entry(claim.key) {
            Entry::Vacant(vacant) => {
                vacant.insert(claim.fingerprint);
            }
            Entry::Occupied(taken) if *taken.get() == claim.fingerprint => {
                return Err(Kind::InProgress.into());
            }
            Entry::Occupied(_) => return Err(Kind::KeyReused.into()),
        }
        Ok(Place {
            running: self.clone(),
            key: claim.key,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        // A place is taken and left in one step each.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is taken.
#[derive(Debug)]
pub(super) struct Place {
    running: Running,
    key: Digest,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn claim(key: u8, fingerprint: u8) -> Claim {
        Claim {
            key: Digest::from_bytes([key; 32]),
            fingerprint: Digest::from_bytes([fingerprint; 32]),
            at: Timestamp::from_millis(0),
            until: Timestamp::from_millis(1),
        }
    }

    #[test]
    fn a_place_is_taken_once_and_free_again_when_it_is_left() {
        let running = Running::default();
        let place = running.enter(&claim(1, 1)).unwrap();
        let same = running.enter(&claim(1, 1)).unwrap_err();
        assert_eq!(same.kind(), &Kind::InProgress);
        let other = running.enter(&claim(1, 2)).unwrap_err();
        assert_eq!(other.kind(), &Kind::KeyReused);
        running.enter(&claim(2, 1)).unwrap();
        drop(place);
        running.enter(&claim(1, 2)).unwrap();
        assert!(running.lock().is_empty());
    }
}
