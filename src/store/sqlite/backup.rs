//! Copies of a store, made while it is in use.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, Progress, StepResult};
use rusqlite::{Connection, ffi};

use super::connect;
use super::contents::Contents;
use super::files::Unfinished;
use super::open::OpenError;
use super::schema::{self, Identity};

/// How many pages are copied between two reports of progress; a megabyte of the usual ones.
const STEP: i32 = 256;

/// Why there is no copy. Each message names what to do.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing to copy.
    #[error("there is no store {0}: check store.url and --store")]
    NoStore(PathBuf),
    /// The name is taken, and a copy replaces nothing.
    #[error("{0} exists: choose another name, or move it away first")]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("cannot write {path}: check that its directory exists, is writable and has room")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The copy cannot be filled or read again.
    #[error("cannot copy the store to {path}: check that there is room for all of it")]
    Copy {
        /// Where to.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The copy is damaged, and so is the store.
    #[error("the store is damaged, so the copy was not kept: restore an older backup ({0})")]
    Damaged(String),
    /// The store cannot be opened.
    #[error("the store cannot be opened")]
    Store(#[source] Box<OpenError>),
}

impl From<OpenError> for BackupError {
    fn from(error: OpenError) -> Self {
        Self::Store(Box::new(error))
    }
}

/// Copies a store as it is at this moment to a file that is not there yet; what is in the copy.
///
/// Others go on reading and writing meanwhile. The copy is one file, for its owner only, which
/// appears under its name when it is synced and was checked as a whole. The pepper is not in it.
/// `progress` is told how many pages are copied, of how many. Blocks.
pub fn backup(
    database: &Path,
    file: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Contents, BackupError> {
    connect::check_version()?;
    let absolute = |path: &Path| {
        std::path::absolute(path).map_err(|source| BackupError::File {
            path: path.to_owned(),
            source,
        })
    };
    // An absolute path cannot be taken for one of SQLite's URIs.
    let (database, file) = (absolute(database)?, absolute(file)?);
    if matches!(database.try_exists(), Ok(false)) {
        return Err(BackupError::NoStore(database));
    }
    let source = connect::observer(&database)?;
    match schema::identify(&source).map_err(OpenError::from)? {
        Identity::Store(_) => write(&source, &file, progress),
        Identity::Empty => Err(BackupError::NoStore(database)),
        Identity::Foreign => Err(OpenError::Foreign.into()),
    }
}

/// Copies what a connection sees, to a file that is not there yet.
pub(super) fn write(
    source: &Connection,
    file: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Contents, BackupError> {
    if file.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let failed = |source| BackupError::File {
        path: file.to_owned(),
        source,
    };
    let (unfinished, _) = Unfinished::beside(file).map_err(failed)?;
    let contents = copy(source, unfinished.path(), progress);
    let contents = contents.map_err(|source| BackupError::Copy {
        path: file.to_owned(),
        source,
    })?;
    if let Some(damage) = contents.damage.first() {
        return Err(BackupError::Damaged(damage.clone()));
    }
    unfinished.finish(file).map_err(failed)?;
    Ok(contents)
}

/// Page by page, which costs the store no more than a reader does, and leaves free pages where
/// they are; `VACUUM INTO` would rebuild every table, and could not say how far it is.
fn copy(
    source: &Connection,
    path: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> rusqlite::Result<Contents> {
    let mut target = connect::plain(path)?;
    // It is synced as a whole, and thrown away if it does not come to that.
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")?;
    // Without a transaction around it, every write of others would start the copy again.
    let snapshot = source.unchecked_transaction()?;
    schema::identify(&snapshot)?;
    let pages = Backup::new(&snapshot, &mut target)?;
    loop {
        let step = pages.step(STEP)?;
        let Progress {
            remaining,
            pagecount,
        } = pages.progress();
        progress(
            u64::from((pagecount - remaining).unsigned_abs()),
            u64::from(pagecount.unsigned_abs()),
        );
        if step == StepResult::Done {
            break;
        }
        if step != StepResult::More {
            let busy = ffi::Error::new(ffi::SQLITE_BUSY);
            return Err(rusqlite::Error::SqliteFailure(busy, None));
        }
    }
    drop(pages);
    drop(snapshot);
    // Out of WAL mode: the copy is one file, which can be read where nothing can be written.
    target.execute_batch("PRAGMA journal_mode = DELETE")?;
    let contents = Contents::read(&target)?;
    target.close().map_err(|(_, error)| error)?;
    Ok(contents)
}
