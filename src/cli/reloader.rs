//! Reads the configuration again while the gateway is running: all of it takes effect, or nothing.

use std::convert::Infallible;
use std::sync::Arc;

use super::certificates;
use super::gateway::{Gateway, Next};
use crate::clock::Clock;
use crate::config::{self, Config, Sources};
use crate::control::reload::{Answer, Asked};
use crate::control::wire::{Refused, Reloaded};
use crate::forward::Forward;
use crate::forward::pass::Sites;
use crate::server::signals::Hangups;
use crate::server::tls::Tls;
use crate::store::crosswalk::Pair;

/// A gateway and where its configuration comes from.
pub(super) struct Reloader {
    sources: Sources,
    /// What is running.
    config: Config,
    gateway: Gateway,
    clock: Clock,
}

/// What was read.
enum Read {
    /// It is what is running.
    Same,
    /// It can take its place.
    Other(Box<Next>),
}

impl Reloader {
    pub(super) fn new(sources: Sources, config: Config, gateway: Gateway, clock: Clock) -> Self {
        Self {
            sources,
            config,
            gateway,
            clock,
        }
    }

    /// Reloads whenever it is asked to, by SIGHUP or on the control socket, for as long as it is polled.
    pub(super) async fn run(mut self, mut hangups: Hangups, mut asked: Asked) -> Infallible {
        loop {
            tokio::select! {
                () = hangups.next() => drop(self.reload().await),
                Some(reply) = asked.recv() => {
                    let answer = self.reload().await;
                    // Who left is not told; the log is.
                    drop(reply.send(answer));
                }
            }
        }
    }

    /// Reloads once, and says in the log what became of it.
    async fn reload(&mut self) -> Answer {
        match self.try_reload().await {
            Ok(reloaded) => {
                tracing::info!("{}", reloaded.lines.join("; "));
                Ok(reloaded)
            }
            Err(Refused { error, status }) => {
                let faults = error.replace('\n', "; ");
                tracing::error!(reload.faults = faults, "not reloaded: nothing was changed");
                let told = format!("{error}\nNothing was changed: the gateway goes on as before.");
                Err(Refused::new(status, told))
            }
        }
    }

    async fn try_reload(&mut self) -> Answer {
        let file = self.config.file.clone();
        let next = match self.read().await? {
            Read::Same => {
                let lines = vec![format!("{file}: nothing has changed")];
                return Ok(Reloaded { lines });
            }
            Read::Other(next) => next,
        };
        self.gateway
            .watch_pairs(&next.config.upstreams)
            .await
            .map_err(|failure| Refused::new(500, failure.into_text()))?;
        let before = self.gateway.upstreams().current().load_full();
        let mut lines = vec![summary(&next, &before)];
        let moves = next.forward.moves_from(&before);
        lines.extend(moves.into_iter().map(|line| format!("{file}: {line}")));
        let objections = certificates::objections(&next.config, self.clock.now());
        lines.extend(objections.map(|objection| format!("{file}: {objection}")));
        self.config = next.config.clone();
        self.gateway.replace(*next);
        Ok(Reloaded { lines })
    }

    /// Reads and builds all of it on a thread that may block: files are read, and trust roots.
    async fn read(&self) -> Result<Read, Refused> {
        let (sources, running) = (self.sources.clone(), self.config.clone());
        let upstreams = Arc::clone(self.gateway.upstreams());
        let sites = self.gateway.sites().clone();
        let read = tokio::task::spawn_blocking(move || {
            let forward = upstreams.current().load_full();
            read(&sources, &running, &forward, &sites, upstreams.pairs())
        });
        let failed = |_| Refused::new(500, "the gateway failed to read it; its log says more");
        read.await.map_err(failed)?
    }
}

fn read(
    sources: &Sources,
    running: &Config,
    forward: &Forward,
    sites: &Sites,
    pairs: Arc<Vec<Pair>>,
) -> Result<Read, Refused> {
    let config = config::load(sources).map_err(|faults| Refused::new(422, faults.to_string()))?;
    if config == *running {
        return Ok(Read::Same);
    }
    let settled = running.unchangeable(&config);
    if !settled.is_empty() {
        let message = format!(
            "{}: {}: a running gateway does not change this: restart it, or put back what was there",
            config.file,
            settled.join(", ")
        );
        return Err(Refused::new(409, message));
    }
    let refused = |doing, error: &dyn std::error::Error| {
        Refused::new(422, format!("{}: {doing}: {error}", config.file))
    };
    let tls = match config.server.tls.as_slice() {
        same if same == running.server.tls => None,
        others => Some(Tls::new(others).map_err(|error| refused("server.tls", &error))?),
    };
    let forward = forward
        .renewed(config.upstreams.clone(), &pairs)
        .map_err(|error| refused("upstreams", &error))?;
    let sites = sites
        .renewed(config.sites.iter().cloned())
        .map_err(|error| refused("pass routes", &error))?;
    Ok(Read::Other(Box::new(Next {
        config,
        forward,
        pairs,
        sites,
        tls,
    })))
}

/// One line: how much there is of what a reload changes.
fn summary(next: &Next, before: &Forward) -> String {
    let config = &next.config;
    let count = |number: usize, noun: &str| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{number} {noun}{plural}")
    };
    let mut parts = vec![count(config.entries().len(), "route")];
    if !config.upstreams.is_empty() {
        let kept = next.forward.shared_with(before);
        let upstreams = count(config.upstreams.len(), "upstream");
        parts.push(format!("{upstreams} ({kept} with the connections it had)"));
    }
    for (number, noun) in [
        (config.keys.len(), "static key"),
        (config.server.tls.len(), "certificate"),
    ] {
        if number > 0 {
            parts.push(count(number, noun));
        }
    }
    format!("{}: reloaded: {}", config.file, parts.join(", "))
}
