//! Numbers that callers have of their own, and the upstream's.

use std::collections::HashMap;

use crate::command::Id;

/// Which number of a caller's is which of the upstream's, for every number there is.
///
/// A user whose pair was imported has the two numbers of the pair. Everybody else has the number that
/// it has at the upstream, unless that is the own number of somebody with a pair. Then it has the number
/// that the pair leaves free: of 4217, 12 the upstream's 12 is called 4217, so its 4217 is called 12.
/// Pairs can make chains, of which the two ends belong together. So no two users ever have one number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::forward) struct Numbers {
    /// As imported, by own number.
    imported: Vec<(Id, Id)>,
    there: HashMap<Id, Id>,
    own: HashMap<Id, Id>,
}

impl Numbers {
    /// Takes pairs of an own number and the upstream's. The first that contradicts another comes back.
    pub(super) fn new(pairs: impl IntoIterator<Item = (Id, Id)>) -> Result<Self, (Id, Id)> {
        let mut numbers = Self::default();
        for (own, there) in pairs {
            match (numbers.there.get(&own), numbers.own.get(&there)) {
                (None, None) => {
                    numbers.there.insert(own, there);
                    numbers.own.insert(there, own);
                    numbers.imported.push((own, there));
                }
                (Some(known), Some(_)) if *known == there => {}
                (Some(_), _) | (_, Some(_)) => return Err((own, there)),
            }
        }
        numbers.imported.sort_unstable();
        numbers.close_chains();
        Ok(numbers)
    }

    /// The pairs, by own number.
    pub(super) fn imported(&self) -> &[(Id, Id)] {
        &self.imported
    }

    /// What the upstream calls the user that a caller calls so.
    pub(super) fn there(&self, own: Id) -> Id {
        self.there.get(&own).copied().unwrap_or(own)
    }

    /// What a caller calls the user that the upstream calls so.
    pub(in crate::forward) fn own(&self, there: Id) -> Id {
        self.own.get(&there).copied().unwrap_or(there)
    }

    /// A chain begins with an own number that is nobody's at the upstream, as far as pairs go, and ends
    /// with a number of the upstream that no caller has.
    fn close_chains(&mut self) {
        let begins = |(own, _): &&(Id, Id)| !self.own.contains_key(own);
        let starts = self.imported.iter().filter(begins).copied();
        let ends: Vec<_> = starts
            .map(|(start, there)| {
                let mut end = there;
                while let Some(next) = self.there.get(&end) {
                    end = *next;
                }
                (end, start)
            })
            .collect();
        for (own, there) in ends {
            self.there.insert(own, there);
            self.own.insert(there, own);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn id(number: i64) -> Id {
        Id::new(number).unwrap()
    }

    #[test]
    fn who_has_no_pair_gets_the_number_that_a_pair_leaves_free() {
        let numbers = Numbers::new([(id(4217), id(12))]).unwrap();
        assert_eq!(
            (numbers.there(id(4217)), numbers.own(id(12))),
            (id(12), id(4217))
        );
        assert_eq!(
            (numbers.there(id(12)), numbers.own(id(4217))),
            (id(4217), id(12))
        );
        assert_eq!((numbers.there(id(5)), numbers.own(id(5))), (id(5), id(5)));
    }

    #[test]
    fn two_pairs_of_one_number_contradict_each_other_and_the_same_pair_twice_does_not() {
        let pair = (id(1), id(2));
        assert_eq!(Numbers::new([pair, (id(1), id(3))]), Err((id(1), id(3))));
        assert_eq!(Numbers::new([pair, (id(3), id(2))]), Err((id(3), id(2))));
        assert_eq!(Numbers::new([pair, pair]).unwrap().imported(), [pair]);
    }

    proptest! {
        #[test]
        fn no_two_users_ever_have_one_number(
            own in Just((1..40_i64).collect::<Vec<_>>()).prop_shuffle(),
            there in Just((1..40_i64).collect::<Vec<_>>()).prop_shuffle(),
            count in 0..40_usize,
        ) {
            let pairs = own.into_iter().map(id).zip(there.into_iter().map(id));
            let pairs: Vec<_> = pairs.take(count).collect();
            let numbers = Numbers::new(pairs.clone()).unwrap();
            for (own, there) in pairs {
                prop_assert_eq!(numbers.there(own), there);
            }
            let all: BTreeSet<_> = (1..60).map(|number| numbers.there(id(number))).collect();
            prop_assert_eq!(all.len(), 59);
            for number in (1..60).map(id) {
                prop_assert_eq!(numbers.own(numbers.there(number)), number);
            }
        }
    }
}
