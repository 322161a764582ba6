//! Putting a copy in the place of a store.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::config::DbConfig;

use super::contents::{Contents, is_damage};
use super::files::{
    SIDECARS, Unfinished, beside, create_directory_of, length, stamp, sync_directory_of,
};
use super::open::OpenError;
use super::presence::Presence;
use super::{connect, schema};
use crate::clock::Timestamp;

/// How many bytes are copied between two reports of progress.
const STEP: usize = 1 << 20;

/// Why nothing was restored. Each message names what to do, and the store is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Another process has the store open.
    #[error("{0} is in use: stop the gateway, and whatever else has it open, first")]
    InUse(PathBuf),
    /// There is a store already, and nobody said that it may be replaced.
    #[error("{0} exists: --force replaces it, and keeps it under another name")]
    Exists(PathBuf),
    /// The file has a log or journal of its own.
    #[error(
        "{0} has changes beside it that are not in it, so it is no backup: \
         make one of it with `dragoman store backup`"
    )]
    Live(PathBuf),
    /// The file holds no store.
    #[error("{0} is no backup of a store")]
    NoStore(PathBuf),
    /// The backup is of a newer version.
    #[error("{path} has schema {found} and this version knows {known}: run a newer version")]
    Newer {
        /// The backup.
        path: PathBuf,
        /// What it has.
        found: i64,
        /// What this version knows.
        known: i64,
    },
    /// The backup is damaged.
    #[error("{path} is damaged: take an older backup ({damage})")]
    Damaged {
        /// The backup.
        path: PathBuf,
        /// What is broken first.
        damage: String,
    },
    /// A file cannot be read, written or named.
    #[error("cannot use {path}: check that it exists, belongs to this user and has room beside it")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The copy cannot be checked.
    #[error("the backup cannot be checked")]
    Unchecked(#[source] rusqlite::Error),
    /// The place of the store cannot be used.
    #[error("the store cannot be restored")]
    Store(#[from] OpenError),
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What is in the store now.
    pub contents: Contents,
    /// Where the store is that was there before.
    pub replaced: Option<PathBuf>,
}

/// Copies a backup to the place of a store that nobody has open.
///
/// The copy is checked as a whole before anything else is touched. With `replace` a store that is
/// there is kept as `NAME.replaced-TIME`; at no moment is there none. `progress` is told how many
/// bytes are copied, of how many. Blocks.
pub fn restore(
    backup: &Path,
    database: &Path,
    replace: bool,
    now: Timestamp,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Restored, RestoreError> {
    connect::check_version()?;
    // An absolute path cannot be taken for one of SQLite's URIs.
    let database = std::path::absolute(database).map_err(failed(database))?;
    let has_changes = |ending| length(&beside(backup, ending)) > 0;
    if has_changes("-wal") || has_changes("-journal") {
        return Err(RestoreError::Live(backup.to_owned()));
    }
    let source = File::open(backup).map_err(failed(backup))?;
    create_directory_of(&database).map_err(failed(&database))?;
    let Some(_presence) = alone(&database)? else {
        return Err(RestoreError::InUse(database));
    };
    let is_there = database.symlink_metadata().is_ok();
    if is_there && !replace {
        return Err(RestoreError::Exists(database));
    }
    let (copy, target) = Unfinished::beside(&database).map_err(failed(&database))?;
    if is_there {
        give_to_owner_of(&database, &target).map_err(failed(&database))?;
    }
    fill(source, target, progress).map_err(failed(backup))?;
    let contents = accept(backup, copy.path())?;
    let replaced = is_there.then(|| set_aside(&database, now)).transpose()?;
    copy.finish(&database).map_err(failed(&database))?;
    Ok(Restored { contents, replaced })
}

/// Who is just ending gets a moment for it: a gateway that was told to stop, or a program that it started
/// and that has the lock until it is another.
fn alone(database: &Path) -> Result<Option<Presence>, OpenError> {
    for _ in 0..10 {
        if let Some(presence) = Presence::alone(database)? {
            return Ok(Some(presence));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Presence::alone(database)
}

/// Whoever restores as root must not lock out the gateway, which runs as somebody else.
fn give_to_owner_of(database: &Path, copy: &File) -> io::Result<()> {
    let (before, now) = (std::fs::metadata(database)?, copy.metadata()?);
    if (before.uid(), before.gid()) == (now.uid(), now.gid()) {
        return Ok(());
    }
    fchown(copy, Some(before.uid()), Some(before.gid()))
}

fn fill(mut source: File, mut target: File, progress: &mut dyn FnMut(u64, u64)) -> io::Result<()> {
    let total = source.metadata()?.len();
    let mut buffer = vec![0; STEP];
    let mut copied = 0;
    loop {
        let count = source.read(&mut buffer)?;
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
            return Ok(());
        };
        target.write_all(read)?;
        copied += u64::try_from(count).unwrap_or(0);
        progress(copied, total);
    }
}

/// Looks at the copy, since that is what will be used.
fn accept(backup: &Path, copy: &Path) -> Result<Contents, RestoreError> {
    let read = |connection: rusqlite::Connection| {
        let contents = Contents::read(&connection)?;
        connection.close().map_err(|(_, error)| error)?;
        Ok(contents)
    };
    let contents = connect::plain(copy).and_then(read);
    let contents = contents.map_err(RestoreError::Unchecked)?;
    let path = backup.to_owned();
    if let Some(damage) = contents.damage.first() {
        let damage = damage.clone();
        return Err(RestoreError::Damaged { path, damage });
    }
    let known = schema::known();
    match contents.schema {
        None => Err(RestoreError::NoStore(path)),
        Some(found) if found > known => Err(RestoreError::Newer { path, found, known }),
        Some(_) => Ok(contents),
    }
}

/// Gives the store a second name, and leaves nothing beside the first that belongs to it: a log
/// would be taken for one of the store that comes after it.
fn set_aside(database: &Path, now: Timestamp) -> Result<PathBuf, RestoreError> {
    let aside = beside(database, &format!(".replaced-{}", stamp(now)));
    match fold_log(database) {
        Ok(true) => {}
        Ok(false) => return Err(RestoreError::InUse(database.to_owned())),
        // Too damaged to be opened: its log goes with it as it is.
        Err(error) if is_damage(&error) => keep_log(database, &aside)?,
        Err(error) => return Err(OpenError::from(error).into()),
    }
    std::fs::hard_link(database, &aside).map_err(failed(&aside))?;
    for ending in SIDECARS {
        let stale = beside(database, ending);
        match std::fs::remove_file(&stale) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(&stale)(error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    sync_directory_of(database).map_err(failed(database))?;
    Ok(aside)
}

/// Writes the log, if there is one, into the database; `false` if another program reads in it.
fn fold_log(database: &Path) -> rusqlite::Result<bool> {
    let connection = connect::plain(database)?;
    // A log that cannot be read would be removed with the connection.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    let busy: i64 = busy?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(busy == 0)
}

fn keep_log(database: &Path, aside: &Path) -> Result<(), RestoreError> {
    for ending in ["-wal", "-journal"] {
        let log = beside(database, ending);
        match std::fs::rename(&log, beside(aside, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(&log)(error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn failed(path: &Path) -> impl Fn(io::Error) -> RestoreError {
    move |source| RestoreError::File {
        path: path.to_owned(),
        source,
    }
}
