//! `dragoman audit`: what the trail says, and whether it is whole.

pub(super) mod arguments;
mod show;

use std::path::PathBuf;

use self::arguments::{AuditCommand, ListArguments};
use super::failure::Failure;
use super::{load, remark, say, store};
use crate::clock::Clock;
use crate::config::Config;
use crate::journal::record::{Record, RecordQuery};
use crate::journal::seal::{Link, Seal};
use crate::journal::verify::{Broken, Verifier, Whole};
use crate::store::audit::AuditStore;
use crate::store::{Store, StoreError};

/// Records that are read at once: what bounds the memory of a trail of any length.
const PAGE: u32 = 1000;

/// Does what was asked, on the configured store.
pub(super) fn run(
    config: Option<PathBuf>,
    store: Option<&str>,
    command: AuditCommand,
) -> Result<(), Failure> {
    let config = load::with_store(config, store)?;
    let clock = Clock::system();
    match command {
        AuditCommand::List(arguments) => list(&config, &clock, &arguments),
        AuditCommand::Verify { head } => verify(&config, &clock, head),
    }
}

fn list(config: &Config, clock: &Clock, arguments: &ListArguments) -> Result<(), Failure> {
    let query = arguments.query(clock.now())?;
    let mut shown = show::Shown::new(arguments.json);
    say(&shown.lines(&[])?)?;
    // To look is no reason to make a store.
    if matches!(config.store.database.try_exists(), Ok(false)) {
        return Ok(());
    }
    let left = match arguments.limit {
        0 => u64::MAX,
        limit => limit,
    };
    let mut said = Ok(());
    store::with(config, clock, async |_, store| {
        let each = |page: &[Record]| {
            said = shown.lines(page).and_then(|lines| say(&lines));
            said.is_ok()
        };
        pages(store, query, left, each).await
    })?;
    said
}

/// Hands the records over page by page, as long as they are wanted.
async fn pages(
    store: &impl AuditStore,
    mut query: RecordQuery,
    mut left: u64,
    mut each: impl FnMut(&[Record]) -> bool,
) -> Result<(), StoreError> {
    while left > 0 {
        query.limit = u32::try_from(left).unwrap_or(PAGE).min(PAGE);
        let page = store.list_records(query.clone()).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        left = left.saturating_sub(u64::try_from(page.len()).unwrap_or(u64::MAX));
        let next = query.after(last);
        let Some(next) = next.filter(|_| each(&page)) else {
            return Ok(());
        };
        query = next;
    }
    Ok(())
}

fn verify(config: &Config, clock: &Clock, noted: Option<Link>) -> Result<(), Failure> {
    if matches!(config.store.database.try_exists(), Ok(false)) {
        return Err(Failure::Failed(format!(
            "there is no store at {}",
            config.store.database.display()
        )));
    }
    let walked = store::with(config, clock, async |pepper, store| {
        walk(store, pepper.seal(), noted).await
    })?;
    match walked {
        Ok(whole) => {
            say(&format!("{}\n", whole.head))?;
            remark(&format!(
                "The audit trail is whole: {} records. Keep the head that was printed elsewhere: \
                 `dragoman audit verify --head` finds out later whether it still stands.",
                whole.records
            ));
            Ok(())
        }
        Err(broken) => Err(Failure::Failed(explain(broken))),
    }
}

async fn walk(
    store: &impl Store,
    seal: Seal,
    noted: Option<Link>,
) -> Result<Result<Whole, Broken>, StoreError> {
    // Read first: what is written in the meantime is no end that is missing.
    let written = store.written_records().await?;
    let mut verifier = Verifier::new(seal, noted);
    let mut broken = None;
    let each = |page: &[Record]| {
        broken = page.iter().find_map(|record| verifier.check(record).err());
        broken.is_none()
    };
    pages(store, RecordQuery::all(PAGE), u64::MAX, each).await?;
    Ok(match broken {
        Some(broken) => Err(broken),
        None => verifier.finish(written),
    })
}

fn explain(broken: Broken) -> String {
    let hint = if broken == (Broken::Link { id: 1 }) {
        "; or the pepper is not the one that the trail was sealed with"
    } else {
        ""
    };
    format!("the audit trail is broken: {broken}{hint}")
}
