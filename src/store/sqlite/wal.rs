//! The log that is written before the database, and how long it may get.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::failure::BatchError;
use super::files::{beside, length};

/// How long readers are waited for. Those that begin meanwhile do not count.
const PATIENCE: Duration = Duration::from_millis(100);

/// Keeps the log short.
///
/// `SQLite` writes what is logged into the database now and then, and begins the log anew when no
/// reader needs it. While some reader always does, it only grows: for every sixteenth of the limit
/// a break between readers is waited for once, and at the limit, which takes one reader that does
/// not end, nothing more is written.
pub(super) struct Wal {
    path: PathBuf,
    limit: u64,
    /// The length at which it is tried to empty it.
    next: u64,
    /// Whether that failed and was logged.
    is_stuck: bool,
}

impl Wal {
    /// The log of a database, with its limit in bytes.
    pub(super) fn new(database: &Path, limit: u64) -> Self {
        Self {
            path: beside(database, "-wal"),
            limit,
            next: 0,
            is_stuck: false,
        }
    }

    /// Makes sure that there is room for another transaction.
    pub(super) fn make_room(&mut self, connection: &Connection) -> Result<(), BatchError> {
        let step = self.limit / 16;
        let mut bytes = length(&self.path);
        if bytes >= self.next.max(step) {
            empty(connection)?;
            bytes = length(&self.path);
            self.log(bytes >= step, bytes);
            self.next = bytes.saturating_add(step);
        }
        // A checkpoint of another may have emptied it too.
        self.next = self.next.min(bytes.saturating_add(step)).min(self.limit);
        if bytes >= self.limit {
            return Err(BatchError::LogFull { bytes });
        }
        Ok(())
    }

    /// Says once that it cannot be emptied, and once that it could.
    fn log(&mut self, is_stuck: bool, bytes: u64) {
        if is_stuck && !self.is_stuck {
            tracing::warn!(
                store.log_bytes = bytes,
                store.log_limit = self.limit,
                "a reader keeps the log of the database from being emptied; at the limit writes are refused"
            );
        }
        if !is_stuck && self.is_stuck {
            tracing::info!("the log of the database could be emptied again");
        }
        self.is_stuck = is_stuck;
    }
}

/// Writes all of the log into the database and cuts it off, if no reader needs it.
fn empty(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    // Whether it was busy is seen by how long the log is.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
