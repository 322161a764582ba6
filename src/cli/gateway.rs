//! The gateway that is running: what of it is replaced by a reload, and what goes on.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use http::{Request, Response};
use hyper::body::Incoming;
use tower::util::BoxCloneSyncService;

use super::failure::Failure;
use crate::auth::api_key::Pepper;
use crate::auth::keys::{Key, KeyRing};
use crate::clock::Clock;
use crate::config::Config;
use crate::forward::pass::Sites;
use crate::forward::{self, Forward};
use crate::middleware::ResponseBody;
use crate::server::tls::Tls;
use crate::stack::lasting::Lasting;
use crate::stack::live::Live;
use crate::stack::{self, Parts};
use crate::store::Store;
use crate::store::crosswalk::{CrosswalkAdmin, Pair};
use crate::store::sqlite::SqliteStore;

/// Everything between the server and the store or the upstreams, in one piece.
pub(super) type Pipeline =
    BoxCloneSyncService<Request<Incoming>, Response<ResponseBody>, Infallible>;

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
    /// Time and randomness.
    pub(super) clock: Clock,
}

/// The gateway as it is now.
pub(super) struct Gateway {
    means: Means,
    lasting: Lasting,
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
    ) -> Result<Self, Failure> {
        let mut lasting = Lasting::default();
        let pipeline = pipeline(config, &forward, &means, &mut lasting);
        let mut gateway = Self {
            means,
            lasting,
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

    /// Puts the next pipeline in the place of the one that is running. Requests under way end in that.
    pub(super) fn replace(&mut self, next: Next) {
        let Next {
            config,
            forward,
            pairs,
            sites,
            tls,
        } = next;
        self.means.sites = sites;
        let pipeline = pipeline(&config, &forward, &self.means, &mut self.lasting);
        // Before the routes that they may be for, so that no key is unknown there.
        let keys = keys(&config, &self.means.pepper);
        self.means.keys.replace_fixed(keys);
        self.upstreams.replace(forward, &pairs);
        self.required.store(Arc::new(config.ready));
        self.live.replace(pipeline);
        if let (Some(shown), Some(next)) = (&self.means.tls, &tls) {
            shown.become_as(next);
        }
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

fn pipeline(config: &Config, forward: &Forward, means: &Means, lasting: &mut Lasting) -> Pipeline {
    let parts = Parts {
        routes: config.routes.clone(),
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
        clock: means.clock.clone(),
    };
    stack::next_gateway(parts, lasting)
}
