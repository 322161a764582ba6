//! The modes of routes: what the configuration says, and what was said to the running gateway since.
//!
//! A mode that was given stays over restarts and reloads, until the configuration says another one than it
//! said then, or the route or its site is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::failure::Failure;
use super::mode_file::ModeFile;
use crate::clock::Clock;
use crate::config::Config;
use crate::journal::{Act, Entry};
use crate::route::{Mode, PassRoute, Route};
use crate::store::modes::{GivenMode, ModeStore};
use crate::store::sqlite::SqliteStore;

/// Modes that were given, and where they are kept.
#[derive(Debug)]
pub(super) struct Modes {
    given: BTreeMap<String, GivenMode>,
    /// Routes whose last change could not be kept.
    unkept: BTreeSet<String>,
    place: Place,
    clock: Clock,
}

#[derive(Debug)]
enum Place {
    /// With an audit record of each change.
    Store(Arc<SqliteStore>),
    /// The log has the changes.
    File(ModeFile),
    /// Nobody can give a mode: there is no control socket.
    Nowhere,
}

/// A change of a route's mode that is in effect and not yet kept. Shown where the configuration made it.
#[derive(Debug)]
pub(super) struct Change {
    route: String,
    mode: Mode,
    principal: &'static str,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} as in the configuration", self.route, self.mode)
    }
}

impl Modes {
    /// What was kept. What is no longer meant is forgotten.
    pub(super) async fn load(
        config: &Config,
        store: Option<&Arc<SqliteStore>>,
        clock: &Clock,
    ) -> Result<Self, Failure> {
        let place = match (store, &config.admin.control) {
            (Some(store), _) => Place::Store(Arc::clone(store)),
            (None, Some(socket)) => Place::File(ModeFile::beside(socket)),
            (None, None) => Place::Nowhere,
        };
        let given = match &place {
            Place::Store(store) => store
                .list_modes()
                .await
                .map_err(|error| Failure::failed("cannot read the modes of routes", error))?,
            Place::File(file) => file.read()?,
            Place::Nowhere => Vec::new(),
        };
        let given = given.into_iter().map(|it| (it.route.clone(), it));
        let mut modes = Self {
            given: given.collect(),
            unkept: BTreeSet::new(),
            place,
            clock: clock.clone(),
        };
        for change in modes.settle(&config.routes) {
            if let Err(error) = modes.keep(config, &change).await {
                tracing::warn!("{error}");
            }
        }
        Ok(modes)
    }

    /// The mode of a route.
    pub(super) fn of(&self, route: &Route) -> Mode {
        let given = self.given.get(&route.name);
        let given = given.filter(|given| is_meant(given, route));
        given.map_or(route.mode, |given| given.mode)
    }

    /// The routes in their modes. Where all goes to the site, the log names the route, not the site.
    pub(super) fn apply(&self, routes: &[Route]) -> Vec<Route> {
        let apply = |route: &Route| {
            let mode = self.of(route);
            let named = |site: &Arc<PassRoute>| {
                Arc::new(PassRoute {
                    name: route.name.clone(),
                    ..PassRoute::clone(site)
                })
            };
            let otherwise = match mode {
                Mode::Translate => route.otherwise.clone(),
                Mode::Observe | Mode::Bypass => route.otherwise.as_ref().map(named),
            };
            Route {
                otherwise,
                mode,
                ..route.clone()
            }
        };
        routes.iter().map(apply).collect()
    }

    /// Gives a route a mode.
    pub(super) fn give(&mut self, route: &Route, mode: Mode) -> Change {
        let name = route.name.clone();
        if mode == route.mode {
            self.given.remove(&name);
        } else {
            let given = GivenMode {
                route: name.clone(),
                mode,
                instead_of: route.mode,
            };
            self.given.insert(name.clone(), given);
        }
        Change {
            route: name,
            mode,
            principal: "command line",
        }
    }

    /// Takes a change back.
    pub(super) fn take_back(&mut self, before: Option<GivenMode>, route: &Route) {
        match before {
            Some(given) => self.given.insert(route.name.clone(), given),
            None => self.given.remove(&route.name),
        };
    }

    /// What was given to a route.
    pub(super) fn given(&self, route: &Route) -> Option<GivenMode> {
        self.given.get(&route.name).cloned()
    }

    /// Forgets what is no longer meant by these routes, and what of that changes.
    pub(super) fn settle(&mut self, routes: &[Route]) -> Vec<Change> {
        let route = |name: &str| routes.iter().find(|route| route.name == name);
        let is_stale =
            |given: &GivenMode| !route(&given.route).is_some_and(|it| is_meant(given, it));
        let stale = self.given.values().filter(|given| is_stale(given));
        let stale: Vec<_> = stale.map(|given| given.route.clone()).collect();
        let forget = |name: String| {
            self.given.remove(&name);
            Change {
                mode: route(&name).map_or(Mode::Translate, |route| route.mode),
                route: name,
                principal: "configuration",
            }
        };
        stale.into_iter().map(forget).collect()
    }

    /// Whether a restart would find the mode of a route as it is.
    pub(super) fn is_kept(&self, route: &Route) -> bool {
        !self.unkept.contains(&route.name)
    }

    /// Keeps a change over a restart, and notes it.
    pub(super) async fn keep(&mut self, config: &Config, change: &Change) -> Result<(), String> {
        let Change {
            route,
            mode,
            principal,
        } = change;
        tracing::info!(
            route.name = route,
            route.mode = mode.name(),
            principal,
            "the route has another mode"
        );
        let lost = |error: &dyn std::error::Error| {
            format!("{route}: {mode} is in effect, and will not be after a restart: {error}")
        };
        let kept = match &self.place {
            Place::Store(store) => {
                let given = self.given.get(route).cloned();
                let kept =
                    store.keep_mode(route.clone(), *mode, given, self.entry(config, principal));
                kept.await.map_err(|error| lost(&error))
            }
            Place::File(file) => {
                let given: Vec<_> = self.given.values().cloned().collect();
                file.write(&given).map_err(|error| lost(&error))
            }
            Place::Nowhere => Ok(()),
        };
        if kept.is_ok() {
            self.unkept.remove(route);
        } else {
            self.unkept.insert(route.clone());
        }
        kept
    }

    fn entry(&self, config: &Config, principal: &str) -> Entry {
        Entry {
            principal: principal.to_owned(),
            ..super::keys::entry(config, self.clock.now(), Act::SetMode)
        }
    }
}

/// Whether the configuration still says what it said then, and the mode is possible.
fn is_meant(given: &GivenMode, route: &Route) -> bool {
    let is_possible = given.mode == Mode::Translate || route.otherwise.is_some();
    given.instead_of == route.mode && is_possible
}
