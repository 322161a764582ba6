//! Who is who at one upstream.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Parameters;
use super::names::Names;
use super::numbers::Numbers;
use crate::clock::{Clock, Timestamp};
use crate::command::user::UserRef;
use crate::command::{AccountId, Dialect, Id};
use crate::dialect::exchange::Learnt;
use crate::store::absent::Absent;
use crate::store::crosswalk::{CrosswalkStore, Found, Line, Name, NameKind, Named, Pair, Which};

/// The numbers of the callers of each dialect that has its own.
type ByDialect = BTreeMap<Dialect, Arc<Numbers>>;

/// What is known of the users of one upstream.
pub(in crate::forward) struct Crosswalk {
    upstream: String,
    parameters: Parameters,
    names: Mutex<Names>,
    numbers: Mutex<ByDialect>,
    store: Arc<dyn CrosswalkStore + Send + Sync>,
    clock: Clock,
}

/// What an import would make of the numbers.
#[derive(Debug)]
pub(super) struct Merged(ByDialect);

impl Crosswalk {
    /// In memory only.
    pub(in crate::forward) fn new(upstream: String, parameters: Parameters) -> Self {
        Self {
            upstream,
            parameters,
            names: Mutex::default(),
            numbers: Mutex::default(),
            store: Arc::new(Absent),
            clock: Clock::system(),
        }
    }

