//! `dragoman kept`: what an upstream takes of its users and does not show.

pub(super) mod arguments;

use std::fmt::Write;
use std::path::PathBuf;

use self::arguments::KeptCommand;
use super::failure::Failure;
use super::{keys, load, remark, store};
use crate::clock::Clock;
use crate::command::field::Field;
use crate::command::{AccountId, Dialect, Id};
use crate::config::Config;
use crate::dialect::expresses::hidden_fields;
use crate::error::Error;
use crate::forward::{self, imported};
use crate::journal::{Act, Entry};
use crate::store::kept::{KeptAdmin, Realm};

/// How many users are one transaction.
const BATCH: u32 = 500;

/// Refused values that are named one by one.
const NAMED: usize = 20;

/// Does what was asked, on the configured store.
pub(super) fn run(
    config: Option<PathBuf>,
    store: Option<&str>,
    command: KeptCommand,
) -> Result<(), Failure> {
    let config = load::with_store(config, store)?;
    match command {
        KeptCommand::Import { users, empty } => import(&config, &users, &empty),
    }
}

/// What became of an import.
#[derive(Default)]
struct Counts {
    users: usize,
    unknown: u64,
    new: usize,
    refused: Vec<(Id, Field, Error)>,
}

fn import(config: &Config, name: &str, empty: &[String]) -> Result<(), Failure> {
    let upstream = find(config, name)?;
    let empty = fields(upstream.dialect, empty)?;
    if config.has_store {
        store::refuse_no_file(config)?;
    }
    // Numbers there mean one user of each account: one of them has to be the upstream's.
    let account = upstream.terms.account.unwrap_or(config.store.account);
    let clock = Clock::system();
    let counts = store::with(config, &clock, async |_, store| {
        let mut counts = Counts {
            unknown: store.count_unknown_there(account, upstream.dialect).await?,
            ..Counts::default()
        };
        let mut last = None;
        loop {
            let users = store.users_known_there(account, upstream.dialect, last, BATCH);
            let users = users.await?;
            let Some((end, _)) = users.last() else {
                return Ok(counts);
            };
            last = Some(*end);
            counts.users += users.len();
            let mut fields = Vec::new();
            for (there, user) in users {
                let hidden = imported::hidden(upstream, there, user, &empty);
                fields.extend(hidden.fields);
                let refused = hidden.refused.into_iter();
                counts
                    .refused
                    .extend(refused.map(|(field, error)| (there, field, error)));
            }
            let entry = entry(config, account, &clock);
            counts.new += store.keep_new(realm(name), fields, entry).await?;
        }
    })?;
    report(name, &counts)
}

fn find<'a>(config: &'a Config, name: &str) -> Result<&'a forward::Parameters, Failure> {
    let mut upstreams = config.upstreams.iter();
    let Some(upstream) = upstreams.find(|upstream| upstream.name == name) else {
        let file = &config.file;
        return Err(Failure::Usage(format!(
            "--users: there is no upstreams.{name} in {file}"
        )));
    };
    if upstream.dialect != Dialect::B2evolution {
        return Err(Failure::Usage(format!(
            "--users: upstreams.{name} speaks {}, and only a b2evolution forgets what it never shows",
            upstream.dialect
        )));
    }
    Ok(upstream)
}

fn fields(dialect: Dialect, names: &[String]) -> Result<Vec<Field>, Failure> {
    let known = hidden_fields(dialect);
    let mut fields = Vec::new();
    for name in names {
        let Some((_, own)) = known.iter().find(|(known, _)| known == name) else {
            let known: Vec<_> = known.iter().map(|(known, _)| *known).collect();
            return Err(Failure::Usage(format!(
                "--empty: {name:?} is none of {}",
                known.join(", ")
            )));
        };
        fields.extend(own.iter().cloned());
    }
    Ok(fields)
}

/// A b2evolution has the same users whatever account a caller names.
fn realm(upstream: &str) -> Realm {
    Realm {
        upstream: upstream.to_owned(),
        account: None,
    }
}

fn entry(config: &Config, account: AccountId, clock: &Clock) -> Entry {
    Entry {
        account,
        ..keys::entry(config, clock.now(), Act::ImportKept)
    }
}

fn report(name: &str, counts: &Counts) -> Result<(), Failure> {
    let Counts {
        users,
        unknown,
        new,
        refused,
    } = counts;
    remark(&format!(
        "Users with an id at {name}: {users}; without one: {unknown}. Fields that are kept from now on: {new}."
    ));
    if refused.is_empty() {
        return Ok(());
    }
    let mut text = format!("values that {name} would not take are not kept:");
    for (user, field, error) in refused.iter().take(NAMED) {
        let reason = error.message();
        // Writing to a string cannot fail.
        let _ = write!(text, "\nuser {user} there: {field}: {reason}");
    }
    if refused.len() > NAMED {
        let _ = write!(text, "\nand {} more", refused.len() - NAMED);
    }
    Err(Failure::Failed(text))
}
