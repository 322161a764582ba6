//! Who judges the callers of a route: `auth` and `native` of `[routes.NAME]`.

use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::fault::Faults;
use super::keys::StaticKey;
use super::place::Place;
use super::suggest::did_you_mean;
use super::targets::reachable;
use super::value::{List, from_scalar};
use crate::auth::Credentials;
use crate::command::Dialect;
use crate::dialect::expresses::{is_keyless, is_native};
use crate::forward::Parameters;
use crate::route::{Auth, Route, Target};

/// `gateway` or `upstream`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judge {
    Gateway,
    Upstream,
}

/// Checks the names of operations. Whether the targets fit is checked once all are known.
pub(super) fn build(
    judge: Option<Judge>,
    native: Option<List<String>>,
    dialect: Dialect,
    place: Place<'_>,
    faults: &mut Faults,
) -> Auth {
    let native = native.unwrap_or_default().0;
    if judge != Some(Judge::Upstream) {
        if !native.is_empty() {
            let message = "means nothing where keys have scopes: write `auth = \"upstream\"`, or give \
                           keys the scope native.OPERATION";
            faults.push(place.fault("native", message));
        }
        return Auth::Gateway;
    }
    if place.has("anonymous") {
        let message = "means nothing where the upstream judges callers: remove it";
        faults.push(place.fault("anonymous", message));
    }
    for operation in &native {
        if !is_native(dialect, operation) {
            let message = format!(
                "{operation:?} is no operation that {dialect} has alone: correct it, or remove it"
            );
            faults.push(place.fault("native", message));
        }
        if is_keyless(dialect, operation) {
            let message = format!("{operation:?} has no key, so nobody may use it: remove it");
            faults.push(place.fault("native", message));
        }
    }
    Auth::Upstream { native }
}

/// Refuses routes whose callers nobody could judge, keys that nobody would look at, and upstreams that
/// have no credentials and need some.
pub(super) fn check(
    routes: &[Route],
    upstreams: &[Parameters],
    keys: &[StaticKey],
    place: Place<'_>,
    faults: &mut Faults,
) {
    for route in routes {
        if route.auth == Auth::Gateway {
            continue;
        }
        let unfit = reachable(route)
            .into_iter()
            .find_map(|target| match target {
                Target::Store => {
                    Some("the store, which knows keys and passwords of its own".to_owned())
                }
                Target::Upstream(name) => upstreams
                    .iter()
                    .find(|upstream| upstream.name == *name && upstream.dialect != route.dialect)
                    .map(|upstream| format!("{name}, which speaks {}", upstream.dialect)),
            });
        if let Some(unfit) = unfit {
            let message = format!(
                "needs every command of the route to go to an upstream that speaks {}, and some go to \
                 {unfit}: send them elsewhere, or remove it",
                route.dialect
            );
            let path = format!("routes.{}", route.name);
            faults.push(place.at(&path).fault("auth", message));
        }
    }
    for key in keys {
        let mut usable = routes
            .iter()
            .filter(|route| key.routes.is_empty() || key.routes.contains(&route.name))
            .peekable();
        if usable.peek().is_some() && usable.all(|route| route.auth != Auth::Gateway) {
            let message = "would work nowhere: the upstreams judge the callers of every route it is for: \
                           remove it";
            let path = format!("keys.{}", key.name);
            faults.push(place.at(&path).fault("", message));
        }
    }
    for upstream in upstreams {
        let target = Target::Upstream(upstream.name.clone());
        let mut reached = routes
            .iter()
            .filter(|route| reachable(route).contains(&&target))
            .peekable();
        let is_callers_own =
            reached.peek().is_some() && reached.all(|route| route.auth != Auth::Gateway);
        if upstream.credentials == Credentials::None && !is_callers_own {
            let message = match upstream.dialect {
                Dialect::Grupo | Dialect::Vision6 => "has no key: give it a key or a key_file",
                Dialect::B2evolution => {
                    "has no login: add `login = \"…\"` and a password or a password_file"
                }
            };
            let path = format!("upstreams.{}", upstream.name);
            faults.push(place.at(&path).fault("", message));
        }
    }
}

impl FromStr for Judge {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "gateway" => Ok(Self::Gateway),
            "upstream" => Ok(Self::Upstream),
            _ => Err(format!(
                "unknown judge {text:?} (known: gateway, upstream){}",
                did_you_mean(text, &["gateway", "upstream"])
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Judge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_scalar(deserializer)
    }
}
