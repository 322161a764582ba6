//! Operations without a canonical form: kept as they were sent, for a Grupo system to carry out.

use super::extension::is_plain;
use super::fields::{Fields, holds_file};
use super::operation::Operation;
use super::pairs::{Pairs, cannot};
use super::reference::named_user;
use super::wire::{KEY, VERBS, is_missing};
use crate::command::native::Native;
use crate::command::text::Text;
use crate::command::user::UserRef;
use crate::command::{Command, Dialect};
use crate::error::{Error, Kind};
use crate::framing::form::{Entry, Value};
use crate::secret::Secret;

/// Reads an operation with all its fields.
pub(super) fn decode(operation: Operation, name: &str, fields: &mut Fields<'_>) -> Option<Command> {
    let rest = fields.take_rest();
    let subject = if operation == Operation::OpenSession {
        session_owner(&rest, fields)
    } else if operation == Operation::CloseSessions {
        text(&rest, "user").and_then(|user| named(user, fields))
    } else {
        None
    };
    let mut flat = Vec::with_capacity(rest.len());
    for entry in rest {
        if holds_file(&entry.value) {
            fields.refuse_file(&entry.name);
        } else {
            flatten(entry.name.into_owned(), entry.value, &mut flat, fields);
        }
    }
    Some(Command::Native(Native {
        dialect: Dialect::Grupo,
        operation: Text::parse(name).ok()?,
        subject,
        fields: flat,
    }))
}

/// Writes an operation; verb and target are its name.
pub(super) fn encode(native: &Native, pairs: &mut Pairs) -> Result<(), Error> {
    let operation = native.operation.as_str();
    let known = operation
        .split_once('=')
        .and_then(|(verb, target)| {
            let verb = VERBS.into_iter().find(|known| *known == verb)?;
            Some((verb, target, Operation::find(verb, target)?.1))
        })
        .filter(|(_, _, name)| *name == operation && native.dialect == Dialect::Grupo);
    let Some((verb, target, _)) = known else {
        let message = format!("a Grupo system has no operation {operation}; send it elsewhere");
        return Err(Error::new(Kind::Unsupported, message));
    };
    pairs.add(verb, target);
    for (field, value) in &native.fields {
        let name = field.as_str().split('[').next().unwrap_or_default();
        if !is_plain(name) || name == KEY || VERBS.contains(&name) {
            return Err(cannot(field.as_str(), "be sent"));
        }
        pairs.add(field.as_str(), value.reveal());
    }
    Ok(())
}

/// Whose session it is to be. `email_address` replaces `user`. A user who may be made on the way
/// need not exist.
fn session_owner(rest: &[Entry<'_>], fields: &mut Fields<'_>) -> Option<UserRef> {
    let user = text(rest, "email_address").or_else(|| text(rest, "user"));
    let Some(user) = user else {
        fields.fault(Error::missing("user"));
        return None;
    };
    if text(rest, "create_account") == Some("yes") {
        return None;
    }
    named(user.trim(), fields)
}

fn named(user: &str, fields: &mut Fields<'_>) -> Option<UserRef> {
    match named_user(user) {
        Ok(user) => Some(user),
        Err(error) => {
            fields.fault(error);
            None
        }
    }
}

fn text<'e>(rest: &'e [Entry<'_>], name: &str) -> Option<&'e str> {
    match &rest.iter().find(|entry| entry.name == name)?.value {
        Value::Text(text) if !is_missing(text) => Some(text),
        Value::Text(_) | Value::Array(_) | Value::File(_) => None,
    }
}

/// `a[b][c]` for what lies in a list; file inputs that nobody filled in are left out.
fn flatten(
    name: String,
    value: Value<'_>,
    flat: &mut Vec<(Text, Secret)>,
    fields: &mut Fields<'_>,
) {
    match value {
        Value::Text(text) => match Text::parse(name) {
            Ok(name) => flat.push((name, Secret::from(text.into_owned()))),
            Err(fault) => {
                fields.fault(Error::new(
                    Kind::Malformed,
                    format!("a field's name {fault}"),
                ));
            }
        },
        Value::Array(items) => {
            for (key, item) in items {
                flatten(format!("{name}[{key}]"), item, flat, fields);
            }
        }
        Value::File(_) => {}
    }
}
