//! Configuration: built-in defaults < file < environment < flags.
//!
//! The file is the one that is named, else `routes.toml` in the working directory, else the copy
//! that is built in, which is also its reference. Unknown keys are faults. Every fault names its
//! source and key path and says what to do, and all are reported at once, before anything is
//! bound. Everything that leaves this module is parsed: components are handed their own parameter
//! types and never see a section.

mod admin;
mod auth;
mod fault;
mod fixed;
mod judge;
mod keys;
mod layer;
mod listen;
mod log;
mod losses;
mod mode;
mod notify;
mod observe;
mod own_ids;
mod pass;
pub mod pepper;
mod place;
mod ready;
mod route_limits;
mod route_once;
mod route_paths;
mod route_profile;
mod route_tables;
mod routes;
mod secret_file;
mod server;
mod settled;
mod sources;
mod store;
mod suggest;
mod targets;
mod tls;
mod upstream_address;
mod upstream_health;
mod upstream_retry;
mod upstream_url;
mod upstreams;
mod value;

use std::path::PathBuf;

pub use self::admin::Admin;
use self::admin::AdminSection;
pub use self::auth::Auth;
use self::auth::AuthSection;
pub use self::fault::{Fault, Faults};
use self::fixed::FixedSection;
use self::keys::KeySection;
pub use self::keys::{StaticKey, check_foreign, unknown_route};
pub use self::log::Log;
use self::log::LogSection;
pub use self::notify::Notify;
use self::notify::NotifySection;
pub use self::observe::Observe;
use self::observe::ObserveSection;
pub use self::own_ids::forbids_relays;
use self::pass::PassSection;
use self::place::Place;
use self::ready::ReadySection;
pub use self::route_paths::shown_path;
use self::routes::RouteSection;
use self::secret_file::SecretFiles;
pub use self::server::Server;
use self::server::ServerSection;
use self::sources::Merged;
pub use self::sources::{BUILT_IN, Sources};
pub use self::store::Store;
use self::store::StoreSection;
use self::suggest::did_you_mean;
use self::upstreams::UpstreamSection;
use crate::forward::{self, endpoints};
use crate::route::{Auth as Judge, Entry, FixedRoute, PassRoute, Route, Target};

const SECTIONS: [&str; 11] = [
    "server",
    "admin",
    "store",
    "auth",
    "notify",
    "log",
    "observe",
    "keys",
    "upstreams",
    "ready",
    "routes",
];

/// A configuration without faults.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The file it came from, as it was named.
    pub file: String,
    /// `[server]`
    pub server: Server,
    /// `[admin]`
    pub admin: Admin,
    /// `[store]`
    pub store: Store,
    /// Whether there is a store at all: not where every command goes to an upstream, every key is
    /// in the configuration, and no store is named.
    pub has_store: bool,
    /// `[auth]`
    pub auth: Auth,
    /// `[notify]`, where there is a receiver.
    pub notify: Option<Notify>,
    /// `[log]`
    pub log: Log,
    /// `[observe]`
    pub observe: Observe,
    /// `[keys.NAME]`, by name.
    pub keys: Vec<StaticKey>,
    /// `[upstreams.NAME]`, by name.
    pub upstreams: Vec<forward::Parameters>,
    /// `[ready]`: the upstreams without which the gateway is not ready, by name.
    pub ready: Vec<String>,
    /// `[routes.NAME]` with a dialect, by name. Their order does not matter.
    pub routes: Vec<Route>,
    /// Those that hand requests on.
    pub passes: Vec<PassRoute>,
    /// Where to, as they name them.
    pub sites: Vec<endpoints::Parameters>,
    /// Those with one answer.
    pub fixed: Vec<FixedRoute>,
}

impl Config {
    /// All routes.
    pub fn entries(&self) -> Vec<Entry> {
        let dialects = self.routes.iter().cloned().map(Entry::from);
        dialects.chain(self.beside()).collect()
    }

    /// Those without a dialect.
    pub fn beside(&self) -> Vec<Entry> {
        let passes = self.passes.iter().cloned().map(Entry::from);
        let fixed = self.fixed.iter().cloned().map(Entry::from);
        passes.chain(fixed).collect()
    }
}

