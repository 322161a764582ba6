//! `dragoman serve`: takes calls until a signal says otherwise.

use std::convert::Infallible;
use std::fmt::Write;
use std::fs;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::arguments::ServeArguments;
use super::failure::Failure;
use super::gateway::{self, Gateway, Means};
use super::modes::Modes;
use super::reloader::Reloader;
use super::{certificates, first_start, load, notifier, say, store};
use crate::auth::api_key::Pepper;
use crate::auth::keys::KeyRing;
use crate::clock::Clock;
use crate::config::{self, Config, Sources};
use crate::control::reload::Reloads;
use crate::control::routes::Routes;
use crate::control::{Control, Desk};
use crate::forward::Upstreams;
use crate::forward::pass::Sites;
use crate::journal::record::RecordQuery;
use crate::journal::seal::Hex;
use crate::observe::Observer;
use crate::server::signals::Hangups;
use crate::server::tls::Tls;
use crate::server::{self, Address, Limits, Listener, Outcome, Server, signals};
use crate::store::sqlite::SqliteStore;
use crate::store::{KeyStore, Store, audit, key_uses, once};
use crate::{stack, telemetry};

/// Serves, and returns once drained: the exit code of the process.
pub(super) fn run(
    config: Option<PathBuf>,
    arguments: &ServeArguments,
) -> Result<ExitCode, Failure> {
    let sources = load::to_serve(config, arguments);
    let config = config::load(&sources)?;
    let _log = telemetry::start(config.log.format, &config.log.filter)
        .map_err(|error| Failure::failed("log", error))?;
    let runtime = server::runtime(config.server.workers)
        .map_err(|error| Failure::failed("cannot start the runtime", error))?;
    let outcome = runtime.block_on(serve(sources, config, arguments.pid_file.as_deref()))?;
    Ok(ExitCode::from(outcome.exit_code()))
}

async fn serve(
    sources: Sources,
    config: Config,
    pid_file: Option<&Path>,
) -> Result<Outcome, Failure> {
    // Bound before the store is touched: a second gateway by mistake changes nothing.
    let listener = Listener::bind(&config.server.listen)
        .map_err(|error| Failure::failed("server.listen", error))?;
    let admin = Listener::bind(&[config.admin.listen.into()])
        .map_err(|error| Failure::failed("admin.listen", error))?;
    let addresses: Vec<_> = listener.addresses().cloned().collect();
    let control = config
        .admin
        .control
        .as_deref()
        .map(Control::bind)
        .transpose();
    let control = control.map_err(|error| Failure::failed("admin.control", error))?;
    let announcement = announcement(&listener, &admin);
    let tls = tls(&config)?;
    let server = server(&config, tls.clone(), listener).with_admin(admin);
    let receiver = notifier::receiver(&config)?;
    let hangups = signals::watch(server.shutdown())
        .and_then(|_| Hangups::watch())
        .map_err(|error| Failure::failed("cannot watch for signals", error))?;

    let clock = Clock::system();
    for objection in certificates::objections(&config, clock.now()) {
        tracing::warn!("{objection}");
    }
    let upstreams = Upstreams::new(config.upstreams.clone())
        .map_err(|error| Failure::failed("upstreams", error))?;
    let sites = Sites::new(config.sites.iter().cloned())
        .map_err(|error| Failure::failed("pass routes", error))?;
    let (pepper, store) = if config.has_store {
        let (pepper, store) = open(config.clone(), clock.clone()).await?;
        (pepper, Some(Arc::new(store)))
    } else {
        // What it makes is compared with what it made: nothing of it is ever kept.
        (Pepper::new(&clock.random()), None)
    };
    if let Some(store) = &store {
        first_start::run(&config, &**store, &pepper, &clock, &addresses).await?;
    }
    let keys = watch_keys(&config, pepper.clone(), store.as_deref()).await?;
    let counting = clock.clone();
    let commands = store.clone().map(|store| -> Arc<dyn Store> { store });
    let forward = stack::forward(upstreams, commands.as_ref(), clock.clone());
    let observer = Observer::new(config.observe.file.clone());
    let means = Means {
        store: store.clone(),
        pepper,
        sites,
        keys: Arc::clone(&keys),
        tls,
        observer: observer.clone(),
        clock: clock.clone(),
    };
    let modes = Modes::load(&config, store.as_ref(), &clock).await?;
    let gateway = Gateway::start(&config, forward, means, modes).await?;
    server.require(gateway.has_required());
    let (live, upstreams) = (gateway.live(), Arc::clone(gateway.upstreams()));
    let (reloads, asked) = Reloads::channel();
    let (routes, asked_routes) = Routes::channel();
    let desk = Desk {
        forward: Arc::clone(upstreams.current()),
        reloads,
        routes,
    };
    let reloader = Reloader::new(sources, config, gateway, clock.clone());

    if let Some(store) = &store {
        log_head(&**store).await?;
    }
    let pid_file = pid_file.map(PidFile::write).transpose()?;
    say(&announcement)?;
    let notifier = match &store {
        Some(store) => notifier::start(receiver, store, &clock).await?,
        None => None,
    };
    let outcome = tokio::select! {
        outcome = server.run(live) => outcome,
        never = keep_house(store.as_deref(), &keys, &counting) => match never {},
        never = answer(control, desk) => match never {},
        never = reloader.run(hangups, asked, asked_routes) => match never {},
    };
    if let Some(notifier) = notifier {
        notifier.finish(outcome).await;
    }
    drop(pid_file);
    upstreams.current().load_full().finished().await;
    // It blocks for a second at most, and nobody is served any more.
    observer.finish();
    match store {
        Some(store) => close(&store, &keys).await.map(|()| outcome),
        None => Ok(outcome),
    }
}

