//! Whom and what a command is about.

use super::directory::Directory;
use crate::command::Command;
use crate::command::email::Email;
use crate::command::query::UserQuery;
use crate::command::user::{User, UserChange, UserRef};
use crate::dialect::exchange::{Effect, Refusal, is_read};
use crate::error::{Error, Kind};
use crate::outcome::Outcome;

/// The list to find a user in. No answer shows an e-mail address, and a search by one finds those
/// of others that contain it.
pub(super) fn directory(user: &UserRef) -> Result<Directory, Error> {
    let by_address = || {
        let message = "b2evolution shows no e-mail addresses to find a user by; \
                       name the user by its username or its number";
        Error::new(Kind::Unsupported, message)
    };
    match user {
        UserRef::Email(_) => Err(by_address()),
        UserRef::UsernameOrEmail(name) if Email::parse(name.as_str()).is_some() => {
            Err(by_address())
        }
        UserRef::Username(name) | UserRef::UsernameOrEmail(name) => {
            Directory::of_login(name).ok_or_else(|| Kind::UserNotFound.into())
        }
        UserRef::Id(_) => Err(Kind::Internal.into()),
    }
}

/// Whether the user has the login that it is named by.
pub(super) fn is_named(named: &UserRef, user: &User) -> bool {
    match named {
        UserRef::Username(name) | UserRef::UsernameOrEmail(name) => {
            name.key() == user.username.key()
        }
        UserRef::Email(_) | UserRef::Id(_) => true,
    }
}

/// The change, where the command is one of a user that is there already.
pub(super) fn update(command: &Command) -> Option<&UserChange> {
    if let Command::UpdateUser(_, change) = command {
        return Some(change);
    }
    None
}

/// The list that answers the command.
pub(super) fn query(command: &Command) -> Option<UserQuery> {
    if let Command::ListUsers(query) = command {
        return Some(query.clone());
    }
    if let Command::CountUsers(query) = command {
        return Some(UserQuery {
            criteria: query.criteria.clone(),
            limit: Some(1),
            ..UserQuery::default()
        });
    }
    None
}

/// Whether the command changes anything.
pub(super) fn effect(command: &Command) -> Effect {
    if is_read(command) {
        Effect::Read
    } else {
        Effect::Write
    }
}

/// An answer about somebody else is none.
pub(super) fn check(command: &Command, outcome: Outcome) -> Result<Outcome, Refusal> {
    if let (Command::ReadUser(UserRef::Id(asked)), Outcome::User(user)) = (command, &outcome)
        && user.id != *asked
    {
        return Err(unasked(&format!("user {} for user {asked}", user.id)));
    }
    Ok(outcome)
}

/// An answer to something else than what was asked.
pub(super) fn unasked(what: &str) -> Refusal {
    let cause = format!("b2evolution answered {what}");
    Refusal::Unreadable(Error::from(Kind::Upstream).caused_by(cause))
}
