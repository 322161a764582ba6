//! What the callers of a route can ask and its upstream cannot do.

use crate::command::Action;
use crate::command::field::{Field, UserField};
use crate::dialect::expresses::{expresses, has_operation, hides, known_fields};
use crate::forward::Parameters;
use crate::route::{OnLoss, Route, Target};

/// A field without a place.
pub(super) struct Lost {
    /// Which.
    pub(super) field: Field,
    /// What becomes of it.
    pub(super) rule: OnLoss,
}

/// The commands that the route sends there and that it has no operation for. The names of time zones
/// the gateway knows itself; native operations have names of their own.
pub(super) fn cannot_do(route: &Route, upstream: &Parameters) -> impl Iterator<Item = Action> {
    sent(route, upstream).filter(|action| {
        !matches!(action, Action::ListTimezones | Action::Native)
            && !has_operation(upstream.dialect, *action)
    })
}

/// The fields that callers can send and that it has no place for. What callers make up is not
/// among them.
pub(super) fn lost(route: &Route, upstream: &Parameters) -> Vec<Lost> {
    let mut fields: Vec<_> = sent(route, upstream)
        .filter(|action| has_operation(upstream.dialect, *action))
        .flat_map(|action| {
            let fields = known_fields(route.dialect, action, &route.policy);
            let has_place = move |field: &Field| {
                expresses(upstream.dialect, action, field, &upstream.terms.policy)
            };
            fields.into_iter().filter(move |field| !has_place(field))
        })
        // A proof goes no further than the gateway.
        .filter(|field| *field != Field::User(UserField::CurrentPassword))
        .filter(|field| route.losses.home_of(field).is_none())
        .collect();
    fields.sort_unstable();
    fields.dedup();
    let with_rule = |field| {
        let rule = route.losses.of(&field);
        Lost { field, rule }
    };
    fields.into_iter().map(with_rule).collect()
}

/// The fields that callers can send, that it takes and does not show, and that are kept here too.
pub(super) fn held(route: &Route, upstream: &Parameters) -> Vec<Field> {
    let mut fields: Vec<_> = sent(route, upstream)
        .flat_map(|action| known_fields(route.dialect, action, &route.policy))
        .map(|field| route.losses.home_of(&field).cloned().unwrap_or(field))
        .filter(|field| hides(upstream.dialect, field))
        .filter(|field| route.losses.of(field) == OnLoss::Keep)
        .collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}

/// What to do about a field without a place: nothing is lost of one that is kept.
pub(super) fn suggested(
    route: &Route,
    upstream: &Parameters,
    field: &Field,
    has_store: bool,
) -> OnLoss {
    let writes = [Action::CreateUser, Action::UpdateUser];
    let mut targets = writes.iter().map(|action| route.targets.of(*action));
    let own = Target::Upstream(upstream.name.clone());
    let is_readable =
        has_operation(upstream.dialect, Action::ReadUser) && targets.all(|target| *target == own);
    if has_store && is_readable && field.cannot_be_kept().is_none() {
        OnLoss::Keep
    } else {
        OnLoss::Warn
    }
}

fn sent(route: &Route, upstream: &Parameters) -> impl Iterator<Item = Action> {
    let target = Target::Upstream(upstream.name.clone());
    Action::ALL.into_iter().filter(move |action| {
        has_operation(route.dialect, *action) && *route.targets.of(*action) == target
    })
}