/// What is done beside serving, for as long as it is polled.
async fn keep_house(store: Option<&SqliteStore>, keys: &KeyRing, clock: &Clock) -> Infallible {
    let Some(store) = store else {
        return pending().await;
    };
    tokio::select! {
        never = audit::keep_counting(store, clock) => never,
        never = key_uses::keep_noting(keys, store) => never,
        never = once::keep_forgetting(store, clock) => never,
    }
}

/// Answers the command line, for as long as it is polled.
async fn answer(control: Option<Control>, desk: Desk) -> Infallible {
    match control {
        Some(control) => control.serve(desk).await,
        None => pending().await,
    }
}

async fn close(store: &SqliteStore, keys: &KeyRing) -> Result<(), Failure> {
    // No call is left that could add to them. What was served stays served if this fails.
    if let Err(error) = key_uses::note(keys, store).await {
        tracing::warn!(error = ?error, "the last uses of keys since a minute are lost");
    }
    log_head(store).await?;
    store
        .close()
        .await
        .map_err(|error| Failure::failed("cannot close the store", error))
}

/// Notes in the log where the audit trail ends: logs are mostly kept elsewhere, and whoever cuts the
/// trail's end off is found out by any head that was noted after it.
async fn log_head(store: &dyn Store) -> Result<(), Failure> {
    let newest = RecordQuery {
        oldest_first: false,
        ..RecordQuery::all(1)
    };
    let records = store
        .list_records(newest)
        .await
        .map_err(|error| Failure::failed("cannot read the audit trail", error))?;
    if let Some(last) = records.first() {
        tracing::info!(
            audit.records = last.id,
            audit.head = %Hex(&last.hash),
            "the audit trail ends here so far"
        );
    }
    Ok(())
}

/// The server as it is configured, without its admin listener.
fn server(config: &Config, tls: Option<Tls>, listener: Listener) -> Server {
    let proxies = &config.auth.trusted_proxies;
    let limits = Limits {
        uncounted: proxies.clone(),
        ..config.server.limits.clone()
    };
    let mut server = Server::new(listener, limits).with_drain(config.server.drain);
    if let Some(tls) = tls {
        server = server.with_tls(tls);
    }
    if config.server.proxy_protocol {
        server.with_proxy_protocol(proxies.clone())
    } else {
        server
    }
}

/// What is spoken on https addresses, where there are any.
fn tls(config: &Config) -> Result<Option<Tls>, Failure> {
    let certificates = &config.server.tls;
    if certificates.is_empty() {
        return Ok(None);
    }
    let tls = Tls::new(certificates).map_err(|error| Failure::failed("server.tls", error))?;
    Ok(Some(tls))
}

/// Opens the store off the async threads: it reads files, migrates and checks.
async fn open(config: Config, clock: Clock) -> Result<(Pepper, SqliteStore), Failure> {
    tokio::task::spawn_blocking(move || store::open(&config, &clock))
        .await
        .map_err(|error| Failure::failed("cannot open the store", error))?
}

/// The keys of the configuration, and those of the store, if there is one, as they are at any time.
async fn watch_keys(
    config: &Config,
    pepper: Pepper,
    store: Option<&SqliteStore>,
) -> Result<Arc<KeyRing>, Failure> {
    let fixed = gateway::keys(config, &pepper);
    let ring = Arc::new(KeyRing::new(pepper, fixed));
    let live = Arc::clone(&ring);
    let Some(store) = store else {
        return Ok(ring);
    };
    store
        .watch_keys(Box::new(move |keys| live.replace(keys)))
        .await
        .map_err(|error| Failure::failed("cannot read the keys", error))?;
    Ok(ring)
}

/// What scripts read to find a port that the system chose.
fn announcement(listener: &Listener, admin: &Listener) -> String {
    let mut text = String::new();
    for (name, listener) in [("admin on", admin), ("listening on", listener)] {
        for address in listener.addresses() {
            // Writing to a string cannot fail.
            let _ = match address {
                Address::Tcp(address) => writeln!(text, "{name} http://{address}"),
                Address::Tls(_) | Address::Unix { .. } => writeln!(text, "{name} {address}"),
            };
        }
    }
    text
}

/// A file with the number of this process, removed at the end.
struct PidFile(PathBuf);

impl PidFile {
    fn write(path: &Path) -> Result<Self, Failure> {
        fs::write(path, format!("{}\n", std::process::id())).map_err(|error| {
            let doing = format!("--pid-file: cannot write {}", path.display());
            Failure::failed(&doing, error)
        })?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Nobody is left to be told; a stale file names a process that is gone.
        drop(fs::remove_file(&self.0));
    }
}
