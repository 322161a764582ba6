//! What a field is called by callers of every dialect, and by those of b2evolution.

use crate::error::{Error, Kind};

/// Canonical attributes and the fields that hold them: who is told of a fault may speak another
/// dialect.
const ATTRIBUTES: [(&str, &str); 10] = [
    ("edited_user_login", "username"),
    ("edited_user_firstname", "given_name"),
    ("edited_user_lastname", "family_name"),
    ("edited_user_nickname", "nickname"),
    ("edited_user_gender", "gender"),
    ("edited_user_locale", "locale"),
    ("edited_user_email", "email"),
    ("edited_user_level", "level"),
    ("edited_user_pass1", "password"),
    ("edited_user_status", "status"),
];

/// The same error, about the attributes instead of the fields.
pub(super) fn in_canonical_words(error: Error) -> Error {
    if !error.faults().any(|fault| attribute(fault).is_some()) {
        return error;
    }
    match Error::all(error.faults().map(translated)) {
        Some(told) => told.caused_by(error),
        None => error,
    }
}

/// The field of a form that a canonical attribute is in; any other name as it is.
pub(super) fn of_attribute(name: &str) -> &str {
    // There is no field for the whole name, which begins with the first one.
    if name == "display_name" {
        return "edited_user_firstname";
    }
    let known = ATTRIBUTES.iter().find(|(_, attribute)| *attribute == name);
    known.map_or(name, |(field, _)| field)
}

fn attribute(fault: &Error) -> Option<(&'static str, &'static str)> {
    let field = fault.kind().field()?;
    ATTRIBUTES.into_iter().find(|(known, _)| *known == field)
}

fn translated(fault: &Error) -> Error {
    let Some((field, attribute)) = attribute(fault) else {
        return Error::new(fault.kind().clone(), fault.message().to_owned());
    };
    let kind = if matches!(fault.kind(), Kind::MissingArgument(_)) {
        Kind::MissingArgument(attribute.into())
    } else {
        Kind::InvalidArgument(attribute.into())
    };
    Error::new(kind, fault.message().replace(field, attribute))
}
