//! `dragoman crosswalk`: who is who at upstreams.
//!
//! It is in the store, where there is one; else a running gateway is asked by its control socket.

pub(super) mod arguments;
mod pair_file;
mod table;

use std::path::PathBuf;

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::arguments::{CrosswalkCommand, ForgetArguments};
use super::failure::Failure;
use super::{ask, keys, load, remark, say, store};
use crate::clock::Clock;
use crate::config::Config;
use crate::control::wire::{self, Forget, Forgotten, Import, Line, Pair};
use crate::forward;
use crate::journal::Act;
use crate::store::crosswalk::{self, CrosswalkAdmin};

/// Does what was asked, in the store or at the gateway.
pub(super) fn run(
    config: Option<PathBuf>,
    store: Option<&str>,
    command: CrosswalkCommand,
) -> Result<(), Failure> {
    let config = load::with_store(config, store)?;
    match command {
        CrosswalkCommand::List { json } => {
            let lines = list(&config)?;
            say(&if json {
                table::json(&lines)?
            } else {
                table::text(&lines)
            })
        }
        CrosswalkCommand::Import { file, users } => {
            let pairs = match (file, users) {
                (Some(file), _) => pair_file::read(&file)?,
                (None, users) => pairs_of_users(&config, &users.unwrap_or_default())?,
            };
            refuse_undeclared(&config, &pairs)?;
            let count = pairs.len();
            let new = import(&config, pairs)?;
            remark(&format!(
                "Pairs: {count}, of which {new} are new. A running gateway takes them within a second."
            ));
            Ok(())
        }
        CrosswalkCommand::Forget { what } => forget(&config, what),
    }
}

fn list(config: &Config) -> Result<Vec<Line>, Failure> {
    if !config.has_store {
        return ask_gateway(config, Method::GET, "/crosswalk", &());
    }
    store::refuse_no_file(config)?;
    let clock = Clock::system();
    let lines = store::with(config, &clock, async |_, store| {
        store.list_crosswalk(clock.now()).await
    })?;
    Ok(lines.into_iter().map(Line::from).collect())
}

fn pairs_of_users(config: &Config, name: &str) -> Result<Vec<crosswalk::Pair>, Failure> {
    let upstream = find(config, name)?;
    let clock = Clock::system();
    store::with(config, &clock, async |_, store| {
        let mut pairs = Vec::new();
        for own in &upstream.crosswalk.own_ids {
            let there = upstream.dialect;
            pairs.extend(store.pairs_of_users(name.to_owned(), *own, there).await?);
        }
        Ok(pairs)
    })
}

fn import(config: &Config, pairs: Vec<crosswalk::Pair>) -> Result<usize, Failure> {
    if !config.has_store {
        let pairs = pairs.into_iter().map(Pair::from).collect();
        let imported: wire::Imported =
            ask_gateway(config, Method::POST, "/crosswalk/import", &Import { pairs })?;
        return Ok(imported.new);
    }
    let clock = Clock::system();
    let entry = keys::entry(config, clock.now(), Act::ImportCrosswalk);
    let imported = store::with(config, &clock, async |_, store| {
        store.import_pairs(pairs, entry).await
    })?;
    match imported {
        crosswalk::Imported::New(new) => Ok(new),
        crosswalk::Imported::Contradicts(pair) => Err(Failure::Failed(wire::contradiction(&pair))),
        crosswalk::Imported::TooMany => Err(Failure::Failed(wire::too_many())),
    }
}

fn forget(config: &Config, what: ForgetArguments) -> Result<(), Failure> {
    let upstream = what.upstream.clone();
    let asked = Forget::from(what);
    let forgotten = if config.has_store {
        store::refuse_no_file(config)?;
        let which = asked.which().map_err(Failure::Usage)?;
        let clock = Clock::system();
        let entry = keys::entry(config, clock.now(), Act::ForgetCrosswalk);
        store::with(config, &clock, async |_, store| {
            store.forget_crosswalk(upstream.clone(), which, entry).await
        })?
    } else {
        let answer: Forgotten = ask_gateway(config, Method::POST, "/crosswalk/forget", &asked)?;
        answer.forgotten
    };
    if forgotten == 0 {
        return Err(Failure::Failed(format!(
            "nothing of that is known of {upstream}: see `dragoman crosswalk list`"
        )));
    }
    remark(&format!("Forgotten: {forgotten}."));
    Ok(())
}

/// A number of callers that nothing says have their own would be one of the upstream's.
fn refuse_undeclared(config: &Config, pairs: &[crosswalk::Pair]) -> Result<(), Failure> {
    for pair in pairs {
        let upstream = find(config, &pair.upstream)?;
        if !upstream.crosswalk.own_ids.contains(&pair.dialect) {
            let message = wire::not_declared(&pair.upstream, pair.dialect);
            return Err(Failure::Failed(message));
        }
    }
    Ok(())
}

fn find<'a>(config: &'a Config, name: &str) -> Result<&'a forward::Parameters, Failure> {
    let mut upstreams = config.upstreams.iter();
    let found = upstreams.find(|upstream| upstream.name == name);
    found.ok_or_else(|| {
        let file = &config.file;
        Failure::Failed(format!("there is no upstreams.{name} in {file}"))
    })
}

fn ask_gateway<T: DeserializeOwned>(
    config: &Config,
    method: Method,
    target: &str,
    body: &impl Serialize,
) -> Result<T, Failure> {
    let Some(path) = &config.admin.control else {
        return Err(Failure::Usage(format!(
            "{}: admin.control: there is no store, and no control socket to ask a running gateway by: \
             name one, e.g. \"control.sock\", and start the gateway again",
            config.file
        )));
    };
    ask::gateway(path, method, target, body)
}
