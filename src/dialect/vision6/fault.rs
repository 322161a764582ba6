//! Kind ↔ fault: the code and wording of every failure.
//!
//! The codes and wordings are the vendor's, except those of JSON-RPC 2.0 itself. Messages never
//! have square brackets, because one published client reads errors with a regular expression.

use std::time::Duration;

use super::wire::{self, Method};
use crate::auth::call::Reference;
use crate::error::{Error, Kind};
use crate::framing::json_rpc::{Response, Version, Violation};

/// What a fault is about, as far as its code depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A request that is none.
    Envelope(Violation),
    /// A method with a canonical command.
    Method(Method),
    /// Any other method.
    Other,
}

/// A code and its wording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fault {
    code: i64,
    wording: &'static str,
    form: Form,
}

/// What the message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The vendor's wording to the letter: clients compare it.
    Wording,
    /// The wording, then what is wrong and how to mend it, then the reference.
    Detailed,
}

const INTERNAL: Fault = detailed(100, "Internal Server Error");
const NO_RESPONSE: Fault = detailed(103, "No Response from Server Call");
const METHOD_NOT_FOUND: Fault = wording(104, "Method Not Found");
const INVALID_LOGIN: Fault = wording(300, "Authorisation Failed - Invalid Login");
/// What some methods of sessions say of any key.
const NOT_LOGGED_IN: i64 = 301;
const UNDEFINED: Fault = detailed(302, "Undefined Error in Method");
const NO_LIST: Fault = wording(303, "Unable to Load List.");
const PARAMETERS: Fault = detailed(310, "Invalid Method Parameters");
const SEARCH: Fault = detailed(311, "Invalid Search Parameter Format");
const EMAIL: Fault = wording(317, "Invalid Email Address Specified");
const EMAIL_TAKEN: Fault = detailed(317, "Invalid Email Address Specified");
const ACCESS_DENIED: Fault = wording(321, "Administrative Access Denied");
const USERNAME: Fault = wording(322, "Username unavailable");
const CANNOT_DELETE: Fault = wording(324, "Cannot Delete User");
const NO_USER: Fault = wording(331, "Unable to load Account User");
const TOO_MANY: Fault = detailed(399, "Maximum number of allowed concurrent API requests");
const PARSE_ERROR: Fault = detailed(-32700, "Parse error");
const INVALID_REQUEST: Fault = detailed(-32600, "Invalid Request");

const fn wording(code: i64, wording: &'static str) -> Fault {
    Fault {
        code,
        wording,
        form: Form::Wording,
    }
}

const fn detailed(code: i64, wording: &'static str) -> Fault {
    Fault {
        code,
        wording,
        form: Form::Detailed,
    }
}

const fn fault(kind: &Kind, subject: Subject) -> Fault {
    match kind {
        Kind::Unauthenticated | Kind::LockedOut => INVALID_LOGIN,
        Kind::PermissionDenied => ACCESS_DENIED,
        Kind::UserNotFound => NO_USER,
        Kind::GroupNotFound => NO_LIST,
        Kind::UsernameTaken => USERNAME,
        Kind::EmailTaken => EMAIL_TAKEN,
        Kind::InvalidEmail => EMAIL,
        Kind::SlugTaken
        | Kind::InvalidArgument(_)
        | Kind::MissingArgument(_)
        | Kind::PasswordRefused(_)
        | Kind::KeyReused
        | Kind::TooLarge => PARAMETERS,
        Kind::BadSearch => SEARCH,
        Kind::DeleteRefused => CANNOT_DELETE,
        Kind::Closed => match subject {
            Subject::Method(method) if method.names_a_user() => NO_USER,
            Subject::Method(_) | Subject::Envelope(_) | Subject::Other => INVALID_LOGIN,
        },
        Kind::NotAMember | Kind::Unsupported => UNDEFINED,
        Kind::UnknownOutcome => NO_RESPONSE,
        Kind::UnknownOperation => METHOD_NOT_FOUND,
        Kind::Malformed => match subject {
            Subject::Envelope(Violation::Parse) => PARSE_ERROR,
            Subject::Envelope(Violation::Invalid) | Subject::Method(_) | Subject::Other => {
                INVALID_REQUEST
            }
        },
        Kind::RateLimited { .. } | Kind::Overloaded | Kind::InProgress => TOO_MANY,
        Kind::Timeout | Kind::Upstream | Kind::Internal => INTERNAL,
    }
}

