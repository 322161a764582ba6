//! Reading users.

use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::columns::Columns;
use super::extensions;
use super::names::{self, Owner};
use super::query::Search;
use crate::auth::authenticate::Login;
use crate::auth::password::PasswordHash;
use crate::command::email::Email;
use crate::command::name::{Username, name_key};
use crate::command::organization::Organization;
use crate::command::query::UserQuery;
use crate::command::timezone::Timezone;
use crate::command::user::{Level, Role, Status, User, UserRef};
use crate::command::{AccountId, Id};
use crate::outcome::UserPage;
use crate::store::StoreError;

/// The id of the user that a call names.
pub(super) fn resolve(
    connection: &Connection,
    account: AccountId,
    user: &UserRef,
) -> Result<Option<Id>, StoreError> {
    match user {
        UserRef::Id(id) => find(
            connection,
            "SELECT id FROM users WHERE account_id = ?1 AND id = ?2",
            params![account.id().value(), id.value()],
        ),
        UserRef::Username(username) => names::user(connection, account, &username.key()),
        UserRef::Email(email) => by_email(connection, account, email),
        UserRef::UsernameOrEmail(either) => by_either(connection, account, either.as_str()),
    }
}

/// Reads the user that a call names.
pub(super) fn read(
    connection: &Connection,
    account: AccountId,
    user: &UserRef,
) -> Result<Option<User>, StoreError> {
    let id = match user {
        UserRef::Id(id) => Some(*id),
        UserRef::Username(_) | UserRef::Email(_) | UserRef::UsernameOrEmail(_) => {
            resolve(connection, account, user)?
        }
    };
    let Some(id) = id else {
        return Ok(None);
    };
    let mut statement =
        connection.prepare_cached("SELECT * FROM users WHERE id = ?1 AND account_id = ?2")?;
    let key = params![id.value(), account.id().value()];
    let mut rows = statement.query_and_then(key, |row| parse(Columns(row)))?;
    let Some(user) = rows.next() else {
        return Ok(None);
    };
    complete(connection, user?).map(Some)
}

/// Reads a part of the users who match.
pub(super) fn list(
    connection: &Connection,
    account: AccountId,
    query: UserQuery,
) -> Result<UserPage, StoreError> {
    let search = Search::new(account, query)?;
    let total = count_all(connection, &search)?;
    let (sql, values) = search.page();
    // Not kept: callers shape it, and long ones would push out what is asked for all the time.
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_and_then(params_from_iter(values), |row| parse(Columns(row)))?;
    let users = rows
        .map(|user| complete(connection, user?))
        .collect::<Result<_, _>>()?;
    Ok(UserPage { users, total })
}

/// Counts the users who match.
pub(super) fn count(
    connection: &Connection,
    account: AccountId,
    query: UserQuery,
) -> Result<u64, StoreError> {
    count_all(connection, &Search::new(account, query)?)
}

/// What the password check needs of the user with that username or, failing that, address.
pub(super) fn login(
    connection: &Connection,
    account: AccountId,
    login: &str,
) -> Result<Option<Login>, StoreError> {
    match by_either(connection, account, login)? {
        Some(id) => login_by_id(connection, account, id),
        None => Ok(None),
    }
}

/// What the password check needs of the user with that id.
pub(super) fn login_by_id(
    connection: &Connection,
    account: AccountId,
    id: Id,
) -> Result<Option<Login>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, password_hash, status, role, read_only FROM users
         WHERE account_id = ?1 AND id = ?2",
    )?;
    let key = params![account.id().value(), id.value()];
    let mut rows = statement.query_and_then(key, |row| parse_login(Columns(row)))?;
    rows.next().transpose()
}

fn by_either(
    connection: &Connection,
    account: AccountId,
    text: &str,
) -> Result<Option<Id>, StoreError> {
    // That another's address is no username is the database's own constraint.
    if let Some(id) = names::user(connection, account, &name_key(text))? {
        return Ok(Some(id));
    }
    match Email::parse(text) {
        Some(email) => by_email(connection, account, &email),
        None => Ok(None),
    }
}

fn by_email(
    connection: &Connection,
    account: AccountId,
    email: &Email,
) -> Result<Option<Id>, StoreError> {
    find(
        connection,
        "SELECT id FROM users WHERE account_id = ?1 AND email_key = ?2",
        params![account.id().value(), email.key()],
    )
}

fn find(
    connection: &Connection,
    sql: &str,
    key: impl rusqlite::Params,
) -> Result<Option<Id>, StoreError> {
    let id: Option<i64> = connection
        .prepare_cached(sql)?
        .query_row(key, |row| row.get(0))
        .optional()?;
    Ok(id.and_then(Id::new))
}

fn count_all(connection: &Connection, search: &Search) -> Result<u64, StoreError> {
    let (sql, values) = search.count();
    let count: i64 = connection
        .prepare(&sql)?
        .query_row(params_from_iter(values), |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or_default())
}

fn parse_login(columns: Columns<'_>) -> Result<Login, StoreError> {
    let role = columns.text("role")?.map(Role::new);
    Ok(Login {
        id: columns.id("id")?,
        hash: columns.parse("password_hash", |phc| Some(PasswordHash::from_stored(phc)))?,
        status: columns.required("status", |name: String| Status::from_name(&name))?,
        administrator: role.as_ref().is_some_and(Role::is_administrator),
        banned: role.as_ref().is_some_and(Role::is_banned),
        read_only: columns.flag("read_only")?,
    })
}

/// Everything that is in the user's own row.
pub(super) fn parse(columns: Columns<'_>) -> Result<User, StoreError> {
    Ok(User {
        id: columns.id("id")?,
        account: AccountId::new(columns.id("account_id")?),
        username: columns.required("username", |name: String| Some(Username::from_stored(name)))?,
        display_name: columns.text("display_name")?,
        given_name: columns.text("given_name")?,
        family_name: columns.text("family_name")?,
        nickname: columns.text("nickname")?,
        gender: columns.text("gender")?,
        locale: columns.text("locale")?,
        email: columns.parse("email", |email: String| Some(Email::from_stored(email)))?,
        email_verified: columns.flag("email_verified")?,
        status: columns.required("status", |name: String| Status::from_name(&name))?,
        level: columns.required("level", Level::new)?,
        phone: columns.text("phone")?,
        mobile: columns.text("mobile")?,
        fax: columns.text("fax")?,
        title: columns.text("title")?,
        timezone: columns.parse("timezone", |name: String| Timezone::parse(&name))?,
        picture_url: columns.text("picture_url")?,
        read_only: columns.flag("read_only")?,
        role: columns.text("role")?.map(Role::new),
        organizations: Vec::new(),
        extensions: Vec::new(),
    })
}

/// Adds what is in other tables.
pub(super) fn complete(connection: &Connection, user: User) -> Result<User, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT organization_id, role FROM user_organizations WHERE user_id = ?1 ORDER BY position",
    )?;
    let rows = statement.query_and_then([user.id.value()], |row| {
        let columns = Columns(row);
        Ok::<_, StoreError>(Organization {
            id: columns.id("organization_id")?,
            role: columns.text("role")?,
        })
    })?;
    Ok(User {
        organizations: rows.collect::<Result<_, _>>()?,
        extensions: extensions::read(connection, Owner::User(user.id))?,
        ..user
    })
}
