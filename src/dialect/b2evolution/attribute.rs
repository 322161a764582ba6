//! Attributes that have a canonical home, within the limits of b2evolution (quirks B10 to B13).

use super::field::{Flag, Home};
use super::form::Fields;
use super::{kept, organizations, status, value, wording};
use crate::command::email::Email;
use crate::command::extension::ExtensionEdit;
use crate::command::name::Username;
use crate::command::text::Text;
use crate::command::user::{Level, UserChange};
use crate::command::{Dialect, Edit};
use crate::error::{Error, Kind};
use crate::route::Policy;

/// The field of the username.
pub(super) const LOGIN: &str = "edited_user_login";

/// The field of the e-mail address.
pub(super) const EMAIL: &str = "edited_user_email";

/// Characters of a given name, a family name and a nickname.
const NAME_LENGTH: usize = 50;

/// Characters of a login.
const LOGIN_LENGTH: usize = 20;

/// Reads the value of one field into the attribute that is its home.
pub(super) fn decode(
    home: Home,
    name: &str,
    text: &str,
    policy: &Policy,
    change: &mut UserChange,
) -> Result<(), Error> {
    match home {
        Home::Login => change.username = Some(login(text)?),
        Home::FirstName => change.given_name = edit(name, text, NAME_LENGTH)?,
        Home::LastName => change.family_name = edit(name, text, NAME_LENGTH)?,
        Home::Nickname => change.nickname = edit(name, text, NAME_LENGTH)?,
        Home::Gender => change.gender = gender(name, text)?,
        Home::Locale => change.locale = edit(name, text, Text::MAX_BYTES)?,
        Home::Email => change.email = Some(email(text)?),
        Home::Level => change.level = Some(level(name, text)?),
        Home::Group => {
            let role = policy.role(text).cloned();
            change.role = Edit::Set(role.ok_or_else(|| wording::UNKNOWN_GROUP.error(""))?);
        }
        Home::Status => change.status = Some(status::parse(name, text)?),
        Home::Kept(_) => {}
    }
    Ok(())
}

/// Writes everything but the password, checked as on the way in: b2evolution itself answers success where
/// a value is too long, and keeps nothing of the change.
pub(super) fn encode(change: &UserChange, policy: &Policy, form: &mut Fields) -> Result<(), Error> {
    refuse_foreign(change)?;
    if let Some(username) = &change.username {
        check_login(username.as_str())?;
        form.push(LOGIN, username.as_str());
    }
    let names = [
        ("edited_user_firstname", &change.given_name),
        ("edited_user_lastname", &change.family_name),
        ("edited_user_nickname", &change.nickname),
    ];
    for (name, sent) in names {
        push(name, sent, &[Flag::Identity], form, |text| {
            value::at_most(NAME_LENGTH, name, text)
        })?;
    }
    let name = "edited_user_gender";
    push(name, &change.gender, &[Flag::Identity], form, |text| {
        check_gender(name, text)
    })?;
    let name = "edited_user_locale";
    push(name, &change.locale, &[Flag::Preferences], form, |text| {
        value::at_most(Text::MAX_BYTES, name, text)
    })?;
    if let Some(address) = &change.email {
        check_email(address.as_str())?;
        form.flag(&[Flag::Admin]);
        form.push(EMAIL, address.as_str());
    }
    if let Some(level) = change.level {
        form.flag(&[Flag::Admin]);
        form.push("edited_user_level", level.value().to_string());
    }
    if let Edit::Set(role) = &change.role {
        let group = policy
            .role_name(role)
            .ok_or_else(|| unsupported("this role"))?;
        form.flag(&[Flag::Admin]);
        form.push("edited_user_grp_ID", group);
    }
    if let Some(stands) = change.status {
        let mut edits = change.extensions.iter();
        let exact = edits.find(|edit| is_exact_status(edit));
        let exact = exact.and_then(|edit| edit.value.as_ref()).map(Text::as_str);
        form.flag(&[Flag::Admin]);
        form.push(status::FIELD, status::encode(stands, exact));
    }
    if let Some(organizations) = &change.organizations {
        form.flag(&[Flag::Identity]);
        organizations::encode(organizations, form);
    }
    for edit in &change.extensions {
        if edit.dialect != Dialect::B2evolution {
            return Err(unsupported(edit.field.as_str()));
        }
        kept::encode(edit, &policy.json, form)?;
    }
    Ok(())
}

