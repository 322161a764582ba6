//! `idempotency_keep` and `idempotency_window` of a route: for how long a call that comes again is the same.

use std::time::Duration;

use super::fault::Faults;
use super::place::Place;
use super::value::{Days, Span};
use crate::route::{Auth, Idempotency};

/// The longest window: who makes the same user again an hour later means it.
const LONGEST_WINDOW: Duration = Duration::from_secs(60 * 60);

/// What is written, or the defaults.
pub(super) fn build(keep: Option<Days>, window: Option<Span>) -> Idempotency {
    let usual = Idempotency::default();
    let window = window.map(|window| window.0);
    Idempotency {
        keep: keep.map_or(usual.keep, |keep| keep.0),
        window: window.filter(|window| !window.is_zero()),
    }
}

/// Refuses what is out of range, or would change nothing.
pub(super) fn check(once: &Idempotency, auth: &Auth, place: Place<'_>, faults: &mut Faults) {
    if once.keep.is_zero() {
        faults.push(place.fault("idempotency_keep", "must be more than 0"));
    }
    if once.window.is_some_and(|window| window > LONGEST_WINDOW) {
        faults.push(place.fault("idempotency_window", "is too long: at most \"1h\""));
    }
    if *auth != Auth::Gateway {
        for key in ["idempotency_keep", "idempotency_window"] {
            if place.has(key) {
                let message = "means nothing where the upstream judges callers: the gateway does not \
                               know whose call it would be; remove it";
                faults.push(place.fault(key, message));
            }
        }
    }
}
