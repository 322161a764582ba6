//! The endpoints of one upstream: which one a request goes to, and which are left alone for a while.
//!
//! Of two that are drawn by their weights the one with fewer requests under way is taken, unless the request
//! sticks to one. An endpoint that fails too often is ejected ([`Rules`]), or found to be down by checks
//! ([`super::checks`]); if more than half are out, all are used, and if all are, nobody is asked. Whatever
//! failed before a byte was sent goes to another one at once, and so does the next try of a request that an
//! errand remembers.
//!
//! Where there is one endpoint nothing is drawn or counted but failures.

mod breaker;
mod endpoint;
mod errand;
mod gate;
mod sending;
mod shown;
mod slots;
mod sticky;
mod strength;

use std::sync::Arc;
use std::time::Duration;

pub use self::breaker::Rules;
pub(super) use self::endpoint::Endpoint;
pub(super) use self::errand::{Errand, Picked, chain, is_of_upstream};
pub use self::shown::{Shown, State};
use self::slots::Slots;
use self::strength::{Noted, Strength};
use super::checks::Check;
use crate::client::{self, InvalidParameters};
use crate::route::Sticky;

/// The most endpoints of one upstream.
pub const MOST: usize = 64;

/// The most weight of one.
pub const HEAVIEST: u32 = 256;

/// Where an upstream is, and what is made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// What logs call all of them: the upstream's name.
    pub name: String,
    /// The first endpoint, or the only one.
    pub first: Weighted,
    /// The others: all together no more than [`MOST`].
    pub others: Vec<Weighted>,
    /// For how long the share of an endpoint grows that is new or back.
    pub slow_start: Duration,
    /// When an endpoint is ejected; never where there are none.
    pub rules: Option<Rules>,
    /// How it is found out whether one is up, beside requests.
    pub check: Option<Check>,
    /// What requests stick to an endpoint by, unless their route says otherwise.
    pub sticky: Option<Sticky>,
}

/// One endpoint and its share.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighted {
    /// How it is reached.
    pub client: client::Parameters,
    /// Its share beside those of the others: 1 to [`HEAVIEST`].
    pub weight: u32,
}

/// The endpoints in use.
#[derive(Debug)]
pub(super) struct Endpoints {
    /// What they were made of.
    pub(super) made_of: Parameters,
    list: Box<[Arc<Endpoint>]>,
    slots: Slots,
    noted: Noted,
}

impl Parameters {
    /// One endpoint that is never left alone.
    pub fn single(name: String, client: client::Parameters) -> Self {
        Self {
            name,
            first: Weighted { client, weight: 1 },
            others: Vec::new(),
            slow_start: Duration::ZERO,
            rules: None,
            check: None,
            sticky: None,
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Weighted> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Whether it can be the same system: one of the endpoints is the same.
    pub(super) fn shares_any(&self, other: &Self) -> bool {
        self.all().any(|own| {
            other.all().any(|it| {
                it.client.endpoint == own.client.endpoint && it.client.host == own.client.host
            })
        })
    }
}

impl Endpoints {
    /// Connects to nothing yet. Endpoints that are among those before are the same, with their connections
    /// and all that is known of them; new ones beside them start slowly.
    pub(super) fn new(
        parameters: Parameters,
        before: Option<&Self>,
    ) -> Result<Self, InvalidParameters> {
        let endpoint = |weighted: &Weighted| {
            let known = before.into_iter().flat_map(Self::all);
            let mut known = known.filter(|known| known.is_made_of(&weighted.client, &parameters));
            match known.next() {
                Some(known) => Ok(Arc::clone(known)),
                None => {
                    Endpoint::new(&weighted.client, &parameters, before.is_some()).map(Arc::new)
                }
            }
        };
        let list = parameters.all().map(endpoint);
        let list = list.collect::<Result<_, _>>()?;
        let weights: Vec<_> = parameters.all().map(|it| it.weight).collect();
        Ok(Self {
            list,
            slots: Slots::new(&weights),
            made_of: parameters,
            noted: Noted::default(),
        })
    }

    pub(super) fn all(&self) -> &[Arc<Endpoint>] {
        &self.list
    }

    /// Whether there is a choice.
    pub(super) fn is_many(&self) -> bool {
        self.list.len() > 1
    }

    /// Whether there is one where an errand was not in vain yet.
    pub(super) fn has_untried(&self, errand: &Errand) -> bool {
        self.is_many() && errand.has_others(self.list.len())
    }

    /// Whether a request would be sent now.
    pub(super) fn is_ready(&self) -> bool {
        self.list.iter().any(|endpoint| endpoint.gate.is_ready())
    }

    /// Whether all are used, though more than half are out.
    pub(super) fn panics(&self) -> bool {
        self.strength(self.out()) == Strength::TooFew
    }

    /// A request that sticks to an endpoint by that, if there is anything.
    pub(super) fn errand(&self, stick: Option<u64>) -> Errand {
        Errand::new(stick, self.is_many())
    }

    /// The endpoint that a request goes to; none where all are left alone.
    fn pick(&self, errand: &Errand) -> Option<Picked<'_>> {
        if let [only] = &*self.list {
            let gate = &only.gate;
            let is_probe = !gate.is_in() && gate.begin_probe(false);
            return (is_probe || gate.is_in()).then(|| Picked::new(only, 0, None, is_probe));
        }
        let out = self.out();
        let strength = self.strength(out);
        self.note(strength, out);
        if out > 0 {
            let is_precious = errand.is_precious() && strength != Strength::None;
            let mut probed = self.list.iter().enumerate();
            let probed = probed
                .find(|(index, it)| !errand.avoids(*index) && it.gate.begin_probe(is_precious))
                .map(|(index, it)| Picked::new(it, index, self.slots.first_of(index), true));
            if probed.is_some() || strength == Strength::None {
                return probed;
            }
        }
        let panics = strength == Strength::TooFew;
        let is_fit = |index: usize| {
            let endpoint = self.list.get(index);
            endpoint.is_some_and(|endpoint| panics || endpoint.gate.is_in())
        };
        self.choose(errand, |index| is_fit(index) && !errand.avoids(index))
            .or_else(|| self.choose(errand, is_fit))
    }

    fn choose(&self, errand: &Errand, is_fit: impl Fn(usize) -> bool) -> Option<Picked<'_>> {
        let slot = match errand.stick() {
            Some(stick) => {
                let weighted = self.made_of.all().zip(&self.list).enumerate();
                let fit = weighted.filter(|(index, _)| is_fit(*index));
                let fit = fit.map(|(index, (it, endpoint))| (index, endpoint.hash, it.weight));
                sticky::rendezvous(stick, fit).and_then(|index| self.slots.first_of(index))
            }
            None => self.slots.choose(is_fit, |index| {
                let endpoint = self.list.get(index);
                endpoint.map_or(0, |endpoint| endpoint.gate.warmth())
            }),
        }?;
        let index = slot.of();
        let endpoint = self.list.get(index)?;
        Some(Picked::new(endpoint, index, Some(slot), false))
    }
}

#[cfg(test)]
mod tests;
