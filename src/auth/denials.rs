//! Which calls the audit trail hears of although nothing was done.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;

use super::authenticate::Answered;
use super::authorize::{ForeignAccount, account_of};
use super::call::{Call, Context};
use super::principal::Principal;
use crate::clock::Clock;
use crate::command::group::GroupRef;
use crate::command::member::Membership;
use crate::command::user::UserRef;
use crate::command::{AccountId, Action, Command, Id};
use crate::error::{Error, Kind, PasswordFault};
use crate::journal::Entry;
use crate::journal::denial::{Denial, DenialLog, Verdict};

/// Hands what was denied to the audit trail.
///
/// A call of an authenticated caller that was denied, or whose outcome nobody knows, gets a record
/// of its own. A call of nobody is counted. *Cost*: a few copies for a call that succeeds; one that
/// is denied waits for nothing.
#[derive(Clone)]
pub struct Denials {
    log: Arc<dyn DenialLog + Send + Sync>,
    clock: Clock,
    account: AccountId,
}

/// What a call asks for, as far as the trail may know: numbers, no names and no e-mail addresses.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// What.
    pub action: Action,
    account: Option<AccountId>,
    /// The user it is about, where the call names it by number.
    pub user: Option<Id>,
    /// The group it is about, where the call names it by number.
    pub group: Option<Id>,
}

impl Denials {
    /// Denials go to `log`; a call that names no account is taken to mean `account`.
    pub const fn new(
        log: Arc<dyn DenialLog + Send + Sync>,
        clock: Clock,
        account: AccountId,
    ) -> Self {
        Self {
            log,
            clock,
            account,
        }
    }

    /// Takes note of an answer, if it is of the kind that is noted. `asked` is absent where nothing
    /// could be decoded.
    pub fn note(&self, asked: Option<Asked>, context: &Context, answered: &Answered) {
        let Err(error) = &answered.result else {
            return;
        };
        match (judge(answered.caller.as_ref(), error), asked) {
            (Some(Judgement::Nobody), _) => {
                self.log.unauthenticated(self.clock.now(), context.source);
            }
            (Some(Judgement::Somebody(principal, verdict)), Some(asked)) => {
                self.log.denied(Denial {
                    entry: Entry {
                        tries: error.tries(),
                        ..self.entry(principal, asked, context)
                    },
                    user: asked.user,
                    group: asked.group,
                    verdict,
                });
            }
            (Some(Judgement::Somebody(..)), None) | (None, _) => {}
        }
    }

    fn entry(&self, principal: &Principal, asked: Asked, context: &Context) -> Entry {
        let account = account_of(principal, asked.account, self.account);
        Entry {
            at: self.clock.now(),
            principal: principal.to_string(),
            action: asked.action.into(),
            // The one it was denied, if that is why.
            account: account.or(asked.account).unwrap_or(self.account),
            source: context.source,
            route: context.route.as_ref().map(|route| route.name.clone()),
            request_id: context.request_id.to_string(),
            not_done: None,
            event: None,
            tries: None,
            once: None,
        }
    }
}

impl fmt::Debug for Denials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Denials")
    }
}

impl Asked {
    /// What that call asks for.
    pub fn of(call: &Call) -> Self {
        let (user, group) = match &call.command {
            Command::UpdateUser(user, _) | Command::ReadUser(user) | Command::DeleteUser(user) => {
                (user_id(user), None)
            }
            Command::UpdateGroup(group, _)
            | Command::ReadGroup(group)
            | Command::DeleteGroup(group) => (None, group_id(group)),
            Command::AddMember(member, _)
            | Command::RemoveMember(member)
            | Command::SetMemberRole(member, _)
            | Command::BanMember(member, _)
            | Command::UnbanMember(member) => member_ids(member),
            Command::Native(native) => (native.subject.as_ref().and_then(user_id), None),
            Command::CreateUser(_)
            | Command::ListUsers(_)
            | Command::CountUsers(_)
            | Command::CreateGroup(_)
            | Command::ListGroups
            | Command::ListTimezones => (None, None),
        };
        Self {
            action: call.command.action(),
            account: call.account,
            user,
            group,
        }
    }
}

/// Whom an unsuccessful answer concerns.
enum Judgement<'a> {
    /// A caller who is known.
    Somebody(&'a Principal, Verdict),
    /// Nobody who could be established.
    Nobody,
}

/// Refusals of contents, a taken name or a missing user, are no denials: whoever asks may ask.
fn judge<'a>(caller: Option<&'a Principal>, error: &Error) -> Option<Judgement<'a>> {
    let kind = error.kind();
    let known = caller.filter(|caller| !matches!(caller, Principal::Anonymous));
    let Some(principal) = known else {
        let is_refused = matches!(
            kind,
            Kind::Unauthenticated | Kind::LockedOut | Kind::Closed | Kind::PermissionDenied
        );
        return is_refused.then_some(Judgement::Nobody);
    };
    let verdict = match kind {
        Kind::UnknownOutcome => Verdict::Unknown,
        Kind::PermissionDenied
        | Kind::LockedOut
        | Kind::Closed
        | Kind::PasswordRefused(PasswordFault::CurrentMissing | PasswordFault::CurrentWrong) => {
            Verdict::Denied(kind.name())
        }
        Kind::UserNotFound if is_of_foreign_account(error) => Verdict::Denied("foreign_account"),
        Kind::Unauthenticated
        | Kind::UserNotFound
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
        | Kind::PasswordRefused(
            PasswordFault::Empty
            | PasswordFault::Mismatch
            | PasswordFault::TooShort
            | PasswordFault::Characters,
        )
        | Kind::InProgress
        | Kind::KeyReused
        | Kind::UnknownOperation
        | Kind::Unsupported
        | Kind::Malformed
        | Kind::RateLimited { .. }
        | Kind::TooLarge
        | Kind::Timeout
        | Kind::Overloaded
        | Kind::Upstream
        | Kind::Internal => return None,
    };
    Some(Judgement::Somebody(principal, verdict))
}

fn is_of_foreign_account(error: &Error) -> bool {
    error
        .source()
        .is_some_and(<dyn std::error::Error>::is::<ForeignAccount>)
}

fn member_ids(member: &Membership) -> (Option<Id>, Option<Id>) {
    (user_id(&member.user), group_id(&member.group))
}

const fn user_id(user: &UserRef) -> Option<Id> {
    match user {
        UserRef::Id(id) => Some(*id),
        UserRef::Username(_) | UserRef::Email(_) | UserRef::UsernameOrEmail(_) => None,
    }
}

const fn group_id(group: &GroupRef) -> Option<Id> {
    match group {
        GroupRef::Id(id) => Some(*id),
        GroupRef::Slug(_) => None,
    }
}

#[cfg(test)]
mod tests;
