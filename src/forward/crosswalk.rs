//! Who is who at upstreams.
//!
//! Two things are known of users there beside what a call says:
//!
//! - What a look-up by name answered is remembered for a while. It saves a later call the look-up where
//!   an answer of the upstream shows, before anything is written, that the user still has the name. For
//!   every other write the user is looked up anew. So a name that has passed to somebody else costs a
//!   request, and never reaches who had it.
//! - Callers of a dialect may have numbers of their own for the users of an upstream
//!   ([`Parameters::own_ids`]), which were imported beside the upstream's. Theirs are put in place of
//!   the upstream's on the way back, and the other way round. Until any were imported
//!   such calls are refused: a number that means somebody else must not be sent.
//!
//! Both are kept in the store, or in memory where there is none.

mod at_upstream;
mod names;
mod numbers;
mod translate;

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

pub(super) use self::at_upstream::Crosswalk;
pub(super) use self::numbers::Numbers;
pub(super) use self::translate::refuse;
use super::Forward;
use crate::command::Dialect;
use crate::store::crosswalk::{Imported, Line, MOST_PAIRS, Pair, Which};

/// What is remembered of the users of an upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// For how long the answer of a look-up is believed; zero remembers nothing.
    pub remember: Duration,
    /// Whose callers call users by numbers of their own, which are imported.
    pub own_ids: Vec<Dialect>,
}

impl Forward {
    /// Takes all imported pairs in the place of those before, and forgets in memory what look-ups
    /// answered: the store that the pairs come from knows better.
    /// Blocks while others change pairs.
    pub fn take_pairs(&self, pairs: &[Pair]) {
        let _changes = self.lock_pairs();
        for upstream in self.upstreams.values() {
            let own = pairs.iter().filter(|pair| pair.upstream == upstream.name);
            upstream.crosswalk.take(own);
        }
    }

    /// Everything in memory, pairs first.
    pub fn crosswalk(&self) -> Vec<Line> {
        let mut upstreams: Vec<_> = self.upstreams.values().collect();
        upstreams.sort_by_key(|upstream| &upstream.name);
        let pairs = upstreams.iter().flat_map(|it| it.crosswalk.pairs());
        let names = upstreams.iter().flat_map(|it| it.crosswalk.names());
        pairs.map(Line::Imported).chain(names).collect()
    }

    /// Keeps all pairs in memory, or none. Blocks, and takes its time if there are many.
    pub fn import_pairs(&self, pairs: &[Pair]) -> Imported {
        let _changes = self.lock_pairs();
        let mut new = 0;
        let mut merged = Vec::new();
        for upstream in self.upstreams.values() {
            let own = pairs.iter().filter(|pair| pair.upstream == upstream.name);
            match upstream.crosswalk.merge(own) {
                Ok((numbers, added)) => {
                    merged.push((upstream, numbers));
                    new += added;
                }
                Err(pair) => return Imported::Contradicts(pair),
            }
        }
        let count: usize = merged.iter().map(|(_, numbers)| numbers.len()).sum();
        if count > MOST_PAIRS {
            return Imported::TooMany;
        }
        for (upstream, numbers) in merged {
            upstream.crosswalk.replace(numbers);
        }
        Imported::New(new)
    }

    /// Whether callers of the dialect have numbers of their own there.
    pub fn has_own_ids(&self, upstream: &str, dialect: Dialect) -> bool {
        let upstream = self.upstreams.get(upstream);
        upstream.is_some_and(|upstream| upstream.crosswalk.has_own_ids(dialect))
    }

    /// Whether it is kept in a store, so that what is in memory is only a part of it.
    pub fn is_crosswalk_stored(&self) -> bool {
        let mut upstreams = self.upstreams.values();
        upstreams.any(|upstream| upstream.crosswalk.is_stored())
    }

    /// Forgets in memory; how much it was, or nothing if there is no such upstream. Blocks, as an
    /// import does.
    pub fn forget(&self, upstream: &str, which: &Which) -> Option<usize> {
        let upstream = self.upstreams.get(upstream)?;
        let _changes = self.lock_pairs();
        Some(upstream.crosswalk.forget(which))
    }

    // It guards no value of its own.
    fn lock_pairs(&self) -> MutexGuard<'_, ()> {
        self.importing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
