//! Numbers that callers have of their own, and the upstreams'.

use rusqlite::{Connection, OptionalExtension, params};

use crate::command::{Dialect, Id};
use crate::store::StoreError;
use crate::store::crosswalk::{Imported, MOST_PAIRS, Pair};
use crate::store::sqlite::columns::Columns;

/// Reads all of them, by upstream, dialect and own number.
pub(super) fn list(connection: &Connection) -> Result<Vec<Pair>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT upstream, dialect, own_id, there_id FROM crosswalk_pairs
         ORDER BY upstream, dialect, own_id",
    )?;
    let rows = select.query_and_then([], |row| {
        let columns = Columns(row);
        Ok(Pair {
            upstream: columns.required("upstream", Some::<String>)?,
            dialect: columns.required("dialect", |name: String| Dialect::from_name(&name))?,
            own: columns.id("own_id")?,
            there: columns.id("there_id")?,
        })
    })?;
    rows.collect()
}

/// Those that follow from the ids elsewhere of the store's users.
pub(super) fn of_users(
    connection: &Connection,
    upstream: &str,
    dialect: Dialect,
    there: Dialect,
) -> Result<Vec<Pair>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT own.other_id AS own_id, there.other_id AS there_id
         FROM user_other_ids AS own JOIN user_other_ids AS there USING (user_id)
         WHERE own.dialect = ?1 AND there.dialect = ?2 ORDER BY own.other_id",
    )?;
    let rows = select.query_and_then([dialect.name(), there.name()], |row| {
        let columns = Columns(row);
        Ok(Pair {
            upstream: upstream.to_owned(),
            dialect,
            own: columns.id("own_id")?,
            there: columns.id("there_id")?,
        })
    })?;
    rows.collect()
}

/// Keeps all of them or none.
pub(super) fn import(connection: &Connection, pairs: &[Pair]) -> Result<Imported, StoreError> {
    let mut new = Vec::new();
    for pair in pairs {
        match insert(connection, pair)? {
            Inserted::New => new.push(pair),
            Inserted::Known => {}
            Inserted::Contradicts => {
                undo(connection, &new)?;
                return Ok(Imported::Contradicts(pair.clone()));
            }
        }
    }
    let sql = "SELECT count(*) FROM crosswalk_pairs";
    let count: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    if usize::try_from(count).is_ok_and(|count| count > MOST_PAIRS) {
        undo(connection, &new)?;
        return Ok(Imported::TooMany);
    }
    Ok(Imported::New(new.len()))
}

enum Inserted {
    New,
    Known,
    Contradicts,
}

fn insert(connection: &Connection, pair: &Pair) -> Result<Inserted, StoreError> {
    let row = params![
        pair.upstream,
        pair.dialect.name(),
        pair.own.value(),
        pair.there.value()
    ];
    let inserted = connection
        .prepare_cached(
            "INSERT INTO crosswalk_pairs (upstream, dialect, own_id, there_id)
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?
        .execute(row)?;
    if inserted == 1 {
        return Ok(Inserted::New);
    }
    let same = connection
        .prepare_cached(
            "SELECT 1 FROM crosswalk_pairs
             WHERE upstream = ?1 AND dialect = ?2 AND own_id = ?3 AND there_id = ?4",
        )?
        .query_row(row, |_| Ok(()))
        .optional()?;
    Ok(same.map_or(Inserted::Contradicts, |()| Inserted::Known))
}

/// Others share the transaction.
fn undo(connection: &Connection, new: &[&Pair]) -> Result<(), StoreError> {
    for pair in new {
        delete(connection, &pair.upstream, pair.dialect, pair.own)?;
    }
    Ok(())
}

/// Removes the one of an own number; how many there were.
pub(super) fn delete(
    connection: &Connection,
    upstream: &str,
    dialect: Dialect,
    own: Id,
) -> Result<usize, StoreError> {
    Ok(connection
        .prepare_cached(
            "DELETE FROM crosswalk_pairs WHERE upstream = ?1 AND dialect = ?2 AND own_id = ?3",
        )?
        .execute(params![upstream, dialect.name(), own.value()])?)
}
