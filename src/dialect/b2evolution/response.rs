//! Answers: results ↔ an HTTP status and a body.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use super::fault::{self, Fault};
use super::operation::{Note, Operation, ReplyTo};
use super::wording::{self, Shape};
use super::{field_names, html, wire};
use crate::auth::call::Reference;
use crate::command::user::{Status, User};
use crate::dialect::relayed;
use crate::error::{Error, Kind};
use crate::outcome::Outcome;
use crate::route::Policy;

/// Writes the answer to the one call of a request.
pub(super) fn encode(
    reply_to: &ReplyTo,
    result: Result<Outcome, Error>,
    reference: Reference,
    policy: &Policy,
) -> Response<Bytes> {
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(error) => return refuse(&error, reply_to, reference),
    };
    let (status, body) = match outcome {
        // Not every upstream tells whom it made or removed.
        Outcome::Done if reply_to.operation == Operation::Create => created(reply_to.note),
        Outcome::Done if reply_to.operation == Operation::Delete => deleted("User deleted."),
        Outcome::Done => updated(reply_to.note),
        Outcome::UserCreated(_) => created(reply_to.note),
        Outcome::UserDeleted(username) => {
            let login = html::escape(username.as_str());
            deleted(&format!("User &laquo;{login}&raquo; deleted."))
        }
        Outcome::User(user) if is_hidden(&user) => {
            return refuse(&wording::CLOSED_USER.error(""), reply_to, reference);
        }
        Outcome::User(user) => (StatusCode::OK, wire::view(&user, policy)),
        Outcome::Users(page) => wire::list(reply_to.operation, reply_to.page, &page, policy),
        Outcome::Relayed(relayed) => return relayed::hand_back(*relayed),
        Outcome::Count(_)
        | Outcome::GroupCreated(_)
        | Outcome::Group(_)
        | Outcome::Groups(_)
        | Outcome::Timezones(_) => return refuse(&Kind::Internal.into(), reply_to, reference),
    };
    respond(status, body)
}

/// Nobody sees the profile of a closed account, administrators neither.
fn is_hidden(user: &User) -> bool {
    user.status == Status::Closed
}

const TRIMMED: &str = "The leading and traling spaces have been trimmed from the new password.";

fn updated(note: Note) -> (StatusCode, String) {
    let message = match note {
        Note::Profile => "Profile has been updated.",
        Note::Password => "Password has been changed.",
        Note::PasswordTrimmed => TRIMMED,
    };
    let body = wire::success("update_success", StatusCode::OK, message);
    (StatusCode::OK, body)
}

fn deleted(message: &str) -> (StatusCode, String) {
    let body = wire::success("delete_success", StatusCode::OK, message);
    (StatusCode::OK, body)
}

fn created(note: Note) -> (StatusCode, String) {
    let message = match note {
        Note::Profile | Note::Password => "New user has been created.",
        Note::PasswordTrimmed => TRIMMED,
    };
    let body = wire::success("update_success", StatusCode::CREATED, message);
    (StatusCode::CREATED, body)
}

/// Writes a fault: envelope B if any of the errors has it, else all that are validation errors as
/// one list, else the first.
fn refuse(error: &Error, reply_to: &ReplyTo, reference: Reference) -> Response<Bytes> {
    let faults: Vec<(&Error, Fault<'_>)> = error
        .faults()
        .map(|error| (error, fault::of_error(error, reply_to)))
        .collect();
    let operation = reply_to.operation;
    let alone = faults
        .iter()
        .find(|(_, fault)| matches!(fault.shape(), Shape::Bare(_)))
        .or_else(|| {
            faults
                .iter()
                .find(|(_, fault)| fault.shape() == Shape::LISTED)
        })
        .or(faults.first());
    let shape = alone.map_or(Shape::UPDATE_FAILED, |(_, fault)| fault.shape());
    let message = if shape == Shape::LISTED {
        let listed = faults.iter().filter(|(_, fault)| fault.shape() == shape);
        let items = listed.map(|(error, fault)| {
            format!("<li>{}</li>", words(error, fault, operation, reference))
        });
        let items: String = items.collect();
        format!("<ul class=\"message_group\">Validation errors:{items}</ul>")
    } else {
        alone.map_or_else(String::new, |(error, fault)| {
            words(error, fault, operation, reference)
        })
    };
    let status = match shape {
        Shape::Coded { status, .. } | Shape::Bare(status) => status,
    };
    let mut response = respond(status, wire::envelope(shape, &message));
    if let Some(retry_after) = error.kind().retry_after() {
        let seconds = retry_after
            .as_secs()
            .saturating_add(u64::from(retry_after.subsec_nanos() > 0));
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    response
}

/// What was found below the codec is found in canonical words; a form has its own.
fn words(error: &Error, fault: &Fault<'_>, operation: Operation, reference: Reference) -> String {
    match fault {
        // Only where the name is a field's: it may be a login, and that may read like one.
        Fault::Vendor(wording, name) if operation.has_form() && error.kind().field().is_some() => {
            wording.html(field_names::of_attribute(name)).into_owned()
        }
        Fault::Vendor(wording, name) => wording.html(name).into_owned(),
        Fault::Own(_) => format!("{} (ref {reference})", html::escape(error.message())),
    }
}

fn respond(status: StatusCode, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    let cache = HeaderValue::from_static("no-cache, must-revalidate");
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, cache);
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
