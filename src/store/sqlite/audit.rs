//! The audit trail: one record in the transaction of each write.

use rusqlite::{Connection, params};

use crate::command::Id;
use crate::journal::{Act, Entry};
use crate::store::StoreError;

/// What a write was done to.
#[derive(Clone, Copy, Default)]
pub(super) struct Target {
    /// The user.
    pub(super) user: Option<Id>,
    /// The group.
    pub(super) group: Option<Id>,
    /// The key.
    pub(super) key: Option<i64>,
}

impl Target {
    /// A user and nothing else.
    pub(super) fn user(id: Id) -> Self {
        Self {
            user: Some(id),
            ..Self::default()
        }
    }

    /// A group and nothing else.
    pub(super) fn group(id: Id) -> Self {
        Self {
            group: Some(id),
            ..Self::default()
        }
    }

    /// A key and nothing else.
    pub(super) fn key(id: i64) -> Self {
        Self {
            key: Some(id),
            ..Self::default()
        }
    }
}

/// Records that the entry's action was carried out.
pub(super) fn record(
    connection: &Connection,
    entry: &Entry,
    target: Target,
) -> Result<(), StoreError> {
    record_as(connection, entry.action, entry, target)
}

/// Records one act of several that an entry stands for.
pub(super) fn record_as(
    connection: &Connection,
    act: Act,
    entry: &Entry,
    target: Target,
) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO audit (at, principal, action, account_id, user_id, group_id, key_id, source,
                            request_id, outcome, not_done)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'done', ?10)",
    )?;
    insert.execute(params![
        entry.at.as_millis(),
        entry.principal,
        act.name(),
        entry.account.id().value(),
        target.user.map(Id::value),
        target.group.map(Id::value),
        target.key,
        entry.source.map(|address| address.to_string()),
        entry.request_id,
        entry.not_done,
    ])?;
    Ok(())
}
