//! `user_details`: what a user is made or changed with.

use std::borrow::Cow;

use super::members::Members;
use super::value;
use super::wire::{Key, USER_DETAILS};
use crate::command::email::Email;
use crate::command::extension::{CREDENTIAL, ExtensionEdit, is_credential};
use crate::command::name::{Username, split_display_name};
use crate::command::text::Text;
use crate::command::timezone::Timezone;
use crate::command::user::{Status, UserChange};
use crate::command::{Dialect, Edit, Id};
use crate::error::{Error, Kind};
use crate::framing::json::{self, Json};
use crate::route::JsonLimits;

/// What the details say: which user, and what is to be changed about it.
#[derive(Default)]
pub(super) struct Details {
    /// The user, if they name one.
    pub(super) id: Option<Id>,
    /// The change, boxed from the start, as it is large.
    pub(super) change: Box<UserChange>,
}

/// Reads an object, an array of one object, or the empty array PHP makes of an empty one.
pub(super) fn decode(value: Json<'_>) -> Result<Details, Error> {
    let mut details = Details::default();
    for (name, value) in members(value)? {
        // Answers have null where there is nothing: sent back, it changes nothing (quirk V8).
        if value != Json::Null {
            details.take(&name, value)?;
        }
    }
    Ok(details)
}

fn members(mut value: Json<'_>) -> Result<Vec<(Cow<'_, str>, Json<'_>)>, Error> {
    if let Json::Array(items) = &mut value
        && items.len() < 2
    {
        value = match items.pop() {
            Some(only) => only,
            None => return Ok(Vec::new()),
        };
    }
    match value {
        Json::Object(members) => Ok(members),
        Json::Null => Err(Error::missing(USER_DETAILS)),
        Json::Bool(_) | Json::Integer(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            Err(Error::invalid(
                USER_DETAILS,
                "must be one object, alone or as the only element of an array",
            ))
        }
    }
}

impl Details {
    /// Takes one member, which is not `null`.
    pub(super) fn take(&mut self, name: &str, value: Json<'_>) -> Result<(), Error> {
        let change = &mut self.change;
        let Some(key) = Key::from_name(name) else {
            change.extensions.push(extension(name, &value)?);
            return Ok(());
        };
        let name = key.name();
        match key {
            Key::Id => self.id = Some(value::id(&value, name)?),
            Key::Username => change.username = Some(username(value)?),
            Key::Password => change.password = Some(value::required_text(value, name)?.into()),
            Key::FirstName => change.given_name = value::edit(value, name)?,
            Key::LastName => change.family_name = value::edit(value, name)?,
            Key::Email => change.email = Some(email(value)?),
            Key::Phone => change.phone = value::edit_digits(value, name)?,
            Key::Mobile => change.mobile = value::edit_digits(value, name)?,
            Key::Fax => change.fax = value::edit_digits(value, name)?,
            Key::Position => change.title = value::edit(value, name)?,
            Key::Timezone => change.timezone = Edit::Set(timezone(value)?),
            Key::IsConfirmed => change.email_verified = Some(value::flag(&value, name)?),
            Key::IsReadOnly => change.read_only = Some(value::flag(&value, name)?),
            Key::IsActive => change.status = Some(status(value::flag(&value, name)?)),
            Key::ReceivesPromotional => {
                let flag = value::flag(&value, name)?;
                change.extensions.push(ExtensionEdit {
                    dialect: Dialect::Vision6,
                    field: Text::known(name),
                    value: Some(Text::known(if flag { "true" } else { "false" })),
                });
            }
            Key::EmailUser => change.notify = value::flag(&value, name)?,
        }
        Ok(())
    }
}

fn username(value: Json<'_>) -> Result<Username, Error> {
    let name = Key::Username.name();
    Username::parse(value::required_text(value, name)?)
        .ok_or_else(|| Error::invalid(name, Username::MUST))
}

fn email(value: Json<'_>) -> Result<Email, Error> {
    let text = value::required_text(value, Key::Email.name())?;
    Email::parse(text).ok_or_else(|| Kind::InvalidEmail.into())
}

fn timezone(value: Json<'_>) -> Result<Timezone, Error> {
    let name = Key::Timezone.name();
    Timezone::parse(&value::required_text(value, name)?).ok_or_else(|| {
        Error::invalid(
            name,
            "must be a tz database name such as Australia/Brisbane; getTimezoneList lists them",
        )
    })
}

const fn status(active: bool) -> Status {
    if active {
        Status::Active
    } else {
        Status::Deactivated
    }
}

/// The value is kept as the JSON it was, so that it can be given back unchanged.
fn extension(name: &str, value: &Json<'_>) -> Result<ExtensionEdit, Error> {
    if is_credential(name) {
        return Err(Error::invalid(name.to_owned(), CREDENTIAL));
    }
    let mut text = String::new();
    json::write(&mut text, value);
    let refuse = |error| Error::invalid(name.to_owned(), error);
    Ok(ExtensionEdit {
        dialect: Dialect::Vision6,
        field: Text::parse(name).map_err(refuse)?,
        value: Some(Text::parse(text).map_err(refuse)?),
    })
}

