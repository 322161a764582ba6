//! What went wrong ↔ how b2evolution says it.

use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;

use super::operation::{Operation, ReplyTo, Signed};
use super::wording::{self, Shape, Wording};
use crate::error::{Error, Kind, PasswordFault};

/// A fault on the wire.
#[derive(Debug)]
pub(super) enum Fault<'e> {
    /// In the vendor's words, about a name where they mention one.
    Vendor(&'static Wording, Cow<'e, str>),
    /// In words of Dragoman's own, in a shape of the vendor's.
    Own(Shape),
}

impl Fault<'_> {
    /// The envelope.
    pub(super) const fn shape(&self) -> Shape {
        match self {
            Self::Vendor(wording, _) => wording.shape,
            Self::Own(shape) => *shape,
        }
    }
}

/// The fault of an error: the one its message already is, else the one of its kind.
pub(super) fn of_error<'e>(error: &'e Error, reply_to: &ReplyTo) -> Fault<'e> {
    match wording::recognise(error.message()) {
        Some((wording, name)) => Fault::Vendor(wording, Cow::Borrowed(name)),
        None => of_kind(error.kind(), reply_to),
    }
}

/// The fault of a kind.
pub(super) fn of_kind<'k>(kind: &'k Kind, reply_to: &ReplyTo) -> Fault<'k> {
    let operation = reply_to.operation;
    match kind {
        Kind::Unauthenticated => vendor(not_signed_in(reply_to)),
        Kind::LockedOut => vendor(&wording::LOCKED),
        Kind::PermissionDenied if reply_to.signed == Signed::Key => Fault::Own(Shape::NO_ACCESS),
        Kind::PermissionDenied => match operation {
            Operation::Create => vendor(&wording::OWN_PROFILE),
            Operation::Update | Operation::Delete => vendor(&wording::OTHER_USERS),
            Operation::List
            | Operation::View
            | Operation::Logins
            | Operation::Autocomplete
            | Operation::Other => Fault::Own(Shape::NO_ACCESS),
        },
        Kind::UserNotFound if operation == Operation::View => vendor(&wording::NO_SUCH_USER),
        Kind::UserNotFound => vendor(&wording::INVALID_ID),
        Kind::GroupNotFound => vendor(&wording::UNKNOWN_GROUP),
        Kind::UsernameTaken => vendor(&wording::LOGIN_TAKEN),
        Kind::InvalidEmail => vendor(&wording::EMAIL_INVALID),
        Kind::InvalidArgument(_) if operation == Operation::Autocomplete => Fault::Own(BAD_LOGIN),
        Kind::MissingArgument(_) if operation == Operation::Delete => vendor(&wording::MISSING_ID),
        Kind::MissingArgument(field) => Fault::Vendor(&wording::REQUIRED, Cow::Borrowed(field)),
        Kind::DeleteRefused => {
            Fault::Own(Shape::coded("delete_restriction", StatusCode::FORBIDDEN))
        }
        Kind::Closed => vendor(&wording::CLOSED_ACCOUNT),
        Kind::PasswordRefused(fault) => password(*fault, operation),
        Kind::EmailTaken | Kind::SlugTaken | Kind::InvalidArgument(_) | Kind::NotAMember => {
            Fault::Own(refused(operation))
        }
        Kind::UnknownOperation => {
            Fault::Own(Shape::coded("unknown_controller", StatusCode::NOT_FOUND))
        }
        Kind::Unsupported if operation.is_write() => Fault::Own(Shape::UPDATE_FAILED),
        Kind::Unsupported => Fault::Own(Shape::NO_ACCESS),
        Kind::BadSearch | Kind::Malformed => bare(StatusCode::BAD_REQUEST),
        Kind::RateLimited { .. } => bare(StatusCode::TOO_MANY_REQUESTS),
        Kind::TooLarge => bare(StatusCode::PAYLOAD_TOO_LARGE),
        Kind::InProgress => bare(StatusCode::CONFLICT),
        Kind::KeyReused => bare(StatusCode::UNPROCESSABLE_ENTITY),
        Kind::UnknownOutcome | Kind::Timeout => bare(StatusCode::GATEWAY_TIMEOUT),
        Kind::Overloaded => bare(StatusCode::SERVICE_UNAVAILABLE),
        Kind::Upstream => bare(StatusCode::BAD_GATEWAY),
        Kind::Internal => bare(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// What a fault on the wire looks like to whoever reads it.
#[derive(Debug)]
pub(super) struct Seen<'w> {
    /// The code; none in envelope B.
    pub(super) code: Option<&'w str>,
    /// The status of the head.
    pub(super) status: StatusCode,
    /// One message, as plain text.
    pub(super) message: &'w str,
    /// Whether it was one item of a list of validation errors.
    pub(super) listed: bool,
    /// What `Retry-After` asks for.
    pub(super) retry_after: Option<Duration>,
}

/// The kind of a fault; nothing for one that no b2evolution sends.
pub(super) fn kind(seen: &Seen<'_>, operation: Operation) -> Option<Kind> {
    if let Some((wording, name)) = wording::recognise(seen.message)
        && seen.has(wording.shape)
    {
        return Some((wording.kind)(name.to_owned()));
    }
    match seen.code {
        Some(code) => of_code(code, seen.listed),
        None => of_status(seen, operation),
    }
}

impl Seen<'_> {
    fn has(&self, shape: Shape) -> bool {
        match shape {
            Shape::Coded { code, status, .. } => self.code == Some(code) && self.status == status,
            Shape::Bare(status) => self.code.is_none() && self.status == status,
        }
    }
}

