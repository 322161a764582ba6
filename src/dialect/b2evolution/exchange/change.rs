//! Changes as b2evolution can keep them, checked before anything is sent: where it cannot, it
//! reports success all the same, or changes the value silently.

use super::super::field_names::in_canonical_words;
use super::super::{password, profile};
use crate::auth::Credentials;
use crate::command::Edit;
use crate::command::name::{join_names, split_display_name};
use crate::command::text::Text;
use crate::command::user::UserChange;
use crate::dialect::exchange::Refusal;
use crate::error::{Error, Kind};
use crate::route::Policy;

/// Whoever changes a password proves who it is by its own: here that is the gateway.
pub(super) fn prove(change: &mut UserChange, credentials: &Credentials) {
    if change.password.is_some()
        && change.current_password.is_none()
        && let Credentials::Basic { password, .. } = credentials
    {
        change.current_password = Some(password.clone());
    }
}

/// Refuses what a new user cannot be made without.
pub(super) fn check_new(change: &UserChange, policy: &Policy) -> Result<(), Error> {
    let needed = [
        ("username", change.username.is_some()),
        ("email", change.email.is_some()),
        ("password", change.password.is_some()),
    ];
    if let Some((attribute, _)) = needed.into_iter().find(|(_, is_there)| !is_there) {
        let message = format!("b2evolution makes no user without {attribute}; send it");
        return Err(Error::new(Kind::MissingArgument(attribute.into()), message));
    }
    check_values(change)?;
    let encoded = profile::encode_create(change, policy);
    encoded.map(drop).map_err(in_canonical_words)
}

/// Refuses what an update cannot change.
pub(in crate::dialect) fn check_update(change: &UserChange, policy: &Policy) -> Result<(), Error> {
    check_values(change)?;
    let encoded = profile::encode_update(change, policy);
    encoded.map(drop).map_err(in_canonical_words)
}

fn check_values(change: &UserChange) -> Result<(), Error> {
    let texts = [
        ("given_name", &change.given_name),
        ("family_name", &change.family_name),
        ("nickname", &change.nickname),
        ("locale", &change.locale),
    ];
    for (attribute, edit) in texts {
        check_text(attribute, edit.value())?;
    }
    for edit in &change.extensions {
        check_text(edit.field.as_str(), edit.value.as_ref())?;
    }
    for organization in change.organizations.iter().flatten() {
        check_text("organizations", organization.role.as_ref())?;
    }
    let checked = change.password.as_ref().map_or(Ok(()), password::check);
    checked.map_err(in_canonical_words)
}

/// It takes tags, line ends and surrounding blanks away, and keeps what is left.
fn check_text(attribute: &str, text: Option<&Text>) -> Result<(), Error> {
    let text = text.map(Text::as_str).unwrap_or_default();
    let has_tag = text.split('<').skip(1).any(|after| {
        after.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
    });
    if text != text.trim() || text.contains(['\n', '\r']) || has_tag {
        let must = "must have no tags, line ends or blanks around it, which b2evolution takes away";
        return Err(Error::invalid(attribute.to_owned(), must));
    }
    Ok(())
}

/// There are only a first and a last name.
pub(super) fn split_name(change: &mut UserChange) -> Result<(), Error> {
    let (given, family) = (&change.given_name, &change.family_name);
    match &change.display_name {
        Edit::Keep => {}
        Edit::Clear if given.is_keep() && family.is_keep() => {
            (change.given_name, change.family_name) = (Edit::Clear, Edit::Clear);
        }
        Edit::Set(whole) if given.is_keep() && family.is_keep() => {
            let (given, family) = split_display_name(whole.as_str());
            let (given, family) = (part(given)?, part(family.unwrap_or_default())?);
            (change.given_name, change.family_name) = (given, family);
        }
        Edit::Set(whole) => {
            let text = |edit: &Edit<Text>| edit.value().map(|text| text.as_str().to_owned());
            let joined = join_names(text(given).as_deref(), text(family).as_deref());
            if joined.as_deref() != Some(whole.as_str()) {
                return Err(differ());
            }
        }
        Edit::Clear => return Err(differ()),
    }
    change.display_name = Edit::Keep;
    Ok(())
}

fn part(name: &str) -> Result<Edit<Text>, Error> {
    if name.is_empty() {
        return Ok(Edit::Clear);
    }
    let text = Text::parse(name).map_err(|fault| Error::invalid("display_name", fault))?;
    Ok(Edit::Set(text))
}

fn differ() -> Error {
    let message = "display_name differs from given_name and family_name, and b2evolution keeps \
                   those only; leave one of the two out";
    Error::new(Kind::Unsupported, message)
}

/// The same refusal, in canonical words where it is about a field.
pub(super) fn told(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Fault(error) => Refusal::Fault(in_canonical_words(error)),
        other @ (Refusal::Login(_) | Refusal::Unreadable(_)) => other,
    }
}

/// Whether an attribute that a read shows is among those that change.
pub(super) const fn is_shown(change: &UserChange) -> bool {
    change.username.is_some()
        || !change.given_name.is_keep()
        || !change.family_name.is_keep()
        || !change.gender.is_keep()
}
