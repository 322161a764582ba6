//! Groups of an import.

use rusqlite::{Connection, OptionalExtension, params};

use super::{conflict, differs_in_hash, differs_in_ids, each, is_too_large, too_large};
use crate::command::group::GroupRef;
use crate::command::{AccountId, Id};
use crate::journal::Act;
use crate::store::StoreError;
use crate::store::bulk::{GroupRow, Verdict};
use crate::store::sqlite::audit::{self, Change, Draft, Target};
use crate::store::sqlite::failure::Failure;
use crate::store::sqlite::names::{self, Owner};
use crate::store::sqlite::write_connection::WriteConnection;
use crate::store::sqlite::{export, extensions, groups, other_ids};

/// Stores the rows.
pub(in crate::store::sqlite) fn import(
    connection: &WriteConnection,
    rows: &[GroupRow],
    draft: &Draft,
) -> Result<Vec<Verdict>, StoreError> {
    each(connection, rows, |row| {
        import_one(connection, row, &draft.in_account(row.account))
    })
}

fn import_one(
    connection: &WriteConnection,
    row: &GroupRow,
    draft: &Draft,
) -> Result<Verdict, StoreError> {
    if row.keeps_id && is_too_large(row.group.id) {
        return Ok(too_large());
    }
    let Some((id, account, field)) = holder(connection, row)? else {
        return insert(connection, row, draft);
    };
    let differences = differences(connection, row, account, id)?;
    if differences.is_empty() {
        return Ok(Verdict::Unchanged);
    }
    Ok(conflict(field, &format!("group {id}"), &differences))
}

/// The group that has the row's id or, where it names none, its slug.
fn holder(
    connection: &Connection,
    row: &GroupRow,
) -> Result<Option<(Id, AccountId, &'static str)>, StoreError> {
    if row.keeps_id {
        let account: Option<i64> = connection
            .prepare_cached("SELECT account_id FROM groups WHERE id = ?1")?
            .query_row([row.group.id.value()], |row| row.get(0))
            .optional()?;
        if let Some(account) = account.and_then(Id::new) {
            return Ok(Some((row.group.id, AccountId::new(account), "id")));
        }
    }
    let Some(slug) = &row.group.slug else {
        return Ok(None);
    };
    let found = names::group(connection, row.account, &slug.key())?;
    Ok(found.map(|id| (id, row.account, "slug")))
}

/// In what the stored group is not the one of the row.
fn differences(
    connection: &Connection,
    row: &GroupRow,
    account: AccountId,
    id: Id,
) -> Result<Vec<&'static str>, StoreError> {
    let stored = export::group(connection, account, &GroupRef::Id(id))?;
    let stored = stored.ok_or(Failure::Unreadable("id"))?;
    let mut found = Vec::new();
    if row.account != account {
        found.push("account");
    }
    if row.keeps_id && row.group.id != stored.group.id {
        found.push("id");
    }
    macro_rules! compare {
        ($($field:ident)*) => {
            $(if row.group.$field != stored.group.$field {
                found.push(stringify!($field));
            })*
        };
    }
    compare!(name slug description category_id secret unleavable pinned password_protected);
    compare!(icon_url extensions);
    if differs_in_hash(row.hash.as_ref(), stored.hash.as_ref()) {
        found.push("password_hash");
    }
    if differs_in_ids(&row.other_ids, &stored.other_ids) {
        found.push("another id");
    }
    Ok(found)
}

fn insert(
    connection: &WriteConnection,
    row: &GroupRow,
    draft: &Draft,
) -> Result<Verdict, StoreError> {
    names::open_account(connection, row.account)?;
    let id = row.keeps_id.then_some(row.group.id.value());
    connection
        .prepare_cached("INSERT INTO groups (id, account_id, name) VALUES (?1, ?2, ?3)")?
        .execute(params![
            id,
            row.account.id().value(),
            row.group.name.as_str()
        ])?;
    let id = Id::new(connection.last_insert_rowid()).ok_or(Failure::Unreadable("id"))?;
    let owner = Owner::Group(id);
    if let Some(slug) = &row.group.slug {
        names::insert(connection, row.account, owner, &slug.key())?;
    }
    let mut group = row.group.clone();
    group.id = id;
    groups::write(connection, &group, row.hash.as_ref())?;
    extensions::write(connection, owner, &group.extensions)?;
    let taken = other_ids::insert(connection, row.account, owner, &row.other_ids)?;
    let change = Change {
        after: Some(draft.group(&group)),
        password: row.hash.is_some(),
        ..Change::default()
    };
    audit::record_as(
        connection,
        Act::ImportGroup,
        draft,
        Target::group(id),
        change,
    )?;
    Ok(taken.unwrap_or(Verdict::Imported))
}
