//! Migrations: numbered, each applied once, all that are missing in one transaction.

use rusqlite::{Connection, TransactionBehavior};

use super::open::OpenError;

/// Number n brings a store of schema n - 1 to schema n. What was released is never edited.
const MIGRATIONS: [&str; 2] = [
    include_str!("migrations/0001_users_groups_keys_audit.sql"),
    include_str!("migrations/0004_other_ids.sql"),
];

/// "DRGM": what marks an `SQLite` file as a store of this program.
const APPLICATION_ID: i64 = 0x4452_474d;

/// Brings the schema up to date.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = number(&transaction, "user_version")?;
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let is_empty = found == 0 && tables == 0;
    if !is_empty && number(&transaction, "application_id")? != APPLICATION_ID {
        return Err(OpenError::Foreign);
    }
    let mut schema = 0;
    for migration in MIGRATIONS {
        schema += 1;
        if schema > found {
            transaction.execute_batch(migration)?;
        }
    }
    if found > schema {
        return Err(OpenError::NewerSchema {
            found,
            known: schema,
        });
    }
    if found < schema {
        transaction.pragma_update(None, "user_version", schema)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    transaction.commit()?;
    Ok(())
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}
