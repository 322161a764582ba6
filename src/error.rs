//! The one error of the command stack.
//!
//! A [`Kind`] is what went wrong in canonical terms: each dialect turns it into its own fault. The
//! public message names field and remedy and is shown to the caller; the source is for the log.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// The name of a field in the words of whoever is told: the caller's dialect where the fault was
/// found in decoding, the canonical model below that.
pub type Field = Cow<'static, str>;

/// API keys have 64 characters: no name that is shown can hold one.
const SHOWN_BYTES: usize = 48;

/// Whether a name that a caller made up can be repeated in messages and logs. A long or strange
/// name is more likely a misplaced value, and that may be a secret.
pub fn is_shown(name: &str) -> bool {
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte);
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.len() <= SHOWN_BYTES
        && name.bytes().all(fit)
}

/// What went wrong, in canonical terms. The set is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No credentials, or wrong ones.
    Unauthenticated,
    /// Too many failed attempts.
    LockedOut,
    /// The principal may not do this.
    PermissionDenied,
    /// No such user, or none that the principal may see.
    UserNotFound,
    /// No such group.
    GroupNotFound,
    /// The username is another's, a group's slug or reserved.
    UsernameTaken,
    /// The e-mail address is another's.
    EmailTaken,
    /// This is no e-mail address.
    InvalidEmail,
    /// The slug is another group's, a username or reserved.
    SlugTaken,
    /// A field has a value it cannot have.
    InvalidArgument(Field),
    /// A field that must be there is not.
    MissingArgument(Field),
    /// Search criteria of a form nobody understands.
    BadSearch,
    /// The user cannot be deleted.
    DeleteRefused,
    /// The caller's account, or the one it asks for, is closed.
    Closed,
    /// The user is no member of the group.
    NotAMember,
    /// The password was not accepted.
    PasswordRefused(PasswordFault),
    /// A write was sent and nobody knows what became of it.
    UnknownOutcome,
    /// The same call, as its idempotency key says, is still under way.
    InProgress,
    /// The idempotency key is that of another call.
    KeyReused,
    /// The dialect has no such operation.
    UnknownOperation,
    /// The operation exists, and the target cannot do it.
    Unsupported,
    /// The request cannot be read.
    Malformed,
    /// Too many calls.
    RateLimited {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The body is too large.
    TooLarge,
    /// It took too long.
    Timeout,
    /// There is too much to do just now.
    Overloaded,
    /// The upstream failed.
    Upstream,
    /// Dragoman failed.
    Internal,
}

/// A crowded moment is over soon.
const CROWDED: Duration = Duration::from_secs(1);

/// Why a password was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordFault {
    /// The proof, the caller's current password, is missing.
    CurrentMissing,
    /// The proof is wrong.
    CurrentWrong,
    /// The new password is empty.
    Empty,
    /// The two spellings of the new password differ.
    Mismatch,
    /// It is too short.
    TooShort,
    /// It has characters it cannot have.
    Characters,
}

impl Kind {
    /// The name in logs and audit records.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::LockedOut => "locked_out",
            Self::PermissionDenied => "permission_denied",
            Self::UserNotFound => "user_not_found",
            Self::GroupNotFound => "group_not_found",
            Self::UsernameTaken => "username_taken",
            Self::EmailTaken => "email_taken",
            Self::InvalidEmail => "invalid_email",
            Self::SlugTaken => "slug_taken",
            Self::InvalidArgument(_) => "invalid_argument",
            Self::MissingArgument(_) => "missing_argument",
            Self::BadSearch => "bad_search",
            Self::DeleteRefused => "delete_refused",
            Self::Closed => "closed",
            Self::NotAMember => "not_a_member",
            Self::PasswordRefused(_) => "password_refused",
            Self::UnknownOutcome => "unknown_outcome",
            Self::InProgress => "in_progress",
            Self::KeyReused => "key_reused",
            Self::UnknownOperation => "unknown_operation",
            Self::Unsupported => "unsupported",
            Self::Malformed => "malformed",
            Self::RateLimited { .. } => "rate_limited",
            Self::TooLarge => "too_large",
            Self::Timeout => "timeout",
            Self::Overloaded => "overloaded",
            Self::Upstream => "upstream",
            Self::Internal => "internal",
        }
    }

    /// How long the caller is told to wait before trying again, where that helps.
    pub const fn retry_after(&self) -> Option<Duration> {
        if let Self::RateLimited { retry_after } = self {
            return Some(*retry_after);
        }
        if matches!(self, Self::Overloaded | Self::InProgress) {
            return Some(CROWDED);
        }
        None
    }

    /// The field at fault, where there is one.
    pub fn field(&self) -> Option<&str> {
        if let Self::InvalidArgument(field) | Self::MissingArgument(field) = self {
            return Some(field);
        }
        None
    }
}

/// A call that was not carried out.
pub struct Error {
    kind: Kind,
    message: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    also: Vec<Self>,
    tries: u32,
}

