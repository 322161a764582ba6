//! What becomes of fields without a place upstream: `on_loss`, `loss` and `map` of `[routes.NAME]`.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::fault::Faults;
use super::place::Place;
use super::suggest::did_you_mean;
use super::targets::reachable;
use super::value::from_scalar;
use crate::command::field::{Field, GroupField, UserField};
use crate::command::user::UserChange;
use crate::command::{Action, Dialect};
use crate::dialect::expresses::{expresses, has_operation, hides};
use crate::forward::Parameters;
use crate::route::{Losses, OnLoss, Policy, Route, Target};

/// The commands that have fields.
const CHANGES: [Action; 4] = [
    Action::CreateUser,
    Action::UpdateUser,
    Action::CreateGroup,
    Action::UpdateGroup,
];

/// The options as they are written.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) usual: Option<Rule>,
    pub(super) fields: Option<BTreeMap<String, Rule>>,
    pub(super) homes: Option<BTreeMap<String, String>>,
}

impl Written {
    /// Parses the names. Whether the dialects have such fields is checked once upstreams are known.
    pub(super) fn build(self, place: Place<'_>, faults: &mut Faults) -> Losses {
        let mut losses = Losses {
            usual: self.usual.unwrap_or_default().0,
            ..Losses::default()
        };
        for (name, Rule(rule)) in self.fields.unwrap_or_default() {
            match field(&name) {
                Ok(field) => losses.fields.push((field, rule)),
                Err(message) => faults.push(place.fault(&format!("loss.{name}"), message)),
            }
        }
        for (from, to) in self.homes.unwrap_or_default() {
            match field(&from).and_then(|from| Ok((from, field(&to)?))) {
                Ok(home) => losses.homes.push(home),
                Err(message) => faults.push(place.fault(&format!("map.{from}"), message)),
            }
        }
        losses
    }
}

/// Refuses rules and mappings that change nothing, or cannot be followed.
pub(super) fn check(
    routes: &[Route],
    upstreams: &[Parameters],
    has_store: bool,
    place: Place<'_>,
    faults: &mut Faults,
) {
    for route in routes {
        let path = format!("routes.{}", route.name);
        let at = place.at(&path);
        let targets = reachable(route);
        if targets.iter().all(|target| **target == Target::Store) {
            for key in ["on_loss", "loss", "map"] {
                if at.has(key) {
                    let message = "means nothing where everything goes to the store: remove it";
                    faults.push(at.fault(key, message));
                }
            }
            continue;
        }
        let reached: Vec<_> = upstreams
            .iter()
            .filter(|upstream| targets.contains(&&Target::Upstream(upstream.name.clone())))
            .collect();
        // One that has faults itself is not among them.
        if !reached.is_empty() {
            refuse_idle_rules(route, &reached, at, faults);
            refuse_keeping(route, &reached, has_store, at, faults);
        }
        let updates = Target::Upstream(String::new());
        let updates = match route.targets.of(Action::UpdateUser) {
            Target::Store => &updates,
            upstream @ Target::Upstream(_) => upstream,
        };
        let updates = reached
            .iter()
            .find(|upstream| Target::Upstream(upstream.name.clone()) == *updates);
        if let Some(upstream) = updates {
            refuse_bad_homes(route, upstream, at, faults);
        } else if !reached.is_empty() && !route.losses.homes.is_empty() {
            let message = "means nothing where user.update goes to the store: remove it";
            faults.push(at.fault("map", message));
        }
    }
}

/// A rule for what every upstream of the route has a place for, or to keep what cannot be kept.
fn refuse_idle_rules(route: &Route, upstreams: &[&Parameters], at: Place<'_>, faults: &mut Faults) {
    for (field, rule) in &route.losses.fields {
        let is_lost = |upstream: &&&Parameters| {
            let mut changes = CHANGES.iter().filter(|action| is_of(field, **action));
            changes
                .any(|action| !expresses(upstream.dialect, *action, field, &upstream.terms.policy))
        };
        let is_hidden = |upstream: &&&Parameters| hides(upstream.dialect, field);
        let keeps = *rule == OnLoss::Keep;
        let mut upstreams = upstreams.iter();
        let message = if !upstreams.any(|it| is_lost(&it) || (keeps && is_hidden(&it))) {
            "is never lost, since the upstream has a place for it: remove the line".to_owned()
        } else if keeps && let Some(reason) = field.cannot_be_kept() {
            format!("{reason}: write \"reject\", \"warn\" or \"drop\"")
        } else {
            continue;
        };
        faults.push(at.fault(&format!("loss.{field}"), message));
    }
}

