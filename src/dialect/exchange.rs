//! One command at an upstream: the requests it takes, and what their answers mean.
//!
//! An exchange does no I/O. It hands out a request, is told the answer, and hands out the next one
//! or the outcome. Whoever drives it sends the requests, one after the other:
//!
//! - A [`Step::Send`] says whether its request may change something. At most one write is sent,
//!   except that a write whose user was looked up in vain is sent again after a new look-up: it was
//!   refused because nobody has that number, so nothing was done.
//! - An answer that is none of the dialect's is [`Kind::UnknownOutcome`] after a write and
//!   [`Kind::Upstream`] after a read.
//! - Once [`Exchange::settled`] holds an outcome, the command is done: if a later request is not
//!   answered, that outcome is the answer.
//!
//! The credentials of the call are the gateway's own, put in place of the caller's by whoever
//! starts the exchange. If the upstream refuses them, that is a [`Failure::Login`]. A password that
//! the caller sent as a proof goes nowhere. Only where the upstream judges the callers are
//! credentials and proof the caller's ([`Known::is_callers`]).

mod refusal;

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http::header::HOST;
use http::response::Parts;

pub(super) use self::refusal::Refusal;
use super::{b2evolution, grupo, vision6};
use crate::auth::Call;
use crate::command::user::{UserChange, UserRef};
use crate::command::{AccountId, Command, Dialect, Id};
use crate::error::{Error, Kind};
use crate::outcome::Outcome;
use crate::route::Policy;
use crate::secret::Secret;

/// Whether a request changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does not: it may be sent again, and be given up.
    Read,
    /// It may: it is waited for, and sent once unless its command only sets.
    Write,
}

/// What comes next.
#[derive(Debug)]
pub enum Step {
    /// This is to be sent, without scheme and host.
    Send {
        /// Path, headers and body.
        request: Box<Request<Bytes>>,
        /// Whether it changes anything.
        effect: Effect,
    },
    /// The command was carried out.
    Done(Outcome),
}

/// Why a command was not carried out.
#[derive(Debug)]
pub enum Failure {
    /// It is told to the caller.
    Call(Error),
    /// The upstream refuses the gateway's own credentials. The error is the caller's and says no
    /// more than that the upstream failed; nothing should be sent with these credentials again,
    /// because some systems lock the login.
    Login(Error),
}

/// What is known of an upstream besides its address.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// What its codec needs to know: path, roles, limits.
    pub policy: Policy,
    /// The account that its users belong to. A dialect that names one in each call is sent it where
    /// the call names none; a call for another is refused by the others.
    pub account: Option<AccountId>,
    /// What to do where an update would take away what nobody knows.
    pub unknown: Unknown,
}

/// What to do about attributes that an update takes away because their values are not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    /// Update, and say which ([`Learnt::at_risk`]).
    #[default]
    Warn,
    /// Refuse the update.
    Reject,
}

/// What is known of the command's user and of the upstream before anything is sent.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The number, at the upstream, of the user that the command names. Without it a number in the
    /// command is the upstream's own.
    pub user: Option<Id>,
    /// Whether that number was looked up a while ago, so that the name may be another's by now. Then
    /// nothing is written by it before an answer has shown that its user still has the name.
    pub is_doubtful: bool,
    /// The number, at the upstream, of the group that the command names.
    pub group: Option<Id>,
    /// What the user's attributes are that the upstream has and does not show: an attribute that
    /// is kept is not known, one that is cleared is known to be empty.
    pub kept: Box<UserChange>,
    /// The session that the upstream opened for the gateway's own login.
    pub session: Option<Secret>,
    /// Whether the credentials are the caller's, and so is the password that it sent as a proof.
    pub is_callers: bool,
}

/// What an exchange found out.
#[derive(Debug, Default)]
pub struct Learnt {
    /// The number of a user at the upstream, by how the call named it.
    pub user: Option<(UserRef, Id)>,
    /// The name whose number was known, and is another's by now or nobody's.
    pub mistaken: Option<UserRef>,
    /// The session to use from now on.
    pub session: Option<Session>,
    /// Attributes that the update may have taken away, since their values are not known.
    pub at_risk: Vec<&'static str>,
}

/// What became of the session at the upstream.
#[derive(Debug, PartialEq, Eq)]
pub enum Session {
    /// There is a new one.
    Opened(Secret),
    /// The one that was sent is over.
    Closed,
}

/// A command on its way, in the upstream's dialect.
#[derive(Debug)]
pub struct Exchange(Spoken);

#[derive(Debug)]
enum Spoken {
    Grupo(grupo::Exchange),
    Vision6(vision6::Exchange),
    B2evolution(b2evolution::Exchange),
}

