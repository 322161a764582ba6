//! A second secret for a key, and the end of the first.

use rusqlite::{Connection, OptionalExtension, params};

use super::{insert_row, parse, revoke};
use crate::auth::keys::{Key, KeyRecord};
use crate::clock::Timestamp;
use crate::journal::Act;
use crate::store::sqlite::audit::{self, Change, Draft, Target};
use crate::store::sqlite::columns::Columns;
use crate::store::sqlite::write_connection::WriteConnection;
use crate::store::{Rotated, Rotation, StoreError};

/// Gives the live key of that name another secret.
///
/// How many secrets are live depends on the time, which no constraint knows. What is read here
/// stands until the commit all the same, since no two transactions write at once.
pub(in crate::store::sqlite) fn rotate(
    connection: &WriteConnection,
    name: &str,
    rotation: Rotation,
    draft: &Draft,
) -> Result<Rotated, StoreError> {
    let Some(present) = present(connection, name)? else {
        return Ok(Rotated::Unknown);
    };
    let expires_at = rotation.expires_at.or(present.key.expires_at);
    if let Some(end) = expires_at.filter(|end| *end <= rotation.at) {
        return Ok(Rotated::Expired(end));
    }
    let until = if let Some(end) = rotation.overlap_end {
        if let Some(until) = overlap(connection, name, rotation.at)? {
            return Ok(Rotated::Overlapping(until));
        }
        let until = present.key.expires_at.map_or(end, |expiry| expiry.min(end));
        replace(connection, name, rotation.at, until)?;
        until
    } else {
        let draft = draft.with_action(Act::RevokeKey);
        revoke(connection, name, rotation.at, &draft)?;
        rotation.at
    };
    let before = draft.key(&present);
    let key = Key {
        digest: rotation.digest,
        expires_at,
        ..present.key
    };
    let record = KeyRecord::new(key, rotation.hint, rotation.at);
    let id = insert_row(connection, &record)?;
    let change = Change {
        before: Some(before),
        after: Some(draft.key(&record)),
        ..Change::default()
    };
    audit::record(connection, draft, Target::key(id), change)?;
    Ok(Rotated::Done {
        hint: present.hint,
        until,
    })
}

/// The live key of that name, expired or not, and not one that was replaced.
fn present(connection: &Connection, name: &str) -> Result<Option<KeyRecord>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM keys WHERE name = ?1 AND revoked_at IS NULL AND replaced_at IS NULL",
    )?;
    let mut rows = statement.query_and_then([name], |row| parse(Columns(row)))?;
    rows.next().transpose()
}

/// Until when a secret that was replaced works, if one does.
fn overlap(
    connection: &Connection,
    name: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT expires_at FROM keys
         WHERE name = ?1 AND revoked_at IS NULL AND replaced_at IS NOT NULL AND expires_at > ?2",
    )?;
    let until = statement.query_row(params![name, now.as_millis()], |row| row.get(0));
    Ok(until.optional()?.map(Timestamp::from_millis))
}

fn replace(
    connection: &Connection,
    name: &str,
    at: Timestamp,
    until: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE keys SET replaced_at = ?2, expires_at = ?3
             WHERE name = ?1 AND revoked_at IS NULL AND replaced_at IS NULL",
        )?
        .execute(params![name, at.as_millis(), until.as_millis()])?;
    Ok(())
}
