//! Writing users.

use std::sync::Arc;

use rusqlite::params;

use super::audit::{self, Change, Draft, Target};
use super::failure::Failure;
use super::names::{self, Owner};
use super::recent::KnownUser;
use super::write_connection::WriteConnection;
use super::writer::Undo;
use super::{notifications, users_read, users_write};
use crate::auth::password::PasswordHash;
use crate::command::name::Username;
use crate::command::user::{User, UserChange, UserRef};
use crate::command::{AccountId, Id};
use crate::journal::Act;
use crate::journal::event::Event;
use crate::journal::seal::Digest;
use crate::store::StoreError;
use crate::store::apply::{change_user, new_user};
use crate::store::reserved::ReservedNames;

/// Makes a user.
pub(super) fn create(
    connection: &WriteConnection,
    reserved: &ReservedNames,
    change: UserChange,
    hash: Option<&PasswordHash>,
    draft: &Draft,
) -> Result<Id, StoreError> {
    let username = change.username.clone();
    let username = username.ok_or(Failure::Incomplete("username"))?;
    if reserved.holds(&username.key()) {
        return Err(StoreError::UsernameTaken);
    }
    let user = insert(connection, draft.account(), username, change, hash)?;
    let change = Change {
        after: Some(draft.user(&user)),
        password: hash.is_some(),
        ..Change::default()
    };
    audit::record(connection, draft, Target::user(user.id), change)?;
    notifications::queue(connection, draft, Event::UserCreated, &user)?;
    Ok(user.id)
}

/// Makes a user of any name, reserved or not, and no audit record.
pub(super) fn insert(
    connection: &WriteConnection,
    account: AccountId,
    username: Username,
    change: UserChange,
    hash: Option<&PasswordHash>,
) -> Result<User, StoreError> {
    names::open_account(connection, account)?;
    let key = username.key();
    connection
        .prepare_cached(
            "INSERT INTO users (account_id, username, username_key) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![account.id().value(), username.as_str(), key])?;
    let id = Id::new(connection.last_insert_rowid()).ok_or(Failure::Unreadable("id"))?;
    names::insert(connection, account, Owner::User(id), &key)?;
    let named = new_user(id, account, username);
    let mut user = named.clone();
    change_user(change, &mut user);
    users_write::changes(connection, &named, &user, hash)?;
    Ok(user)
}

/// Changes a user.
pub(super) fn update(
    connection: &WriteConnection,
    reserved: &ReservedNames,
    user: &UserRef,
    change: UserChange,
    hash: Option<&PasswordHash>,
    draft: &Draft,
) -> Result<Option<Id>, StoreError> {
    let Some(stored) = find(connection, draft.account(), user)? else {
        return Ok(None);
    };
    let id = stored.user().id;
    if let Some(username) = &change.username {
        let owner = Owner::User(id);
        names::rename(
            connection,
            reserved,
            draft.account(),
            owner,
            &username.key(),
        )?;
    }
    let mut changed = stored.user().clone();
    change_user(change, &mut changed);
    users_write::changes(connection, stored.user(), &changed, hash)?;
    let changed = KnownUser::new(changed);
    let change = Change {
        before: Some(digest(&stored, draft)),
        after: Some(digest(&changed, draft)),
        password: hash.is_some(),
    };
    audit::record(connection, draft, Target::user(id), change)?;
    notifications::queue(connection, draft, Event::UserUpdated, changed.user())?;
    connection.users().keep(changed);
    Ok(Some(id))
}

/// Removes a user.
pub(super) fn delete(
    connection: &WriteConnection,
    user: &UserRef,
    draft: &Draft,
) -> Result<Option<Username>, StoreError> {
    let Some(stored) = find(connection, draft.account(), user)? else {
        return Ok(None);
    };
    let id = stored.user().id;
    users_write::delete(connection, id)?;
    let change = Change {
        before: Some(digest(&stored, draft)),
        ..Change::default()
    };
    audit::record(connection, draft, Target::user(id), change)?;
    Ok(Some(stored.user().username.clone()))
}

/// How such a change is undone. Nothing can refuse it any more once a part of it is written if there is
/// no name in it, no address, and no row beside the user's own.
pub(super) fn undo(change: &UserChange) -> Undo {
    let is_simple = change.username.is_none()
        && change.email.is_none()
        && change.organizations.is_none()
        && change.extensions.is_empty();
    if is_simple {
        Undo::WithAll
    } else {
        Undo::Alone
    }
}

/// The user that a call names: the one that is known, else as the file has it.
fn find(
    connection: &WriteConnection,
    account: AccountId,
    user: &UserRef,
) -> Result<Option<Arc<KnownUser>>, StoreError> {
    let id = match user {
        UserRef::Id(id) => Some(*id),
        UserRef::Username(_) | UserRef::Email(_) | UserRef::UsernameOrEmail(_) => {
            users_read::resolve(connection, account, user)?
        }
    };
    let Some(id) = id else {
        return Ok(None);
    };
    if let Some(known) = connection.users().find(account, id) {
        return Ok(Some(known));
    }
    let read = users_read::read(connection, account, &UserRef::Id(id))?;
    Ok(read.map(KnownUser::new))
}

fn digest(user: &KnownUser, draft: &Draft) -> Digest {
    user.digest(|user| draft.user(user))
}

/// Puts a hash in the place of another one of the same password, if that is still there.
pub(super) fn renew_hash(
    connection: &WriteConnection,
    id: Id,
    old: &PasswordHash,
    new: &PasswordHash,
    draft: &Draft,
) -> Result<bool, StoreError> {
    let renewed = connection
        .prepare_cached("UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2")?
        .execute(params![id.value(), old.as_str(), new.as_str()])?;
    if renewed > 0 {
        let target = Target::user(id);
        audit::record_as(connection, Act::RenewHash, draft, target, Change::default())?;
    }
    Ok(renewed > 0)
}
