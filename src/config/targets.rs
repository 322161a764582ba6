//! Where the commands of a route go: `user`, `group` and `commands` of `[routes.NAME]`.

use std::collections::BTreeMap;

use super::fault::Faults;
use super::place::Place;
use super::suggest::did_you_mean;
use crate::command::{Action, Dialect};
use crate::dialect::expresses::has_operation;
use crate::forward::Parameters;
use crate::route::{Noun, Route, Sticky, Target, Targets};

/// What a target of that name is: no upstream may have it.
const STORE: &str = "store";

/// The options as they are written.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) user: Option<String>,
    pub(super) group: Option<String>,
    pub(super) commands: Option<BTreeMap<String, String>>,
    pub(super) allow_split: bool,
    pub(super) sticky: Option<Sticky>,
}

impl Written {
    /// Parses the names. Whether there are upstreams of these is checked once all are known.
    pub(super) fn build(self, dialect: Dialect, place: Place<'_>, faults: &mut Faults) -> Targets {
        if self.group.is_some() && !has_operation(dialect, Action::CreateGroup) {
            let message = format!("means nothing to {dialect}: remove it");
            faults.push(place.fault("group", message));
        }
        let target = |name: Option<String>| name.map(target).unwrap_or_default();
        let mut targets = Targets {
            user: target(self.user),
            group: target(self.group),
            moved: Vec::new(),
            // The upstreams are not known yet.
            relays: false,
            sticky: self.sticky,
        };
        for (command, name) in self.commands.unwrap_or_default() {
            match movable(&command, dialect) {
                Ok(action) => targets.moved.push((action, self::target(name))),
                Err(message) => {
                    faults.push(place.fault(&format!("commands.{command}"), message));
                }
            }
        }
        refuse_split(&targets, self.allow_split, place, faults);
        targets
    }
}

/// Every target that callers of the route can reach.
pub(super) fn reachable(route: &Route) -> Vec<&Target> {
    let actions = Action::ALL.iter();
    let actions = actions.filter(|action| has_operation(route.dialect, **action));
    let mut targets: Vec<_> = actions.map(|action| route.targets.of(*action)).collect();
    targets.sort_unstable();
    targets.dedup();
    targets
}

/// Refuses a route that names an upstream nobody has heard of.
pub(super) fn refuse_unknown(routes: &[Route], place: Place<'_>, faults: &mut Faults) {
    let upstreams = place.at("upstreams").names();
    if upstreams.iter().any(|name| name == STORE) {
        let message = "is what a route calls Dragoman's own store: choose another name";
        faults.push(place.at("upstreams").fault(STORE, message));
    }
    let known: Vec<&str> = std::iter::once(STORE)
        .chain(upstreams.iter().map(String::as_str))
        .collect();
    for route in routes {
        let path = format!("routes.{}", route.name);
        let moved = route.targets.moved.iter();
        let moved = moved.map(|(action, target)| (format!("commands.{}", action.name()), target));
        let nouns = [
            ("user".to_owned(), &route.targets.user),
            ("group".to_owned(), &route.targets.group),
        ];
        for (key, target) in nouns.into_iter().chain(moved) {
            if let Target::Upstream(name) = target
                && !known.contains(&name.as_str())
            {
                let message = format!(
                    "unknown target {name:?} (known: {}){}",
                    known.join(", "),
                    did_you_mean(name, &known)
                );
                faults.push(place.at(&path).fault(&key, message));
            }
        }
    }
}

/// Finds out which routes relay native operations, and refuses files on the others.
pub(super) fn settle_relays(
    routes: &mut [Route],
    upstreams: &[Parameters],
    place: Place<'_>,
    faults: &mut Faults,
) {
    for route in routes {
        let (dialect, is_settled) = match route.targets.of(Action::Native) {
            Target::Store => (None, true),
            Target::Upstream(name) => {
                let upstream = upstreams.iter().find(|upstream| upstream.name == *name);
                (upstream.map(|it| it.dialect), upstream.is_some())
            }
        };
        route.targets.relays = dialect == Some(route.dialect);
        if route.policy.form.files > 0 && is_settled && !route.targets.relays {
            let message = format!(
                "means nothing here: files go with native operations only, to an upstream that speaks {} \
                 too: remove it",
                route.dialect
            );
            let path = format!("routes.{}", route.name);
            faults.push(place.at(&path).fault("form.files", message));
        }
    }
}

