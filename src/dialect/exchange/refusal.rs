//! Answers that are no success, and what the caller is told of them.

use http::StatusCode;

use super::{Effect, Failure};
use crate::error::{Error, Kind};

/// An answer that is no success, as a codec reads it.
#[derive(Debug)]
pub(in crate::dialect) enum Refusal {
    /// A fault of the dialect: the upstream did not do it and says why.
    Fault(Error),
    /// A fault about the credentials that were sent, whatever its kind.
    Login(Error),
    /// No answer of the dialect.
    Unreadable(Error),
}

impl Refusal {
    /// What the answer says, whoever asked.
    pub(in crate::dialect) fn into_error(self) -> Error {
        match self {
            Self::Fault(error) | Self::Login(error) | Self::Unreadable(error) => error,
        }
    }

    /// The kind of the fault; an answer that cannot be read has none.
    pub(in crate::dialect) const fn kind(&self) -> Option<&Kind> {
        match self {
            Self::Fault(error) => Some(error.kind()),
            Self::Login(_) | Self::Unreadable(_) => None,
        }
    }

    /// Whether it can be for whom a number belongs to, and not for who asks or how.
    pub(in crate::dialect) const fn is_about_the_user(&self) -> bool {
        matches!(
            self.kind(),
            Some(Kind::UserNotFound | Kind::Closed | Kind::PermissionDenied)
        )
    }

    /// The same, as the answer to a question of the gateway's own: what is wrong with that is nothing
    /// that the caller sent.
    pub(in crate::dialect) fn of_own_question(self) -> Self {
        match self {
            Self::Fault(error) if !concerns_the_caller(error.kind()) => {
                Self::Fault(Error::from(Kind::Upstream).caused_by(error))
            }
            other @ (Self::Fault(_) | Self::Login(_) | Self::Unreadable(_)) => other,
        }
    }

    /// The failure of a command whose last request had that effect and got that status.
    pub(in crate::dialect) fn into_failure(self, effect: Effect, status: StatusCode) -> Failure {
        match self {
            Self::Login(error) => login(error),
            // What did nothing has no unknown outcome.
            Self::Fault(error)
                if effect == Effect::Read && *error.kind() == Kind::UnknownOutcome =>
            {
                Failure::Call(Error::from(Kind::Upstream).caused_by(error))
            }
            Self::Fault(error) => fault(error),
            Self::Unreadable(error) if effect == Effect::Write && may_be_done(status) => {
                Failure::Call(Error::from(Kind::UnknownOutcome).caused_by(error))
            }
            Self::Unreadable(error) => Failure::Call(error),
        }
    }
}

/// Whom the caller named, and what it can wait for; not a field or a value.
const fn concerns_the_caller(kind: &Kind) -> bool {
    match kind {
        Kind::Unauthenticated
        | Kind::LockedOut
        | Kind::PermissionDenied
        | Kind::UserNotFound
        | Kind::Closed
        | Kind::UnknownOutcome
        | Kind::Unsupported
        | Kind::RateLimited { .. }
        | Kind::Timeout
        | Kind::Overloaded
        | Kind::Upstream
        | Kind::Internal => true,
        Kind::GroupNotFound
        | Kind::UsernameTaken
        | Kind::EmailTaken
        | Kind::InvalidEmail
        | Kind::SlugTaken
        | Kind::InvalidArgument(_)
        | Kind::MissingArgument(_)
        | Kind::BadSearch
        | Kind::DeleteRefused
        | Kind::NotAMember
        | Kind::PasswordRefused(_)
        | Kind::UnknownOperation
        | Kind::Malformed
        | Kind::InProgress
        | Kind::KeyReused
        | Kind::TooLarge => false,
    }
}

/// A redirect, and a refusal by the web server in front, mean that nothing was done.
fn may_be_done(status: StatusCode) -> bool {
    !status.is_redirection() && !status.is_client_error()
}

fn login(error: Error) -> Failure {
    Failure::Login(Error::from(Kind::Upstream).caused_by(error))
}

/// What is said of another's account, in the words of the one vendor that has some: they are not those
/// for the caller's own.
const CLOSED: &str = "The requested user account is closed!";

/// The credentials, the syntax, the operation and an idempotency key, if any, were the gateway's, not the caller's.
fn fault(error: Error) -> Failure {
    match error.kind() {
        Kind::Unauthenticated | Kind::LockedOut => login(error),
        Kind::Malformed | Kind::UnknownOperation | Kind::InProgress | Kind::KeyReused => {
            Failure::Call(Error::from(Kind::Upstream).caused_by(error))
        }
        Kind::PermissionDenied => {
            let message = "the system behind the gateway does not permit this to the gateway; \
                           ask its administrator";
            Failure::Call(Error::new(Kind::PermissionDenied, message).caused_by(error))
        }
        // Whom the command names: an account of the gateway's own is told as a login.
        Kind::Closed => Failure::Call(Error::new(Kind::Closed, CLOSED).caused_by(error)),
        Kind::UserNotFound
        | Kind::GroupNotFound
        | Kind::UsernameTaken
        | Kind::EmailTaken
        | Kind::InvalidEmail
        | Kind::SlugTaken
        | Kind::InvalidArgument(_)
        | Kind::MissingArgument(_)
        | Kind::BadSearch
        | Kind::DeleteRefused
        | Kind::NotAMember
        | Kind::PasswordRefused(_)
        | Kind::UnknownOutcome
        | Kind::Unsupported
        | Kind::RateLimited { .. }
        | Kind::TooLarge
        | Kind::Timeout
        | Kind::Overloaded
        | Kind::Upstream
        | Kind::Internal => Failure::Call(error),
    }
}
