//! Migrations: numbered, each applied once, all that are missing in one transaction.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::files::{beside, stamp};
use super::open::OpenError;
use super::{audit, backup, connect, contents};
use crate::clock::Timestamp;
use crate::journal::seal::Seal;

/// Number n brings a store of schema n - 1 to schema n. What was released is never edited.
const MIGRATIONS: [&str; 10] = [
    include_str!("migrations/0001_users_groups_keys_audit.sql"),
    include_str!("migrations/0002_key_routes_rotation_last_use.sql"),
    include_str!("migrations/0003_other_ids.sql"),
    include_str!("migrations/0004_audit_chain.sql"),
    include_str!("migrations/0005_email_names_member_scopes.sql"),
    include_str!("migrations/0006_notifications.sql"),
    include_str!("migrations/0007_kept_user_fields.sql"),
    include_str!("migrations/0008_crosswalk.sql"),
    include_str!("migrations/0009_route_modes.sql"),
    include_str!("migrations/0010_idempotency.sql"),
];

/// The schema since which a username is no address of another user.
pub(super) const EMAIL_NAMES: i64 = 5;

/// "DRGM": what marks an `SQLite` file as a store of this program.
const APPLICATION_ID: i64 = 0x4452_474d;

/// What a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// New: nobody has put anything into it.
    Empty,
    /// A store with that schema.
    Store(i64),
    /// A database of another program.
    Foreign,
}

/// Brings the schema up to date. A store that has data is copied first, to a file beside it.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    now: Timestamp,
    seal: &Seal,
) -> Result<(), OpenError> {
    apply(&MIGRATIONS, connection, path, now, seal)
}

/// The newest schema that this version knows.
pub(super) fn known() -> i64 {
    newest(&MIGRATIONS)
}

/// Looks whose database it is.
pub(super) fn identify(connection: &Connection) -> rusqlite::Result<Identity> {
    let schema = number(connection, "user_version")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if schema == 0 && tables == 0 {
        return Ok(Identity::Empty);
    }
    if number(connection, "application_id")? == APPLICATION_ID {
        return Ok(Identity::Store(schema));
    }
    Ok(Identity::Foreign)
}

fn apply(
    migrations: &[&str],
    connection: &mut Connection,
    path: &Path,
    now: Timestamp,
    seal: &Seal,
) -> Result<(), OpenError> {
    let known = newest(migrations);
    // Nobody else writes from here on, so that what is copied is what is changed.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = match identify(&transaction)? {
        Identity::Foreign => return Err(OpenError::Foreign),
        Identity::Empty => 0,
        Identity::Store(found) => found,
    };
    if found > known {
        let backup = newest_backup(path, known);
        return Err(OpenError::NewerSchema {
            found,
            known,
            backup,
        });
    }
    if found == known {
        return Ok(());
    }
    if found == 0 {
        return change(transaction, migrations, found, seal);
    }
    let kept = keep(path, found, now)?;
    change(transaction, migrations, found, seal).inspect_err(|_| {
        // Nothing was changed, and whoever starts again and again would fill the disk.
        drop(std::fs::remove_file(&kept));
    })
}

fn change(
    transaction: Transaction<'_>,
    migrations: &[&str],
    found: i64,
    seal: &Seal,
) -> Result<(), OpenError> {
    let mut schema = 0;
    for migration in migrations {
        schema += 1;
        if schema > found {
            transaction.execute_batch(migration)?;
        }
    }
    let mut ambiguous = 0;
    if found < EMAIL_NAMES && schema >= EMAIL_NAMES {
        ambiguous = contents::ambiguous_names(&transaction)?.len();
    }
    audit::seal_old(&transaction, seal).map_err(OpenError::Trail)?;
    transaction.pragma_update(None, "user_version", schema)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()?;
    if ambiguous > 0 {
        tracing::warn!(
            store.ambiguous_names = ambiguous,
            "usernames are the e-mail addresses of other users: `dragoman store check` names them"
        );
    }
    Ok(())
}

/// Copies a store to `NAME.schema-NUMBER-TIME` beside it.
fn keep(path: &Path, schema: i64, now: Timestamp) -> Result<PathBuf, OpenError> {
    let backup = beside(path, &format!(".schema-{schema}-{}", stamp(now)));
    backup::write(&connect::observer(path)?, &backup, &mut |_, _| {}).map_err(OpenError::Backup)?;
    tracing::info!(
        store.backup = %backup.display(),
        store.schema = schema,
        "the store was copied before its schema is changed"
    );
    Ok(backup)
}

/// The copy that a version which knows that schema would get furthest with.
fn newest_backup(path: &Path, known: i64) -> Option<PathBuf> {
    let prefix = format!("{}.schema-", path.file_name()?.to_str()?);
    let files = path.parent()?.read_dir().ok()?.filter_map(Result::ok);
    let newest = files.filter_map(|file| {
        let name = file.file_name().into_string().ok()?;
        let (schema, time) = name.strip_prefix(&prefix)?.split_once('-')?;
        let schema = schema
            .parse::<i64>()
            .ok()
            .filter(|schema| *schema <= known)?;
        // Neither a copy that was never finished nor what SQLite keeps beside one.
        let is_stamp = time.len() == STAMP_LENGTH && time.ends_with('Z');
        is_stamp.then(|| (schema, time.to_owned(), file.path()))
    });
    newest.max().map(|(_, _, path)| path)
}

/// Of `20300131T235959Z`.
const STAMP_LENGTH: usize = 16;

fn newest(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

#[cfg(test)]
mod tests;
