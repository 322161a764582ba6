//! Changes to users: `add=site_users` and `update=site_users`.

use std::borrow::Cow;

use super::extension;
use super::fields::{Fields, Need};
use super::normalise;
use super::pairs::{Pairs, cannot, need};
use super::role;
use super::wire::is_missing;
use crate::command::Edit;
use crate::command::email::Email;
use crate::command::extension::Guard;
use crate::command::name::{Username, join_names};
use crate::command::text::Text;
use crate::command::timezone::Timezone;
use crate::command::user::{Status, UserChange};
use crate::error::{Error, Kind};
use crate::route::Policy;

/// The fields that are something else than an attribute of their own.
const OWN: [&str; 13] = [
    "full_name",
    "username",
    "email_address",
    "password",
    "confirm_password",
    "site_role",
    "site_role_attribute",
    "avatarURL",
    "phone_number",
    "timezone",
    "deactivate",
    "redirect",
    "signup_page",
];

/// Reads a change. For a new user name, username, e-mail address and password are needed; an
/// update leaves what is absent or empty as it is.
pub(super) fn decode(fields: &mut Fields<'_>, policy: &Policy, is_new: bool) -> Box<UserChange> {
    let need = if is_new {
        Need::Required
    } else {
        Need::Optional
    };
    // It leads a browser somewhere else, and here is none.
    fields.pass_over("redirect");
    let (role, unknown_role) = role::decode(fields, policy);
    let mut change = Box::new(UserChange {
        display_name: fields.set("full_name", need),
        username: username(fields, need),
        email: email(fields, need),
        password: fields.password(need),
        phone: fields.set("phone_number", Need::Optional),
        picture_url: fields.set_or_clear("avatarURL", is_new),
        timezone: timezone(fields),
        status: status(fields),
        role,
        ..UserChange::default()
    });
    refuse_signup(fields);
    change.extensions = extension::keep_rest(fields);
    if let Some(role) = unknown_role {
        change.extensions.push(role);
        change.guard = Guard::Role;
    }
    change
}

/// Writes a change.
pub(super) fn encode(
    change: &UserChange,
    is_new: bool,
    policy: &Policy,
    pairs: &mut Pairs,
) -> Result<(), Error> {
    refuse_foreign(change)?;
    if is_new {
        need("username", change.username.is_some())?;
        need("email", change.email.is_some())?;
        need("password", change.password.is_some())?;
    }
    if let Some(name) = full_name(change, is_new)? {
        if is_missing(&name) {
            return Err(cannot("display_name", "be blank or 0"));
        }
        pairs.add("full_name", name);
    }
    if let Some(username) = &change.username {
        pairs.add("username", own_spelling(username)?);
    }
    if let Some(email) = &change.email {
        pairs.add("email_address", email.as_str());
    }
    if let Some(password) = &change.password {
        pairs.add_needed("password", "password", password.reveal())?;
    }
    pairs.add_edit("phone", "phone_number", &change.phone)?;
    pairs.add_edit_or_clear("picture_url", "avatarURL", &change.picture_url, is_new)?;
    encode_timezone(&change.timezone, pairs)?;
    encode_status(change.status, pairs)?;
    role::encode(&change.role, policy, pairs)?;
    extension::write(&change.extensions, &OWN, policy, pairs)
}

fn username(fields: &mut Fields<'_>, need: Need) -> Option<Username> {
    let text = fields.wanted("username", need)?;
    let must = "must have 1 to 255 of the characters A-Z, a-z, 0-9, _, . and -";
    fields.parse("username", &text, must, |text| {
        Username::parse(normalise::username(text))
    })
}

fn email(fields: &mut Fields<'_>, need: Need) -> Option<Email> {
    let text = fields.wanted("email_address", need)?;
    let email = Email::parse(text);
    if email.is_none() {
        fields.fault(Kind::InvalidEmail.into());
    }
    email
}

fn timezone(fields: &mut Fields<'_>) -> Edit<Timezone> {
    let must = "must be a zone of the tz database, such as Europe/Paris";
    fields
        .parsed("timezone", must, Timezone::parse)
        .map_or(Edit::Keep, Edit::Set)
}