/// Reads every layer and checks the whole.
pub fn load(sources: &Sources) -> Result<Config, Faults> {
    let mut faults = Faults::default();
    let merged = match sources.merge(&mut faults) {
        Ok(merged) => merged,
        Err(fault) => {
            faults.push(fault);
            return Err(faults);
        }
    };
    let config = build(&merged, &mut faults);
    config.filter(|_| faults.is_empty()).ok_or(faults)
}

/// The control socket of the gateway that is run with this. Whatever else is wrong is not looked at.
pub fn control(sources: &Sources) -> Result<Option<PathBuf>, Faults> {
    let mut faults = Faults::default();
    let control = sources.merge(&mut faults).map(|merged| {
        let place = Place::new(&merged.figment, &merged.file, "admin");
        let admin = place.read::<AdminSection>(&mut faults)?;
        admin
            .build(None, &merged.directory, place, &mut faults)
            .control
    });
    let control = control.unwrap_or_else(|fault| {
        faults.push(fault);
        None
    });
    Some(control).filter(|_| faults.is_empty()).ok_or(faults)
}

/// Every section is built even where another has faults, so that all of them are found.
fn build(merged: &Merged, faults: &mut Faults) -> Option<Config> {
    let place = Place::new(&merged.figment, &merged.file, "");
    let directory = &merged.directory;
    let files = SecretFiles {
        directory,
        are_read: merged.secrets,
    };
    refuse_unknown_sections(place, faults);

    let at = place.at("server");
    let server = at.read::<ServerSection>(faults);
    let server = server.map(|section| section.build(files, at, faults));
    let at = place.at("admin");
    let admin = at.read::<AdminSection>(faults);
    let admin = admin.map(|section| section.build(server.as_ref(), directory, at, faults));
    let at = place.at("store");
    let store = at.read::<StoreSection>(faults);
    let store = store.and_then(|section| section.build(directory, at, faults));
    let at = place.at("auth");
    let auth = at.read::<AuthSection>(faults);
    let auth = auth.and_then(|section| section.build(directory, store.as_ref(), at, faults));
    if let (Some(server), Some(auth)) = (&server, &auth)
        && server.proxy_protocol
        && auth.trusted_proxies.is_empty()
    {
        let message = "would let nobody connect: name the proxies in auth.trusted_proxies";
        faults.push(place.at("server").fault("proxy_protocol", message));
    }
    let at = place.at("notify");
    let notify = at.read::<NotifySection>(faults);
    let notify = notify.and_then(|section| section.build(files, at, faults));
    let log = place.at("log").read::<LogSection>(faults);
    let observe = place.at("observe").read::<ObserveSection>(faults);
    let keys = build_keys(place, files, faults);
    let upstreams = build_upstreams(place, files, faults);
    let at = place.at("ready");
    let ready = at.read::<ReadySection>(faults);
    let ready = ready.map(|section| section.build(at, faults));
    let Routes {
        dialects: mut routes,
        passes,
        sites,
        fixed,
    } = build_routes(&upstreams, place, faults);
    targets::refuse_unknown(&routes, place, faults);
    targets::settle_relays(&mut routes, &upstreams, place, faults);
    targets::refuse_without_account(&routes, &upstreams, place, faults);
    targets::refuse_idle_sticky(&routes, &upstreams, place, faults);
    judge::check(&routes, &upstreams, &keys, place, faults);
    let uses_store = |route: &Route| targets::reachable(route).contains(&&Target::Store);
    // Keys that are not here are in the store, unless nobody needs any.
    let needs_keys = routes.iter().any(|it| it.auth == Judge::Gateway);
    let has_store = place.at("store").has("url")
        || (needs_keys && place.at("keys").names().is_empty())
        || routes.iter().any(uses_store);
    losses::check(&routes, &upstreams, has_store, place, faults);
    let is_importable = has_store || place.at("admin").has("control");
    own_ids::check(&routes, &upstreams, is_importable, place, faults);
    if notify.is_some() && !has_store {
        let message = "does nothing: only what is stored here is notified of, and no command goes to \
                       the store";
        faults.push(place.at("notify").fault("webhook", message));
    }

    Some(Config {
        file: merged.file.clone(),
        server: server?,
        admin: admin?,
        store: store?,
        has_store,
        auth: auth?,
        notify,
        log: log?.build(),
        observe: observe?.build(directory),
        keys,
        upstreams,
        ready: ready?,
        routes,
        passes,
        sites,
        fixed,
    })
}

