//! Answers of a real b2evolution: what is a success, and what each fault means.
//!
//! A status of 200 proves nothing: with its database down the server answers 200 and a page of
//! HTML. A write succeeded if the body says `update_success` or `delete_success` and the status
//! agrees; a read did if the status is 200 and the body has the shape of its data. PHP's warnings
//! before the JSON are skipped. Everything else is a fault, by its code, or the upstream's failure.

use std::time::Duration;

use http::StatusCode;
use http::header::RETRY_AFTER;
use http::response::Parts;

use super::fault::{self, Seen};
use super::operation::Operation;
use super::{directory, html};
use crate::command::Command;
use crate::command::name::Username;
use crate::dialect::exchange::Refusal;
use crate::dialect::relayed::{self, Cookies};
use crate::error::{Error, Kind};
use crate::framing::json::Json;
use crate::outcome::{Outcome, UserPage};
use crate::route::{JsonLimits, Policy};

/// Reads the answer to a command.
pub(super) fn decode(
    command: &Command,
    head: &Parts,
    body: &[u8],
    policy: &Policy,
) -> Result<Outcome, Refusal> {
    let unreadable = |cause| Refusal::Unreadable(failure(cause));
    let text = std::str::from_utf8(body).map_err(|_| unreadable("no UTF-8"))?;
    let document = document(text).ok_or_else(|| unreadable("no JSON"))?;
    let mut json = Json::decode(document, &answer_limits(policy))
        .map_err(|fault| Refusal::Unreadable(failure("no JSON").caused_by(fault)))?;
    if let Command::Native(_) = command {
        return relayed(head, body, json);
    }
    let operation = operation(command);
    if json.take("error_status").is_some() {
        let message = string(&mut json, "error_info").unwrap_or_default();
        let error = refused(None, &message, head, operation);
        // It broke off somewhere, and what it had done by then stays done.
        let is_fatal = head.status == StatusCode::INTERNAL_SERVER_ERROR;
        return Err(if is_fatal && *error.kind() == Kind::Upstream {
            Refusal::Unreadable(error)
        } else {
            Refusal::Fault(error)
        });
    }
    match string(&mut json, "code") {
        Some(code) => {
            let message = string(&mut json, "message").unwrap_or_default();
            coded(&code, &message, head, command)
        }
        None if head.status == StatusCode::OK => {
            directory::decode(command, json).map_err(Refusal::Unreadable)
        }
        None => {
            let cause = format!("status {} without a code", head.status);
            Err(Refusal::Unreadable(failure(cause)))
        }
    }
}

/// What is handed back of the answer to a native operation: all of it, unless it is about the
/// login, and without its session: the gateway's is none of the caller's business, and a caller that the
/// upstream judges shows its password with each call.
fn relayed(head: &Parts, body: &[u8], mut json: Json<'_>) -> Result<Outcome, Refusal> {
    let code = string(&mut json, "code").filter(|code| is_about_login(code));
    if let Some(code) = code {
        let error = refused(Some(&code), "", head, Operation::Other);
        return Err(Refusal::Login(error));
    }
    let is_refusal = !head.status.is_success();
    let relayed = relayed::take(head, body, is_refusal, Cookies::Gateways);
    Ok(Outcome::Relayed(Box::new(relayed)))
}

/// What follows PHP's warnings, each of which stands between line breaks of HTML. A page of
/// anything else is no answer, whatever JSON it holds.
fn document(text: &str) -> Option<&str> {
    const BREAK: &str = "<br />";
    let (before, document) = text.split_at_checked(text.find("{\"")?)?;
    let before = before.trim();
    let is_warnings = before.starts_with(BREAK) && before.ends_with(BREAK);
    (before.is_empty() || is_warnings).then_some(document)
}

/// A list of users may be as long as the body may.
fn answer_limits(policy: &Policy) -> JsonLimits {
    JsonLimits {
        members: usize::MAX,
        ..policy.json
    }
}

fn coded(code: &str, message: &str, head: &Parts, command: &Command) -> Result<Outcome, Refusal> {
    let status = head.status;
    let outcome = match (operation(command), code) {
        (Operation::Create, "update_success") if status == StatusCode::CREATED => Outcome::Done,
        (Operation::Update, "update_success") if status == StatusCode::OK => Outcome::Done,
        (Operation::Delete, "delete_success") if status == StatusCode::OK => deleted(message),
        (Operation::List, "no_users") => nobody(command),
        (_, "update_success" | "delete_success") => {
            let cause = format!("{code} with status {status}");
            return Err(Refusal::Unreadable(failure(cause)));
        }
        (operation, _) => {
            let error = refused(Some(code), message, head, operation);
            return Err(if is_about_login(code) {
                Refusal::Login(error)
            } else if *error.kind() == Kind::Upstream && status.is_success() {
                // A code that nobody knows may be one of success.
                Refusal::Unreadable(error)
            } else {
                Refusal::Fault(error)
            });
        }
    };
    Ok(outcome)
}

