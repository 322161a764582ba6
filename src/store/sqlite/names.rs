//! Accounts, and the one name space of usernames and slugs in each.

use rusqlite::{Connection, OptionalExtension, params};

use super::failure::violates;
use crate::command::{AccountId, Id};
use crate::store::StoreError;
use crate::store::reserved::ReservedNames;

/// Who has a name.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    /// A user, by its username.
    User(Id),
    /// A group, by its slug.
    Group(Id),
}

/// Gives the owner this name instead of the one it may have had.
///
/// A reserved name that the owner has already may be kept. That nobody else has the name, as a name
/// or as an e-mail address, is the database's own constraint.
pub(super) fn rename(
    connection: &Connection,
    reserved: &ReservedNames,
    account: AccountId,
    owner: Owner,
    key: &str,
) -> Result<(), StoreError> {
    let changed = match owner {
        Owner::User(id) => connection
            .prepare_cached("DELETE FROM names WHERE user_id = ?1 AND key <> ?2")?
            .execute(params![id.value(), key])?,
        Owner::Group(id) => connection
            .prepare_cached("DELETE FROM names WHERE group_id = ?1 AND key <> ?2")?
            .execute(params![id.value(), key])?,
    };
    let kept = changed == 0 && key_of(connection, owner)?.is_some();
    if kept {
        return Ok(());
    }
    if reserved.holds(key) {
        return Err(taken(owner));
    }
    insert(connection, account, owner, key)
}

/// Gives the owner, who has none, this name.
pub(super) fn insert(
    connection: &Connection,
    account: AccountId,
    owner: Owner,
    key: &str,
) -> Result<(), StoreError> {
    let (user, group) = match owner {
        Owner::User(id) => (Some(id.value()), None),
        Owner::Group(id) => (None, Some(id.value())),
    };
    connection
        .prepare_cached(
            "INSERT INTO names (account_id, key, user_id, group_id) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![account.id().value(), key, user, group])
        .map_err(|error| {
            if violates(&error, "names.key") {
                taken(owner)
            } else {
                error.into()
            }
        })?;
    Ok(())
}

/// Makes the account, if this is its first write.
pub(super) fn open_account(connection: &Connection, account: AccountId) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO accounts (id) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([account.id().value()])?;
    Ok(())
}

/// The user who has the name of that key.
pub(super) fn user(
    connection: &Connection,
    account: AccountId,
    key: &str,
) -> Result<Option<Id>, StoreError> {
    let sql =
        "SELECT user_id FROM names WHERE account_id = ?1 AND key = ?2 AND user_id IS NOT NULL";
    find(connection, sql, account, key)
}

/// The group that has the name of that key.
pub(super) fn group(
    connection: &Connection,
    account: AccountId,
    key: &str,
) -> Result<Option<Id>, StoreError> {
    let sql =
        "SELECT group_id FROM names WHERE account_id = ?1 AND key = ?2 AND group_id IS NOT NULL";
    find(connection, sql, account, key)
}

fn find(
    connection: &Connection,
    sql: &str,
    account: AccountId,
    key: &str,
) -> Result<Option<Id>, StoreError> {
    let id: Option<i64> = connection
        .prepare_cached(sql)?
        .query_row(params![account.id().value(), key], |row| row.get(0))
        .optional()?;
    Ok(id.and_then(Id::new))
}

fn key_of(connection: &Connection, owner: Owner) -> Result<Option<String>, StoreError> {
    let (sql, id) = match owner {
        Owner::User(id) => ("SELECT key FROM names WHERE user_id = ?1", id),
        Owner::Group(id) => ("SELECT key FROM names WHERE group_id = ?1", id),
    };
    Ok(connection
        .prepare_cached(sql)?
        .query_row([id.value()], |row| row.get(0))
        .optional()?)
}

const fn taken(owner: Owner) -> StoreError {
    match owner {
        Owner::User(_) => StoreError::UsernameTaken,
        Owner::Group(_) => StoreError::SlugTaken,
    }
}
