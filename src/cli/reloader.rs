//! Reads the configuration again while the gateway is running: all of it takes effect, or nothing. Modes of
//! routes change here too, one change after the other.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use super::certificates;
use super::gateway::{Gateway, Next};
use super::routes;
use crate::clock::Clock;
use crate::config::{self, Config, Sources};
use crate::control::reload::{Answer, Asked};
use crate::control::routes::{Asked as AskedRoutes, Question};
use crate::control::wire::{ModeSet, Refused, Reloaded, SetMode};
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

/// A configuration that is being read, and who asked for that, if not a signal.
struct Reading {
    task: JoinHandle<Result<Read, Refused>>,
    reply: Option<oneshot::Sender<Answer>>,
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

    /// Reloads whenever it is asked to, by SIGHUP or on the control socket, and changes modes, for as long
    /// as it is polled. A file that takes its time to be read holds no change of a mode up.
    pub(super) async fn run(
        mut self,
        mut hangups: Hangups,
        mut asked: Asked,
        mut asked_routes: AskedRoutes,
    ) -> Infallible {
        let mut reading = None;
        loop {
            tokio::select! {
                () = hangups.next(), if reading.is_none() => {
                    reading = Some(Reading { task: self.read(), reply: None });
                }
                Some(reply) = asked.recv(), if reading.is_none() => {
                    reading = Some(Reading { task: self.read(), reply: Some(reply) });
                }
                read = ended(&mut reading) => {
                    let answer = self.reload(read).await;
                    // Who left is not told; the log is.
                    let reply = reading.take().and_then(|reading| reading.reply);
                    drop(reply.map(|reply| reply.send(answer)));
                }
                Some(question) = asked_routes.recv() => match question {
                    Question::List(reply) => {
                        drop(reply.send(routes::lines(&self.config, self.gateway.modes())));
                    }
                    Question::SetMode(asked, reply) => {
                        let answer = self.set_mode(&asked).await;
                        drop(reply.send(answer));
                    }
                },
            }
        }
    }

    /// In effect first and kept then: who steps back from trouble does not wait for a disk that is a part
    /// of it.
    async fn set_mode(&mut self, asked: &SetMode) -> Result<ModeSet, Refused> {
        let (route, mode) = routes::meant(&self.config, asked)?;
        let was = self.gateway.modes().of(route);
        let set = ModeSet {
            route: route.name.clone(),
            mode: mode.name().to_owned(),
            was: was.name().to_owned(),
        };
        // Who says again what could not be kept means to have it kept.
        if was == mode && self.gateway.modes().is_kept(route) {
            return Ok(set);
        }
        let change = self
            .gateway
            .give_mode(&self.config, route, mode)
            .map_err(|error| Refused::new(500, format!("observing cannot be started: {error}")))?;
        let kept = self.gateway.modes_mut().keep(&self.config, &change).await;
        kept.map_err(|error| Refused::new(500, error))?;
        Ok(set)
    }

    /// Reloads once, and says in the log what became of it.
    async fn reload(&mut self, read: Result<Read, Refused>) -> Answer {
        match self.try_reload(read).await {
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

    async fn try_reload(&mut self, read: Result<Read, Refused>) -> Answer {
        let file = self.config.file.clone();
        let next = match read? {
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
        for change in self.gateway.replace(*next) {
            lines.push(change.to_string());
            let kept = self.gateway.modes_mut().keep(&self.config, &change).await;
            lines.extend(kept.err());
        }
        Ok(Reloaded { lines })
    }

    /// Reads and builds all of it on a thread that may block: files are read, and trust roots.
    fn read(&self) -> JoinHandle<Result<Read, Refused>> {
        let (sources, running) = (self.sources.clone(), self.config.clone());
        let upstreams = Arc::clone(self.gateway.upstreams());
        let sites = self.gateway.sites().clone();
        spawn_blocking(move || {
            let forward = upstreams.current().load_full();
            read(&sources, &running, &forward, &sites, upstreams.pairs())
        })
    }
}

/// What was read, once it was.
async fn ended(reading: &mut Option<Reading>) -> Result<Read, Refused> {
    let Some(reading) = reading else {
        return pending().await;
    };
    let failed = |_| Refused::new(500, "the gateway failed to read it; its log says more");
    (&mut reading.task).await.map_err(failed)?
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
