//! Groups.

use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::audit::{self, Change, Draft, Target};
use super::columns::Columns;
use super::extensions;
use super::failure::Failure;
use super::names::{self, Owner};
use super::write_connection::WriteConnection;
use crate::auth::password::PasswordHash;
use crate::command::group::{Group, GroupChange, GroupRef};
use crate::command::name::Slug;
use crate::command::text::Text;
use crate::command::{AccountId, Edit, Id};
use crate::journal::seal::Digest;
use crate::store::StoreError;
use crate::store::apply::{change_group, new_group};
use crate::store::reserved::ReservedNames;

/// Makes a group.
pub(super) fn create(
    connection: &WriteConnection,
    reserved: &ReservedNames,
    change: GroupChange,
    hash: Option<&PasswordHash>,
    draft: &Draft,
) -> Result<Id, StoreError> {
    let name = change.name.clone().ok_or(Failure::Incomplete("name"))?;
    names::open_account(connection, draft.account())?;
    connection
        .prepare_cached("INSERT INTO groups (account_id, name) VALUES (?1, ?2)")?
        .execute(params![draft.account().id().value(), name.as_str()])?;
    let id = Id::new(connection.last_insert_rowid()).ok_or(Failure::Unreadable("id"))?;
    let group = new_group(id, name);
    store(connection, reserved, (group, None), change, hash, draft)
}

/// Changes a group.
pub(super) fn update(
    connection: &WriteConnection,
    reserved: &ReservedNames,
    group: &GroupRef,
    change: GroupChange,
    hash: Option<&PasswordHash>,
    draft: &Draft,
) -> Result<Option<Id>, StoreError> {
    let Some(stored) = read(connection, draft.account(), group)? else {
        return Ok(None);
    };
    let before = Some(draft.group(&stored));
    store(connection, reserved, (stored, before), change, hash, draft).map(Some)
}

/// Removes a group. What belongs to it goes with it by its foreign keys.
pub(super) fn delete(
    connection: &WriteConnection,
    group: &GroupRef,
    draft: &Draft,
) -> Result<Option<Id>, StoreError> {
    let Some(stored) = read(connection, draft.account(), group)? else {
        return Ok(None);
    };
    let id = stored.id;
    connection
        .prepare_cached("DELETE FROM groups WHERE id = ?1")?
        .execute([id.value()])?;
    let change = Change {
        before: Some(draft.group(&stored)),
        ..Change::default()
    };
    audit::record(connection, draft, Target::group(id), change)?;
    Ok(Some(id))
}

/// The id of the group that a call names.
pub(super) fn resolve(
    connection: &Connection,
    account: AccountId,
    group: &GroupRef,
) -> Result<Option<Id>, StoreError> {
    let id = match group {
        GroupRef::Slug(slug) => return names::group(connection, account, &slug.key()),
        GroupRef::Id(id) => id,
    };
    let found: Option<i64> = connection
        .prepare_cached("SELECT id FROM groups WHERE account_id = ?1 AND id = ?2")?
        .query_row(params![account.id().value(), id.value()], |row| row.get(0))
        .optional()?;
    Ok(found.and_then(Id::new))
}

/// Reads the group that a call names.
pub(super) fn read(
    connection: &Connection,
    account: AccountId,
    group: &GroupRef,
) -> Result<Option<Group>, StoreError> {
    let Some(id) = resolve(connection, account, group)? else {
        return Ok(None);
    };
    let mut statement = connection.prepare_cached("SELECT * FROM groups WHERE id = ?1")?;
    let mut rows = statement.query_and_then([id.value()], |row| parse(Columns(row)))?;
    let Some(group) = rows.next() else {
        return Ok(None);
    };
    complete(connection, group?).map(Some)
}

/// Reads every group of the account.
pub(super) fn list(connection: &Connection, account: AccountId) -> Result<Vec<Group>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM groups WHERE account_id = ?1 ORDER BY id")?;
    let rows = statement.query_and_then([account.id().value()], |row| parse(Columns(row)))?;
    rows.map(|group| complete(connection, group?)).collect()
}

/// Carries a change out on a group as it is, with the digest of it if it was there before.
fn store(
    connection: &WriteConnection,
    reserved: &ReservedNames,
    (mut group, before): (Group, Option<Digest>),
    change: GroupChange,
    hash: Option<&PasswordHash>,
    draft: &Draft,
) -> Result<Id, StoreError> {
    let owner = Owner::Group(group.id);
    if let Some(slug) = &change.slug {
        names::rename(connection, reserved, draft.account(), owner, &slug.key())?;
    }
    let clears_password = matches!(change.password, Edit::Clear);
    if clears_password {
        connection
            .prepare_cached("UPDATE groups SET password_hash = NULL WHERE id = ?1")?
            .execute([group.id.value()])?;
    }
    change_group(change, &mut group);
    write(connection, &group, hash)?;
    extensions::write(connection, owner, &group.extensions)?;
    let change = Change {
        before,
        after: Some(draft.group(&group)),
        password: clears_password || hash.is_some(),
    };
    audit::record(connection, draft, Target::group(group.id), change)?;
    Ok(group.id)
}

/// Writes every attribute. The hash stays as it is where none is given.
pub(super) fn write(
    connection: &Connection,
    group: &Group,
    hash: Option<&PasswordHash>,
) -> Result<(), StoreError> {
    let mut update = connection.prepare_cached(
        "UPDATE groups SET
             name = :name, slug = :slug, description = :description, category_id = :category_id,
             secret = :secret, unleavable = :unleavable, pinned = :pinned,
             password_protected = :password_protected,
             password_hash = coalesce(:password_hash, password_hash), icon_url = :icon_url
         WHERE id = :id",
    )?;
    update.execute(named_params! {
        ":id": group.id.value(),
        ":name": group.name.as_str(),
        ":slug": group.slug.as_ref().map(Slug::as_str),
        ":description": group.description.as_ref().map(Text::as_str),
        ":category_id": group.category_id.map(Id::value),
        ":secret": group.secret,
        ":unleavable": group.unleavable,
        ":pinned": group.pinned,
        ":password_protected": group.password_protected,
        ":password_hash": hash.map(PasswordHash::as_str),
        ":icon_url": group.icon_url.as_ref().map(Text::as_str),
    })?;
    Ok(())
}

/// Everything that is in the group's own row.
pub(super) fn parse(columns: Columns<'_>) -> Result<Group, StoreError> {
    Ok(Group {
        id: columns.id("id")?,
        name: columns.required("name", |name: String| Text::parse(name).ok())?,
        slug: columns.parse("slug", |slug: String| Some(Slug::from_stored(slug)))?,
        description: columns.text("description")?,
        category_id: columns.optional_id("category_id")?,
        secret: columns.flag("secret")?,
        unleavable: columns.flag("unleavable")?,
        pinned: columns.flag("pinned")?,
        password_protected: columns.flag("password_protected")?,
        icon_url: columns.text("icon_url")?,
        extensions: Vec::new(),
    })
}

/// Adds what is in other tables.
pub(super) fn complete(connection: &Connection, group: Group) -> Result<Group, StoreError> {
    Ok(Group {
        extensions: extensions::read(connection, Owner::Group(group.id))?,
        ..group
    })
}
