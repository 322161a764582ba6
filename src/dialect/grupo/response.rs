//! Answers: encode results, and decode what an upstream answers.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::response::Parts;
use http::{Response, StatusCode};

use super::failure::{self, upstream};
use super::native;
use crate::auth::call::Reference;
use crate::command::{Action, Command, Id};
use crate::dialect::exchange::Refusal;
use crate::dialect::relayed;
use crate::error::{Error, Kind};
use crate::framing::json::Json;
use crate::outcome::Outcome;
use crate::route::Policy;

/// The clients' JSON libraries decode by themselves what is called JSON, and then stumble over it.
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=UTF-8");

/// What the answer needs of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    action: Option<Action>,
}

impl ReplyTo {
    /// To a request of which no operation is known.
    pub(super) const UNREAD: Self = Self { action: None };

    /// To a call of that action.
    pub(super) const fn to(action: Action) -> Self {
        Self {
            action: Some(action),
        }
    }
}

/// Writes an answer. Several results are those of a list: it is done if each of them is.
pub(super) fn encode(
    reply_to: ReplyTo,
    results: Vec<Result<Outcome, Error>>,
    reference: Reference,
) -> Response<Bytes> {
    let results: Result<Vec<Outcome>, Error> = results.into_iter().collect();
    let done = results.and_then(|outcomes| {
        let first = outcomes.into_iter().next();
        first.ok_or_else(|| Error::internal("no call, no result"))
    });
    let (body, wait) = match done {
        Ok(Outcome::Relayed(relayed)) => return relayed::hand_back(*relayed),
        Ok(outcome) => (success(&outcome), None),
        Err(error) => (
            failure::write(&error, reply_to.action, reference),
            retry_after(&error),
        ),
    };
    let mut response = Response::new(Bytes::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HTML);
    if let Some(seconds) = wait {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Reads an upstream's answer. Status 200 is the only one its API has; a redirect, an error of its
/// web server, an empty body and `[]` all mean that nobody knows what the address is.
pub(super) fn decode(
    command: &Command,
    head: &Parts,
    body: &[u8],
    policy: &Policy,
) -> Result<Outcome, Refusal> {
    let unreadable = |cause| Refusal::Unreadable(upstream(cause));
    if head.status != StatusCode::OK {
        return Err(unreadable(format!("status {}", head.status.as_u16())));
    }
    let text = std::str::from_utf8(body).map_err(|fault| unreadable(fault.to_string()))?;
    let mut answer = Json::decode(text.trim(), &policy.json)
        .map_err(|_| unreadable("the answer is no JSON".to_owned()))?;
    if let Command::Native(native) = command {
        let relayed = native::relayed(native, head, body, answer)?;
        return Ok(Outcome::Relayed(Box::new(relayed)));
    }
    match answer.take("success") {
        Some(Json::Bool(true)) => outcome(command, answer),
        Some(Json::Bool(false)) => Err(Refusal::Fault(refused(command, head, answer))),
        _ => Err(unreadable("the answer does not say success".to_owned())),
    }
}

fn refused(command: &Command, head: &Parts, answer: Json<'_>) -> Error {
    let error = failure::read(head, answer);
    let makes = matches!(command.action(), Action::CreateUser | Action::CreateGroup);
    if makes && *error.kind() == Kind::Closed {
        return upstream("it answered with a closed account, and none was named".to_owned());
    }
    error
}

fn success(outcome: &Outcome) -> String {
    match outcome {
        Outcome::GroupCreated(id) => format!(r#"{{"success":true,"group_id":"{id}"}}"#),
        // The vendor tells nobody the id of a new user, and has no operation that reads.
        Outcome::Done
        | Outcome::UserCreated(_)
        | Outcome::UserDeleted(_)
        | Outcome::User(_)
        | Outcome::Users(_)
        | Outcome::Count(_)
        | Outcome::Group(_)
        | Outcome::Groups(_)
        | Outcome::Timezones(_)
        | Outcome::Relayed(_) => r#"{"success":true}"#.to_owned(),
    }
}

/// Whole seconds, rounded up: who comes back then is let in.
fn retry_after(error: &Error) -> Option<u64> {
    let retry_after = error.kind().retry_after()?;
    let whole = retry_after.as_secs();
    let begun = u64::from(retry_after.subsec_nanos() > 0);
    Some(whole.saturating_add(begun).max(1))
}

fn outcome(command: &Command, mut answer: Json<'_>) -> Result<Outcome, Refusal> {
    let unreadable = |cause: &str| Refusal::Unreadable(upstream(cause.to_owned()));
    match command.action() {
        Action::CreateGroup => match answer.take("group_id").as_ref().map(id) {
            Some(Some(id)) => Ok(Outcome::GroupCreated(id)),
            Some(None) => Err(unreadable("group_id is no number")),
            // The oldest systems do not tell.
            None => Ok(Outcome::Done),
        },
        Action::CreateUser
        | Action::UpdateUser
        | Action::DeleteUser
        | Action::UpdateGroup
        | Action::DeleteGroup
        | Action::AddMember
        | Action::RemoveMember
        | Action::SetMemberRole
        | Action::BanMember
        | Action::UnbanMember => Ok(Outcome::Done),
        Action::ReadUser
        | Action::ListUsers
        | Action::CountUsers
        | Action::ReadGroup
        | Action::ListGroups
        | Action::ListTimezones
        | Action::Native => Err(unreadable("there is no such operation")),
    }
}

/// The database driver decides whether an id is a number or a string of digits.
fn id(value: &Json<'_>) -> Option<Id> {
    match value {
        Json::Integer(id) => Id::new(*id),
        Json::String(digits) => Id::parse(digits),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => None,
    }
}