/// A rule to keep where there is nothing to keep it in, or nobody could read it.
fn refuse_keeping(
    route: &Route,
    upstreams: &[&Parameters],
    has_store: bool,
    at: Place<'_>,
    faults: &mut Faults,
) {
    let keeps = |rule: OnLoss| rule == OnLoss::Keep;
    let usual = keeps(route.losses.usual).then(|| "on_loss".to_owned());
    let mut single = route.losses.fields.iter().filter(|(_, rule)| keeps(*rule));
    let single = single.next().map(|(field, _)| format!("loss.{field}"));
    let Some(rule) = usual.or(single) else {
        return;
    };
    if !has_store {
        let message = "needs a store, and there is none where everything goes to upstreams and every \
                       key is in the file: add `store.url = \"sqlite:data/dragoman.db\"`";
        faults.push(at.fault(&rule, message));
    }
    let goes = |upstream: &Parameters, actions: [Action; 2]| {
        let target = Target::Upstream(upstream.name.clone());
        let mut actions = actions.iter();
        actions.any(|action| *route.targets.of(*action) == target)
    };
    let mut written = upstreams
        .iter()
        .filter(|upstream| goes(upstream, [Action::CreateUser, Action::UpdateUser]));
    let mute = |upstream: &&&Parameters| !has_operation(upstream.dialect, Action::ReadUser);
    if let Some(upstream) = written.clone().find(mute) {
        let message = format!(
            "would keep what nobody can read: {} answers no reads and tells no numbers of users; \
             write \"reject\", \"warn\" or \"drop\"",
            upstream.dialect
        );
        faults.push(at.fault(&rule, message));
        return;
    }
    // What is kept to be sent again need not be read.
    let is_for_readers = |upstream: &Parameters| {
        let mut single = route.losses.fields.iter();
        keeps(route.losses.usual)
            || single.any(|(field, rule)| keeps(*rule) && !hides(upstream.dialect, field))
    };
    let reads = [Action::ReadUser, Action::ListUsers];
    if has_operation(route.dialect, Action::ReadUser)
        && let Some(upstream) = written.find(|it| is_for_readers(it) && !goes(it, reads))
    {
        let message = format!(
            "would keep what callers of the route cannot read: user.read and user.list do not go to {}; \
             send one of them there, or write \"reject\", \"warn\" or \"drop\"",
            upstream.name
        );
        faults.push(at.fault(&rule, message));
    }
}

fn refuse_bad_homes(route: &Route, upstream: &Parameters, at: Place<'_>, faults: &mut Faults) {
    let homes = &route.losses.homes;
    for (position, (from, to)) in homes.iter().enumerate() {
        let fault = if !is_mapped(from, route.dialect, &route.policy) {
            format!("is no text that {} callers send: correct it", route.dialect)
        } else if !is_mapped(to, upstream.dialect, &upstream.terms.policy) {
            format!(
                "goes to {to}, which is no text that {} has a place for: correct it",
                upstream.dialect
            )
        } else if let Some((other, _)) = homes.iter().take(position).find(|(_, home)| home == to) {
            format!("goes to {to}, where {other} goes already: choose another")
        } else {
            continue;
        };
        faults.push(at.fault(&format!("map.{from}"), fault));
    }
}

/// Whether a field is text that the dialect can carry.
fn is_mapped(field: &Field, dialect: Dialect, policy: &Policy) -> bool {
    let is_text = match field {
        Field::User(field) => UserChange::default().text_mut(*field).is_some(),
        Field::Group(_) => false,
        Field::Extension(..) => true,
    };
    is_text && expresses(dialect, Action::UpdateUser, field, policy)
}

/// Whether a change of that kind can mention the field.
const fn is_of(field: &Field, action: Action) -> bool {
    let of_users = matches!(action, Action::CreateUser | Action::UpdateUser);
    match field {
        Field::User(_) => of_users,
        Field::Group(_) => !of_users,
        Field::Extension(..) => true,
    }
}

fn field(name: &str) -> Result<Field, String> {
    Field::parse(name).ok_or_else(|| {
        let users = UserField::ALL.iter().map(|field| field.name());
        let groups = GroupField::ALL.iter().map(|field| field.name());
        let known: Vec<_> = users.chain(groups).collect();
        format!(
            "unknown field {name:?}: write a canonical name such as \"title\" or \"group.slug\", or a \
             dialect's own with the dialect in front, such as \"grupo.custom_field_1\"{}",
            did_you_mean(name, &known)
        )
    })
}

/// A rule by its name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rule(OnLoss);

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = OnLoss::ALL.map(OnLoss::name);
        let rule = OnLoss::ALL.into_iter().find(|rule| rule.name() == text);
        rule.map(Self).ok_or_else(|| {
            format!(
                "unknown rule {text:?} (known: {}){}",
                known.join(", "),
                did_you_mean(text, &known)
            )
        })
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_scalar(deserializer)
    }
}
