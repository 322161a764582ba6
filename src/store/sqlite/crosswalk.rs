//! Who is who at upstreams: one table of what look-ups answered, one of imported pairs.

mod names;
mod pairs;

use std::sync::Arc;

use rusqlite::{Connection, params};
use tokio::sync::Semaphore;

use super::SqliteStore;
use super::audit;
use super::write_connection::WriteConnection;
use crate::clock::Timestamp;
use crate::command::{Dialect, Id};
use crate::journal::Entry;
use crate::journal::record::{Outcome, Record};
use crate::journal::seal::Seal;
use crate::store::crosswalk::{
    CrosswalkAdmin, CrosswalkStore, Found, Imported, Line, Named, Pair, Which,
};
use crate::store::{StoreError, StoreFuture};

/// Places in the writer's queue that look-ups may take. Nobody waits for one to be noted, so without
/// this bound callers who read could fill the queue and have writes refused.
const WAITING: usize = 64;

/// Room for what nobody waits for.
#[derive(Debug)]
pub(super) struct Notes(Arc<Semaphore>);

impl Notes {
    /// None so far.
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(WAITING)))
    }
}

impl CrosswalkStore for SqliteStore {
    fn keeps_crosswalk(&self) -> bool {
        true
    }

    fn recall(
        &self,
        upstream: String,
        named: Named,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<Found>> {
        Box::pin(
            self.readers
                .read(move |connection| names::recall(connection, &upstream, &named, now)),
        )
    }

    fn remember(&self, upstream: String, named: Named, found: Found, now: Timestamp) {
        self.note(move |connection| names::remember(connection, &upstream, &named, found, now));
    }

    fn forget_user(&self, upstream: String, named: Option<Named>, there: Option<Id>) {
        self.note(move |connection| {
            if let Some(named) = &named {
                names::forget(connection, &upstream, named)?;
            }
            if let Some(there) = there {
                names::forget_user(connection, &upstream, there)?;
            }
            Ok(())
        });
    }
}

impl SqliteStore {
    /// Queues it if there is room. What is not remembered is asked again. What is not forgotten is
    /// found out when it is used: nothing is written by a number that was remembered before an answer
    /// has shown its user's name.
    fn note<W>(&self, work: W)
    where
        W: FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static,
    {
        let room = Arc::clone(&self.notes.0).try_acquire_owned();
        let room = room.map_err(|_| StoreError::Overloaded);
        let queued = room.and_then(|room| {
            self.writer.write_unattended(move |connection| {
                drop(room);
                work(connection)
            })
        });
        if let Err(error) = queued {
            tracing::debug!(error = ?error, "a look-up is not noted in the store");
        }
    }
}

impl CrosswalkAdmin for SqliteStore {
    fn list_crosswalk(&self, now: Timestamp) -> StoreFuture<'_, Vec<Line>> {
        Box::pin(self.readers.read(move |connection| {
            let pairs = pairs::list(connection)?.into_iter().map(Line::Imported);
            Ok(pairs.chain(names::list(connection, now)?).collect())
        }))
    }

    fn import_pairs(&self, pairs: Vec<Pair>, entry: Entry) -> StoreFuture<'_, Imported> {
        let seal = Arc::clone(&self.seal);
        Box::pin(self.writer.write(move |connection| {
            let imported = pairs::import(connection, &pairs)?;
            if let Imported::New(new) = imported
                && new > 0
            {
                changed(connection, new, None, &entry, &seal)?;
            }
            Ok(imported)
        }))
    }

    fn pairs_of_users(
        &self,
        upstream: String,
        own: Dialect,
        there: Dialect,
    ) -> StoreFuture<'_, Vec<Pair>> {
        Box::pin(
            self.readers
                .read(move |connection| pairs::of_users(connection, &upstream, own, there)),
        )
    }

    fn forget_crosswalk(
        &self,
        upstream: String,
        which: Which,
        entry: Entry,
    ) -> StoreFuture<'_, usize> {
        let seal = Arc::clone(&self.seal);
        Box::pin(
            self.writer
                .write(move |connection| forget(connection, &upstream, &which, &entry, &seal)),
        )
    }

    fn watch_pairs(&self, changed: Box<dyn Fn(Vec<Pair>) + Send + Sync>) -> StoreFuture<'_, ()> {
        let mut seen = None;
        self.watch("the crosswalk", move |connection| {
            let sql = "SELECT number FROM crosswalk_changes";
            let number: i64 = connection.query_row(sql, [], |row| row.get(0))?;
            if seen != Some(number) {
                changed(pairs::list(connection)?);
                seen = Some(number);
            }
            Ok(())
        })
    }
}

fn forget(
    connection: &WriteConnection,
    upstream: &str,
    which: &Which,
    entry: &Entry,
    seal: &Seal,
) -> Result<usize, StoreError> {
    let names = "DELETE FROM crosswalk_names WHERE upstream = ?1";
    let forgotten = match which {
        Which::Remembered => connection.execute(names, [upstream])?,
        Which::Name(name) => connection.execute(
            "DELETE FROM crosswalk_names WHERE upstream = ?1 AND name = ?2",
            params![upstream, name],
        )?,
        Which::Pair(dialect, own) => pairs::delete(connection, upstream, *dialect, *own)?,
        Which::All => {
            let pairs = "DELETE FROM crosswalk_pairs WHERE upstream = ?1";
            connection.execute(names, [upstream])? + connection.execute(pairs, [upstream])?
        }
    };
    if forgotten > 0 {
        changed(connection, forgotten, Some(upstream), entry, seal)?;
    }
    Ok(forgotten)
}

/// Tells running gateways and the audit trail.
fn changed(
    connection: &WriteConnection,
    count: usize,
    upstream: Option<&str>,
    entry: &Entry,
    seal: &Seal,
) -> Result<(), StoreError> {
    connection.execute("UPDATE crosswalk_changes SET number = number + 1", [])?;
    let record = Record {
        attempts: i64::try_from(count).ok(),
        reason: upstream.map(str::to_owned),
        ..Record::of(entry, Outcome::Done)
    };
    audit::append(connection, seal, record)
}
