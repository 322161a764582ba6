//! Modes that routes were given.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::SqliteStore;
use super::audit;
use super::failure::Failure;
use crate::journal::Entry;
use crate::journal::record::{Outcome, Record};
use crate::route::Mode;
use crate::store::modes::{GivenMode, ModeStore};
use crate::store::{StoreError, StoreFuture};

impl ModeStore for SqliteStore {
    fn list_modes(&self) -> StoreFuture<'_, Vec<GivenMode>> {
        Box::pin(self.readers.read(list))
    }

    fn keep_mode(
        &self,
        route: String,
        mode: Mode,
        given: Option<GivenMode>,
        entry: Entry,
    ) -> StoreFuture<'_, ()> {
        let seal = Arc::clone(&self.seal);
        Box::pin(self.writer.write(move |connection| {
            connection.execute("DELETE FROM route_modes WHERE route = ?1", [&route])?;
            if let Some(given) = &given {
                connection.execute(
                    "INSERT INTO route_modes (route, mode, instead_of) VALUES (?1, ?2, ?3)",
                    params![route, given.mode.name(), given.instead_of.name()],
                )?;
            }
            let record = Record {
                route: Some(route),
                reason: Some(mode.name().to_owned()),
                ..Record::of(&entry, Outcome::Done)
            };
            audit::append(connection, &seal, record)
        }))
    }
}

fn list(connection: &Connection) -> Result<Vec<GivenMode>, StoreError> {
    let sql = "SELECT route, mode, instead_of FROM route_modes ORDER BY route";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut modes = Vec::new();
    while let Some(row) = rows.next()? {
        modes.push(GivenMode {
            route: row.get(0)?,
            mode: mode(&row.get::<_, String>(1)?, "mode")?,
            instead_of: mode(&row.get::<_, String>(2)?, "instead_of")?,
        });
    }
    Ok(modes)
}

fn mode(name: &str, column: &'static str) -> Result<Mode, StoreError> {
    Mode::from_name(name).ok_or_else(|| Failure::Unreadable(column).into())
}
