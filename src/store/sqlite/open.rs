//! Opening the file: who else has it, whether it was closed well, and what it holds.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};

use super::backup::BackupError;
use super::files::{beside, create_directory_of, create_new, length, sync_directory_of};
use super::presence::{FileId, Presence};
use super::{connect, schema};
use crate::clock::Timestamp;
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
    #[error(
        "the store has schema {found} and this version knows {known}; run a newer version{}",
        or_restore(backup.as_deref())
    )]
    NewerSchema {
        /// What the file has.
        found: i64,
        /// What this version knows.
        known: i64,
        /// What was kept of it before its schema became too new.
        backup: Option<PathBuf>,
    },
    /// The copy that is kept from before a change of the schema cannot be made.
    #[error("the schema is not changed without a backup, which cannot be made")]
    Backup(#[source] BackupError),
    /// Another file was put in its place while it was opened.
    #[error("the store was replaced while it was opened; start again")]
    Replaced,
    /// The file is damaged.
    #[error("the store is damaged and was not opened; restore a backup ({0})")]
    Damaged(String),
    /// No database, or one whose first page is overwritten.
    #[error(
        "the file is no SQLite database; choose another path for the store, or put a backup in its \
         place: `dragoman store restore --force BACKUP`"
    )]
    NoDatabase(#[source] rusqlite::Error),
    /// `SQLite` failed.
    #[error(
        "SQLite cannot open the store; check that this user may write the file and its directory"
    )]
    Sqlite(#[source] rusqlite::Error),
    /// The records that are there cannot be linked.
    #[error("the audit trail cannot be sealed; restore a backup")]
    Trail(#[source] StoreError),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error_code();
        if code == Some(ErrorCode::NotADatabase) {
            Self::NoDatabase(error)
        } else if code == Some(ErrorCode::DatabaseCorrupt) {
            Self::Damaged(error.to_string())
        } else {
            Self::Sqlite(error)
        }
    }
}

/// Opens the file for writing, making it where there is none, and brings its schema up to date.
///
/// A log that is left over although nobody has the store open means that it was not closed: the
/// whole file is then checked before it is used.
pub(super) fn open(
    path: &Path,
    now: Timestamp,
    seal: &Seal,
) -> Result<(Connection, Presence), OpenError> {
    connect::check_version()?;
    let failed = |source| OpenError::File {
        path: path.to_owned(),
        source,
    };
    create_directory_of(path).map_err(failed)?;
    let (presence, alone) = Presence::enter(path)?;
    match create_new(path) {
        Ok(_) => sync_directory_of(path).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => return Err(failed(source)),
    }
    let opened = FileId::of(path).map_err(failed)?;
    let unclean = alone && length(&beside(path, "-wal")) > 0;
    let mut connection = connect::writer(path)?;
    if unclean {
        check_integrity(&connection)?;
    }
    schema::migrate(&mut connection, path, now, seal)?;
    if alone {
        presence.share(path, opened)?;
    }
    Ok((connection, presence))
}

fn check_integrity(connection: &Connection) -> Result<(), OpenError> {
    let report: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if report == "ok" {
        Ok(())
    } else {
        Err(OpenError::Damaged(report))
    }
}

fn or_restore(backup: Option<&Path>) -> String {
    let Some(backup) = backup else {
        return String::new();
    };
    format!(
        ", or go back to what was kept before: `dragoman store restore --force {}`",
        backup.display()
    )
}