/// The codes of signing in, which it does before it looks at anything else.
fn is_about_login(code: &str) -> bool {
    matches!(
        code,
        "wrong_login_pass" | "login_attempt_failed" | "closed_account"
    )
}

fn nobody(command: &Command) -> Outcome {
    if matches!(command, Command::CountUsers(_)) {
        return Outcome::Count(0);
    }
    let users = Vec::new();
    Outcome::Users(UserPage { users, total: 0 })
}

/// `User «login» deleted.` names who it was.
fn deleted(message: &str) -> Outcome {
    let message = html::plain(message);
    let login = message
        .strip_prefix("User «")
        .and_then(|rest| rest.strip_suffix("» deleted."));
    login
        .and_then(Username::parse)
        .map_or(Outcome::Done, Outcome::UserDeleted)
}

fn refused(code: Option<&str>, message: &str, head: &Parts, operation: Operation) -> Error {
    let listed = message.starts_with("<ul class=\"message_group\">");
    let errors = messages(message, listed).into_iter().map(|message| {
        let seen = Seen {
            code,
            status: head.status,
            message: &message,
            listed,
            retry_after: retry_after(head),
        };
        match fault::kind(&seen, operation) {
            // What broke is not the gateway.
            Some(Kind::Internal) | None => failure(format!(
                "status {}, code {}",
                head.status,
                code.unwrap_or("none")
            )),
            // Nobody's profile was asked for.
            Some(Kind::Closed) if code == Some("no_access") && !names_a_user(operation) => {
                failure("a closed account, and none was named")
            }
            // Whoever waited in vain may say no more than that it took long.
            Some(kind) if message.is_empty() || kind == Kind::UnknownOutcome => Error::from(kind),
            Some(kind) => Error::new(kind, message),
        }
    });
    Error::all(errors).unwrap_or_else(|| failure("an empty list of errors"))
}

const fn names_a_user(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::View | Operation::Update | Operation::Delete
    )
}

/// The messages as plain text, without the reference that ends those of another Dragoman.
fn messages(message: &str, listed: bool) -> Vec<String> {
    let clean = |html: &str| without_reference(html::plain(html));
    if !listed {
        return vec![clean(message)];
    }
    let items = message.split("<li>").skip(1);
    items
        .map(|item| clean(item.split_once("</li>").map_or(item, |(item, _)| item)))
        .collect()
}

fn without_reference(mut message: String) -> String {
    let reference = message.rsplit_once(" (ref ").and_then(|(text, reference)| {
        let digits = reference.strip_suffix(')')?;
        let is_reference = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_reference.then_some(text.len())
    });
    if let Some(end) = reference {
        message.truncate(end);
    }
    message
}

fn retry_after(head: &Parts) -> Option<Duration> {
    let seconds = head.headers.get(RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

fn string(json: &mut Json<'_>, name: &str) -> Option<String> {
    let Some(Json::String(text)) = json.take(name) else {
        return None;
    };
    Some(text.into_owned())
}

const fn operation(command: &Command) -> Operation {
    match command {
        Command::CreateUser(_) => Operation::Create,
        Command::UpdateUser(..) => Operation::Update,
        Command::ReadUser(_) => Operation::View,
        Command::ListUsers(_) | Command::CountUsers(_) => Operation::List,
        Command::DeleteUser(_) => Operation::Delete,
        Command::CreateGroup(_)
        | Command::UpdateGroup(..)
        | Command::ReadGroup(_)
        | Command::ListGroups
        | Command::DeleteGroup(_)
        | Command::AddMember(..)
        | Command::RemoveMember(_)
        | Command::SetMemberRole(..)
        | Command::BanMember(..)
        | Command::UnbanMember(_)
        | Command::ListTimezones
        | Command::Native(_) => Operation::Other,
    }
}

fn failure(cause: impl Into<String>) -> Error {
    let cause: String = cause.into();
    Error::from(Kind::Upstream).caused_by(format!("b2evolution answered {cause}"))
}
