//! Shares by weight, and requests under way.
//!
//! An endpoint has a slot for each unit of its weight, and each slot counts its own requests. Of two slots
//! that are drawn the one with fewer is taken. As all slots are alike, so are their loads, and endpoints that
//! answer alike get shares by their weights, however many requests there are at once; one that answers more
//! slowly gets less.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::sticky::mix;

/// How often it is drawn for a slot that fits before they are gone through.
const DRAWS: usize = 8;

/// A share of the requests.
#[derive(Debug)]
pub(super) struct Slot {
    of: usize,
    load: AtomicU32,
}

/// The slots of all endpoints.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Box<[Slot]>,
    dice: AtomicU64,
}

impl Slot {
    /// Whose it is.
    pub(super) const fn of(&self) -> usize {
        self.of
    }

    pub(super) fn enter(&self) {
        self.load.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn leave(&self) {
        self.load.fetch_sub(1, Ordering::Relaxed);
    }

    fn load(&self) -> u32 {
        self.load.load(Ordering::Relaxed)
    }
}

impl Slots {
    /// Slots by these weights, none of which is 0.
    pub(super) fn new(weights: &[u32]) -> Self {
        let unit = weights.iter().copied().fold(0, divisor).max(1);
        let slots = weights.iter().enumerate().flat_map(|(of, weight)| {
            (0..weight / unit).map(move |_| Slot {
                of,
                load: AtomicU32::new(0),
            })
        });
        Self {
            slots: slots.collect(),
            dice: AtomicU64::new(RandomState::new().build_hasher().finish()),
        }
    }

    /// The one that counts what is not drawn for.
    pub(super) fn first_of(&self, index: usize) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.of == index)
    }

    /// The less loaded of two that fit. `warmth` is the part of its share that an endpoint gets, of 1000.
    pub(super) fn choose(
        &self,
        is_fit: impl Fn(usize) -> bool,
        warmth: impl Fn(usize) -> u32,
    ) -> Option<&Slot> {
        let one = self.draw(&is_fit, &warmth)?;
        let other = self.draw(&is_fit, &warmth)?;
        let lighter = if other.load() < one.load() {
            other
        } else {
            one
        };
        Some(lighter)
    }

    fn draw(&self, is_fit: impl Fn(usize) -> bool, warmth: impl Fn(usize) -> u32) -> Option<&Slot> {
        for _ in 0..DRAWS {
            let slot = self.slots.get(self.below(self.slots.len()))?;
            if is_fit(slot.of) {
                let warmth = warmth(slot.of);
                if warmth >= 1000 || self.below(1000) < usize::try_from(warmth).unwrap_or(1000) {
                    return Some(slot);
                }
            }
        }
        let start = self.below(self.slots.len());
        let (before, after) = self.slots.split_at_checked(start)?;
        after.iter().chain(before).find(|slot| is_fit(slot.of))
    }

    /// A random number below that.
    fn below(&self, end: usize) -> usize {
        // The generator of splitmix64: one step for whoever asks.
        let seed = self
            .dice
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(mix(seed) % end).unwrap_or_default()
    }
}

/// The greatest that divides both.
const fn divisor(mut one: u32, mut other: u32) -> u32 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_shares_whatever_their_unit() {
        assert_eq!(Slots::new(&[100, 200, 50]).slots.len(), 7);
        assert_eq!(Slots::new(&[3]).slots.len(), 1);
        assert_eq!(Slots::new(&[1, 256]).slots.len(), 257);
    }

    /// Loads that rise and fall at random, as they do where all answer alike.
    #[test]
    fn endpoints_that_answer_alike_get_shares_by_their_weights_at_any_load() {
        for at_once in [1, 2, 3, 8, 40] {
            let slots = Slots::new(&[1, 2, 5]);
            let mut under_way = std::collections::VecDeque::new();
            let mut shares = [0_u32; 3];
            for _ in 0..40_000 {
                let slot = slots.choose(|_| true, |_| 1000).unwrap();
                slot.enter();
                shares[slot.of] += 1;
                under_way.push_back(slot);
                if under_way.len() >= at_once {
                    let ends = slots.below(under_way.len());
                    under_way.remove(ends).unwrap().leave();
                }
            }
            for (share, weight) in shares.into_iter().zip([1, 2, 5]) {
                let wanted = 5_000 * weight;
                let off = share.abs_diff(wanted) * 100 / wanted;
                assert!(off <= 6, "{at_once} at once: {shares:?}");
            }
        }
    }

    #[test]
    fn one_that_does_not_answer_gets_no_more_than_its_share_of_what_is_under_way() {
        let slots = Slots::new(&[1, 1]);
        let mut stuck = 0;
        for _ in 0..1_000 {
            let slot = slots.choose(|_| true, |_| 1000).unwrap();
            if slot.of == 0 {
                slot.enter();
                stuck += 1;
            }
        }
        // Once one is there, only two draws of the same slot lead to another.
        assert!(stuck < 400, "{stuck}");
    }

    #[test]
    fn what_fits_is_found_where_it_is_rare_or_cold() {
        let slots = Slots::new(&[1; 64]);
        for _ in 0..200 {
            let slot = slots.choose(|index| index == 40, |_| 0).unwrap();
            assert_eq!(slot.of(), 40);
        }
        assert!(slots.choose(|_| false, |_| 1000).is_none());
    }
}
