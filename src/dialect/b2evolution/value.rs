//! The types a parameter may have, as b2evolution checks them.

use super::wording;
use crate::command::text::Text;
use crate::error::{Error, Kind, is_shown};
use crate::framing::form::{Entry, Value};
use crate::framing::json::{self, Json};
use crate::route::JsonLimits;

/// The text of a scalar.
pub(super) fn scalar<'e>(entry: &'e Entry<'_>) -> Result<&'e str, Error> {
    match &entry.value {
        Value::Text(text) => Ok(text),
        Value::Array(_) => Err(wording::NOT_SCALAR.error(&entry.name)),
        Value::File(_) => Err(no_file(&entry.name)),
    }
}

/// The elements of a flat array, with their keys.
pub(super) fn elements<'e>(entry: &'e Entry<'_>) -> Result<Vec<(&'e str, &'e str)>, Error> {
    match &entry.value {
        Value::Text(_) => Err(wording::NOT_ARRAY.error(&entry.name)),
        Value::Array(elements) => flat(&entry.name, elements),
        Value::File(_) => Err(no_file(&entry.name)),
    }
}

/// The elements of one level of an array that holds no further arrays.
pub(super) fn flat<'e>(
    name: &str,
    elements: &'e [(std::borrow::Cow<'_, str>, Value<'_>)],
) -> Result<Vec<(&'e str, &'e str)>, Error> {
    let each = elements.iter().map(|(key, value)| match value {
        Value::Text(text) => Ok((&**key, &**text)),
        Value::Array(_) => Err(wording::NOT_SCALAR.error(name)),
        Value::File(_) => Err(no_file(name)),
    });
    each.collect()
}

/// A whole number: digits behind at most one sign. Nothing for the empty text.
pub(super) fn integer(name: &str, text: &str) -> Result<Option<i64>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse();
    number.map(Some).map_err(|_| wording::ILLEGAL.error(name))
}

/// A flag: 0, 1, true or false, in any case.
pub(super) fn boolean(name: &str, text: &str) -> Result<bool, Error> {
    if text == "1" || text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text == "0" || text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(wording::ILLEGAL.error(name))
    }
}

/// Text that the store can keep.
pub(super) fn text(name: &str, value: impl Into<String>) -> Result<Text, Error> {
    Text::parse(value).map_err(|fault| Error::invalid(name.to_owned(), fault))
}

/// Refuses text of more than `most` characters.
pub(super) fn at_most(most: usize, name: &str, text: &str) -> Result<(), Error> {
    // A character has at least one byte.
    if text.len() > most && text.chars().nth(most).is_some() {
        let rule = format!("must be at most {most} characters long; shorten it");
        return Err(Error::invalid(name.to_owned(), rule));
    }
    Ok(())
}

/// A list as an extension attribute keeps it: a JSON array.
pub(super) fn list<T>(elements: impl IntoIterator<Item = T>, write: fn(&mut String, T)) -> String {
    let mut out = String::from("[");
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(&mut out, element);
    }
    out.push(']');
    out
}

/// The elements of a list that [`list`] wrote.
pub(super) fn list_elements(text: &str, limits: &JsonLimits) -> Option<Vec<String>> {
    let Ok(Json::Array(elements)) = Json::decode(text, limits) else {
        return None;
    };
    elements.into_iter().map(element).collect()
}

fn element(element: Json<'_>) -> Option<String> {
    match element {
        Json::Integer(number) => Some(number.to_string()),
        Json::String(text) => Some(text.into_owned()),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Any value as JSON, for fields that the contract does not name.
pub(super) fn to_json(value: Value<'_>) -> Option<Json<'_>> {
    match value {
        Value::Text(text) => Some(Json::String(text)),
        Value::File(_) => None,
        Value::Array(elements) => {
            let members = elements
                .into_iter()
                .map(|(key, value)| Some((key, to_json(value)?)));
            members.collect::<Option<_>>().map(Json::Object)
        }
    }
}

/// [`to_json`] as text.
pub(super) fn to_json_text(entry: Entry<'_>) -> Result<String, Error> {
    let refused = no_file(&entry.name);
    let value = to_json(entry.value).ok_or(refused)?;
    let mut out = String::new();
    json::write(&mut out, &value);
    Ok(out)
}

fn no_file(name: &str) -> Error {
    let name = if is_shown(name) { name } else { "a field" };
    Error::new(
        Kind::Malformed,
        format!("{name} is a file; send text, no field takes a file"),
    )
}
