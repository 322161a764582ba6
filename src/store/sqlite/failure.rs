//! `SQLite`'s errors in the store's words.

use std::sync::Arc;

use rusqlite::ErrorCode;
use rusqlite::ffi::{
    SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_TRIGGER, SQLITE_CONSTRAINT_UNIQUE,
    SQLITE_IOERR_SHMSIZE,
};

use super::open::OpenError;
use crate::store::StoreError;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        if passes(&error) {
            Self::Unavailable(Box::new(error))
        } else {
            Self::Database(Box::new(error))
        }
    }
}

/// A failure of the database that is not `SQLite`'s own.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// A stored value that this version cannot read.
    #[error("the database has a value in column {0} that this version cannot read")]
    Unreadable(&'static str),
    /// A call that lacks what a new row must have.
    #[error("a new row lacks its {0}")]
    Incomplete(&'static str),
    /// A piece of work panicked.
    #[error("the store's work panicked")]
    Panicked,
    /// The store was closed, or a thread of it is gone.
    #[error("the store is closed")]
    Closed,
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::Database(Box::new(failure))
    }
}

/// Why a whole transaction came to nothing. Cheap to copy: every call that was in it is told.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum BatchError {
    /// `SQLite` said so.
    #[error("the transaction failed")]
    Sqlite(#[source] Arc<rusqlite::Error>),
    /// It was rolled back because of one write in it: by `SQLite`, as it does when the disk is full,
    /// or since the write failed half-way and cannot be undone alone.
    #[error("the transaction was rolled back because of a write in it")]
    RolledBack {
        /// Whether it may work later.
        passes: bool,
    },
    /// The log cannot be emptied, and nothing more is added to it.
    #[error(
        "the database's log has {bytes} bytes, and a reader that does not end keeps it from being \
         emptied: end what reads the database, such as an sqlite3 shell"
    )]
    LogFull {
        /// How long it is.
        bytes: u64,
    },
    /// The connection that replaces a broken one could not be opened.
    #[error("the store cannot be opened again")]
    Reopen(#[source] Arc<OpenError>),
}

impl BatchError {
    /// Whether the connection is to be thrown away. After a failed fsync a second one may succeed
    /// without having written anything, so none is tried on the same connection.
    pub(super) fn needs_new_connection(&self) -> bool {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure),
            Self::RolledBack { .. } | Self::LogFull { .. } | Self::Reopen(_) => false,
        }
    }

    /// Whether another process held the file all the while.
    pub(super) fn is_busy(&self) -> bool {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy),
            Self::RolledBack { .. } | Self::LogFull { .. } | Self::Reopen(_) => false,
        }
    }
}

impl From<rusqlite::Error> for BatchError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

impl From<OpenError> for BatchError {
    fn from(error: OpenError) -> Self {
        Self::Reopen(Arc::new(error))
    }
}

impl From<BatchError> for StoreError {
    fn from(error: BatchError) -> Self {
        let passes = match &error {
            BatchError::Sqlite(error) => passes(error),
            BatchError::RolledBack { passes } => *passes,
            BatchError::LogFull { .. } | BatchError::Reopen(_) => true,
        };
        if passes {
            Self::Unavailable(Box::new(error))
        } else {
            Self::Database(Box::new(error))
        }
    }
}

/// Whether a uniqueness constraint over that column, `table.column`, refused the write: one of the
/// table's own, or a trigger whose message names the column.
pub(super) fn violates(error: &rusqlite::Error, column: &str) -> bool {
    let rusqlite::Error::SqliteFailure(code, Some(message)) = error else {
        return false;
    };
    let unique = [
        SQLITE_CONSTRAINT_PRIMARYKEY,
        SQLITE_CONSTRAINT_UNIQUE,
        SQLITE_CONSTRAINT_TRIGGER,
    ];
    unique.contains(&code.extended_code) && message.split([' ', ',']).any(|word| word == column)
}

fn passes(error: &rusqlite::Error) -> bool {
    // The index of the log is a file too, and this is what it says when the disk is full.
    let lacks_room = error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == SQLITE_IOERR_SHMSIZE);
    lacks_room
        || matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull)
        )
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn failure(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn a_locked_file_and_a_full_disk_pass_and_nothing_else_does() {
        let passing = [
            ffi::SQLITE_BUSY,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_FULL,
            SQLITE_IOERR_SHMSIZE,
        ];
        for code in passing {
            let error = StoreError::from(failure(code));
            assert!(matches!(error, StoreError::Unavailable(_)));
            let error = StoreError::from(BatchError::from(failure(code)));
            assert!(matches!(error, StoreError::Unavailable(_)));
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_IOERR_WRITE] {
            let error = StoreError::from(failure(code));
            assert!(matches!(error, StoreError::Database(_)));
        }
    }

    #[test]
    fn a_failed_sync_costs_the_connection() {
        let sync = BatchError::from(failure(ffi::SQLITE_IOERR_FSYNC));
        assert!(sync.needs_new_connection());
        let full = BatchError::from(failure(ffi::SQLITE_FULL));
        assert!(!full.needs_new_connection());
    }
}
