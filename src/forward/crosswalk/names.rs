//! What look-ups by name answered, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::command::Id;
use crate::store::crosswalk::{Found, Named};

/// How much memory the names of one upstream may take; the oldest make room.
const MOST_BYTES: usize = 1 << 20;

/// What an entry takes beside the text of its name, about.
const ENTRY_BYTES: usize = 256;

/// The names of one upstream.
#[derive(Debug, Default)]
pub(super) struct Names {
    found: HashMap<Arc<Named>, (u64, Found)>,
    by_age: BTreeMap<u64, Arc<Named>>,
    next: u64,
    bytes: usize,
}

impl Names {
    /// What the name was found to be, if that is still to be believed.
    pub(super) fn get(&self, named: &Named, now: Timestamp) -> Option<Found> {
        let (_, found) = self.found.get(named)?;
        (found.until > now).then_some(*found)
    }

    /// Remembers, in the place of what was known of the name.
    pub(super) fn put(&mut self, named: Named, found: Found) {
        self.remove(&named);
        let named = Arc::new(named);
        self.bytes = self.bytes.saturating_add(bytes(&named));
        self.by_age.insert(self.next, Arc::clone(&named));
        self.found.insert(named, (self.next, found));
        self.next = self.next.wrapping_add(1);
        while self.bytes > MOST_BYTES
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.bytes = self.bytes.saturating_sub(bytes(&oldest));
            self.found.remove(&oldest);
        }
    }

    /// Forgets a name.
    pub(super) fn remove(&mut self, named: &Named) -> bool {
        let Some((age, _)) = self.found.remove(named) else {
            return false;
        };
        self.by_age.remove(&age);
        self.bytes = self.bytes.saturating_sub(bytes(named));
        true
    }

    /// Forgets every name of a user. It looks at each, which is little beside the request that a
    /// change of a name or a removal took.
    pub(super) fn remove_user(&mut self, there: Id) {
        self.remove_where(|_, found| found.there == there);
    }

    /// Forgets what is so; how much it was.
    pub(super) fn remove_where(&mut self, is_so: impl Fn(&Named, Found) -> bool) -> usize {
        let found = self.found.iter();
        let gone: Vec<_> = found
            .filter(|(named, (_, found))| is_so(named, *found))
            .map(|(named, _)| Arc::clone(named))
            .collect();
        gone.iter().filter(|named| self.remove(named)).count()
    }

    /// All of it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Named, Found)> {
        self.found
            .iter()
            .map(|(named, (_, found))| (&**named, *found))
    }
}

fn bytes(named: &Named) -> usize {
    named.name.key.len().saturating_add(ENTRY_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::crosswalk::{Name, NameKind};

    fn named(key: String) -> Named {
        let kind = NameKind::Username;
        Named {
            account: None,
            name: Name { kind, key },
        }
    }

    fn found(until: i64) -> Found {
        Found {
            there: Id::ONE,
            until: Timestamp::from_millis(until),
        }
    }

    #[test]
    fn the_oldest_names_make_room_and_memory_is_bounded_whatever_the_names() {
        let mut names = Names::default();
        let name = |number: i32| named(format!("{number}{}", "x".repeat(1000)));
        for number in 0..5000 {
            names.put(name(number), found(9));
        }
        assert!(names.bytes <= MOST_BYTES);
        assert_eq!(names.found.len(), names.by_age.len());
        assert!(names.found.len() > 800, "{}", names.found.len());
        let now = Timestamp::from_millis(1);
        assert_eq!(names.get(&name(0), now), None);
        assert_eq!(names.get(&name(4999), now), Some(found(9)));
    }

    #[test]
    fn a_name_is_believed_until_its_time_and_looked_up_again_counts_anew() {
        let mut names = Names::default();
        let ada = || named("ada".to_owned());
        names.put(ada(), found(5));
        assert!(names.get(&ada(), Timestamp::from_millis(4)).is_some());
        assert!(names.get(&ada(), Timestamp::from_millis(5)).is_none());
        names.put(ada(), found(9));
        assert_eq!(names.by_age.len(), 1);
        assert_eq!(names.bytes, bytes(&ada()));
        names.remove_user(Id::ONE);
        assert_eq!(
            (names.found.len(), names.by_age.len(), names.bytes),
            (0, 0, 0)
        );
    }
}
