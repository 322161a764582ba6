//! `mode` of a route, and the site that it needs.

use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::fault::Faults;
use super::place::Place;
use super::suggest::did_you_mean;
use super::value::from_scalar;
use crate::route::{Mode, PassRoute, Route};

/// A mode by its name.
#[derive(Debug)]
pub(super) struct ModeName(pub(super) Mode);

impl FromStr for ModeName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Mode::ALL.map(Mode::name);
        Mode::from_name(text).map(Self).ok_or_else(|| {
            format!(
                "unknown mode {text:?} (known: {}){}",
                known.join(", "),
                did_you_mean(text, &known)
            )
        })
    }
}

impl<'de> Deserialize<'de> for ModeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_scalar(deserializer)
    }
}

/// Gives the routes their sites: `named` has a route's name and that of its site.
pub(super) fn settle_sites(
    routes: &mut [Route],
    named: Vec<(String, String)>,
    passes: &[PassRoute],
    place: Place<'_>,
    faults: &mut Faults,
) {
    for (name, site) in named {
        let pass = passes.iter().find(|pass| pass.name == site);
        let route = routes.iter_mut().find(|route| route.name == name);
        match (pass, route) {
            (Some(pass), Some(route)) => route.otherwise = Some(Arc::new(pass.clone())),
            (None, _) => {
                let known: Vec<_> = passes.iter().map(|it| it.name.as_str()).collect();
                let message = format!(
                    "unknown pass route {site:?} (known: {}){}",
                    known.join(", "),
                    did_you_mean(&site, &known)
                );
                let path = format!("routes.{name}");
                faults.push(place.at(&path).fault("otherwise", message));
            }
            // It has faults of its own.
            (Some(_), None) => {}
        }
    }
    for route in routes.iter() {
        let path = format!("routes.{}", route.name);
        let at = place.at(&path);
        if route.mode != Mode::Translate && route.otherwise.is_none() && !at.has("otherwise") {
            let message = format!(
                "{} hands requests on to the site, and there is none: name a pass route with `otherwise`",
                route.mode
            );
            faults.push(at.fault("mode", message));
        }
    }
}
