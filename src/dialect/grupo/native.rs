//! Operations without a canonical form: kept as they were sent, for a Grupo system to carry out.

use bytes::Bytes;
use http::HeaderValue;
use http::response::Parts;

use super::extension::is_plain;
use super::failure::{self, upstream};
use super::fields::{Fields, holds_file};
use super::operation::Operation;
use super::pairs::{Pairs, cannot};
use super::reference::named_user;
use super::wire::{KEY, VERBS, is_missing};
use crate::command::native::{Native, Upload};
use crate::command::text::{Text, TextError};
use crate::command::user::UserRef;
use crate::command::{Command, Dialect};
use crate::dialect::exchange::Refusal;
use crate::dialect::relayed::{self, Cookies};
use crate::error::{Error, Kind};
use crate::framing::form::{self, Entry, File, Value};
use crate::framing::json::Json;
use crate::outcome::Relayed;
use crate::secret::Secret;

/// Reads an operation with all its fields, and with so many files.
pub(super) fn decode(
    operation: Operation,
    name: &str,
    fields: &mut Fields<'_>,
    files: usize,
) -> Option<Command> {
    let rest = fields.take_rest();
    let subject = if operation == Operation::OpenSession {
        session_owner(&rest, fields)
    } else if operation == Operation::CloseSessions {
        text(&rest, "user").and_then(|user| named(user, fields))
    } else {
        None
    };
    let mut native = Native {
        dialect: Dialect::Grupo,
        operation: Text::parse(name).ok()?,
        subject,
        fields: Vec::with_capacity(rest.len()),
        files: Vec::new(),
    };
    for entry in rest {
        if files == 0 && holds_file(&entry.value) {
            fields.refuse_file(&entry.name);
        } else {
            flatten(entry.name.into_owned(), entry.value, &mut native, fields);
        }
    }
    if native.files.len() > files {
        let message = format!("the form has more than {files} files; send fewer");
        fields.fault(Error::new(Kind::TooLarge, message));
    }
    Some(Command::Native(native))
}

/// Writes an operation; verb and target are its name.
pub(super) fn encode(native: &Native, pairs: &mut Pairs) -> Result<(), Error> {
    for (name, value) in written(native)? {
        pairs.add_named(name, value);
    }
    Ok(())
}

/// Writes an operation with its files, the key first: the `Content-Type`, and the body.
pub(super) fn encode_with_files(
    native: &Native,
    key: &Secret,
) -> Result<(HeaderValue, Bytes), Error> {
    let mut fields = vec![(KEY, key.reveal())];
    fields.extend(written(native)?);
    let mut files = Vec::with_capacity(native.files.len());
    for upload in &native.files {
        check_name(&upload.field)?;
        let file = File {
            filename: upload.filename.as_str().into(),
            content_type: upload.content_type.as_str().into(),
            bytes: &upload.contents,
        };
        files.push((upload.field.as_str(), file));
    }
    // In a head of a part each of these ends a line.
    let names = fields.iter().map(|(name, _)| *name);
    let heads = files
        .iter()
        .flat_map(|(name, file)| [*name, &*file.filename, &*file.content_type]);
    if names
        .chain(heads)
        .any(|text| text.contains(char::is_control))
    {
        return Err(cannot("a name with a control character", "be sent"));
    }
    let (content_type, body) = form::encode_multipart(&fields, &files);
    let content_type = HeaderValue::try_from(content_type).map_err(Error::internal)?;
    Ok((content_type, Bytes::from(body)))
}

/// Names and values, the operation's own first.
fn written(native: &Native) -> Result<Vec<(&str, &str)>, Error> {
    let operation = native.operation.as_str();
    let known = operation
        .split_once('=')
        .filter(|(verb, target)| {
            let verb = VERBS.into_iter().find(|known| known == verb);
            verb.and_then(|verb| Operation::find(verb, target))
                .is_some_and(|(_, name)| *name == *operation)
        })
        .filter(|_| native.dialect == Dialect::Grupo);
    let Some((verb, target)) = known else {
        let message = format!("a Grupo system has no operation {operation}; send it elsewhere");
        return Err(Error::new(Kind::Unsupported, message));
    };
    let mut written = vec![(verb, target)];
    for (field, value) in &native.fields {
        check_name(field)?;
        written.push((field.as_str(), value.reveal()));
    }
    Ok(written)
}

/// A field that PHP would read under another name, or as the key or an operation, is not sent.
fn check_name(field: &Text) -> Result<(), Error> {
    let name = field.as_str().split('[').next().unwrap_or_default();
    if !is_plain(name) || name == KEY || VERBS.contains(&name) {
        return Err(cannot(field.as_str(), "be sent"));
    }
    Ok(())
}

/// What an upstream answered. It is one object or list of JSON: a page of anything else is no answer.
/// Something was done if it says success; a page that was loaded need not.
pub(super) fn relayed(
    native: &Native,
    head: &Parts,
    body: &[u8],
    mut answer: Json<'_>,
) -> Result<Relayed, Refusal> {
    let is_list = matches!(answer, Json::Array(_));
    if !is_list && !matches!(answer, Json::Object(_)) {
        let cause = "the answer is neither an object nor a list".to_owned();
        return Err(Refusal::Unreadable(upstream(cause)));
    }
    let is_nothing = answer == Json::Array(Vec::new());
    let is_done = match answer.take("success") {
        Some(Json::Bool(is_done)) => is_done,
        // Neither yes nor no: it may have been done.
        Some(_) => {
            return Err(Refusal::Unreadable(upstream(
                "success is no boolean".to_owned(),
            )));
        }
        None => native.operation.as_str().starts_with("load=") && !is_nothing,
    };
    if !is_done {
        let error = failure::read(head, answer);
        if *error.kind() == Kind::Unauthenticated {
            return Err(Refusal::Login(error));
        }
    }
    Ok(relayed::take(head, body, !is_done, Cookies::Callers))
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
fn flatten(name: String, value: Value<'_>, native: &mut Native, fields: &mut Fields<'_>) {
    if let Value::Array(items) = value {
        for (key, item) in items {
            flatten(format!("{name}[{key}]"), item, native, fields);
        }
        return;
    }
    if matches!(value, Value::File(_)) && !holds_file(&value) {
        return;
    }
    let taken = match value {
        Value::Text(text) => {
            Text::parse(name).map(|name| native.fields.push((name, text.into_owned().into())))
        }
        Value::File(file) => upload(name, &file).map(|upload| native.files.push(upload)),
        Value::Array(_) => Ok(()),
    };
    if let Err(fault) = taken {
        let message = format!("a field's name {fault}");
        fields.fault(Error::new(Kind::Malformed, message));
    }
}

fn upload(field: String, file: &File<'_>) -> Result<Upload, TextError> {
    Ok(Upload {
        field: Text::parse(field)?,
        filename: Text::parse(&*file.filename)?,
        content_type: Text::parse(&*file.content_type)?,
        contents: Bytes::copy_from_slice(file.bytes),
    })
}
