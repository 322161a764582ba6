//! A user as answers show it.

use std::borrow::Cow;

use super::members::{Members, WriteString};
use super::wire::Key;
use super::{details, value};
use crate::command::email::Email;
use crate::command::extension::{Extension, apply_extensions};
use crate::command::name::Username;
use crate::command::text::Text;
use crate::command::timezone::Timezone;
use crate::command::user::{Level, Status, User};
use crate::command::{AccountId, Dialect, Edit};
use crate::error::Error;
use crate::framing::json::Json;
use crate::route::JsonLimits;

/// Writes a user. An attribute without a value is `null`, which changes nothing when a client
/// sends back what it read (quirk V8).
pub(super) fn encode(out: &mut String, user: &User, write: WriteString) {
    let (first_name, last_name) = user.names();
    let mut members = Members::open(out, write);
    members.number(Key::Id.name(), user.id);
    members.text(Key::Username.name(), Some(user.username.as_str()));
    members.text(Key::FirstName.name(), first_name);
    members.text(Key::LastName.name(), last_name);
    members.text(Key::Email.name(), user.email.as_ref().map(Email::as_str));
    members.text(Key::Phone.name(), user.phone.as_ref().map(Text::as_str));
    members.text(Key::Mobile.name(), user.mobile.as_ref().map(Text::as_str));
    members.text(Key::Fax.name(), user.fax.as_ref().map(Text::as_str));
    members.text(Key::Position.name(), user.title.as_ref().map(Text::as_str));
    members.text(Key::Timezone.name(), user.timezone.map(Timezone::name));
    members.flag(Key::IsConfirmed.name(), user.email_verified);
    members.flag(Key::IsReadOnly.name(), user.read_only);
    members.flag(Key::IsActive.name(), user.status == Status::Active);
    if user
        .extension(Dialect::Vision6, Key::ReceivesPromotional.name())
        .is_none()
    {
        members.text(Key::ReceivesPromotional.name(), None);
    }
    for extension in &user.extensions {
        if extension.dialect == Dialect::Vision6 {
            encode_extension(&mut members, extension);
        }
    }
    members.close();
}

/// The value is JSON, because decoding made it so; a row that somebody edited by hand must not
/// break the whole answer.
fn encode_extension(members: &mut Members<'_>, extension: &Extension) {
    let (name, value) = (extension.field.as_str(), extension.value.as_str());
    if Json::decode(value, &JsonLimits::default()).is_ok() {
        members.json(name, value);
    } else {
        members.text(name, Some(value));
    }
}

/// Reads a user from an upstream's answer: the keys mean what they mean in `user_details`, except
/// that the empty string is no value anywhere.
///
/// The answer does not say which account the user is in; whoever asked knows.
pub(super) fn decode(value: Json<'_>, account: AccountId) -> Result<User, Error> {
    let Json::Object(mut members) = value else {
        return Err(Error::invalid("user", "must be an object"));
    };
    members.retain(|(_, value)| *value != Json::String("".into()));
    let username = username(&mut members)?;
    let details = details::decode(Json::Object(members))?;
    let id = details.id.ok_or_else(|| Error::missing(Key::Id.name()))?;
    let change = *details.change;
    let mut extensions = Vec::new();
    apply_extensions(change.extensions, &mut extensions);
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