/// Whether the answer to a native method is about the key that was sent. One that asks for a session says
/// nothing of a key, but where a caller's own may be wrong it is taken to: guesses are counted by it.
pub(super) const fn is_about_key(code: i64, is_callers: bool) -> bool {
    code == INVALID_LOGIN.code || (code == NOT_LOGGED_IN && is_callers)
}

/// The kind of a code; nothing for what is not known. `detail` is what a gateway of this kind
/// wrote behind the wording.
fn kind(code: i64, detail: Option<&str>, retry_after: Option<Duration>) -> Option<Kind> {
    Some(match code {
        100 => Kind::Upstream,
        103 => Kind::UnknownOutcome,
        104 | 107 => Kind::UnknownOperation,
        300 | NOT_LOGGED_IN => Kind::Unauthenticated,
        // The vendor's own 302 says only that something failed.
        302 => detail.map(|_| Kind::Unsupported)?,
        303 => Kind::GroupNotFound,
        310 => Kind::InvalidArgument(field(detail).into()),
        311 => Kind::BadSearch,
        317 if detail.is_some() => Kind::EmailTaken,
        317 => Kind::InvalidEmail,
        321 => Kind::PermissionDenied,
        322 => Kind::UsernameTaken,
        324 => Kind::DeleteRefused,
        331 => Kind::UserNotFound,
        399 => Kind::RateLimited {
            retry_after: retry_after.unwrap_or(SHORT_WAIT),
        },
        -32700 | -32600 => Kind::Malformed,
        _ => return None,
    })
}

/// How long to wait where nobody says: a crowded moment is over soon.
const SHORT_WAIT: Duration = Duration::from_secs(1);

/// Canonical → wire.
pub(super) fn encode(
    error: &Error,
    subject: Subject,
    version: Version,
    reference: Reference,
) -> Response {
    let fault = fault(error.kind(), subject);
    let message = match fault.form {
        Form::Wording => fault.wording.to_owned(),
        Form::Detailed => {
            let detail = error.message().replace('[', "(").replace(']', ")");
            format!("{}: {detail} (ref {reference})", fault.wording)
        }
    };
    let reserved = match version {
        Version::One => None,
        Version::Two => reserved_code(fault.code),
    };
    Response::Fault {
        code: reserved.unwrap_or(fault.code),
        message,
        data: reserved.map(|_| format!("{{\"code\":{}}}", fault.code)),
    }
}

/// Wire → canonical. An unknown code is [`Kind::Upstream`], and kept.
pub(super) fn decode(code: i64, message: &str, retry_after: Option<Duration>) -> Error {
    let code = vendor_code(code);
    let detail = detail(message);
    let cause = format!("Vision6 fault {code}: {message}");
    let Some(kind) = kind(code, detail, retry_after) else {
        let message = format!("the system behind the gateway answered with its fault {code}");
        return Error::new(Kind::Upstream, message).caused_by(cause);
    };
    match detail {
        Some(detail) => Error::new(kind, detail.to_owned()).caused_by(cause),
        None => Error::from(kind).caused_by(cause),
    }
}

/// What stands between a wording and a reference, in a message this gateway could have written.
fn detail(message: &str) -> Option<&str> {
    let (text, reference) = message.rsplit_once(" (ref ")?;
    let digits = reference.strip_suffix(')')?;
    if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    text.split_once(": ").map(|(_, detail)| detail)
}

/// The field that a detail begins with, where Vision6 knows it.
fn field(detail: Option<&str>) -> String {
    detail
        .and_then(|detail| detail.split(' ').next())
        .filter(|word| wire::is_field(word))
        .unwrap_or("params")
        .to_owned()
}

/// The code that JSON-RPC 2.0 reserves for what a code of the vendor says.
const fn reserved_code(code: i64) -> Option<i64> {
    match code {
        100 => Some(-32603),
        104 => Some(-32601),
        310 | 311 => Some(-32602),
        _ => None,
    }
}

/// The vendor's code for a reserved one that came without it.
const fn vendor_code(code: i64) -> i64 {
    match code {
        -32603 => 100,
        -32602 => 310,
        -32601 => 104,
        _ => code,
    }
}
