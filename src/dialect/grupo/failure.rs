//! The body of a refusal: message, key and variables.

use std::fmt::Write;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::response::Parts;

use super::fault::{self, Fault, Variable};
use crate::auth::call::Reference;
use crate::command::Action;
use crate::error::{Error, Kind};
use crate::framing::json::{Json, write_php_string};

/// Writes the answer of a call that was not carried out.
pub(super) fn write(error: &Error, action: Option<Action>, reference: Reference) -> String {
    let first = Fault::of(error.kind(), action);
    let mut out = String::with_capacity(160);
    out.push_str(r#"{"success":false,"error_message":"#);
    write_php_string(&mut out, &message(error, action, reference));
    out.push_str(r#","error_key":"#);
    write_php_string(&mut out, first.key);
    if first.variables.is_some() {
        let mut variables = Vec::new();
        for fault in error.faults() {
            let own = Fault::of(fault.kind(), action).variables;
            for variable in own.into_iter().flatten() {
                if !variables.contains(&variable) {
                    variables.push(variable);
                }
            }
        }
        out.push_str(r#","error_variables":"#);
        write_variables(&mut out, variables);
    }
    out.push('}');
    out
}

/// Reads an upstream's refusal.
pub(super) fn read(head: &Parts, mut answer: Json<'_>) -> Error {
    let key = match answer.take("error_key") {
        Some(Json::String(key)) => key.into_owned(),
        _ => String::new(),
    };
    let variables = variables(answer.take("error_variables"));
    if let Some(retry_after) = wait(head) {
        return Kind::RateLimited { retry_after }.into();
    }
    match fault::kind(&key, &variables) {
        Some(Kind::Upstream) | None => upstream(format!("error_key {key:?}")),
        Some(kind) => Error::from(kind).caused_by(format!("error_key {key:?}")),
    }
}

/// An answer that the contract does not know; the cause is for the log.
pub(super) fn upstream(cause: String) -> Error {
    Error::from(Kind::Upstream).caused_by(cause)
}

/// The vendor's words, if it has some for everything that is wrong; else the errors' own.
fn message(error: &Error, action: Option<Action>, reference: Reference) -> String {
    let wording = |fault: &Error| fault::wording(fault.kind(), action);
    if let Some(words) = wording(error)
        && error.faults().all(|fault| wording(fault).is_some())
    {
        return words.to_owned();
    }
    let mut said: Vec<&str> = Vec::new();
    for fault in error.faults() {
        if !said.contains(&fault.message()) {
            said.push(fault.message());
        }
    }
    let mut message = escape_html(&said.join("; "));
    // Writing to a string cannot fail.
    let _ = write!(message, " (ref {reference})");
    message
}

/// Clients put the message into a page as it is.
fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#039;"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn write_variables(out: &mut String, variables: Vec<Variable>) {
    out.push('[');
    for (index, variable) in variables.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        match variable {
            Variable::Flat(name) => write_php_string(out, &name),
            Variable::Wrapped(name) => {
                out.push('[');
                write_php_string(out, &name);
                out.push(']');
            }
        }
    }
    out.push(']');
}

fn wait(head: &Parts) -> Option<Duration> {
    let seconds = head.headers.get(RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

fn variables(sent: Option<Json<'_>>) -> Vec<Variable> {
    let Some(Json::Array(items)) = sent else {
        return Vec::new();
    };
    let read = |item| match item {
        Json::String(name) => Some(Variable::Flat(name.into_owned())),
        Json::Array(mut names) => match names.pop() {
            Some(Json::String(name)) => Some(Variable::Wrapped(name.into_owned())),
            _ => None,
        },
        Json::Null | Json::Bool(_) | Json::Integer(_) | Json::Number(_) | Json::Object(_) => None,
    };
    items.into_iter().filter_map(read).collect()
}