impl Exchange {
    /// Starts with the first step. What the dialect cannot express, and what the upstream would
    /// take and not keep, is refused here: nothing is sent.
    pub fn start(
        dialect: Dialect,
        mut call: Call,
        known: Known,
        terms: Arc<Terms>,
    ) -> Result<(Self, Step), Failure> {
        // It proved to the gateway who calls; to the upstream it would prove nothing.
        if let Command::CreateUser(change) | Command::UpdateUser(_, change) = &mut call.command
            && !known.is_callers
        {
            change.current_password = None;
        }
        // Only what is relayed has one, and that takes one request.
        let host = call.context.host.take();
        let (exchange, mut step) = match dialect {
            Dialect::Grupo => grupo::Exchange::start(call, &known, terms)
                .map(|(exchange, step)| (Self(Spoken::Grupo(exchange)), step)),
            Dialect::Vision6 => vision6::Exchange::start(call, &known, terms)
                .map(|(exchange, step)| (Self(Spoken::Vision6(exchange)), step)),
            Dialect::B2evolution => b2evolution::Exchange::start(call, known, terms)
                .map(|(exchange, step)| (Self(Spoken::B2evolution(exchange)), step)),
        }?;
        if let (Some(host), Step::Send { request, .. }) = (host, &mut step) {
            request.headers_mut().insert(HOST, host);
        }
        Ok((exchange, step))
    }

    /// Takes the answer to the last request. Never panics, whatever the bytes.
    pub fn next(&mut self, head: &Parts, body: &[u8]) -> Result<Step, Failure> {
        match &mut self.0 {
            Spoken::Grupo(exchange) => exchange.next(head, body),
            Spoken::Vision6(exchange) => exchange.next(head, body),
            Spoken::B2evolution(exchange) => exchange.next(head, body),
        }
    }

    /// The outcome, if the command is done already and what follows only looks something up.
    pub fn settled(&self) -> Option<&Outcome> {
        match &self.0 {
            // One request is all there is.
            Spoken::Grupo(_) => None,
            Spoken::Vision6(exchange) => exchange.settled(),
            Spoken::B2evolution(exchange) => exchange.settled(),
        }
    }

    /// What was found out so far.
    pub fn learnt(&self) -> &Learnt {
        match &self.0 {
            Spoken::Grupo(exchange) => exchange.learnt(),
            Spoken::Vision6(exchange) => exchange.learnt(),
            Spoken::B2evolution(exchange) => exchange.learnt(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl Failure {
    /// What the caller is told.
    pub fn into_error(self) -> Error {
        match self {
            Self::Call(error) | Self::Login(error) => error,
        }
    }

    /// What the caller is told where the credentials were its own: who it is and what it may do, it is
    /// told as the upstream said it.
    pub fn into_callers_error(self) -> Error {
        let is_about_caller = match &self {
            Self::Login(_) => true,
            Self::Call(error) => *error.kind() == Kind::PermissionDenied,
        };
        let error = self.into_error();
        if !is_about_caller {
            return error;
        }
        let kind = error.kind().clone();
        error.into_cause().unwrap_or_else(|| kind.into())
    }
}

impl Learnt {
    /// Notes what an update may take away; nothing is to be sent where the terms forbid that.
    pub(super) fn risk(&mut self, names: Vec<&'static str>, unknown: Unknown) -> Result<(), Error> {
        if names.is_empty() || unknown == Unknown::Warn {
            self.at_risk = names;
            return Ok(());
        }
        let message = format!(
            "the update would take away what nobody knows here: {}; \
             send it with the update, import it, or allow the loss",
            names.join(", ")
        );
        Err(Error::new(Kind::Unsupported, message))
    }
}

/// Whether carrying the command out changes nothing, at an upstream of its own dialect where it is
/// native. Of the operations that the contracts name, these are known to.
pub fn is_read(command: &Command) -> bool {
    let Command::Native(native) = command else {
        return command.action().is_read();
    };
    match native.dialect {
        Dialect::Grupo => false,
        Dialect::Vision6 => vision6::is_native_read(native.operation.as_str()),
        Dialect::B2evolution => true,
    }
}

/// Puts the users of an outcome into the account they were asked for in.
pub(super) fn in_account(mut outcome: Outcome, account: Option<AccountId>) -> Outcome {
    if let Some(account) = account {
        if let Outcome::User(user) = &mut outcome {
            user.account = account;
        } else if let Outcome::Users(page) = &mut outcome {
            for user in &mut page.users {
                user.account = account;
            }
        }
    }
    outcome
}

/// Takes the account out of a call to a dialect that has none. A call for another account than
/// the upstream's finds nobody there.
pub(super) fn take_account(call: &mut Call, terms: &Terms) -> Result<Option<AccountId>, Error> {
    match (call.account.take(), terms.account) {
        (Some(asked), Some(own)) if asked != own => Err(Kind::UserNotFound.into()),
        (asked, own) => Ok(asked.or(own)),
    }
}

/// The user that a command is about, where it is about one that is there already.
pub const fn subject(command: &mut Command) -> Option<&mut UserRef> {
    match command {
        Command::UpdateUser(user, _) | Command::ReadUser(user) | Command::DeleteUser(user) => {
            Some(user)
        }
        Command::AddMember(membership, _)
        | Command::RemoveMember(membership)
        | Command::SetMemberRole(membership, _)
        | Command::BanMember(membership, _)
        | Command::UnbanMember(membership) => Some(&mut membership.user),
        Command::CreateUser(_)
        | Command::ListUsers(_)
        | Command::CountUsers(_)
        | Command::CreateGroup(_)
        | Command::UpdateGroup(..)
        | Command::ReadGroup(_)
        | Command::ListGroups
        | Command::DeleteGroup(_)
        | Command::ListTimezones
        | Command::Native(_) => None,
    }
}
