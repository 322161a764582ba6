//! Whole rows, one by one or all of them.

use rusqlite::{Connection, params};

use super::columns::Columns;
use super::names::Owner;
use super::{groups as group_rows, members as member_rows, other_ids, users_read};
use crate::auth::password::PasswordHash;
use crate::command::group::{Group, GroupRef};
use crate::command::text::Text;
use crate::command::user::{User, UserRef};
use crate::command::{AccountId, Dialect, Id};
use crate::store::StoreError;
use crate::store::bulk::{GroupRow, MemberRow, Receive, UserRow};

/// One user.
pub(super) fn user(
    connection: &Connection,
    account: AccountId,
    user: &UserRef,
) -> Result<Option<UserRow>, StoreError> {
    let Some(user) = users_read::read(connection, account, user)? else {
        return Ok(None);
    };
    let sql = "SELECT password_hash FROM users WHERE id = ?1";
    let hash = hash(connection, sql, user.id)?;
    user_row(connection, user, hash).map(Some)
}

/// One group.
pub(super) fn group(
    connection: &Connection,
    account: AccountId,
    group: &GroupRef,
) -> Result<Option<GroupRow>, StoreError> {
    let Some(group) = group_rows::read(connection, account, group)? else {
        return Ok(None);
    };
    let sql = "SELECT password_hash FROM groups WHERE id = ?1";
    let hash = hash(connection, sql, group.id)?;
    group_row(connection, account, group, hash).map(Some)
}

/// Every user.
pub(super) fn users<T: Receive<UserRow>>(
    connection: &Connection,
    account: Option<AccountId>,
    receiver: T,
) -> Result<T, StoreError> {
    let fields = fields(
        connection,
        "SELECT DISTINCT e.dialect, e.field FROM user_extensions AS e
         JOIN users AS u ON u.id = e.user_id WHERE ?1 IS NULL OR u.account_id = ?1",
        account,
    )?;
    let sql = "SELECT * FROM users WHERE ?1 IS NULL OR account_id = ?1 ORDER BY id";
    rows(connection, sql, account, receiver, fields, |columns| {
        let user = users_read::complete(connection, users_read::parse(columns)?)?;
        user_row(connection, user, hash_in(columns)?)
    })
}

/// Every group.
pub(super) fn groups<T: Receive<GroupRow>>(
    connection: &Connection,
    account: Option<AccountId>,
    receiver: T,
) -> Result<T, StoreError> {
    let fields = fields(
        connection,
        "SELECT DISTINCT e.dialect, e.field FROM group_extensions AS e
         JOIN groups AS g ON g.id = e.group_id WHERE ?1 IS NULL OR g.account_id = ?1",
        account,
    )?;
    let sql = "SELECT * FROM groups WHERE ?1 IS NULL OR account_id = ?1 ORDER BY id";
    rows(connection, sql, account, receiver, fields, |columns| {
        let account = AccountId::new(columns.id("account_id")?);
        let group = group_rows::complete(connection, group_rows::parse(columns)?)?;
        group_row(connection, account, group, hash_in(columns)?)
    })
}

/// Every membership.
pub(super) fn members<T: Receive<MemberRow>>(
    connection: &Connection,
    account: Option<AccountId>,
    receiver: T,
) -> Result<T, StoreError> {
    let sql = "SELECT m.*, g.account_id AS account_id FROM members AS m
               JOIN groups AS g ON g.id = m.group_id
               WHERE ?1 IS NULL OR g.account_id = ?1 ORDER BY m.group_id, m.user_id";
    rows(connection, sql, account, receiver, Vec::new(), |columns| {
        Ok(MemberRow {
            account: AccountId::new(columns.id("account_id")?),
            member: member_rows::parse(columns)?,
        })
    })
}

/// Gives the receiver the attributes there are, and then row after row until it has enough.
fn rows<R, T: Receive<R>>(
    connection: &Connection,
    sql: &str,
    account: Option<AccountId>,
    mut receiver: T,
    fields: Vec<(Dialect, Text)>,
    parse: impl Fn(Columns<'_>) -> Result<R, StoreError>,
) -> Result<T, StoreError> {
    if receiver.fields(fields).is_break() {
        return Ok(receiver);
    }
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([number(account)])?;
    while let Some(row) = rows.next()? {
        if receiver.row(parse(Columns(row))?).is_break() {
            break;
        }
    }
    Ok(receiver)
}

fn user_row(
    connection: &Connection,
    user: User,
    hash: Option<PasswordHash>,
) -> Result<UserRow, StoreError> {
    Ok(UserRow {
        keeps_id: true,
        hash,
        other_ids: other_ids::read(connection, Owner::User(user.id))?,
        user,
    })
}

fn group_row(
    connection: &Connection,
    account: AccountId,
    group: Group,
    hash: Option<PasswordHash>,
) -> Result<GroupRow, StoreError> {
    Ok(GroupRow {
        account,
        keeps_id: true,
        hash,
        other_ids: other_ids::read(connection, Owner::Group(group.id))?,
        group,
    })
}

fn fields(
    connection: &Connection,
    sql: &str,
    account: Option<AccountId>,
) -> Result<Vec<(Dialect, Text)>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_and_then([number(account)], |row| {
        let columns = Columns(row);
        let dialect = columns.required("dialect", |name: String| Dialect::from_name(&name))?;
        let field = columns.required("field", |name: String| Text::parse(name).ok())?;
        Ok::<_, StoreError>((dialect, field))
    })?;
    let mut fields = rows.collect::<Result<Vec<_>, _>>()?;
    fields.sort();
    Ok(fields)
}

fn number(account: Option<AccountId>) -> Option<i64> {
    account.map(|account| account.id().value())
}

fn hash(connection: &Connection, sql: &str, id: Id) -> Result<Option<PasswordHash>, StoreError> {
    let text: Option<String> = connection
        .prepare_cached(sql)?
        .query_row(params![id.value()], |row| row.get(0))?;
    Ok(text.map(PasswordHash::from_stored))
}

fn hash_in(columns: Columns<'_>) -> Result<Option<PasswordHash>, StoreError> {
    columns.parse("password_hash", |text| {
        Some(PasswordHash::from_stored(text))
    })
}
