//! A user as answers show it.

use std::borrow::Cow;

use super::details::Details;
use super::members::{Members, WriteString};
use super::value;
use super::wire::Key;
use crate::command::email::Email;
use crate::command::extension::{Extension, apply_extensions, is_credential};
use crate::command::name::Username;
use crate::command::text::Text;
use crate::command::timezone::Timezone;
use crate::command::user::{Level, Status, User};
use crate::command::{AccountId, Dialect, Edit};
use crate::error::Error;
use crate::framing::json::{self, Json};
use crate::route::JsonLimits;

/// Writes a user. An attribute without a value is `null`, which changes nothing when a client
/// sends back what it read (quirk V8).
pub(super) fn encode(out: &mut String, user: &User, write: WriteString) {
    let (first_name, last_name) = user.names();
    let mut members = Members::open(out, write);
    members.number(Key::Id.name(), user.id);
    for (key, text) in [
        (Key::Username, Some(user.username.as_str())),
        (Key::FirstName, first_name),
        (Key::LastName, last_name),
        (Key::Email, user.email.as_ref().map(Email::as_str)),
        (Key::Phone, user.phone.as_ref().map(Text::as_str)),
        (Key::Mobile, user.mobile.as_ref().map(Text::as_str)),
        (Key::Fax, user.fax.as_ref().map(Text::as_str)),
        (Key::Position, user.title.as_ref().map(Text::as_str)),
        (Key::Timezone, user.timezone.map(Timezone::name)),
    ] {
        match odd(user, key) {
            Some(kept) if text.is_none() => encode_extension(&mut members, kept),
            Some(_) | None => members.text(key.name(), text),
        }
    }
    for (key, flag) in [
        (Key::IsConfirmed, user.email_verified),
        (Key::IsReadOnly, user.read_only),
        (Key::IsActive, user.status == Status::Active),
    ] {
        match odd(user, key) {
            Some(kept) => encode_extension(&mut members, kept),
            None => members.flag(key.name(), flag),
        }
    }
    if odd(user, Key::ReceivesPromotional).is_none() {
        members.text(Key::ReceivesPromotional.name(), None);
    }
    for extension in &user.extensions {
        let key = Key::from_name(extension.field.as_str());
        if extension.dialect == Dialect::Vision6
            && key.is_none_or(|key| key == Key::ReceivesPromotional)
        {
            encode_extension(&mut members, extension);
        }
    }
    members.close();
}

/// What an upstream wrote under a key that means something else, or is kept as it is anyway.
fn odd(user: &User, key: Key) -> Option<&Extension> {
    let mut kept = user.extensions.iter();
    kept.find(|kept| kept.dialect == Dialect::Vision6 && kept.field.as_str() == key.name())
}

/// The value is JSON, because decoding made it so; a row that somebody edited by hand must not
/// break the whole answer.
fn encode_extension(members: &mut Members<'_>, extension: &Extension) {
    let (name, value) = (extension.field.as_str(), extension.value.as_str());
    if Json::decode(value, &JsonLimits::default()).is_ok() {
        members.json(name, value);
    } else {
        members.string(name, value);
    }
}

/// Reads a user from an upstream's answer: the keys mean what they mean in `user_details`, except
/// that the empty string is no value anywhere, and that what could not be set is kept as it is.
///
/// The answer does not say which account the user is in; whoever asked knows.
pub(super) fn decode(value: Json<'_>, account: AccountId) -> Result<User, Error> {
    let Json::Object(mut members) = value else {
        return Err(Error::invalid("user", "must be an object"));
    };
    members.retain(|(_, value)| *value != Json::Null && *value != Json::String("".into()));
    let username = username(&mut members)?;
    let mut details = Details::default();
    let mut odd = Vec::new();
    for (name, value) in members {
        odd.extend(take(&mut details, &name, value)?);
    }
    let id = details.id.ok_or_else(|| Error::missing(Key::Id.name()))?;
    let change = *details.change;
    let mut extensions = Vec::new();
    apply_extensions(change.extensions, &mut extensions);
    extensions.extend(odd);
    extensions.sort();
    Ok(User {
        id,
        account,
        username,
        display_name: None,
        given_name: stored(change.given_name),
        family_name: stored(change.family_name),
        nickname: None,
        gender: None,
        locale: None,
        email: change.email,
        email_verified: change.email_verified.unwrap_or(false),
        status: change.status.unwrap_or(Status::Active),
        level: Level::new(0).ok_or_else(|| Error::missing("level"))?,
        phone: stored(change.phone),
        mobile: stored(change.mobile),
        fax: stored(change.fax),
        title: stored(change.title),
        timezone: stored(change.timezone),
        picture_url: None,
        read_only: change.read_only.unwrap_or(false),
        role: None,
        organizations: Vec::new(),
        extensions,
    })
}

/// Takes one member. What no caller could set is handed on as it is written there: one odd user must
/// not hide all the others of a list (quirk V36).
fn take(details: &mut Details, name: &str, value: Json<'_>) -> Result<Option<Extension>, Error> {
    let key = Key::from_name(name);
    if key == Some(Key::Id) {
        return details.take(name, value).map(|()| None);
    }
    if details.take(name, value.clone()).is_ok() {
        return Ok(None);
    }
    match (key, value) {
        (Some(Key::Email), Json::String(text)) if Text::parse(&*text).is_ok() => {
            details.change.email = Some(Email::from_stored(text.into_owned()));
            Ok(None)
        }
        (_, value) => Ok(as_written(name, &value)),
    }
}

/// A credential is not handed on, and what no text can hold cannot be.
fn as_written(name: &str, value: &Json<'_>) -> Option<Extension> {
    if is_credential(name) {
        return None;
    }
    let mut text = String::new();
    json::write(&mut text, value);
    Some(Extension {
        dialect: Dialect::Vision6,
        field: Text::parse(name).ok()?,
        value: Text::parse(text).ok()?,
    })
}

/// The name as it is stored there, be it one that is taken for no new user here: one such user must
/// not hide all the others of a list.
fn username(members: &mut Vec<(Cow<'_, str>, Json<'_>)>) -> Result<Username, Error> {
    let own = Key::Username.name();
    let position = members.iter().position(|(name, _)| name == own);
    let (_, value) = position
        .map(|position| members.remove(position))
        .ok_or_else(|| Error::missing(own))?;
    let text = Text::parse(value::required_text(value, own)?);
    text.map(|text| Username::from_stored(text.as_str().to_owned()))
        .map_err(|fault| Error::invalid(own, fault))
}

fn stored<T>(edit: Edit<T>) -> Option<T> {
    let mut value = None;
    edit.apply(&mut value);
    value
}
