//! What look-ups at upstreams answered.

use rusqlite::{Connection, Row, params};

use crate::clock::Timestamp;
use crate::command::{AccountId, Id};
use crate::store::StoreError;
use crate::store::crosswalk::{Found, Line, Name, NameKind, Named};
use crate::store::sqlite::columns::Columns;

/// At most so many names are kept, of all upstreams; the oldest make room.
const MOST_NAMES: i64 = 100_000;

/// What the last look-up of the name answered, if that is still believed.
pub(super) fn recall(
    connection: &Connection,
    upstream: &str,
    named: &Named,
    now: Timestamp,
) -> Result<Option<Found>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT there_id, until FROM crosswalk_names
         WHERE upstream = ?1 AND account_id = ?2 AND kind = ?3 AND name = ?4 AND until > ?5",
    )?;
    let key = params![
        upstream,
        account(named),
        named.name.kind.name(),
        named.name.key,
        now.as_millis()
    ];
    select.query_and_then(key, found)?.next().transpose()
}

/// Notes an answer in the place of the one before, and makes room.
pub(super) fn remember(
    connection: &Connection,
    upstream: &str,
    named: &Named,
    found: Found,
    now: Timestamp,
) -> Result<(), StoreError> {
    // A new number for what was there: the oldest are those that were looked up the longest ago.
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO crosswalk_names
             (upstream, account_id, kind, name, there_id, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            upstream,
            account(named),
            named.name.kind.name(),
            named.name.key,
            found.there.value(),
            found.until.as_millis()
        ])?;
    let newest = connection.last_insert_rowid();
    connection
        .prepare_cached("DELETE FROM crosswalk_names WHERE until <= ?1 OR number <= ?2")?
        .execute(params![now.as_millis(), newest - MOST_NAMES])?;
    Ok(())
}

/// Forgets a name.
pub(super) fn forget(
    connection: &Connection,
    upstream: &str,
    named: &Named,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM crosswalk_names
             WHERE upstream = ?1 AND account_id = ?2 AND kind = ?3 AND name = ?4",
        )?
        .execute(params![
            upstream,
            account(named),
            named.name.kind.name(),
            named.name.key
        ])?;
    Ok(())
}

/// Forgets every name of a user.
pub(super) fn forget_user(
    connection: &Connection,
    upstream: &str,
    there: Id,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM crosswalk_names WHERE upstream = ?1 AND there_id = ?2")?
        .execute(params![upstream, there.value()])?;
    Ok(())
}

/// All that is still believed.
pub(super) fn list(connection: &Connection, now: Timestamp) -> Result<Vec<Line>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT upstream, account_id, kind, name, there_id, until FROM crosswalk_names
         WHERE until > ?1 ORDER BY upstream, account_id, name, kind",
    )?;
    let rows = select.query_and_then([now.as_millis()], |row| {
        let columns = Columns(row);
        let account: i64 = columns.required("account_id", Some)?;
        Ok(Line::Remembered {
            upstream: columns.required("upstream", Some::<String>)?,
            named: Named {
                account: Id::new(account).map(AccountId::new),
                name: Name {
                    kind: columns.required("kind", |name: String| NameKind::from_name(&name))?,
                    key: columns.required("name", Some::<String>)?,
                },
            },
            found: found(row)?,
        })
    })?;
    rows.collect()
}

fn found(row: &Row<'_>) -> Result<Found, StoreError> {
    let columns = Columns(row);
    Ok(Found {
        there: columns.id("there_id")?,
        until: columns.required("until", |millis: i64| Some(Timestamp::from_millis(millis)))?,
    })
}

fn account(named: &Named) -> i64 {
    named.account.map_or(0, |account| account.id().value())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(key: &str) -> Named {
        Named {
            account: None,
            name: Name {
                kind: NameKind::Username,
                key: key.to_owned(),
            },
        }
    }

    #[test]
    fn the_oldest_names_make_room_and_those_past_their_time_are_gone() {
        let connection = Connection::open_in_memory().unwrap();
        let migration = include_str!("../migrations/0008_crosswalk.sql");
        connection.execute_batch(migration).unwrap();
        let note = |key: &str, until: i64| {
            let until = Timestamp::from_millis(until);
            let found = Found {
                there: Id::ONE,
                until,
            };
            let now = Timestamp::from_millis(5);
            remember(&connection, "blog", &named(key), found, now).unwrap();
        };
        let count = || -> i64 {
            let sql = "SELECT count(*) FROM crosswalk_names";
            connection.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        note("past", 4);
        note("ada", 9);
        note("ada", 10);
        assert_eq!(count(), 1);
        connection
            .execute(
                "UPDATE sqlite_sequence SET seq = seq + ?1",
                [MOST_NAMES - 2],
            )
            .unwrap();
        note("mary", 9);
        assert_eq!(count(), 2);
        note("otto", 9);
        assert_eq!(count(), 2);
        let now = Timestamp::from_millis(5);
        assert_eq!(
            recall(&connection, "blog", &named("ada"), now).unwrap(),
            None
        );
        let found = recall(&connection, "blog", &named("mary"), now).unwrap();
        assert!(found.is_some());
        let later = Timestamp::from_millis(9);
        assert_eq!(
            recall(&connection, "blog", &named("mary"), later).unwrap(),
            None
        );
        assert_eq!(
            recall(&connection, "mail", &named("mary"), now).unwrap(),
            None
        );
    }
}
