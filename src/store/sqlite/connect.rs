//! Connections, and the settings that durability rests on.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use super::open::OpenError;
use super::query::fold;
use crate::command::name::name_key;

/// The first release whose checkpoints cannot corrupt a database in WAL mode.
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long another process may hold the file before a call is refused.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What SQL may call: of one text it makes another.
type Function = fn(&str) -> String;

/// What the writer sets, and the value it must read back.
const WRITER: [(&str, &str); 8] = [
    ("journal_mode", "wal"),
    // FULL: NORMAL loses acknowledged writes when the power goes. So does, where `tests/soak/power-cut`
    // cuts it, an SQLite that is built to sync with fdatasync() instead of fsync().
    ("synchronous", "2"),
    ("fullfsync", "1"),
    ("foreign_keys", "1"),
    ("wal_autocheckpoint", "1000"),
    ("journal_size_limit", "16777216"),
    ("mmap_size", "0"),
    ("trusted_schema", "0"),
];

const READER: [(&str, &str); 3] = [
    ("query_only", "1"),
    ("mmap_size", "0"),
    ("trusted_schema", "0"),
];

/// Refuses to work with an `SQLite` that may corrupt a database.
pub(super) fn check_version() -> Result<(), OpenError> {
    accept_version(rusqlite::version_number(), rusqlite::version())
}

fn accept_version(number: i32, name: &'static str) -> Result<(), OpenError> {
    if number < OLDEST_SQLITE {
        return Err(OpenError::OldSqlite(name));
    }
    Ok(())
}

/// The connection that writes.
pub(super) fn writer(path: &Path) -> Result<Connection, OpenError> {
    connect(path, &WRITER)
}

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, OpenError> {
    connect(path, &READER)
}

/// A connection that reads and leaves the log as it found it: what is left over after an unclean
/// stop must still be there at the next start, which checks the file because of it.
pub(super) fn observer(path: &Path) -> Result<Connection, OpenError> {
    let connection = connect(path, &READER)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// A connection without any of the settings, for a file that is not the store yet or no longer.
pub(super) fn plain(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Else some statements are compiled again for every value they get, in case another plan were
    // better for it, which costs a read of a user a quarter of its time. Plans are for any value here.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let pure = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    // The second is for migrations, which fill columns with what `name_key` makes of others.
    let functions: [(_, Function); 2] = [("fold", fold), ("name_key", name_key)];
    for (name, function) in functions {
        connection.create_scalar_function(name, 1, pure, move |arguments| {
            let text = arguments.get::<Option<String>>(0)?;
            Ok(text.map(|text| function(&text)))
        })?;
    }
    Ok(connection)
}

/// The writer's settings as `SQLite` reports them.
pub(super) fn writer_settings(
    connection: &Connection,
) -> rusqlite::Result<Vec<(&'static str, String)>> {
    let names = WRITER.iter().map(|(name, _)| *name);
    names
        .chain(["busy_timeout"])
        .map(|name| Ok((name, setting(connection, name)?)))
        .collect()
}

fn connect(path: &Path, settings: &[(&'static str, &str)]) -> Result<Connection, OpenError> {
    let connection = plain(path)?;
    connection.set_prepared_statement_cache_capacity(128);
    for &(name, wanted) in settings {
        connection
            .pragma_update_and_check(None, name, wanted, |_| Ok(()))
            .or_else(no_row)?;
        let found = setting(&connection, name)?;
        if found != wanted {
            return Err(OpenError::Setting {
                name,
                wanted: wanted.to_owned(),
                found,
            });
        }
    }
    Ok(connection)
}

fn no_row(error: rusqlite::Error) -> rusqlite::Result<()> {
    if error == rusqlite::Error::QueryReturnedNoRows {
        return Ok(());
    }
    Err(error)
}

fn setting(connection: &Connection, name: &str) -> rusqlite::Result<String> {
    let value = connection.pragma_query_value(None, name, |row| row.get::<_, Value>(0))?;
    Ok(match value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text,
        Value::Null | Value::Real(_) | Value::Blob(_) => String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_that_may_corrupt_a_database_is_refused_by_its_version() {
        for (number, name) in [(3_051_002, "3.51.2"), (3_050_004, "3.50.4")] {
            let refused = accept_version(number, name).unwrap_err();
            assert!(matches!(refused, OpenError::OldSqlite(found) if found == name));
            assert!(refused.to_string().contains("link 3.51.3 or later"));
        }
        for (number, name) in [(3_051_003, "3.51.3"), (4_000_000, "4.0.0")] {
            accept_version(number, name).unwrap();
        }
        check_version().unwrap();
    }
}