fn push(
    name: &'static str,
    edit: &Edit<Text>,
    flags: &[Flag],
    form: &mut Fields,
    check: impl Fn(&str) -> Result<(), Error>,
) -> Result<(), Error> {
    let text = match edit {
        Edit::Keep => return Ok(()),
        Edit::Clear => "",
        Edit::Set(text) => text.as_str(),
    };
    check(text)?;
    form.flag(flags);
    form.push(name, text);
    Ok(())
}

fn refuse_foreign(change: &UserChange) -> Result<(), Error> {
    let foreign = [
        ("a display name", !change.display_name.is_keep()),
        (
            "a confirmed e-mail address",
            change.email_verified.is_some(),
        ),
        ("a telephone number", !change.phone.is_keep()),
        ("a mobile number", !change.mobile.is_keep()),
        ("a fax number", !change.fax.is_keep()),
        ("a position", !change.title.is_keep()),
        ("a time zone", !change.timezone.is_keep()),
        ("the address of a picture", !change.picture_url.is_keep()),
        ("a read-only user", change.read_only.is_some()),
        ("a user without a role", change.role == Edit::Clear),
        ("a message to the user", change.notify),
    ];
    match foreign.iter().find(|(_, sent)| *sent) {
        Some((what, _)) => Err(unsupported(what)),
        None => Ok(()),
    }
}

fn unsupported(what: &str) -> Error {
    Error::new(
        Kind::Unsupported,
        format!("b2evolution has no field for {what}; leave it out"),
    )
}

fn is_exact_status(edit: &ExtensionEdit) -> bool {
    edit.dialect == Dialect::B2evolution && edit.field.as_str() == status::FIELD
}

/// Text; sent empty it is cleared.
fn edit(name: &str, text: &str, most: usize) -> Result<Edit<Text>, Error> {
    if text.is_empty() {
        return Ok(Edit::Clear);
    }
    value::at_most(most, name, text)?;
    value::text(name, text).map(Edit::Set)
}

/// One of three letters; sent empty it is cleared.
fn gender(name: &str, text: &str) -> Result<Edit<Text>, Error> {
    check_gender(name, text)?;
    edit(name, text, 1)
}

fn check_gender(name: &str, text: &str) -> Result<(), Error> {
    match text {
        "" | "M" | "F" | "O" => Ok(()),
        _ => Err(Error::invalid(
            name.to_owned(),
            "must be M, F or O; send one of them",
        )),
    }
}

/// A number from 0 to 10.
fn level(name: &str, text: &str) -> Result<Level, Error> {
    let number = value::integer(name, text)?;
    let level = number.and_then(|number| u8::try_from(number).ok());
    level
        .and_then(Level::new)
        .ok_or_else(|| wording::LEVEL_RANGE.error(""))
}

/// Lower case, whatever was sent.
fn login(text: &str) -> Result<Username, Error> {
    check_login(text)?;
    Username::parse(text.to_ascii_lowercase()).ok_or_else(|| wording::LOGIN_CHARACTERS.error(""))
}

/// Whether a user can have the login, be it one of the vendor's own making.
pub(super) fn is_login(login: &str) -> bool {
    (1..=LOGIN_LENGTH).contains(&login.len()) && login.bytes().all(is_login_byte)
}

const fn is_login_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

/// Letters, digits and three signs; at most 20 of them; not the vendor's own prefix.
fn check_login(login: &str) -> Result<(), Error> {
    if login.is_empty() {
        return Err(wording::LOGIN_EMPTY.error(""));
    }
    if !login.bytes().all(is_login_byte) {
        return Err(wording::LOGIN_CHARACTERS.error(""));
    }
    if login.len() > LOGIN_LENGTH {
        return Err(wording::LOGIN_LONG.error(""));
    }
    if login
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("usr_"))
    {
        return Err(Error::invalid(
            "edited_user_login",
            "must not start with usr_; choose another",
        ));
    }
    Ok(())
}

/// Lower case, whatever was sent.
fn email(text: &str) -> Result<Email, Error> {
    check_email(text)?;
    Email::parse(text.to_ascii_lowercase()).ok_or_else(|| wording::EMAIL_INVALID.error(""))
}

/// Fewer characters than RFC 5322 allows, above all no plus sign.
fn check_email(email: &str) -> Result<(), Error> {
    if email.is_empty() {
        return Err(wording::EMAIL_EMPTY.error(""));
    }
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'@');
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic();
    let mut behind = email.bytes().rev().skip_while(is_letter);
    let top = email.bytes().rev().take_while(is_letter).count();
    let is_top = top >= 2 && behind.next().is_none_or(|byte| byte == b'.');
    if is_top && email.bytes().all(is_allowed) {
        return Ok(());
    }
    Err(wording::EMAIL_INVALID.error(""))
}
