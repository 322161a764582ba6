//! Writing what a change made of a user, and no more.
//!
//! A user is stored in pieces. Most changes alter one of them, and each piece that is written costs
//! time and, where it is indexed or in a table of its own, pages all over a large store.

use rusqlite::{Connection, params};

use super::extensions;
use super::failure::violates;
use super::names::Owner;
use super::query::fold;
use super::write_connection::WriteConnection;
use crate::auth::password::PasswordHash;
use crate::command::Id;
use crate::command::email::Email;
use crate::command::organization::Organization;
use crate::command::text::Text;
use crate::command::timezone::Timezone;
use crate::command::user::{Role, User};
use crate::store::StoreError;

/// Removes a user. What belongs to it goes with it by its foreign keys.
pub(super) fn delete(connection: &WriteConnection, id: Id) -> Result<(), StoreError> {
    connection.users().forget(id);
    connection
        .prepare_cached("DELETE FROM users WHERE id = ?1")?
        .execute([id.value()])?;
    Ok(())
}

/// Writes the pieces of a user that are not as they were. The hash stays as it is where none is
/// given.
pub(super) fn changes(
    connection: &WriteConnection,
    before: &User,
    user: &User,
    hash: Option<&PasswordHash>,
) -> Result<(), StoreError> {
    connection.users().forget(user.id);
    if person_name(before) != person_name(user) {
        write_person_name(connection, user)?;
    }
    if hash.is_some() || Plain::of(before) != Plain::of(user) {
        write_plain(connection, user, hash)?;
    }
    if before.email != user.email {
        write_email(connection, user)?;
    }
    if before.organizations != user.organizations {
        write_organizations(connection, user.id, &user.organizations)?;
    }
    if before.extensions != user.extensions {
        extensions::write(connection, Owner::User(user.id), &user.extensions)?;
    }
    Ok(())
}

/// The columns of a user that nothing is derived from but the key of the username.
#[derive(PartialEq, Eq)]
struct Plain<'a> {
    texts: [Option<&'a str>; 12],
    flags: [bool; 2],
    level: u8,
}

impl<'a> Plain<'a> {
    /// Every field is named, so that a new one cannot be forgotten.
    fn of(user: &'a User) -> Self {
        let User {
            id: _,
            account: _,
            username,
            display_name: _,
            given_name: _,
            family_name: _,
            nickname,
            gender,
            locale,
            email: _,
            email_verified,
            status,
            level,
            phone,
            mobile,
            fax,
            title,
            timezone,
            picture_url,
            read_only,
            role,
            organizations: _,
            extensions: _,
        } = user;
        Self {
            texts: [
                Some(username.as_str()),
                text(nickname.as_ref()),
                text(gender.as_ref()),
                text(locale.as_ref()),
                Some(status.name()),
                text(phone.as_ref()),
                text(mobile.as_ref()),
                text(fax.as_ref()),
                text(title.as_ref()),
                timezone.map(Timezone::name),
                text(picture_url.as_ref()),
                role.as_ref().map(Role::name),
            ],
            flags: [*email_verified, *read_only],
            level: level.value(),
        }
    }
}

fn write_plain(
    connection: &Connection,
    user: &User,
    hash: Option<&PasswordHash>,
) -> Result<(), StoreError> {
    let Plain {
        texts,
        flags: [email_verified, read_only],
        level,
    } = Plain::of(user);
    let [
        username,
        nickname,
        gender,
        locale,
        status,
        phone,
        mobile,
        fax,
        title,
        timezone,
        picture_url,
        role,
    ] = texts;
    connection
        .prepare_cached(
            "UPDATE users SET
                 username = ?2, username_key = ?3, password_hash = coalesce(?4, password_hash),
                 nickname = ?5, gender = ?6, locale = ?7, email_verified = ?8, status = ?9,
                 level = ?10, phone = ?11, mobile = ?12, fax = ?13, title = ?14, timezone = ?15,
                 picture_url = ?16, read_only = ?17, role = ?18
             WHERE id = ?1",
        )?
        .execute(params![
            user.id.value(),
            username,
            user.username.key(),
            hash.map(PasswordHash::as_str),
            nickname,
            gender,
            locale,
            email_verified,
            status,
            level,
            phone,
            mobile,
            fax,
            title,
            timezone,
            picture_url,
            read_only,
            role,
        ])?;
    Ok(())
}

fn person_name(user: &User) -> [Option<&Text>; 3] {
    [
        user.display_name.as_ref(),
        user.given_name.as_ref(),
        user.family_name.as_ref(),
    ]
}

fn write_person_name(connection: &Connection, user: &User) -> Result<(), StoreError> {
    let (given, family) = user.names();
    connection
        .prepare_cached(
            "UPDATE users SET
                 display_name = ?2, display_key = ?3, given_name = ?4, given_key = ?5,
                 family_name = ?6, family_key = ?7
             WHERE id = ?1",
        )?
        .execute(params![
            user.id.value(),
            text(user.display_name.as_ref()),
            user.full_name().as_deref().map(fold),
            text(user.given_name.as_ref()),
            given.map(fold),
            text(user.family_name.as_ref()),
            family.map(fold),
        ])?;
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
