//! The audit trail: one record in the transaction of each write, linked to the one before it.

mod denials;
mod forwarded;
mod list;
mod old;

use std::sync::Arc;

use rusqlite::{Connection, params};

pub(super) use self::denials::Denials;
pub(super) use self::forwarded::forwarded_record;
pub(super) use self::old::seal_old;
use super::write_connection::WriteConnection;
use crate::auth::keys::KeyRecord;
use crate::command::group::Group;
use crate::command::member::Member;
use crate::command::user::User;
use crate::command::{AccountId, Id};
use crate::journal::record::{Outcome, Record};
use crate::journal::seal::{Digest, Link, Seal};
use crate::journal::{Act, Entry};
use crate::store::{StoreError, digest};

/// A record whose target is not known yet.
pub(super) struct Draft {
    entry: Entry,
    seal: Arc<Seal>,
}

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

/// What the target was and is.
#[derive(Clone, Copy, Default)]
pub(super) struct Change {
    /// Nothing if it was not there.
    pub(super) before: Option<Digest>,
    /// Nothing if it is gone.
    pub(super) after: Option<Digest>,
    /// Whether a password of it was set or taken away.
    pub(super) password: bool,
}

impl Draft {
    /// What there is to say before the write.
    pub(super) fn new(entry: Entry, seal: &Arc<Seal>) -> Self {
        Self {
            entry,
            seal: Arc::clone(seal),
        }
    }

    /// The same circumstances in another account.
    pub(super) fn in_account(&self, account: AccountId) -> Self {
        Self {
            entry: Entry {
                account,
                ..self.entry.clone()
            },
            seal: Arc::clone(&self.seal),
        }
    }

    /// The same circumstances, for another act in the same transaction.
    pub(super) fn with_action(&self, action: Act) -> Self {
        Self {
            entry: self.entry.with_action(action),
            seal: Arc::clone(&self.seal),
        }
    }

    /// The circumstances of the write.
    pub(super) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The account of the write.
    pub(super) fn account(&self) -> AccountId {
        self.entry.account
    }

    /// The digest of a user.
    pub(super) fn user(&self, user: &User) -> Digest {
        digest::user(&self.seal, user)
    }

    /// The digest of a group.
    pub(super) fn group(&self, group: &Group) -> Digest {
        digest::group(&self.seal, group)
    }

    /// The digest of a membership.
    pub(super) fn member(&self, member: &Member) -> Digest {
        digest::member(&self.seal, member)
    }

    /// The digest of a key.
    pub(super) fn key(&self, key: &KeyRecord) -> Digest {
        digest::key(&self.seal, key)
    }
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

/// Records that the draft's action was carried out.
pub(super) fn record(
    connection: &WriteConnection,
    draft: &Draft,
    target: Target,
    change: Change,
) -> Result<(), StoreError> {
    record_as(connection, draft.entry.action, draft, target, change)
}

/// Records one act of several that a draft stands for.
pub(super) fn record_as(
    connection: &WriteConnection,
    act: Act,
    draft: &Draft,
    target: Target,
    change: Change,
) -> Result<(), StoreError> {
    let record = Record {
        action: Some(act.name().to_owned()),
        user: target.user.map(Id::value),
        group: target.group.map(Id::value),
        key: target.key,
        password: change.password.then(|| "changed".to_owned()),
        before: change.before.map(|digest| digest.as_bytes().to_vec()),
        after: change.after.map(|digest| digest.as_bytes().to_vec()),
        ..Record::of(&draft.entry, Outcome::Done)
    };
    append(connection, &draft.seal, record)
}

/// The end of the trail.
#[derive(Clone, Copy)]
pub(super) struct End {
    /// The highest number that a record ever had. Numbers are never used twice, so that a gap stays
    /// where the end was cut off.
    last: i64,
    /// The link of the last record.
    link: Link,
}

/// Writes a record after the last one.
///
/// The end of the chain is read in the transaction that writes, whoever wrote it: what is rolled
/// back takes its records with it, and another process's record is linked to like one's own.
pub(super) fn append(
    connection: &WriteConnection,
    seal: &Seal,
    record: Record,
) -> Result<(), StoreError> {
    let end = match connection.end() {
        Some(end) => end,
        None => end(connection)?,
    };
    connection.set_end(append_after(connection, end, seal, record)?);
    Ok(())
}

/// Writes a record after the end; the new end.
fn append_after(
    connection: &Connection,
    end: End,
    seal: &Seal,
    mut record: Record,
) -> Result<End, StoreError> {
    record.id = end.last.saturating_add(1);
    let link = seal.link(&end.link, &record);
    let mut insert = connection.prepare_cached(
        "INSERT INTO audit (id, at, principal, action, account_id, user_id, group_id, key_id,
                            source, route, request_id, outcome, reason, not_done, password,
                            attempts, before, after, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
                 ?19)",
    )?;
    insert.execute(params![
        record.id,
        record.at.as_millis(),
        record.principal,
        record.action,
        record.account,
        record.user,
        record.group,
        record.key,
        record.source,
        record.route,
        record.request_id,
        record.outcome,
        record.reason,
        record.not_done,
        record.password,
        record.attempts,
        record.before,
        record.after,
        link.as_bytes(),
    ])?;
    Ok(End {
        last: record.id,
        link,
    })
}

/// The end of the trail as the file has it. A hash that cannot be one was not written here, and what
/// follows it is not to look as if it fitted.
fn end(connection: &Connection) -> Result<End, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT max(coalesce((SELECT max(id) FROM audit), 0),
                    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0)),
                (SELECT hash FROM audit ORDER BY id DESC LIMIT 1)",
    )?;
    Ok(statement.query_row([], |row| {
        let hash = row.get_ref(1)?.as_blob_or_null()?;
        Ok(End {
            last: row.get(0)?,
            link: hash.and_then(Link::from_stored).unwrap_or(Link::START),
        })
    })?)
}
