//! The gateway that is running: what of it is replaced by a reload, and what goes on.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use hyper::body::Incoming;

use super::failure::Failure;
use super::modes::{Change, Modes};
use crate::auth::api_key::Pepper;
use crate::auth::keys::{Key, KeyRing};
use crate::clock::Clock;
use crate::config::Config;
use crate::forward::pass::Sites;
use crate::forward::{self, Forward};
use crate::observe::{Observer, Stored, Tap, Terms};
use crate::route::{Mode, Route};
use crate::server::tls::Tls;
use crate::stack::lasting::Lasting;
use crate::stack::live::Live;
use crate::stack::{self, Parts};
use crate::store::Store;
use crate::store::crosswalk::{CrosswalkAdmin, Pair};
use crate::store::sqlite::SqliteStore;

/// Everything between the server and the store or the upstreams, in one piece.
pub(super) type Pipeline = stack::Gateway<Incoming>;

/// What a pipeline is made with and does not have of the configuration.
pub(super) struct Means {
    /// The store, if there is one.
    pub(super) store: Option<Arc<SqliteStore>>,
    /// What keys are recognised with.
    pub(super) pepper: Pepper,
    /// The live keys.
    pub(super) keys: Arc<KeyRing>,
    /// Where pass routes lead.
    pub(super) sites: Sites,
    /// What https addresses show.
    pub(super) tls: Option<Tls>,
    /// Who looks at requests that are handed on.
    pub(super) observer: Observer,
    /// Time and randomness.
    pub(super) clock: Clock,
}

/// The gateway as it is now.
pub(super) struct Gateway {
    means: Means,
    lasting: Lasting,
    modes: Modes,
    live: Live<Pipeline>,
    upstreams: Arc<Upstreams>,
    /// The upstreams without which the gateway is not ready.
    required: Arc<ArcSwap<Vec<String>>>,
    are_pairs_watched: bool,
}

/// What forwards at the moment, and the pairs that the store has for it.
#[derive(Debug)]
pub(super) struct Upstreams {
    forward: Arc<ArcSwap<Forward>>,
    pairs: Mutex<Arc<Vec<Pair>>>,
}

/// What takes the place of what is running. Nothing of it can fail any more.
pub(super) struct Next {
    pub(super) config: Config,
    pub(super) forward: Forward,
    /// The pairs that were put into it.
    pub(super) pairs: Arc<Vec<Pair>>,
    pub(super) sites: Sites,
    pub(super) tls: Option<Tls>,
}

impl Gateway {
    /// The first pipeline.
    pub(super) async fn start(
        config: &Config,
        forward: Forward,
        means: Means,
        modes: Modes,
    ) -> Result<Self, Failure> {
        let mut lasting = Lasting::default();
        let routes = modes.apply(&config.routes);
        let tap = means
            .tap(config, &routes)
            .map_err(|error| Failure::failed("cannot start observing", error))?;
        let pipeline = pipeline(config, &forward, &means, &mut lasting, routes, tap);
        let mut gateway = Self {
            means,
            lasting,
            modes,
            live: Live::new(pipeline),
            upstreams: Arc::new(Upstreams {
                forward: Arc::new(ArcSwap::from_pointee(forward)),
                pairs: Mutex::default(),
            }),
            required: Arc::new(ArcSwap::from_pointee(config.ready.clone())),
            are_pairs_watched: false,
        };
        gateway.watch_pairs(&config.upstreams).await?;
        Ok(gateway)
    }

    /// What requests go into, whichever pipeline is running.
    pub(super) fn live(&self) -> Live<Pipeline> {
        self.live.clone()
    }

    /// Whether every upstream is ready that is required at the moment.
    pub(super) fn has_required(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let (upstreams, required) = (Arc::clone(&self.upstreams), Arc::clone(&self.required));
        move || {
            let forward = upstreams.current().load();
            let required = required.load();
            required.iter().all(|name| forward.is_ready(name))
        }
    }

    /// Where pass routes lead at the moment.
    pub(super) fn sites(&self) -> &Sites {
        &self.means.sites
    }

    pub(super) fn upstreams(&self) -> &Arc<Upstreams> {
        &self.upstreams
    }

    /// Has the imported numbers of users taken as they are at any time, where any are looked for.
    pub(super) async fn watch_pairs(
        &mut self,
        upstreams: &[forward::Parameters],
    ) -> Result<(), Failure> {
        let Some(store) = &self.means.store else {
            return Ok(());
        };
        if upstreams.is_empty() || self.are_pairs_watched {
            return Ok(());
        }
        let upstreams = Arc::clone(&self.upstreams);
        store
            .watch_pairs(Box::new(move |pairs| upstreams.take_pairs(pairs)))
            .await
            .map_err(|error| Failure::failed("cannot read the crosswalk", error))?;
        self.are_pairs_watched = true;
        Ok(())
    }