fn refuse_unknown_sections(place: Place<'_>, faults: &mut Faults) {
    for name in place.names() {
        if !SECTIONS.contains(&name.as_str()) {
            let message = format!(
                "unknown section (known: {}){}",
                SECTIONS.join(", "),
                did_you_mean(&name, &SECTIONS)
            );
            faults.push(place.at(&name).fault("", message));
        }
    }
}

fn build_keys(place: Place<'_>, files: SecretFiles<'_>, faults: &mut Faults) -> Vec<StaticKey> {
    let mut keys = Vec::new();
    for name in place.at("keys").entries(faults) {
        let path = format!("keys.{name}");
        let at = place.at(&path);
        let section = at.read::<KeySection>(faults);
        keys.extend(section.and_then(|section| section.build(&name, files, at, faults)));
    }
    keys::refuse_duplicates(&keys, place, faults);
    keys::refuse_unknown_routes(&keys, place, faults);
    keys
}

fn build_upstreams(
    place: Place<'_>,
    files: SecretFiles<'_>,
    faults: &mut Faults,
) -> Vec<forward::Parameters> {
    let mut upstreams = Vec::new();
    for name in place.at("upstreams").entries(faults) {
        let path = format!("upstreams.{name}");
        let at = place.at(&path);
        let section = at.read::<UpstreamSection>(faults);
        upstreams.extend(section.and_then(|section| section.build(&name, files, at, faults)));
    }
    upstreams
}

/// The routes of every kind.
#[derive(Default)]
struct Routes {
    dialects: Vec<Route>,
    passes: Vec<PassRoute>,
    sites: Vec<endpoints::Parameters>,
    fixed: Vec<FixedRoute>,
}

/// What says that a route is of one kind, and of another one too.
fn two_kinds(place: Place<'_>) -> Option<(&'static str, &'static str)> {
    let kinds = ["dialect", "pass", "respond", "redirect"];
    let mut named = kinds.into_iter().filter(|key| place.has(key));
    Some((named.next()?, named.next()?))
}

fn build_routes(
    upstreams: &[forward::Parameters],
    place: Place<'_>,
    faults: &mut Faults,
) -> Routes {
    let names = place.at("routes").entries(faults);
    if names.is_empty() && faults.is_empty() {
        let message = "there is none: add a [routes.NAME] with a dialect or with pass, or remove the empty table";
        faults.push(place.at("routes").fault("", message));
    }
    let mut built = Routes::default();
    let mut entries: Vec<Entry> = Vec::new();
    let mut otherwise = Vec::new();
    for name in names {
        let path = format!("routes.{name}");
        let at = place.at(&path);
        if let Some((one, other)) = two_kinds(at) {
            let message =
                format!("is there beside {one}: a route is of one kind; keep one of the two");
            faults.push(at.fault(other, message));
        } else if at.has("pass") {
            let section = at.read::<PassSection>(faults);
            let sites = &mut built.sites;
            let route = section.and_then(|it| it.build(&name, upstreams, sites, at, faults));
            entries.extend(route.clone().map(Entry::from));
            built.passes.extend(route);
        } else if at.has("respond") || at.has("redirect") {
            let section = at.read::<FixedSection>(faults);
            let route = section.and_then(|section| section.build(&name, at, faults));
            entries.extend(route.clone().map(Entry::from));
            built.fixed.extend(route);
        } else {
            let section = at.read::<RouteSection>(faults);
            let site = section.as_ref().and_then(RouteSection::otherwise);
            let route = section.and_then(|section| section.build(&name, at, faults));
            entries.extend(route.clone().map(Entry::from));
            built.dialects.extend(route);
            otherwise.extend(site.map(|site| (name, site)));
        }
    }
    let passes = &built.passes;
    mode::settle_sites(&mut built.dialects, otherwise, passes, place, faults);
    route_paths::refuse_duplicates(&entries, place, faults);
    built
}
