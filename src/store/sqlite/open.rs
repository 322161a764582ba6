//! Opening the file: who else has it, whether it was closed well, and what it holds.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{connect, schema};
use crate::journal::seal::Seal;
use crate::store::StoreError;

/// Why the store cannot be opened. Each message names what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file or directory cannot be made, locked or read.
    #[error("cannot use {path}: check that it exists, belongs to this user and is on a local disk")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The linked `SQLite` can corrupt databases.
    #[error("SQLite {0} can corrupt databases; link 3.51.3 or later")]
    OldSqlite(&'static str),
    /// `SQLite` does not keep a setting that durability rests on.
    #[error("SQLite keeps {name} = {found} instead of {wanted}; move the store to a local disk")]
    Setting {
        /// The PRAGMA.
        name: &'static str,
        /// What was set.
        wanted: String,
        /// What was read back.
        found: String,
    },
    /// A database, but of another program.
    #[error("the file is a database of another program; choose another path for the store")]
    Foreign,
    /// Written by a later version of this program.
    #[error("the store has schema {found} and this version knows {known}; run a newer version")]
    NewerSchema {
        /// What the file has.
        found: i64,
        /// What this version knows.
        known: i64,
    },
    /// The file is damaged.
    #[error("the store is damaged and was not opened; restore a backup ({0})")]
    Damaged(String),
    /// `SQLite` failed.
    #[error("SQLite cannot open the store")]
    Sqlite(#[from] rusqlite::Error),
    /// The records that are there cannot be linked.
    #[error("the audit trail cannot be sealed; restore a backup")]
    Trail(#[source] StoreError),
}

/// The lock file beside a database. Every process that has the store open holds a shared lock on
/// it, so whoever gets it alone knows that nobody else is there.
///
/// It is a file of its own because closing any descriptor of the database itself would drop the
/// locks `SQLite` has on it.
#[derive(Debug)]
pub(super) struct Presence(#[expect(dead_code, reason = "the open file is the lock")] File);

/// Opens the file for writing, making it where there is none, and brings its schema up to date.
///
/// A log that is left over although nobody has the store open means that it was not closed: the
/// whole file is then checked before it is used.
pub(super) fn open(path: &Path, seal: &Seal) -> Result<(Connection, Presence), OpenError> {
    connect::check_version()?;
    create_directory(path)?;
    let lock_path = beside(path, "-lock");
    let failed = |source| OpenError::File {
        path: lock_path.clone(),
        source,
    };
    let lock = owner_only()
        .create(true)
        .truncate(false)
        .open(&lock_path)
        .map_err(failed)?;
    let alone = match lock.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    };
    if !alone {
        lock.lock_shared().map_err(failed)?;
    }
    create_file(path)?;
    let unclean = alone && std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let mut connection = connect::writer(path)?;
    if unclean {
        check_integrity(&connection)?;
    }
    schema::migrate(&mut connection, seal)?;
    if alone {
        lock.unlock()
            .and_then(|()| lock.lock_shared())
            .map_err(failed)?;
    }
    Ok((connection, Presence(lock)))
}

fn create_directory(path: &Path) -> Result<(), OpenError> {
    let Some(directory) = path.parent() else {
        return Ok(());
    };
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory);
    made.map_err(|source| OpenError::File {
        path: directory.to_owned(),
        source,
    })
}

fn create_file(path: &Path) -> Result<(), OpenError> {
    match owner_only().create_new(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(OpenError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn check_integrity(connection: &Connection) -> Result<(), OpenError> {
    let report: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if report == "ok" {
        Ok(())
    } else {
        Err(OpenError::Damaged(report))
    }
}
