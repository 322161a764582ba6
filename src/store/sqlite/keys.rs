//! API keys, and the first key and user of a new store.

mod rotate;
mod store;

use rusqlite::{Connection, params};

pub(super) use self::rotate::rotate;
use super::audit::{self, Change, Draft, Target};
use super::columns::Columns;
use super::failure::violates;
use super::users;
use super::write_connection::WriteConnection;
use crate::auth::api_key::KeyDigest;
use crate::auth::keys::{Key, KeyRecord, KeyUse};
use crate::auth::password::PasswordHash;
use crate::auth::scope::{Scope, Scopes};
use crate::clock::Timestamp;
use crate::command::name::Username;
use crate::command::text::Text;
use crate::command::user::{Role, UserChange};
use crate::command::{AccountId, Action, Edit, Id};
use crate::journal::Act;
use crate::store::StoreError;

/// Adds a key, unless its name or digest is taken.
pub(super) fn insert(
    connection: &WriteConnection,
    record: &KeyRecord,
    draft: &Draft,
) -> Result<bool, StoreError> {
    let id = match insert_row(connection, record) {
        Ok(id) => id,
        Err(error) if violates(&error, "keys.name") || violates(&error, "keys.digest") => {
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    let change = Change {
        after: Some(draft.key(record)),
        ..Change::default()
    };
    audit::record(connection, draft, Target::key(id), change)?;
    Ok(true)
}

fn insert_row(connection: &Connection, record: &KeyRecord) -> rusqlite::Result<i64> {
    let time = |time: Option<Timestamp>| time.map(Timestamp::as_millis);
    connection
        .prepare_cached(
            "INSERT INTO keys (name, digest, hint, scopes, accounts, routes, expires_at, created_at,
                               last_used_at, replaced_at, revoked_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            record.key.name,
            record.key.digest.as_bytes(),
            record.hint,
            record.key.scopes.to_string(),
            write_accounts(&record.key.accounts),
            record.key.routes.join(" "),
            time(record.key.expires_at),
            record.created_at.as_millis(),
            time(record.last_used_at),
            time(record.replaced_at),
            time(record.revoked_at),
        ])?;
    Ok(connection.last_insert_rowid())
}

/// Ends every secret of the live key of that name.
pub(super) fn revoke(
    connection: &WriteConnection,
    name: &str,
    at: Timestamp,
    draft: &Draft,
) -> Result<bool, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT * FROM keys WHERE name = ?1 AND revoked_at IS NULL")?;
    let live = select.query_and_then([name], |row| {
        Ok::<_, StoreError>((row.get::<_, i64>("id")?, parse(Columns(row))?))
    })?;
    let live = live.collect::<Result<Vec<_>, _>>()?;
    for (id, mut record) in live.iter().cloned() {
        let before = draft.key(&record);
        connection
            .prepare_cached("UPDATE keys SET revoked_at = ?2 WHERE id = ?1")?
            .execute(params![id, at.as_millis()])?;
        record.revoked_at = Some(at);
        let change = Change {
            before: Some(before),
            after: Some(draft.key(&record)),
            ..Change::default()
        };
        audit::record(connection, draft, Target::key(id), change)?;
    }
    Ok(!live.is_empty())
}

/// Writes down when keys were used. What is known of a later use stands.
pub(super) fn note_uses(connection: &Connection, uses: &[KeyUse]) -> Result<(), StoreError> {
    let mut update = connection.prepare_cached(
        "UPDATE keys SET last_used_at = ?2
         WHERE digest = ?1 AND ifnull(last_used_at < ?2, TRUE)",
    )?;
    for one in uses {
        update.execute(params![one.digest.as_bytes(), one.at.as_millis()])?;
    }
    Ok(())
}

/// Reads every key.
pub(super) fn list(connection: &Connection) -> Result<Vec<KeyRecord>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT * FROM keys ORDER BY name, id")?;
    let rows = statement.query_and_then([], |row| parse(Columns(row)))?;
    rows.collect()
}

/// Reads the keys that are not revoked.
pub(super) fn live(connection: &Connection) -> Result<Vec<Key>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM keys WHERE revoked_at IS NULL ORDER BY id")?;
    let rows = statement.query_and_then([], |row| parse(Columns(row)).map(|record| record.key))?;
    rows.collect()
}

/// Makes the first key and the first administrator, if there is neither a key nor a user.
pub(super) fn bootstrap(
    connection: &WriteConnection,
    key: &KeyRecord,
    username: Username,
    hash: &PasswordHash,
    draft: &Draft,
) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM keys) OR EXISTS (SELECT 1 FROM users)";
    let in_use: bool = connection.query_row(sql, [], |row| row.get(0))?;
    if in_use || !insert(connection, key, &draft.with_action(Act::CreateKey))? {
        return Ok(false);
    }
    let role = Text::parse(Role::ADMINISTRATOR).map(Role::new);
    let change = UserChange {
        role: role.map_or(Edit::Keep, Edit::Set),
        ..UserChange::default()
    };
    let user = users::insert(connection, draft.account(), username, change, Some(hash))?;
    let change = Change {
        after: Some(draft.user(&user)),
        password: true,
        ..Change::default()
    };
    let draft = draft.with_action(Action::CreateUser.into());
    audit::record(connection, &draft, Target::user(user.id), change)?;
    Ok(true)
}

fn parse(columns: Columns<'_>) -> Result<KeyRecord, StoreError> {
    let time = |millis: i64| Some(Timestamp::from_millis(millis));
    let digest = |bytes: [u8; 32]| Some(KeyDigest::from_bytes(bytes));
    Ok(KeyRecord {
        key: Key {
            name: columns.required("name", Some::<String>)?,
            digest: columns.required("digest", digest)?,
            scopes: columns.required("scopes", |text: String| read_scopes(&text))?,
            accounts: columns.required("accounts", |text: String| read_accounts(&text))?,
            routes: columns.required("routes", |text: String| Some(read_routes(&text)))?,
            expires_at: columns.parse("expires_at", time)?,
        },
        hint: columns.required("hint", Some::<String>)?,
        created_at: columns.required("created_at", time)?,
        last_used_at: columns.parse("last_used_at", time)?,
        replaced_at: columns.parse("replaced_at", time)?,
        revoked_at: columns.parse("revoked_at", time)?,
    })
}

fn read_scopes(text: &str) -> Option<Scopes> {
    let scopes: Result<Vec<_>, _> = text.split_whitespace().map(Scope::parse).collect();
    scopes.ok().map(Scopes::new)
}

fn read_accounts(text: &str) -> Option<Vec<AccountId>> {
    let ids = text.split_whitespace().map(Id::parse);
    ids.map(|id| id.map(AccountId::new)).collect()
}

fn read_routes(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn write_accounts(accounts: &[AccountId]) -> String {
    let ids: Vec<_> = accounts
        .iter()
        .map(|account| account.id().to_string())
        .collect();
    ids.join(" ")
}
