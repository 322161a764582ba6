//! Fields without a canonical home: extension attributes, with the types of the contract.

use super::field::{self, Flag, Home, Type};
use super::form::Fields;
use super::{place, value, wording};
use crate::command::extension::ExtensionEdit;
use crate::command::text::Text;
use crate::error::{Error, Kind};
use crate::framing::form::Entry;
use crate::framing::json;
use crate::route::{JsonLimits, Policy};

/// The field of new custom fields, an array of arrays.
pub(super) const NEW_FIELDS: &str = "uf_add";

/// Reads a value; nothing if it was sent empty.
pub(super) fn decode(
    kind: Type,
    entry: &Entry<'_>,
    policy: &Policy,
) -> Result<Option<String>, Error> {
    let name = &*entry.name;
    match kind {
        Type::Integers | Type::Groups => {
            let elements = value::elements(entry)?;
            if is_cleared(&elements) {
                return Ok(None);
            }
            let numbers = elements.iter().map(|(_, text)| {
                let number = value::integer(name, text)?;
                if kind == Type::Groups && policy.role(text).is_none() {
                    return Err(wording::UNKNOWN_GROUP.error(""));
                }
                number.ok_or_else(|| wording::ILLEGAL.error(name))
            });
            let numbers = numbers.collect::<Result<Vec<i64>, Error>>()?;
            Ok(Some(value::list(numbers, |out, number| {
                out.push_str(&number.to_string());
            })))
        }
        Type::Texts => value::elements(entry).map(|elements| texts(&elements)),
        Type::Place(place) => {
            let text = value::scalar(entry)?;
            if let Some(number) = value::integer(name, text)? {
                place::check(place, number, policy)?;
            }
            Ok((!text.is_empty()).then(|| text.to_owned()))
        }
        Type::Text | Type::ShortText(_) | Type::Integer | Type::Range(..) | Type::OneOf(_) => {
            let text = value::scalar(entry)?;
            check(kind, name, text)?;
            Ok((!text.is_empty()).then(|| text.to_owned()))
        }
    }
}

fn check(kind: Type, name: &str, text: &str) -> Result<(), Error> {
    match kind {
        Type::ShortText(most) => value::at_most(most, name, text),
        Type::Integer | Type::Place(_) => value::integer(name, text).map(drop),
        Type::Range(least, most) => match value::integer(name, text)? {
            Some(number) if !(least..=most).contains(&number) => {
                let rule = format!("must be between {least} and {most}; correct it");
                Err(Error::invalid(name.to_owned(), rule))
            }
            Some(_) | None => Ok(()),
        },
        Type::OneOf(names) if !text.is_empty() && !names.contains(&text) => {
            let rule = format!("must be one of {}", names.join(", "));
            Err(Error::invalid(name.to_owned(), rule))
        }
        Type::Text | Type::OneOf(_) | Type::Integers | Type::Groups | Type::Texts => Ok(()),
    }
}

fn is_cleared(elements: &[(&str, &str)]) -> bool {
    elements.iter().all(|(_, value)| value.is_empty())
}

/// A flat array as a JSON array; nothing if all of it is empty.
pub(super) fn texts(elements: &[(&str, &str)]) -> Option<String> {
    if is_cleared(elements) {
        return None;
    }
    let values = elements.iter().map(|(_, value)| *value);
    Some(value::list(values, json::write_string))
}

/// Writes one attribute.
pub(super) fn encode(
    edit: &ExtensionEdit,
    limits: &JsonLimits,
    form: &mut Fields,
) -> Result<(), Error> {
    let name = edit.field.as_str();
    let value = edit.value.as_ref().map(Text::as_str);
    let (kind, flags) = match field::find(name) {
        Some(field) => match field.home {
            Home::Kept(kind) => (kind, field.flags),
            Home::Status => return Ok(()),
            Home::Login
            | Home::FirstName
            | Home::LastName
            | Home::Nickname
            | Home::Gender
            | Home::Locale
            | Home::Email
            | Home::Level
            | Home::Group => return Err(unsupported(name)),
        },
        None if is_new_field(name) => (Type::Texts, &[Flag::Identity][..]),
        None => return Err(unsupported(name)),
    };
    form.flag(flags);
    match (kind, value) {
        (Type::Integers | Type::Groups | Type::Texts, None) => {
            form.push_named(format!("{name}[]"), "");
        }
        (Type::Integers | Type::Groups | Type::Texts, Some(value)) => {
            let elements = value::list_elements(value, limits).ok_or_else(|| unsupported(name))?;
            for element in elements {
                form.push_named(format!("{name}[]"), element);
            }
        }
        (_, None) => form.push_named(name, ""),
        (_, Some(value)) => {
            check(kind, name, value)?;
            form.push_named(name, value);
        }
    }
    Ok(())
}

pub(super) fn is_new_field(name: &str) -> bool {
    let definition = name
        .strip_prefix(NEW_FIELDS)
        .and_then(|rest| rest.strip_prefix('['))
        .and_then(|rest| rest.strip_suffix(']'));
    definition.is_some_and(|key| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()))
}

fn unsupported(name: &str) -> Error {
    Error::new(
        Kind::Unsupported,
        format!("b2evolution has no field for {name}; leave it out"),
    )
}
