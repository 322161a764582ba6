//! Fields without a canonical home: kept as extension attributes, and given back unchanged.

use std::borrow::Cow;

use super::fields::{Fields, holds_file};
use super::pairs::{Pairs, cannot};
use super::wire::is_decisive;
use crate::command::Dialect;
use crate::command::extension::{CREDENTIAL, ExtensionEdit, is_credential};
use crate::command::text::Text;
use crate::error::{Error, Kind};
use crate::framing::form::Value;
use crate::framing::json::{self, Json};
use crate::route::Policy;

/// What marks the name of a list: no field of a PHP form can be called so.
const LIST: &str = "[]";

/// Keeps what is left of a form. A list is kept under `name[]`, as JSON.
pub(super) fn keep_rest(fields: &mut Fields<'_>) -> Vec<ExtensionEdit> {
    let rest = fields.take_rest();
    let mut kept = Vec::with_capacity(rest.len());
    for entry in rest {
        if holds_file(&entry.value) {
            fields.refuse_file(&entry.name);
            continue;
        }
        let edit = match entry.value {
            Value::Text(text) if text.is_empty() => continue,
            Value::Text(_) | Value::Array(_) if is_decisive(&entry.name) => {
                fields.refuse(&entry.name);
                continue;
            }
            Value::Text(_) | Value::Array(_) if is_credential(&entry.name) => {
                Err(Error::invalid(entry.name.into_owned(), CREDENTIAL))
            }
            Value::Text(text) => edit(entry.name.into_owned(), text.into_owned()),
            list @ (Value::Array(_) | Value::File(_)) => match json_of(list) {
                Some(list) => edit(entry.name.into_owned() + LIST, text_of(&list)),
                None => continue,
            },
        };
        match edit {
            Ok(edit) => kept.push(edit),
            Err(fault) => fields.fault(fault),
        }
    }
    kept
}

/// One attribute that is set.
pub(super) fn edit(field: String, value: String) -> Result<ExtensionEdit, Error> {
    let value = Text::parse(value).map_err(|fault| Error::invalid(field.clone(), fault))?;
    let field = Text::parse(field)
        .map_err(|fault| Error::new(Kind::Malformed, format!("a field's name {fault}")))?;
    Ok(ExtensionEdit {
        dialect: Dialect::Grupo,
        field,
        value: Some(value),
    })
}

/// Writes attributes back as the fields they were. `own` are the names that have another meaning.
pub(super) fn write(
    edits: &[ExtensionEdit],
    own: &[&str],
    policy: &Policy,
    pairs: &mut Pairs,
) -> Result<(), Error> {
    for edit in edits {
        let field = edit.field.as_str();
        if edit.dialect != Dialect::Grupo {
            return Err(cannot(field, "be kept"));
        }
        let name = field.strip_suffix(LIST).unwrap_or(field);
        if !is_plain(name) || is_decisive(name) || own.contains(&name) {
            return Err(cannot(field, "be sent as an attribute of its own"));
        }
        match edit.value.as_ref().map(Text::as_str) {
            None | Some("") => return Err(cannot(field, "be emptied")),
            Some(value) if name == field => pairs.add_named(field, value),
            Some(value) => write_list(name, value, policy, pairs)
                .ok_or_else(|| cannot(field, "hold anything but texts and lists of them"))?,
        }
    }
    Ok(())
}

/// Whether PHP reads a name as it is spelled.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(['.', ' ', '[', '\0'])
}

/// The value as JSON; nothing for file inputs that were not filled in.
fn json_of(value: Value<'_>) -> Option<Json<'_>> {
    let items = match value {
        Value::Text(text) => return Some(Json::String(text)),
        Value::File(_) => return None,
        Value::Array(items) => items,
    };
    let members: Vec<_> = items
        .into_iter()
        .filter_map(|(key, item)| json_of(item).map(|item| (key, item)))
        .collect();
    if members.is_empty() {
        return None;
    }
    let is_list = members
        .iter()
        .enumerate()
        .all(|(index, (key, _))| *key == index.to_string());
    Some(if is_list {
        Json::Array(members.into_iter().map(|(_, item)| item).collect())
    } else {
        Json::Object(members)
    })
}

fn text_of(value: &Json<'_>) -> String {
    let mut text = String::new();
    json::write(&mut text, value);
    text
}

fn write_list(name: &str, value: &str, policy: &Policy, pairs: &mut Pairs) -> Option<()> {
    let list = Json::decode(value, &policy.json).ok()?;
    if !matches!(list, Json::Array(_) | Json::Object(_)) {
        return None;
    }
    write_item(name.to_owned(), list, pairs)
}

fn write_item(name: String, value: Json<'_>, pairs: &mut Pairs) -> Option<()> {
    let members = match value {
        Json::String(text) => {
            pairs.add_named(name, text);
            return Some(());
        }
        Json::Array(items) if !items.is_empty() => {
            let keys = (0..).map(|index: usize| Cow::Owned(index.to_string()));
            keys.zip(items).collect()
        }
        Json::Object(members) if !members.is_empty() => members,
        Json::Array(_)
        | Json::Object(_)
        | Json::Null
        | Json::Bool(_)
        | Json::Integer(_)
        | Json::Number(_) => return None,
    };
    for (key, item) in members {
        if key.trim().is_empty() || key.contains(']') {
            return None;
        }
        write_item(format!("{name}[{key}]"), item, pairs)?;
    }
    Some(())
}
