//! Users of an import.

use rusqlite::{Connection, OptionalExtension, params};

use super::{conflict, differs_in_hash, differs_in_ids, each, is_too_large, too_large};
use crate::command::user::UserRef;
use crate::command::{AccountId, Action, Id};
use crate::journal::Act;
use crate::store::StoreError;
use crate::store::apply::new_user;
use crate::store::bulk::{UserRow, Verdict};
use crate::store::sqlite::audit::{self, Change, Draft, Target};
use crate::store::sqlite::failure::Failure;
use crate::store::sqlite::names::{self, Owner};
use crate::store::sqlite::write_connection::WriteConnection;
use crate::store::sqlite::{export, other_ids, users_read, users_write};

/// Stores the rows; what is left to be taken over comes back.
pub(in crate::store::sqlite) fn import(
    connection: &WriteConnection,
    rows: &[UserRow],
    mut take_over: Option<Id>,
    draft: &Draft,
) -> Result<(Vec<Verdict>, Option<Id>), StoreError> {
    let verdicts = each(connection, rows, |row| {
        let mut target = take_over;
        let verdict = import_one(connection, row, &mut target, draft)?;
        // A row that is refused after all takes nothing over.
        if !matches!(verdict, Verdict::Refused { .. }) {
            take_over = target;
        }
        Ok(verdict)
    })?;
    Ok((verdicts, take_over))
}

fn import_one(
    connection: &WriteConnection,
    row: &UserRow,
    take_over: &mut Option<Id>,
    draft: &Draft,
) -> Result<Verdict, StoreError> {
    let account = row.user.account;
    if row.keeps_id && is_too_large(row.user.id) {
        return Ok(too_large());
    }
    let draft = draft.in_account(account);
    let by_id = if row.keeps_id {
        account_of(connection, row.user.id)?.map(|account| (row.user.id, account, "id"))
    } else {
        None
    };
    let by_name = names::user(connection, account, &row.user.username.key())?
        .map(|id| (id, account, "username"));
    let mut row = row.clone();
    let mut verdict = Verdict::Imported;
    for holder in [by_id, by_name] {
        let Some((id, account, field)) = holder else {
            continue;
        };
        let differences = differences(connection, &row, account, id)?;
        let is_target = *take_over == Some(id);
        if is_target {
            *take_over = None;
        }
        if differences.is_empty() {
            return Ok(Verdict::Unchanged);
        }
        if !is_target {
            return Ok(conflict(field, &format!("user {id}"), &differences));
        }
        remove(connection, account, id, &draft)?;
        if !row.keeps_id {
            row.user.id = id;
            row.keeps_id = true;
        }
        verdict = Verdict::TookOver;
        if by_id.map(|(id, ..)| id) == by_name.map(|(id, ..)| id) {
            break;
        }
    }
    if let Some(refused) = insert(connection, &row, &draft)? {
        return Ok(refused);
    }
    Ok(verdict)
}

/// In what the stored user is not the one of the row.
fn differences(
    connection: &Connection,
    row: &UserRow,
    account: AccountId,
    id: Id,
) -> Result<Vec<&'static str>, StoreError> {
    let stored = export::user(connection, account, &UserRef::Id(id))?;
    let stored = stored.ok_or(Failure::Unreadable("id"))?;
    let mut found = Vec::new();
    if row.keeps_id && row.user.id != stored.user.id {
        found.push("id");
    }
    macro_rules! compare {
        ($($field:ident)*) => {
            $(if row.user.$field != stored.user.$field {
                found.push(stringify!($field));
            })*
        };
    }
    compare!(account username display_name given_name family_name nickname gender locale email);
    compare!(email_verified status level phone mobile fax title timezone picture_url read_only);
    compare!(role organizations extensions);
    if differs_in_hash(row.hash.as_ref(), stored.hash.as_ref()) {
        found.push("password_hash");
    }
    if differs_in_ids(&row.other_ids, &stored.other_ids) {
        found.push("another id");
    }
    Ok(found)
}

fn account_of(connection: &Connection, id: Id) -> Result<Option<AccountId>, StoreError> {
    let account: Option<i64> = connection
        .prepare_cached("SELECT account_id FROM users WHERE id = ?1")?
        .query_row([id.value()], |row| row.get(0))
        .optional()?;
    Ok(account.and_then(Id::new).map(AccountId::new))
}

fn remove(
    connection: &WriteConnection,
    account: AccountId,
    id: Id,
    draft: &Draft,
) -> Result<(), StoreError> {
    let stored = users_read::read(connection, account, &UserRef::Id(id))?;
    users_write::delete(connection, id)?;
    let change = Change {
        before: stored.map(|user| draft.user(&user)),
        ..Change::default()
    };
    let act = Action::DeleteUser.into();
    audit::record_as(connection, act, draft, Target::user(id), change)
}

/// Stores a row that stands in nobody's way, except by its address or its other ids.
fn insert(
    connection: &WriteConnection,
    row: &UserRow,
    draft: &Draft,
) -> Result<Option<Verdict>, StoreError> {
    let account = draft.account();
    names::open_account(connection, account)?;
    let key = row.user.username.key();
    let id = row.keeps_id.then_some(row.user.id.value());
    let username = row.user.username.as_str();
    connection
        .prepare_cached(
            "INSERT INTO users (id, account_id, username, username_key) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![id, account.id().value(), username, key])?;
    let id = Id::new(connection.last_insert_rowid()).ok_or(Failure::Unreadable("id"))?;
    names::insert(connection, account, Owner::User(id), &key)?;
    let mut user = row.user.clone();
    user.id = id;
    let named = new_user(id, account, user.username.clone());
    users_write::changes(connection, &named, &user, row.hash.as_ref())?;
    let taken = other_ids::insert(connection, account, Owner::User(id), &row.other_ids)?;
    let change = Change {
        after: Some(draft.user(&user)),
        password: row.hash.is_some(),
        ..Change::default()
    };
    audit::record_as(connection, Act::ImportUser, draft, Target::user(id), change)?;
    Ok(taken)
}
