//! How many of the endpoints are in, and what follows from it.

use std::sync::atomic::{AtomicU8, Ordering};

use super::Endpoints;

/// What follows from how many are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    /// Those that are in are used.
    Enough,
    /// More than half are out: more likely than that all of them broke is that something else did, and the
    /// others would break under what they get. All are used.
    TooFew,
    /// None is in, and nobody is asked but by probes.
    None,
}

/// What was last said of it in the log.
#[derive(Debug, Default)]
pub(super) struct Noted(AtomicU8);

impl Endpoints {
    pub(super) fn out(&self) -> usize {
        self.list.iter().filter(|it| !it.gate.is_in()).count()
    }

    pub(super) const fn strength(&self, out: usize) -> Strength {
        if out == self.list.len() {
            Strength::None
        } else if out * 2 > self.list.len() {
            Strength::TooFew
        } else {
            Strength::Enough
        }
    }

    /// Says once that it is another one.
    pub(super) fn note(&self, strength: Strength, out: usize) {
        let number = match strength {
            Strength::Enough => 0,
            Strength::TooFew => 1,
            Strength::None => 2,
        };
        let noted = &self.noted.0;
        if noted.load(Ordering::Relaxed) == number
            || noted.swap(number, Ordering::Relaxed) == number
        {
            return;
        }
        let (upstream, endpoints) = (&self.made_of.name, self.list.len());
        macro_rules! say {
            ($level:ident, $message:literal) => {
                tracing::$level!(
                    upstream.name = upstream,
                    endpoints.out = out,
                    endpoints.all = endpoints,
                    $message
                )
            };
        }
        match strength {
            Strength::Enough => say!(
                info,
                "enough endpoints are in again: those that are out are not used"
            ),
            Strength::TooFew => say!(
                warn,
                "more than half of the endpoints are out: all of them are used"
            ),
            Strength::None => say!(
                error,
                "all endpoints are out: calls are refused at once until a probe or a check shows that one works"
            ),
        }
    }
}