    /// The modes of routes.
    pub(super) fn modes(&self) -> &Modes {
        &self.modes
    }

    /// The modes of routes, to be kept.
    pub(super) const fn modes_mut(&mut self) -> &mut Modes {
        &mut self.modes
    }

    /// Gives a route of the configuration that is running a mode, from the next request on.
    pub(super) fn give_mode(
        &mut self,
        config: &Config,
        route: &Route,
        mode: Mode,
    ) -> io::Result<Change> {
        let before = self.modes.given(route);
        let change = self.modes.give(route, mode);
        let routes = self.modes.apply(&config.routes);
        let tap = self.means.tap(config, &routes);
        let tap = tap.inspect_err(|_| self.modes.take_back(before, route))?;
        let forward = self.upstreams.current().load_full();
        let pipeline = pipeline(
            config,
            &forward,
            &self.means,
            &mut self.lasting,
            routes,
            tap,
        );
        self.live.replace(pipeline);
        Ok(change)
    }

    /// Puts the next pipeline in the place of the one that is running. Requests under way end in that.
    /// What was said of modes and is no longer meant comes back.
    pub(super) fn replace(&mut self, next: Next) -> Vec<Change> {
        let Next {
            config,
            forward,
            pairs,
            sites,
            tls,
        } = next;
        self.means.sites = sites;
        let forgotten = self.modes.settle(&config.routes);
        let routes = self.modes.apply(&config.routes);
        let tap = self.means.tap(&config, &routes).unwrap_or_else(|error| {
            tracing::error!(error = %error, "nothing is observed: no thread can be started for it");
            None
        });
        let pipeline = pipeline(
            &config,
            &forward,
            &self.means,
            &mut self.lasting,
            routes,
            tap,
        );
        // Before the routes that they may be for, so that no key is unknown there.
        let keys = keys(&config, &self.means.pepper);
        self.means.keys.replace_fixed(keys);
        self.upstreams.replace(forward, &pairs);
        self.required.store(Arc::new(config.ready));
        self.live.replace(pipeline);
        if let (Some(shown), Some(next)) = (&self.means.tls, &tls) {
            shown.become_as(next);
        }
        forgotten
    }
}

impl Means {
    /// Where requests of the routes that are observed are copied, if there are any.
    fn tap(&self, config: &Config, routes: &[Route]) -> io::Result<Option<Tap>> {
        if !routes.iter().any(|route| route.mode == Mode::Observe) {
            return Ok(None);
        }
        let terms = Terms {
            keys: Arc::clone(&self.keys),
            stored: match self.store {
                Some(_) => Stored::Read,
                None => Stored::Absent,
            },
            account: config.store.account,
            upstreams: config.upstreams.clone(),
            clock: self.clock.clone(),
        };
        self.observer.tap(terms).map(Some)
    }
}

impl Upstreams {
    /// Where the one that forwards at the moment is found.
    pub(super) fn current(&self) -> &Arc<ArcSwap<Forward>> {
        &self.forward
    }

    /// The pairs that the store has, as far as is known.
    pub(super) fn pairs(&self) -> Arc<Vec<Pair>> {
        Arc::clone(&self.lock())
    }

    fn take_pairs(&self, pairs: Vec<Pair>) {
        let mut known = self.lock();
        self.forward.load().take_pairs(&pairs);
        *known = Arc::new(pairs);
    }

    /// Nothing is lost of what the store says meanwhile.
    fn replace(&self, next: Forward, pairs: &Arc<Vec<Pair>>) {
        let known = self.lock();
        if !Arc::ptr_eq(&known, pairs) {
            next.take_pairs(&known);
        }
        self.forward.store(Arc::new(next));
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Vec<Pair>>> {
        // It is replaced as a whole.
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys of the configuration.
pub(super) fn keys(config: &Config, pepper: &Pepper) -> Vec<Key> {
    let keys = config.keys.iter().cloned();
    keys.map(|key| key.into_key(pepper)).collect()
}

fn pipeline(
    config: &Config,
    forward: &Forward,
    means: &Means,
    lasting: &mut Lasting,
    routes: Vec<Route>,
    tap: Option<Tap>,
) -> Pipeline {
    let parts = Parts {
        routes,
        beside: config.beside(),
        sites: means.sites.clone(),
        trusted_proxies: config.auth.trusted_proxies.clone(),
        store: means.store.clone().map(|store| -> Arc<dyn Store> { store }),
        forward: forward.clone(),
        keys: Arc::clone(&means.keys),
        account: config.store.account,
        body_budget: config.server.buffered_bodies,
        sign_in: config.auth.sign_in,
        hashes_at_once: 1,
        notifies: config.notify.is_some(),
        tap,
        clock: means.clock.clone(),
    };
    stack::next_gateway(parts, lasting)
}
