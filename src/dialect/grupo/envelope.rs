//! The envelope of a call: its key, its verb, and what makes a request no call at all.

use std::borrow::Cow;

use http::Method;
use http::request::Parts;

use super::wire::{KEY, VERBS, is_decisive};
use crate::auth::{Credentials, Unread};
use crate::error::{Error, Kind};
use crate::framing::form::{Entry, Form, Value};
use crate::route::Policy;
use crate::secret::Secret;

/// A call's key and the rest of its form.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    pub(super) key: Secret,
    pub(super) form: Form<'a>,
}

/// Reads key and form; nothing if there is no key: that is the site's own traffic. A fault behind
/// the key carries it, so that the key is judged first.
///
/// Whether there is one is judged the way PHP would see the fields. A body field beats a query
/// field, unless it matters who of the two is right.
pub(super) fn open<'a>(
    head: &'a Parts,
    body: &'a [u8],
    policy: &Policy,
) -> Result<Option<Envelope<'a>>, Box<Unread>> {
    let mut form = Form::decode(&head.headers, body, &policy.form)?;
    let query = head.uri.query().unwrap_or_default();
    let mut query = Form::decode_query(query, &policy.form)?;
    let Some(key) = take_key(&mut form, &mut query, policy)? else {
        return Ok(None);
    };
    match check(head, body, &form, &query) {
        Ok(()) => {
            form.merge_under(query);
            Ok(Some(Envelope { key, form }))
        }
        Err(error) => Err(Unread::new(Credentials::Key(key), error)),
    }
}

/// Takes the verb and its target out of a form.
pub(super) fn take_verb<'a>(form: &mut Form<'a>) -> Result<(&'static str, Cow<'a, str>), Error> {
    let mut found: Option<(&'static str, Cow<'a, str>)> = None;
    for verb in VERBS {
        let Some(entry) = form.take(verb) else {
            continue;
        };
        let target = match entry.value {
            Value::Text(target) if target.is_empty() => continue,
            Value::Text(target) => target,
            Value::Array(_) | Value::File(_) => {
                return Err(Error::invalid(verb, "must be text; send it once"));
            }
        };
        if let Some((first, _)) = found {
            let must = format!("and {first} cannot stand in one call; send a call for each");
            return Err(Error::invalid(verb, must));
        }
        found = Some((verb, target));
    }
    found.ok_or_else(|| {
        let message = "the call names no operation; send add, update or remove";
        Error::new(Kind::UnknownOperation, message)
    })
}

fn take_key(
    form: &mut Form<'_>,
    query: &mut Form<'_>,
    policy: &Policy,
) -> Result<Option<Secret>, Error> {
    let in_body = form.take(KEY).filter(is_presented);
    let in_query = query.take(KEY).filter(is_presented);
    let entry = match (in_body, in_query) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err(ambiguous(KEY)),
        (None, Some(_)) if !policy.key_in_query => {
            let must = "must not travel in the query string, which is logged on its way; send it \
                        in the body";
            return Err(Error::invalid(KEY, must));
        }
        (Some(entry), None) | (None, Some(entry)) => entry,
    };
    check_decisive(&entry)?;
    match entry.value {
        Value::Text(key) => Ok(Some(Secret::from(key.into_owned()))),
        Value::Array(_) | Value::File(_) => Err(Kind::Unauthenticated.into()),
    }
}

fn check(head: &Parts, body: &[u8], form: &Form<'_>, query: &Form<'_>) -> Result<(), Error> {
    check_method(&head.method, body)?;
    for entry in form.entries().iter().chain(query.entries()) {
        check_decisive(entry)?;
    }
    let in_both =
        |entry: &&Entry<'_>| is_decisive(&entry.name) && form.entry(&entry.name).is_some();
    match query.entries().iter().find(in_both) {
        Some(entry) => Err(ambiguous(&entry.name)),
        None => Ok(()),
    }
}

/// PHP keeps files apart, so that one is no key.
fn is_presented(entry: &Entry<'_>) -> bool {
    match &entry.value {
        Value::Text(key) => !key.is_empty(),
        Value::Array(_) => true,
        Value::File(_) => false,
    }
}

/// PHP reads a body from a POST only.
fn check_method(method: &Method, body: &[u8]) -> Result<(), Error> {
    if method == Method::POST || (method == Method::GET && body.is_empty()) {
        return Ok(());
    }
    let message = format!("{method} is not taken for this; send the call by POST");
    Err(Error::new(Kind::Malformed, message))
}

fn check_decisive(entry: &Entry<'_>) -> Result<(), Error> {
    if !is_decisive(&entry.name) {
        return Ok(());
    }
    if entry.mangled {
        let must = "is spelled differently from how PHP reads it; spell it like this";
        return Err(Error::invalid(entry.name.clone().into_owned(), must));
    }
    if entry.assignments > 1 {
        return Err(ambiguous(&entry.name));
    }
    Ok(())
}

fn ambiguous(name: &str) -> Error {
    Error::invalid(name.to_owned(), "is sent more than once; send it once")
}
