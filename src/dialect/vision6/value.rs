//! Single values as Vision6 clients write them: ids as text, booleans as digits.

use std::borrow::Cow;

use crate::command::text::Text;
use crate::command::{Edit, Id};
use crate::error::Error;
use crate::framing::json::Json;

/// The text of a string.
pub(super) fn string(value: Json<'_>) -> Option<Cow<'_, str>> {
    if let Json::String(text) = value {
        return Some(text);
    }
    None
}

/// The elements of an array.
pub(super) fn array(value: Json<'_>) -> Option<Vec<Json<'_>>> {
    if let Json::Array(items) = value {
        return Some(items);
    }
    None
}

/// A positive whole number, as a number or as decimal digits.
pub(super) fn id(value: &Json<'_>, name: &'static str) -> Result<Id, Error> {
    let id = match value {
        Json::Null => return Err(Error::missing(name)),
        Json::Integer(number) => Id::new(*number),
        Json::String(digits) => Id::parse(digits),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => None,
    };
    id.ok_or_else(|| Error::invalid(name, "must be a positive whole number"))
}

/// How many: not negative, and 0 where nothing is said.
pub(super) fn count(value: &Json<'_>, name: &'static str) -> Result<u64, Error> {
    if is_nothing(value) {
        return Ok(0);
    }
    let count = match value {
        Json::Integer(number) => u64::try_from(*number).ok(),
        Json::Number(digits) | Json::String(digits) => unsigned(digits),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    };
    count.ok_or_else(|| Error::invalid(name, "must be a whole number, 0 or more"))
}

/// A truth value: a boolean, or 0 or 1 as a number or as text.
pub(super) fn flag(value: &Json<'_>, name: &'static str) -> Result<bool, Error> {
    let flag = match value {
        Json::Bool(flag) => Some(*flag),
        Json::Integer(number) => digit_flag(&number.to_string()),
        Json::String(digit) => digit_flag(digit),
        Json::Null | Json::Number(_) | Json::Array(_) | Json::Object(_) => None,
    };
    flag.ok_or_else(|| Error::invalid(name, "must be true or false, or 1 or 0"))
}

/// Text that must say something.
pub(super) fn required_text(value: Json<'_>, name: &'static str) -> Result<String, Error> {
    let text = string(value).ok_or_else(|| not_a_string(name))?;
    if text.is_empty() {
        let must = "must not be empty; leave it out to keep what is there";
        return Err(Error::invalid(name, must));
    }
    Ok(text.into_owned())
}

/// Text that may be cleared, which is what the empty string does.
pub(super) fn edit(value: Json<'_>, name: &'static str) -> Result<Edit<Text>, Error> {
    let text = string(value).ok_or_else(|| not_a_string(name))?;
    if text.is_empty() {
        return Ok(Edit::Clear);
    }
    let text = Text::parse(text.into_owned()).map_err(|error| Error::invalid(name, error))?;
    Ok(Edit::Set(text))
}

/// As [`edit`], and a number is the digits it was written in: PHP callers send telephone numbers
/// as integers.
pub(super) fn edit_digits(value: Json<'_>, name: &'static str) -> Result<Edit<Text>, Error> {
    edit(digits_to_text(value), name)
}

/// A number as the string of its digits, everything else as it is.
pub(super) fn digits_to_text(value: Json<'_>) -> Json<'_> {
    match value {
        Json::Integer(number) => Json::String(number.to_string().into()),
        Json::Number(digits) => Json::String(digits),
        Json::Null | Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => value,
    }
}

/// Whether an optional parameter was left out, in one of the ways clients do so.
pub(super) fn is_nothing(value: &Json<'_>) -> bool {
    if let Json::String(text) = value {
        return text.is_empty();
    }
    matches!(value, Json::Null | Json::Integer(0))
}

fn not_a_string(name: &'static str) -> Error {
    Error::invalid(name, "must be a string")
}

fn digit_flag(digit: &str) -> Option<bool> {
    match digit {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

fn unsigned(digits: &str) -> Option<u64> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_plain)
}