fn status(fields: &mut Fields<'_>) -> Option<Status> {
    fields.parsed("deactivate", "must be yes or no", |text| match text {
        "yes" => Some(Status::Deactivated),
        "no" => Some(Status::Active),
        _ => None,
    })
}

/// With it the vendor opens a session for the new user and answers with it.
fn refuse_signup(fields: &mut Fields<'_>) {
    if fields.text("signup_page").is_some() {
        let message = "signup_page asks for a session, which is not given here; leave it out";
        fields.fault(Error::new(Kind::Unsupported, message));
    }
}

fn refuse_foreign(change: &UserChange) -> Result<(), Error> {
    let foreign = [
        ("current_password", change.current_password.is_some()),
        ("nickname", !change.nickname.is_keep()),
        ("gender", !change.gender.is_keep()),
        ("locale", !change.locale.is_keep()),
        ("email_verified", change.email_verified.is_some()),
        ("level", change.level.is_some()),
        ("mobile", !change.mobile.is_keep()),
        ("fax", !change.fax.is_keep()),
        ("title", !change.title.is_keep()),
        ("read_only", change.read_only.is_some()),
        ("organizations", change.organizations.is_some()),
        ("notify", change.notify),
    ];
    match foreign.into_iter().find(|(_, is_mentioned)| *is_mentioned) {
        Some((attribute, _)) => Err(cannot(attribute, "be kept")),
        None => Ok(()),
    }
}

/// The one name that there is. Half a name would take the other half away.
fn full_name(change: &UserChange, is_new: bool) -> Result<Option<Cow<'_, str>>, Error> {
    let halves = || {
        let text = |edit: &'_ Edit<Text>| edit.value().map(|text| text.as_str().to_owned());
        join_names(
            text(&change.given_name).as_deref(),
            text(&change.family_name).as_deref(),
        )
    };
    let (given, family) = (&change.given_name, &change.family_name);
    match &change.display_name {
        Edit::Set(whole) if given.is_keep() && family.is_keep() => Ok(Some(whole.as_str().into())),
        Edit::Set(whole) if halves().as_deref() == Some(whole.as_str()) => {
            Ok(Some(whole.as_str().into()))
        }
        Edit::Keep if given.is_keep() && family.is_keep() => {
            need("display_name", !is_new)?;
            Ok(None)
        }
        Edit::Keep if is_new || !(given.is_keep() || family.is_keep()) => match halves() {
            Some(whole) => Ok(Some(whole.into())),
            None => Err(cannot("given_name", "be emptied")),
        },
        Edit::Keep => Err(cannot("given_name", "change without family_name")),
        Edit::Set(_) => Err(cannot("given_name", "differ from display_name")),
        Edit::Clear => Err(cannot("display_name", "be emptied")),
    }
}

/// A username that the vendor would not change.
fn own_spelling(username: &Username) -> Result<&str, Error> {
    let text = username.as_str();
    if is_missing(text) || normalise::username(text) != text {
        return Err(cannot(
            "username",
            "have other characters than A-Z, a-z, 0-9, _, . and -",
        ));
    }
    Ok(text)
}

fn encode_timezone(edit: &Edit<Timezone>, pairs: &mut Pairs) -> Result<(), Error> {
    match edit {
        Edit::Keep => Ok(()),
        Edit::Set(zone) => {
            pairs.add("timezone", zone.name());
            Ok(())
        }
        Edit::Clear => Err(cannot("timezone", "be emptied")),
    }
}

fn encode_status(status: Option<Status>, pairs: &mut Pairs) -> Result<(), Error> {
    match status {
        None => Ok(()),
        Some(Status::Active) => {
            pairs.add("deactivate", "no");
            Ok(())
        }
        Some(Status::Deactivated) => {
            pairs.add("deactivate", "yes");
            Ok(())
        }
        Some(Status::Unconfirmed | Status::Closed) => {
            Err(cannot("status", "be unconfirmed or closed"))
        }
    }
}