/// Refuses a route whose calls are to stick to one of several endpoints, and come to no such upstream.
pub(super) fn refuse_idle_sticky(
    routes: &[Route],
    upstreams: &[Parameters],
    place: Place<'_>,
    faults: &mut Faults,
) {
    for route in routes.iter().filter(|it| it.targets.sticky.is_some()) {
        let reachable = reachable(route);
        let has_choice = |upstream: &Parameters| {
            let target = Target::Upstream(upstream.name.clone());
            !upstream.endpoints.others.is_empty() && reachable.contains(&&target)
        };
        if !upstreams.iter().any(has_choice) {
            let message =
                "means nothing here: no upstream of the route has several endpoints: remove it";
            let path = format!("routes.{}", route.name);
            faults.push(place.at(&path).fault("sticky", message));
        }
    }
}

/// Refuses an upstream that wants an account in each call, and callers who name none.
pub(super) fn refuse_without_account(
    routes: &[Route],
    upstreams: &[Parameters],
    place: Place<'_>,
    faults: &mut Faults,
) {
    for upstream in upstreams {
        let is_reached = |route: &Route| {
            let target = Target::Upstream(upstream.name.clone());
            route.dialect != Dialect::Vision6 && reachable(route).contains(&&target)
        };
        let needs_account =
            upstream.dialect == Dialect::Vision6 && upstream.terms.account.is_none();
        if let Some(route) = routes
            .iter()
            .find(|route| needs_account && is_reached(route))
        {
            let message = format!(
                "has no account, and the callers of routes.{} name none: add `account = …`",
                route.name
            );
            let path = format!("upstreams.{}", upstream.name);
            faults.push(place.at(&path).fault("", message));
        }
    }
}

/// Refuses commands of one noun at different targets: what one has written the other does not read.
fn refuse_split(targets: &Targets, is_allowed: bool, place: Place<'_>, faults: &mut Faults) {
    let split = Noun::ALL.into_iter().find(|noun| {
        let mut moved = targets.moved.iter();
        let usual = match noun {
            Noun::User => &targets.user,
            Noun::Group => &targets.group,
        };
        moved.any(|(action, target)| Noun::of(*action) == *noun && target != usual)
    });
    match (split, is_allowed) {
        (Some(noun), false) => {
            let message = format!(
                "sends commands of one noun to different targets, so that what one writes the other \
                 does not read: move all of `{}`, or write `allow_split = true`",
                noun.name()
            );
            faults.push(place.fault("commands", message));
        }
        (None, true) => {
            let message = "means nothing where each noun has one target: remove it";
            faults.push(place.fault("allow_split", message));
        }
        (Some(_), true) | (None, false) => {}
    }
}

fn target(name: String) -> Target {
    if name == STORE {
        Target::Store
    } else {
        Target::Upstream(name)
    }
}

/// A command that callers of the dialect have and that can go elsewhere than its noun.
fn movable(name: &str, dialect: Dialect) -> Result<Action, String> {
    let is_movable = |action: &Action| {
        !matches!(action, Action::Native | Action::ListTimezones) && has_operation(dialect, *action)
    };
    let known = Action::ALL.iter().copied().filter(is_movable);
    let known: Vec<_> = known.collect();
    if let Some(action) = known.iter().find(|action| action.name() == name) {
        return Ok(*action);
    }
    let names: Vec<_> = known.iter().map(|action| action.name()).collect();
    Err(format!(
        "is no command of {dialect} (known: {}){}",
        names.join(", "),
        did_you_mean(name, &names)
    ))
}
