//! A gateway in front of everything it can carry requests to, with little room, and what of it is in use.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::fault_server::{Act, End, FaultServer, Seen, with_length};
use crate::process::{Served, dragoman, finish};

pub(crate) const KEY: &str = "callers-key-0123456789abcdef";

/// Connections to the gateway at once.
pub(crate) const SLOTS: usize = 96;
/// Calls of one route at once.
pub(crate) const IN_FLIGHT: usize = 40;
/// Connections to the upstream of calls, and to the site of the pass route.
pub(crate) const PLACES: usize = 12;
/// Bytes of all bodies in memory, and of a single one.
pub(crate) const BODIES: usize = 1 << 20;

/// What is waited for happens by then.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A name or path with this in it is answered never.
pub(crate) const STUCK: &str = "stuck";

pub(crate) struct Storm {
    pub(crate) served: Served,
    pub(crate) upstream: FaultServer,
    pub(crate) site: FaultServer,
    directory: TempDir,
}

/// What a process holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Held {
    descriptors: usize,
    /// Files below its directory, and in the one for temporary files.
    files: BTreeSet<String>,
    /// Files that are open and have no name any more.
    nameless: usize,
}

impl Storm {
    pub(crate) async fn start() -> Self {
        let upstream = FaultServer::start(|seen| {
            let body = r#"{"id":1,"result":7,"error":null}"#;
            answer(
                seen,
                String::from_utf8_lossy(&seen.body).contains(STUCK),
                body,
            )
        });
        let site = FaultServer::start(|seen| {
            // Some answers are larger than what sockets take by themselves.
            let body = "x".repeat(if seen.number % 8 == 0 { 1 << 20 } else { 3000 });
            answer(seen, seen.head.contains(STUCK), &body)
        });
        let (upstream, site) = (upstream.await, site.await);
        let directory = tempfile::tempdir().unwrap();
        let (calls, passed) = (upstream.address, site.address);
        let text = format!(
            "[admin]\ncontrol = 'control.sock'\n[log]\nfilter = 'error'\n\
             [server]\nbuffered_bodies = {BODIES}\n[server.limits]\nconnections = {SLOTS}\n\
             [keys.app]\nvalue = '{KEY}'\nscopes = ['user:*']\n\
             [upstreams.back]\ndialect = 'vision6'\nurl = 'http://{calls}'\nkey = '{KEY}'\n\
             connections = {PLACES}\nidle = '200ms'\ntimeout = '2s'\n\
             [upstreams.back.breaker]\nfailures = 0\npercent = 0\n\
             [upstreams.web]\ndialect = 'vision6'\nurl = 'http://{passed}'\nkey = '{KEY}'\n\
             connections = {PLACES}\nidle = '200ms'\n\
             [upstreams.web.breaker]\nfailures = 0\npercent = 0\n\
             [routes.own]\ndialect = 'vision6'\npath = '/own'\nin_flight = {IN_FLIGHT}\nbody_bytes = {BODIES}\n\
             [routes.front]\ndialect = 'vision6'\npath = '/front'\nuser = 'back'\nin_flight = {IN_FLIGHT}\n\
             [routes.site]\npass = 'web'\n"
        );
        fs::write(directory.path().join("routes.toml"), text).unwrap();
        fs::create_dir(directory.path().join("temporary")).unwrap();
        let mut command = dragoman(directory.path());
        command
            .arg("serve")
            .env("TMPDIR", directory.path().join("temporary"));
        Self {
            served: Served::run(&mut command),
            upstream,
            site,
            directory,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.served
            .url
            .strip_prefix("http://")
            .unwrap()
            .parse()
            .unwrap()
    }

    pub(crate) fn database(&self) -> rusqlite::Connection {
        let file = self.directory.path().join("data/dragoman.db");
        let database = rusqlite::Connection::open(file).unwrap();
        database.busy_timeout(PATIENCE).unwrap();
        database
    }

    /// What the gateway holds, once all of its connections to others have ended.
    pub(crate) async fn held(&self) -> Held {
        self.upstream.all_closed().await;
        self.site.all_closed().await;
        let shown = finish(dragoman(self.directory.path()).args(["upstreams", "--json"]));
        let shown: Value = serde_json::from_str(&shown.1).unwrap();
        let endpoint = &shown[0]["endpoints"][0];
        assert_eq!(
            (&endpoint["busy"], &endpoint["idle"]),
            (&0.into(), &0.into()),
            "{shown}"
        );
        let descriptors = fs::read_dir(format!("/proc/{}/fd", self.served.id())).unwrap();
        let open: Vec<_> = descriptors
            .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
            .map(|target| target.to_string_lossy().into_owned())
            .collect();
        let mut files = BTreeSet::new();
        list(self.directory.path(), &mut files);
        Held {
            descriptors: open.len(),
            files,
            nameless: open.iter().filter(|it| it.ends_with(" (deleted)")).count(),
        }
    }

    /// Waits until it holds what it did: what callers left behind takes a moment to be noticed.
    pub(crate) async fn holds_again(&self, before: &Held) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = self.held().await;
            if now == *before {
                return;
            }
            assert!(Instant::now() < deadline, "{now:?} instead of {before:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A slow answer, a quick one, or none.
fn answer(seen: &Seen, is_stuck: bool, body: &str) -> Act {
    if is_stuck {
        return Act::new("", End::Stall);
    }
    let act = Act::new(with_length(body), End::Keep);
    let pause = Duration::from_millis(u64::try_from(seen.number % 4).unwrap());
    act.dripping(body.len().div_ceil(2) + 20, pause)
}

fn list(directory: &Path, files: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else {
            files.insert(path.to_string_lossy().into_owned());
        }
    }
}