impl Error {
    /// A fault with a message for the caller that names the field and the remedy, without a full
    /// stop at its end. A dialect whose vendor has a wording for the kind uses that instead.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
            also: Vec::new(),
            tries: 1,
        }
    }

    /// A field has a value it cannot have; `must` continues the sentence "FIELD …". A name that
    /// cannot be shown becomes "a field".
    pub fn invalid(field: impl Into<Field>, must: impl fmt::Display) -> Self {
        let field = shown(field.into());
        let message = format!("{field} {must}");
        Self::new(Kind::InvalidArgument(field), message)
    }

    /// A field that must be there is not.
    pub fn missing(field: impl Into<Field>) -> Self {
        let field = shown(field.into());
        let message = format!("{field} is missing; send it");
        Self::new(Kind::MissingArgument(field), message)
    }

    /// Dragoman's own failure; the cause goes to the log only.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Kind::Internal, "the gateway failed; try again later").caused_by(source)
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The error of a call that it was made of, if there is one.
    pub fn into_cause(self) -> Option<Self> {
        let cause = self.source?.downcast::<Self>().ok()?;
        Some(*cause)
    }

    /// Several faults of one call as one: the first speaks for all.
    pub fn all(faults: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut faults = faults.into_iter();
        let mut first = faults.next()?;
        first.also.extend(faults);
        Some(first)
    }

    /// The same, of what was sent so often.
    #[must_use]
    pub const fn after(mut self, tries: u32) -> Self {
        self.tries = tries;
        self
    }

    /// How often it was sent, where it was sent again.
    pub const fn tries(&self) -> Option<u32> {
        if self.tries > 1 {
            return Some(self.tries);
        }
        None
    }

    /// What went wrong.
    pub const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// What the caller may know.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// This fault and the others of the same call.
    pub fn faults(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.also)
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        let message = default_message(&kind);
        Self::new(kind, message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Error");
        shown
            .field("kind", &self.kind)
            .field("message", &self.message);
        if let Some(source) = &self.source {
            shown.field("source", source);
        }
        if !self.also.is_empty() {
            shown.field("also", &self.also);
        }
        if self.tries > 1 {
            shown.field("tries", &self.tries);
        }
        shown.finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

fn shown(field: Field) -> Field {
    if is_shown(&field) {
        field
    } else {
        Cow::Borrowed("a field")
    }
}

fn default_message(kind: &Kind) -> Cow<'static, str> {
    match kind {
        Kind::Unauthenticated => {
            "the credentials are missing or wrong; send a valid API key".into()
        }
        Kind::LockedOut => "too many failed attempts; wait before trying again".into(),
        Kind::PermissionDenied => {
            "the API key may not do this; use one with the scope for it".into()
        }
        Kind::UserNotFound => "there is no such user; check the reference".into(),
        Kind::GroupNotFound => "there is no such group; check the reference".into(),
        Kind::UsernameTaken => "the username is taken or reserved; choose another".into(),
        Kind::EmailTaken => "the e-mail address belongs to another user; use another".into(),
        Kind::InvalidEmail => "this is no valid e-mail address; correct it".into(),
        Kind::SlugTaken => "the slug is taken or reserved; choose another".into(),
        Kind::InvalidArgument(field) => {
            format!("{field} has a value it cannot have; correct it").into()
        }
        Kind::MissingArgument(field) => format!("{field} is missing; send it").into(),
        Kind::BadSearch => "the search criteria cannot be understood; correct their form".into(),
        Kind::DeleteRefused => {
            "this user cannot be deleted; remove what depends on it first".into()
        }
        Kind::Closed => "the account is closed; ask an administrator to open it".into(),
        Kind::NotAMember => "the user is no member of the group; add it first".into(),
        Kind::PasswordRefused(fault) => password_message(*fault).into(),
        Kind::UnknownOutcome => {
            "the write was sent and its outcome is unknown; look before repeating it".into()
        }
        Kind::InProgress => "the same call is still under way; repeat it in a moment".into(),
        Kind::KeyReused => {
            "the Idempotency-Key was sent with another call; use a new one for each".into()
        }
        Kind::UnknownOperation => "there is no such operation; check its name".into(),
        Kind::Unsupported => {
            "this operation is not supported here; send it to the original system".into()
        }
        Kind::Malformed => "the request cannot be read; correct its syntax".into(),
        Kind::RateLimited { .. } => "too many calls; wait before trying again".into(),
        Kind::TooLarge => "the request is too large; send less at once".into(),
        Kind::Timeout => "the call took too long; try again later".into(),
        Kind::Overloaded => "there is too much to do; try again later".into(),
        Kind::Upstream => "the system behind the gateway failed; try again later".into(),
        Kind::Internal => "the gateway failed; try again later".into(),
    }
}

const fn password_message(fault: PasswordFault) -> &'static str {
    match fault {
        PasswordFault::CurrentMissing => "the current password is missing; send it",
        PasswordFault::CurrentWrong => "the current password is wrong; correct it",
        PasswordFault::Empty => "the new password is empty; send one",
        PasswordFault::Mismatch => "the two new passwords differ; send the same twice",
        PasswordFault::TooShort => "the new password is too short; choose a longer one",
        PasswordFault::Characters => {
            "the new password has characters it cannot have; choose another"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misplaced_key_is_not_repeated_as_the_name_of_a_field() {
        let key = "drg".repeat(21) + "7";
        let error = Error::invalid(key, "is unknown");
        assert_eq!(error.message(), "a field is unknown");
        assert_eq!(error.kind().field(), Some("a field"));
        assert!(!is_shown("two\nlines"));
        assert!(is_shown("organizations[0]"));
    }
}
