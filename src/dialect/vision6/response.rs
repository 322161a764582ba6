//! Results → HTTP answer, and an upstream's HTTP answer → outcome.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::fault::{self, Subject};
use super::members::string_writer;
use super::wire::Method;
use super::{ReplyTo, native, outcome, value};
use crate::auth::call::Reference;
use crate::command::Command;
use crate::dialect::exchange::Refusal;
use crate::error::{Error, Kind};
use crate::framing::json::Json;
use crate::framing::json_rpc::{self, Version};
use crate::outcome::Outcome;
use crate::route::{JsonLimits, Policy};

/// An envelope with a short result.
const ENVELOPE_BYTES: usize = 128;

/// Writes the answer: 200 whatever happened, empty where there were only notifications.
pub(super) fn encode(
    reply_to: ReplyTo,
    results: Vec<Result<Outcome, Error>>,
    reference: Reference,
) -> Response<Bytes> {
    let wait = longest_wait(&results);
    let mut out = String::with_capacity(ENVELOPE_BYTES);
    let entries = reply_to.entries.into_iter().zip(results);
    for (entry, result) in entries.filter(|(entry, _)| entry.reply_to.id.is_some()) {
        if reply_to.batch {
            out.push(if out.is_empty() { '[' } else { ',' });
        }
        let answer = answer(result, entry.subject, entry.reply_to.version, reference);
        json_rpc::write_response(&mut out, &entry.reply_to, &answer);
    }
    if out.is_empty() {
        return Response::new(Bytes::new());
    }
    if reply_to.batch {
        out.push(']');
    }
    let mut response = Response::new(Bytes::from(out));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(wait) = wait {
        headers.insert(RETRY_AFTER, whole_seconds(wait));
    }
    response
}

fn answer(
    result: Result<Outcome, Error>,
    subject: Subject,
    version: Version,
    reference: Reference,
) -> json_rpc::Response {
    let error = match result {
        Ok(Outcome::Relayed(relayed)) => return native::hand_back(&relayed),
        Ok(Outcome::Done) if subject == Subject::Method(Method::AddUser) => unnumbered(),
        Ok(outcome) => match outcome::encode(&outcome, string_writer(version)) {
            Some(result) => return json_rpc::Response::Result(result),
            None => Error::internal("the outcome has no form in Vision6"),
        },
        Err(error) => error,
    };
    fault::encode(&error, subject, version, reference)
}

/// Not every upstream tells the number of a new user, and `true` in its place would be taken for 1.
fn unnumbered() -> Error {
    let message = "the user was made, and its number is not known; look for its username";
    Error::new(Kind::UnknownOutcome, message)
}

fn longest_wait(results: &[Result<Outcome, Error>]) -> Option<Duration> {
    let faults = results.iter().filter_map(|result| result.as_ref().err());
    faults.filter_map(|error| error.kind().retry_after()).max()
}

/// Rounded up, and at least one: 0 would invite a caller to try at once.
fn whole_seconds(wait: Duration) -> HeaderValue {
    let begun = u64::from(wait.subsec_nanos() > 0);
    HeaderValue::from(wait.as_secs().saturating_add(begun).max(1))
}

/// Reads an upstream's answer to the request of that number.
///
/// Only status 200 with a result and no error is success. A fault is in `error`: an object, or in
/// old versions of the vendor's server the string `"322-Username unavailable"`. Any other status,
/// a body that is no such envelope, and one with the number of another request are a failed
/// upstream. `is_callers` says whose the key was.
pub(super) fn decode(
    command: &Command,
    number: u32,
    head: &Parts,
    body: &[u8],
    policy: &Policy,
    is_callers: bool,
) -> Result<Outcome, Refusal> {
    if head.status != StatusCode::OK {
        return Err(unreadable(format!(
            "it answered with status {}",
            head.status
        )));
    }
    let text = str::from_utf8(body).map_err(|error| unreadable(error.to_string()))?;
    let mut envelope = Json::decode(text, &answer_limits(policy))
        .map_err(|error| unreadable(error.to_string()))?;
    let mut member = |name| envelope.take(name).unwrap_or(Json::Null);
    let is_native = matches!(command, Command::Native(_));
    match (member("error"), member("result")) {
        (Json::Null, Json::Null) => Err(unreadable("it answered with neither result nor error")),
        (Json::Null, result) if is_number(&member("id"), number) => {
            if is_native {
                return Ok(native::relayed_result(&result));
            }
            outcome::decode(command, result).map_err(refuse_result)
        }
        (Json::Null, _) => Err(unreadable("it answered another request than this")),
        (error, _) => {
            let read = read_fault(error.clone());
            let is_about_key = |(code, _): &(i64, String)| fault::is_about_key(*code, is_callers);
            if is_native && !read.as_ref().is_ok_and(is_about_key) {
                return native::relayed_fault(error).map_err(Refusal::Unreadable);
            }
            let retry_after = retry_after(&head.headers);
            let decode =
                |(code, message): (i64, String)| fault::decode(code, &message, retry_after);
            Err(Refusal::Fault(read.map_or_else(|unread| unread, decode)))
        }
    }
}

/// Some servers of JSON-RPC make a string of every id.
fn is_number(id: &Json<'_>, number: u32) -> bool {
    match id {
        Json::Integer(id) => *id == i64::from(number),
        Json::String(id) => **id == *number.to_string(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => false,
    }
}

/// A list of users may be as long as the body may.
fn answer_limits(policy: &Policy) -> JsonLimits {
    JsonLimits {
        members: usize::MAX,
        string_bytes: usize::MAX,
        ..policy.json
    }
}

/// What is wrong with a result is the upstream's fault, except what the result itself says.
fn refuse_result(error: Error) -> Refusal {
    if matches!(error.kind(), Kind::UserNotFound | Kind::Unsupported) {
        return Refusal::Fault(error);
    }
    unreadable(error.to_string())
}

fn unreadable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Refusal {
    Refusal::Unreadable(upstream(cause))
}

/// The code and the message of a fault.
fn read_fault(mut error: Json<'_>) -> Result<(i64, String), Error> {
    if let Json::String(text) = &error {
        let parts = text.split_once('-');
        return parts
            .and_then(|(code, message)| Some((code.parse().ok()?, message.to_owned())))
            .ok_or_else(|| upstream(format!("it answered with the error {text}")));
    }
    let data = error.take("data").and_then(|mut data| data.take("code"));
    let code = data.or_else(|| error.take("code"));
    let digits = code.map(value::digits_to_text).and_then(value::string);
    let message = error.take("message").and_then(value::string);
    let message = message.unwrap_or_default();
    let code = digits.and_then(|digits| digits.parse().ok());
    let code = code.ok_or_else(|| {
        upstream(format!(
            "it answered with an error without a code: {message}"
        ))
    })?;
    Ok((code, message.to_string()))
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn upstream(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::from(Kind::Upstream).caused_by(cause)
}