/// Writes the details of a change. What Vision6 has no key for is [`Kind::Unsupported`].
pub(super) fn encode(
    out: &mut String,
    id: Option<Id>,
    change: &UserChange,
    limits: &JsonLimits,
) -> Result<(), Error> {
    refuse_inexpressible(change)?;
    let (given_name, family_name) = names(change)?;
    let mut members = Members::open(out, json::write_php_string);
    if let Some(id) = id {
        members.number(Key::Id.name(), id);
    }
    if let Some(username) = &change.username {
        members.text(Key::Username.name(), Some(username.as_str()));
    }
    if let Some(password) = &change.password {
        members.text(Key::Password.name(), Some(password.reveal()));
    }
    if let Some(email) = &change.email {
        members.text(Key::Email.name(), Some(email.as_str()));
    }
    for (key, edit) in [
        (Key::FirstName, given_name),
        (Key::LastName, family_name),
        (Key::Phone, as_text(&change.phone)),
        (Key::Mobile, as_text(&change.mobile)),
        (Key::Fax, as_text(&change.fax)),
        (Key::Position, as_text(&change.title)),
        (
            Key::Timezone,
            change.timezone.value().map(|zone| zone.name()),
        ),
    ] {
        if edit.is_some() {
            members.text(key.name(), edit);
        }
    }
    for (key, flag) in [
        (Key::IsConfirmed, change.email_verified),
        (Key::IsReadOnly, change.read_only),
        (
            Key::IsActive,
            change.status.map(|status| status == Status::Active),
        ),
        (Key::EmailUser, change.notify.then_some(true)),
    ] {
        if let Some(flag) = flag {
            members.flag(key.name(), flag);
        }
    }
    encode_extensions(&mut members, &change.extensions, limits)?;
    members.close();
    Ok(())
}

/// What a text attribute becomes: nothing where it is kept, the empty string where it is cleared.
fn as_text(edit: &Edit<Text>) -> Option<&str> {
    match edit {
        Edit::Keep => None,
        Edit::Clear => Some(""),
        Edit::Set(text) => Some(text.as_str()),
    }
}

/// First and last name; a display name is split, because Vision6 has no other place for it.
fn names(change: &UserChange) -> Result<(Option<&str>, Option<&str>), Error> {
    let given_name = as_text(&change.given_name);
    let family_name = as_text(&change.family_name);
    match as_text(&change.display_name) {
        None => Ok((given_name, family_name)),
        Some(display_name) if given_name.is_none() && family_name.is_none() => {
            let (given, family) = split_display_name(display_name);
            Ok((Some(given), Some(family.unwrap_or_default())))
        }
        Some(_) => Err(unsupported(
            "display_name beside given_name and family_name",
        )),
    }
}

fn refuse_inexpressible(change: &UserChange) -> Result<(), Error> {
    // Every attribute is named: a new one is a compile error here, not a silent loss.
    let UserChange {
        username: _,
        password: _,
        current_password,
        display_name: _,
        given_name: _,
        family_name: _,
        nickname,
        gender,
        locale,
        email: _,
        email_verified: _,
        status,
        level,
        phone: _,
        mobile: _,
        fax: _,
        title: _,
        timezone,
        picture_url,
        read_only: _,
        role,
        organizations,
        notify: _,
        extensions: _,
        guard: _,
    } = change;
    let expressible_status = [None, Some(Status::Active), Some(Status::Deactivated)];
    let refused = [
        ("current_password", current_password.is_some()),
        ("nickname", !nickname.is_keep()),
        ("gender", !gender.is_keep()),
        ("locale", !locale.is_keep()),
        (
            "status unconfirmed or closed",
            !expressible_status.contains(status),
        ),
        ("level", level.is_some()),
        ("empty timezone", *timezone == Edit::Clear),
        ("picture_url", !picture_url.is_keep()),
        ("role", !role.is_keep()),
        ("organizations", organizations.is_some()),
    ];
    match refused.into_iter().find(|(_, mentioned)| *mentioned) {
        Some((attribute, _)) => Err(unsupported(attribute)),
        None => Ok(()),
    }
}

fn encode_extensions(
    members: &mut Members<'_>,
    extensions: &[ExtensionEdit],
    limits: &JsonLimits,
) -> Result<(), Error> {
    for (position, edit) in extensions.iter().enumerate() {
        let name = edit.field.as_str();
        let repeated = extensions
            .iter()
            .take(position)
            .any(|earlier| earlier.field == edit.field);
        let value = edit.value.as_ref().map(Text::as_str);
        match value {
            Some(value)
                if edit.dialect == Dialect::Vision6
                    && !repeated
                    && is_expressible(name, value, limits) =>
            {
                members.json(name, value);
            }
            Some(_) | None => return Err(unsupported(name)),
        }
    }
    Ok(())
}

fn is_expressible(name: &str, value: &str, limits: &JsonLimits) -> bool {
    match Key::from_name(name) {
        Some(Key::ReceivesPromotional) => matches!(value, "true" | "false"),
        Some(_) => false,
        None => Json::decode(value, limits).is_ok_and(|value| value != Json::Null),
    }
}

/// The fault of something that Vision6 cannot express.
pub(super) fn unsupported(what: &str) -> Error {
    let message = format!("{what} cannot be expressed in Vision6; leave it out");
    Error::new(Kind::Unsupported, message)
}