/// The field of a fault that b2evolution reports in a sentence we do not know.
const PROFILE: &str = "profile";

const BAD_LOGIN: Shape = Shape::coded("wrong_request", StatusCode::FORBIDDEN);

fn of_code(code: &str, listed: bool) -> Option<Kind> {
    Some(match code {
        "update_failed" if listed => Kind::InvalidArgument(Cow::Borrowed(PROFILE)),
        "update_failed" => Kind::Unsupported,
        "no_access" => Kind::PermissionDenied,
        "user_invalid_id" => Kind::UserNotFound,
        "user_missing_id" => Kind::MissingArgument(Cow::Borrowed("id")),
        "delete_restriction" | "delete_failed" => Kind::DeleteRefused,
        "wrong_login_pass" => Kind::Unauthenticated,
        "closed_account" => Kind::Closed,
        "login_attempt_failed" => Kind::LockedOut,
        "system_maintenance" => Kind::Overloaded,
        "wrong_request" => Kind::InvalidArgument(Cow::Borrowed("q")),
        "unknown_module" | "unknown_controller" | "wrong_route" => Kind::UnknownOperation,
        _ => return None,
    })
}

fn of_status(seen: &Seen<'_>, operation: Operation) -> Option<Kind> {
    Some(match seen.status {
        StatusCode::BAD_REQUEST => Kind::Malformed,
        StatusCode::CONFLICT => Kind::InProgress,
        StatusCode::UNPROCESSABLE_ENTITY => Kind::KeyReused,
        StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
        StatusCode::TOO_MANY_REQUESTS => Kind::RateLimited {
            retry_after: seen.retry_after.unwrap_or(Duration::from_secs(1)),
        },
        StatusCode::INTERNAL_SERVER_ERROR => Kind::Internal,
        StatusCode::BAD_GATEWAY => Kind::Upstream,
        StatusCode::SERVICE_UNAVAILABLE => Kind::Overloaded,
        StatusCode::GATEWAY_TIMEOUT if operation.is_write() => Kind::UnknownOutcome,
        StatusCode::GATEWAY_TIMEOUT => Kind::Timeout,
        _ => return None,
    })
}

fn vendor(wording: &'static Wording) -> Fault<'static> {
    Fault::Vendor(wording, Cow::Borrowed(""))
}

const fn bare(status: StatusCode) -> Fault<'static> {
    Fault::Own(Shape::Bare(status))
}

/// Fields of a form fail in the list of validation errors, other parameters in envelope B.
const fn refused(operation: Operation) -> Shape {
    if operation.has_form() {
        Shape::LISTED
    } else {
        Shape::Bare(StatusCode::BAD_REQUEST)
    }
}

const fn not_signed_in(reply_to: &ReplyTo) -> &'static Wording {
    if !matches!(reply_to.signed, Signed::Nobody) {
        return &wording::WRONG_LOGIN;
    }
    match reply_to.operation {
        Operation::List => &wording::NO_DIRECTORY,
        Operation::View => &wording::NO_PROFILE,
        Operation::Delete => &wording::OTHER_USERS,
        Operation::Create
        | Operation::Update
        | Operation::Logins
        | Operation::Autocomplete
        | Operation::Other => &wording::NOT_LOGGED_IN,
    }
}

fn password(fault: PasswordFault, operation: Operation) -> Fault<'static> {
    match fault {
        PasswordFault::CurrentWrong => vendor(&wording::CURRENT_WRONG),
        PasswordFault::Empty => vendor(&wording::PASSWORD_EMPTY),
        PasswordFault::Mismatch => vendor(&wording::PASSWORD_DIFFERENT),
        PasswordFault::TooShort => vendor(&wording::PASSWORD_SHORT),
        PasswordFault::CurrentMissing | PasswordFault::Characters => Fault::Own(refused(operation)),
    }
}
