//! The connection that writes, and what it knows of the file while its transaction is open.
//!
//! Nobody else writes between the beginning and the end of a transaction, so that what was read or
//! written in it need not be read again. Whether another process wrote before it began is asked for
//! once, inside of it.

use std::cell::Cell;
use std::fmt;
use std::ops::Deref;

use rusqlite::Connection;

use super::audit::End;
use super::recent::{Changes, Recent};
use super::writer::execute;

/// A connection with what is known of the end of the audit trail and of users.
pub(super) struct WriteConnection {
    connection: Connection,
    /// `SQLite`'s count of what others committed, as of the last transaction.
    others: Cell<Option<i64>>,
    end: Cell<Option<End>>,
    users: Changes,
}

impl WriteConnection {
    /// Users are looked for in `recent`, and what commits make of them is put there.
    pub(super) fn new(connection: Connection, recent: Recent) -> Self {
        Self {
            connection,
            others: Cell::new(None),
            end: Cell::new(None),
            users: Changes::new(recent),
        }
    }

    /// Begins a transaction. If it fails it may have begun.
    pub(super) fn begin(&self) -> rusqlite::Result<()> {
        execute(&self.connection, "BEGIN IMMEDIATE")?;
        let others = self
            .connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        let is_ours = self.others.replace(Some(others)) == Some(others);
        if !is_ours {
            self.end.set(None);
        }
        self.users.begin(is_ours);
        Ok(())
    }

    /// Ends a transaction for good. Only then are its users known to readers.
    pub(super) fn commit(&self) -> rusqlite::Result<()> {
        execute(&self.connection, "COMMIT")?;
        self.users.commit();
        Ok(())
    }

    /// Undoes a transaction, if one is open. If one still is, the connection is of no use any more.
    pub(super) fn roll_back(&self) {
        self.end.set(None);
        self.users.roll_back();
        if !self.connection.is_autocommit() {
            drop(execute(&self.connection, "ROLLBACK"));
        }
    }

    /// Begins a part of the transaction that can be undone. There may be parts of parts.
    pub(super) fn begin_part(&self) -> rusqlite::Result<()> {
        execute(&self.connection, "SAVEPOINT part")
    }

    /// Ends the last part that was begun.
    pub(super) fn end_part(&self) -> rusqlite::Result<()> {
        execute(&self.connection, "RELEASE part")
    }

    /// Undoes the last part that was begun, and ends it.
    pub(super) fn undo_part(&self) -> rusqlite::Result<()> {
        self.end.set(None);
        self.users.doubt();
        execute(&self.connection, "ROLLBACK TO part")?;
        self.end_part()
    }

    /// The end of the audit trail, if it was read or written in this transaction.
    pub(super) fn end(&self) -> Option<End> {
        self.end.get()
    }

    /// The end of the audit trail from now on.
    pub(super) fn set_end(&self, end: End) {
        self.end.set(Some(end));
    }

    /// What is known of users. Whoever changes one in the file says so there.
    pub(super) fn users(&self) -> &Changes {
        &self.users
    }
}

impl Deref for WriteConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl fmt::Debug for WriteConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteConnection")
    }
}