    /// One of the same upstream that remembers in the store, too.
    pub(in crate::forward) fn kept_in(
        &self,
        store: Arc<dyn CrosswalkStore + Send + Sync>,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            clock,
            ..Self::new(self.upstream.clone(), self.parameters.clone())
        }
    }

    /// The number that the user was found to have, not too long ago. A store that cannot say costs a
    /// look-up.
    pub(in crate::forward) async fn recall(
        &self,
        account: Option<AccountId>,
        user: &UserRef,
    ) -> Option<Id> {
        let named = self.named(account, user)?;
        let now = self.clock.now();
        if let Some(found) = self.lock_names().get(&named, now) {
            return Some(found.there);
        }
        let recalled = self.store.recall(self.upstream.clone(), named.clone(), now);
        let found = recalled.await.ok()??;
        self.lock_names().put(named, found);
        Some(found.there)
    }

    /// Remembers what an exchange found out, and forgets what it found to be wrong.
    pub(in crate::forward) fn learn(&self, account: Option<AccountId>, learnt: &Learnt) {
        if let Some(named) = learnt
            .mistaken
            .as_ref()
            .and_then(|user| self.named(account, user))
        {
            self.lock_names().remove(&named);
            self.store
                .forget_user(self.upstream.clone(), Some(named), None);
        }
        if let Some((user, there)) = &learnt.user {
            self.remember(account, user, *there);
        }
    }

    /// Remembers what a look-up answered. What is known already is believed no longer for that.
    pub(in crate::forward) fn remember(
        &self,
        account: Option<AccountId>,
        user: &UserRef,
        there: Id,
    ) {
        let Some(named) = self.named(account, user) else {
            return;
        };
        let now = self.clock.now();
        let known = self.lock_names().get(&named, now);
        if known.is_some_and(|known| known.there == there) {
            return;
        }
        let lifetime = i64::try_from(self.parameters.remember.as_millis()).unwrap_or(i64::MAX);
        let until = Timestamp::from_millis(now.as_millis().saturating_add(lifetime));
        let found = Found { there, until };
        self.lock_names().put(named.clone(), found);
        self.store
            .remember(self.upstream.clone(), named, found, now);
    }

    /// Forgets every name of a user that was removed or is called otherwise from now on.
    pub(in crate::forward) fn forget_user(&self, account: Option<AccountId>, user: &UserRef) {
        if self.parameters.remember.is_zero() {
            return;
        }
        let named = self.named(account, user);
        let there = {
            let mut kept = self.lock_names();
            let found = named
                .as_ref()
                .and_then(|named| kept.get(named, self.clock.now()));
            let there = match user {
                UserRef::Id(id) => Some(*id),
                UserRef::Username(_) | UserRef::Email(_) | UserRef::UsernameOrEmail(_) => {
                    found.map(|found| found.there)
                }
            };
            named.as_ref().map(|named| kept.remove(named));
            there.inspect(|there| kept.remove_user(*there))
        };
        self.store.forget_user(self.upstream.clone(), named, there);
    }

    /// The own numbers of callers of the dialect, where they have any.
    pub(in crate::forward) fn numbers(&self, dialect: Dialect) -> Option<Arc<Numbers>> {
        if !self.has_own_ids(dialect) {
            return None;
        }
        Some(
            self.lock_numbers()
                .get(&dialect)
                .cloned()
                .unwrap_or_default(),
        )
    }

    pub(super) fn is_stored(&self) -> bool {
        self.store.keeps_crosswalk()
    }

    pub(super) fn has_own_ids(&self, dialect: Dialect) -> bool {
        self.parameters.own_ids.contains(&dialect)
    }

    /// Takes these pairs in the place of all before.
    pub(in crate::forward) fn take<'a>(&self, pairs: impl Iterator<Item = &'a Pair>) {
        match merge(&ByDialect::default(), pairs) {
            Ok((merged, _)) => self.replace(merged),
            Err(pair) => tracing::error!(
                upstream.name = self.upstream,
                own = pair.own.value(),
                "two imported pairs contradict each other; those before stay in use"
            ),
        }
        *self.lock_names() = Names::default();
    }

    /// What further pairs would make of the numbers, and how many of them are new.
    pub(super) fn merge<'a>(
        &self,
        pairs: impl Iterator<Item = &'a Pair>,
    ) -> Result<(Merged, usize), Pair> {
        merge(&self.lock_numbers(), pairs)
    }

    pub(super) fn replace(&self, merged: Merged) {
        *self.lock_numbers() = merged.0;
    }

    /// The imported pairs.
    pub(in crate::forward) fn pairs(&self) -> Vec<Pair> {
        let numbers = self.lock_numbers();
        let pairs = numbers.iter().flat_map(|(dialect, numbers)| {
            let pairs = numbers.imported().iter();
            pairs.map(|(own, there)| Pair {
                upstream: self.upstream.clone(),
                dialect: *dialect,
                own: *own,
                there: *there,
            })
        });
        pairs.collect()
    }

    /// What look-ups answered and is still believed.
    pub(super) fn names(&self) -> Vec<Line> {
        let now = self.clock.now();
        let mut names: Vec<_> = {
            let names = self.lock_names();
            let believed = names.iter().filter(|(_, found)| found.until > now);
            believed
                .map(|(named, found)| (named.clone(), found))
                .collect()
        };
        names.sort_by(|(one, _), (other, _)| one.cmp(other));
        let line = |(named, found)| Line::Remembered {
            upstream: self.upstream.clone(),
            named,
            found,
        };
        names.into_iter().map(line).collect()
    }

    /// Forgets in memory; how much it was.
    pub(super) fn forget(&self, which: &Which) -> usize {
        match which {
            Which::Remembered => self.lock_names().remove_where(|_, _| true),
            Which::Name(name) => self
                .lock_names()
                .remove_where(|named, _| named.name.key == *name),
            Which::Pair(dialect, own) => {
                let mut numbers = self.lock_numbers();
                let kept = numbers.get(dialect).map(|numbers| {
                    let pairs = numbers.imported().iter().copied();
                    pairs.filter(|(known, _)| known != own).collect::<Vec<_>>()
                });
                let before = numbers.get(dialect).map_or(0, |it| it.imported().len());
                let kept = kept
                    .and_then(|kept| Numbers::new(kept).ok())
                    .unwrap_or_default();
                let forgotten = before.saturating_sub(kept.imported().len());
                numbers.insert(*dialect, Arc::new(kept));
                forgotten
            }
            Which::All => {
                let pairs = std::mem::take(&mut *self.lock_numbers());
                let pairs: usize = pairs.values().map(|it| it.imported().len()).sum();
                pairs.saturating_add(self.lock_names().remove_where(|_, _| true))
            }
        }
    }

    /// The name that the user has in a reference, where anything is remembered. One without an @ is
    /// no address.
    fn named(&self, account: Option<AccountId>, user: &UserRef) -> Option<Named> {
        if self.parameters.remember.is_zero() {
            return None;
        }
        let mut name = Name::of(user)?;
        if name.kind == NameKind::UsernameOrEmail && !name.key.contains('@') {
            name.kind = NameKind::Username;
        }
        Some(Named { account, name })
    }

    // Nothing that holds one of the locks can panic half-way.
    fn lock_names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_numbers(&self) -> MutexGuard<'_, ByDialect> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Merged {
    /// How many pairs there would be.
    pub(super) fn len(&self) -> usize {
        self.0
            .values()
            .map(|numbers| numbers.imported().len())
            .sum()
    }
}

impl fmt::Debug for Crosswalk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crosswalk")
            .field("upstream", &self.upstream)
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}

fn merge<'a>(
    known: &ByDialect,
    pairs: impl Iterator<Item = &'a Pair>,
) -> Result<(Merged, usize), Pair> {
    let mut new: BTreeMap<Dialect, Vec<&Pair>> = BTreeMap::new();
    for pair in pairs {
        new.entry(pair.dialect).or_default().push(pair);
    }
    let mut merged = known.clone();
    let mut added = 0;
    for (dialect, pairs) in new {
        let before = merged.get(&dialect).map_or(&[][..], |it| it.imported());
        let further = pairs.iter().map(|pair| (pair.own, pair.there));
        let numbers = Numbers::new(before.iter().copied().chain(further));
        let numbers = numbers.map_err(|(own, there)| Pair {
            upstream: pairs
                .first()
                .map_or_else(String::new, |pair| pair.upstream.clone()),
            dialect,
            own,
            there,
        })?;
        added += numbers.imported().len().saturating_sub(before.len());
        merged.insert(dialect, Arc::new(numbers));
    }
    Ok((Merged(merged), added))
}
