//! Requests that stick to an endpoint: by rendezvous hashing, which moves as few as can be where endpoints
//! come and go, and which every gateway of the same configuration does alike.

use std::fmt::{self, Write};

use super::Endpoints;
use crate::auth::Principal;
use crate::command::Command;
use crate::command::user::UserRef;
use crate::dialect::exchange::subject;
use crate::route::{Route, Sticky};

impl Endpoints {
    /// What a call sticks to one of them by; nothing where it does not, or nobody is known.
    pub(in crate::forward) fn stick(
        &self,
        route: Option<&Route>,
        principal: &Principal,
        command: &mut Command,
    ) -> Option<u64> {
        if !self.is_many() {
            return None;
        }
        let sticky = route.and_then(|route| route.targets.sticky);
        stick(sticky.or(self.made_of.sticky)?, principal, command)
    }
}

fn stick(sticky: Sticky, principal: &Principal, command: &mut Command) -> Option<u64> {
    let user = match sticky {
        Sticky::User => subject(command).map(|user| &*user),
        Sticky::Key => None,
    };
    let mut hash = Hash::default();
    // Writing into a hash cannot fail.
    let _ = match (user, principal) {
        (Some(UserRef::Id(id)), _) => write!(hash, "id {id}"),
        (Some(UserRef::Username(name) | UserRef::UsernameOrEmail(name)), _) => {
            hash.write_folded(name.as_str())
        }
        (Some(UserRef::Email(email)), _) => hash.write_folded(email.as_str()),
        (None, Principal::Anonymous) => return None,
        (None, principal) => write!(hash, "{principal}"),
    };
    Some(hash.end())
}

/// The hash of a text.
pub(super) fn hash(text: &str) -> u64 {
    let mut hash = Hash::default();
    // Likewise.
    let _ = hash.write_str(text);
    hash.end()
}

/// Of endpoints, with their hashes and weights, the one that it sticks to: each has a share by its weight.
pub(super) fn rendezvous(
    stick: u64,
    endpoints: impl Iterator<Item = (usize, u64, u32)>,
) -> Option<usize> {
    let score = |hash: u64, weight: u32| {
        let drawn = u32::try_from(mix(stick ^ hash) >> 32).unwrap_or_default();
        let drawn = (f64::from(drawn) + 0.5) / 4_294_967_296.0;
        f64::from(weight) / -drawn.ln()
    };
    let scored = endpoints.map(|(index, hash, weight)| (index, score(hash, weight)));
    scored
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(index, _)| index)
}

/// Spreads a number over all of them (splitmix64).
pub(super) const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// FNV-1a, since it is to be the same in every build: nothing hangs on it that an attacker could want.
#[derive(Debug)]
struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    fn write_folded(&mut self, text: &str) -> fmt::Result {
        text.chars()
            .flat_map(char::to_lowercase)
            .try_for_each(|letter| self.write_char(letter))
    }

    const fn end(self) -> u64 {
        mix(self.0)
    }
}

impl Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(weights: &[u32]) -> Vec<(usize, u64, u32)> {
        let named = weights.iter().enumerate();
        named
            .map(|(index, weight)| (index, hash(&format!("http://10.0.0.{index}:80")), *weight))
            .collect()
    }

    #[test]
    fn shares_are_by_weight() {
        let endpoints = endpoints(&[1, 2, 5]);
        let mut shares = [0_u32; 3];
        for number in 0..40_000 {
            let stick = hash(&format!("user-{number}"));
            shares[rendezvous(stick, endpoints.iter().copied()).unwrap()] += 1;
        }
        for (share, weight) in shares.into_iter().zip([1, 2, 5]) {
            assert!(share.abs_diff(5_000 * weight) < 300 * weight, "{shares:?}");
        }
    }

    #[test]
    fn when_one_goes_only_those_move_who_were_there() {
        let all = endpoints(&[1, 1, 1]);
        for number in 0..1_000 {
            let stick = hash(&format!("user-{number}"));
            let before = rendezvous(stick, all.iter().copied()).unwrap();
            let left = all.iter().copied().filter(|(index, ..)| *index != 1);
            let after = rendezvous(stick, left).unwrap();
            assert!(before == 1 || before == after, "{number}");
        }
        assert_eq!(rendezvous(7, std::iter::empty()), None);
    }
}
