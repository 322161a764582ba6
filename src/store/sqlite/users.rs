//! Writing users.

use rusqlite::{Connection, named_params, params};

use super::audit::{self, Change, Draft, Target};
use super::failure::{Failure, violates};
use super::names::{self, Owner};
use super::query::fold;
use super::{extensions, notifications, users_read};
use crate::auth::password::PasswordHash;
use crate::command::email::Email;
use crate::command::extension::Extension;
use crate::command::name::Username;
use crate::command::organization::Organization;
use crate::command::text::Text;
use crate::command::user::{Role, User, UserChange, UserRef};
use crate::command::{AccountId, Id};
use crate::journal::Act;
use crate::journal::event::Event;
use crate::store::StoreError;
use crate::store::apply::{change_user, new_user};
use crate::store::reserved::ReservedNames;

/// Makes a user.
pub(super) fn create(
    connection: &Connection,
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
    connection: &Connection,
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
    let mut user = new_user(id, account, username);
    change_user(change, &mut user);
    write(connection, &user, hash)?;
    Ok(user)
}

/// Changes a user.
pub(super) fn update(
    connection: &Connection,
    reserved: &ReservedNames,
    user: &UserRef,
    change: UserChange,
    hash: Option<&PasswordHash>,
    draft: &Draft,
) -> Result<Option<Id>, StoreError> {
    let Some(mut stored) = users_read::read(connection, draft.account(), user)? else {
        return Ok(None);
    };
    let id = stored.id;
    let before = draft.user(&stored);
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
    let kept = Elsewhere::of(&stored);
    change_user(change, &mut stored);
    write_row(connection, &stored, hash)?;
    kept.write_changes(connection, &stored)?;
    let change = Change {
        before: Some(before),
        after: Some(draft.user(&stored)),
        password: hash.is_some(),
    };
    audit::record(connection, draft, Target::user(id), change)?;
    notifications::queue(connection, draft, Event::UserUpdated, &stored)?;
    Ok(Some(id))
}

/// Removes a user. What belongs to it goes with it by its foreign keys.
pub(super) fn delete(
    connection: &Connection,
    user: &UserRef,
    draft: &Draft,
) -> Result<Option<Username>, StoreError> {
    let Some(stored) = users_read::read(connection, draft.account(), user)? else {
        return Ok(None);
    };
    connection
        .prepare_cached("DELETE FROM users WHERE id = ?1")?
        .execute([stored.id.value()])?;
    let change = Change {
        before: Some(draft.user(&stored)),
        ..Change::default()
    };
    audit::record(connection, draft, Target::user(stored.id), change)?;
    Ok(Some(stored.username))
}

/// Puts a hash in the place of another one of the same password, if that is still there.
pub(super) fn renew_hash(
    connection: &Connection,
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

/// Writes every attribute. The hash stays as it is where none is given.
pub(super) fn write(
    connection: &Connection,
    user: &User,
    hash: Option<&PasswordHash>,
) -> Result<(), StoreError> {
    write_row(connection, user, hash)?;
    write_email(connection, user)?;
    write_organizations(connection, user.id, &user.organizations)?;
    extensions::write(connection, Owner::User(user.id), &user.extensions)
}

/// What a user has outside its row: in the index of addresses, and in other tables. Most changes
/// leave it as it is, and each piece costs pages of its own to write, all over a large store.
struct Elsewhere {
    email: Option<Email>,
    organizations: Vec<Organization>,
    extensions: Vec<Extension>,
}

impl Elsewhere {
    fn of(user: &User) -> Self {
        Self {
            email: user.email.clone(),
            organizations: user.organizations.clone(),
            extensions: user.extensions.clone(),
        }
    }

    /// Writes what is not as it was.
    fn write_changes(&self, connection: &Connection, user: &User) -> Result<(), StoreError> {
        if self.email != user.email {
            write_email(connection, user)?;
        }
        if self.organizations != user.organizations {
            write_organizations(connection, user.id, &user.organizations)?;
        }
        if self.extensions != user.extensions {
            extensions::write(connection, Owner::User(user.id), &user.extensions)?;
        }
        Ok(())
    }
}

/// Writes the row but for the address.
fn write_row(
    connection: &Connection,
    user: &User,
    hash: Option<&PasswordHash>,
) -> Result<(), StoreError> {
    let mut update = connection.prepare_cached(
        "UPDATE users SET
             username = :username, username_key = :username_key,
             password_hash = coalesce(:password_hash, password_hash),
             display_name = :display_name, display_key = :display_key,
             given_name = :given_name, given_key = :given_key,
             family_name = :family_name, family_key = :family_key,
             nickname = :nickname, gender = :gender, locale = :locale,
             email_verified = :email_verified,
             status = :status, level = :level, phone = :phone, mobile = :mobile, fax = :fax,
             title = :title, timezone = :timezone, picture_url = :picture_url,
             read_only = :read_only, role = :role
         WHERE id = :id",
    )?;
    let (given, family) = user.names();
    update.execute(named_params! {
        ":id": user.id.value(),
        ":username": user.username.as_str(),
        ":username_key": user.username.key(),
        ":password_hash": hash.map(PasswordHash::as_str),
        ":display_name": text(user.display_name.as_ref()),
        ":display_key": user.full_name().as_deref().map(fold),
        ":given_name": text(user.given_name.as_ref()),
        ":given_key": given.map(fold),
        ":family_name": text(user.family_name.as_ref()),
        ":family_key": family.map(fold),
        ":nickname": text(user.nickname.as_ref()),
        ":gender": text(user.gender.as_ref()),
        ":locale": text(user.locale.as_ref()),
        ":email_verified": user.email_verified,
        ":status": user.status.name(),
        ":level": user.level.value(),
        ":phone": text(user.phone.as_ref()),
        ":mobile": text(user.mobile.as_ref()),
        ":fax": text(user.fax.as_ref()),
        ":title": text(user.title.as_ref()),
        ":timezone": user.timezone.map(crate::command::timezone::Timezone::name),
        ":picture_url": text(user.picture_url.as_ref()),
        ":read_only": user.read_only,
        ":role": user.role.as_ref().map(Role::name),
    })?;
    Ok(())
}

fn write_email(connection: &Connection, user: &User) -> Result<(), StoreError> {
    let email = user.email.as_ref();
    let written = connection
        .prepare_cached(
            "UPDATE users SET email = ?2, email_key = ?3, email_name = ?4 WHERE id = ?1",
        )?
        .execute(params![
            user.id.value(),
            email.map(Email::as_str),
            email.map(Email::key),
            email.and_then(Email::name_key)
        ]);
    written.map_err(|error| {
        if violates(&error, "users.email_key") {
            StoreError::EmailTaken
        } else {
            error.into()
        }
    })?;
    Ok(())
}

fn write_organizations(
    connection: &Connection,
    user: Id,
    organizations: &[Organization],
) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM user_organizations WHERE user_id = ?1")?
        .execute([user.value()])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO user_organizations (user_id, position, organization_id, role)
         VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (position, organization) in organizations.iter().enumerate() {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        insert.execute(params![
            user.value(),
            position,
            organization.id.value(),
            text(organization.role.as_ref()),
        ])?;
    }
    Ok(())
}

fn text(text: Option<&Text>) -> Option<&str> {
    text.map(Text::as_str)
}
