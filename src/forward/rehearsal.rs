//! What would be sent to an upstream, without sending it.
//!
//! It takes the same steps as [`Forward::forward`](super::Forward::forward), up to the first request.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;

use super::upstream::own_call;
use super::{Parameters, account, callers, crosswalk, losses, own_answer, relay};
use crate::auth::{Call, Context, Principal};
use crate::command::field::Field;
use crate::command::user::UserRef;
use crate::command::{AccountId, Command, Dialect};
use crate::dialect::exchange::{Effect, Exchange, Failure, Known, Step};
use crate::dialect::expresses::rewrites;
use crate::error::Error;
use crate::route::{Losses, OnLoss};

/// What would come of a command.
#[derive(Debug)]
pub struct Rehearsal {
    /// The fields that the upstream has no place for, and what becomes of each that is not kept.
    pub lost: Vec<(Field, OnLoss)>,
    /// The fields that would be kept here, because the upstream has no place for them or does not
    /// show them.
    pub kept: Vec<Field>,
    /// Whether numbers of users are the caller's own, and others are sent in their place: which, only
    /// the crosswalk knows, and it is not looked at.
    pub has_own_ids: bool,
    /// What is sent first, or why nothing is.
    pub first: Result<First, Error>,
}

/// What is sent first.
#[derive(Debug)]
pub enum First {
    /// Nothing: the gateway knows the answer.
    Nothing,
    /// This.
    Request {
        /// Path, headers and body, without scheme and host.
        request: Box<Request<Bytes>>,
        /// Whether it changes anything.
        effect: Effect,
        /// What may be sent after it, as the answers are.
        more: Option<&'static str>,
        /// Attributes that the command may take away, since their values are not known here.
        at_risk: Vec<&'static str>,
    },
}

impl Parameters {
    /// Goes through a command of a caller up to its first request. Nothing is remembered here of
    /// the upstream and its users, as right after a start. The principal may be unknown.
    pub fn rehearse(
        &self,
        mut command: Command,
        principal: Option<&Principal>,
        acts_in: AccountId,
        context: &Context,
    ) -> Rehearsal {
        let usual = Losses::default();
        let route = context.route.as_deref();
        let rules = route.map_or(&usual, |route| &route.losses);
        let policy = &self.terms.policy;
        let settled = losses::homeless(&command, rules, self.dialect, policy);
        let (kept, lost): (Vec<_>, Vec<_>) = settled
            .into_iter()
            .partition(|(_, rule)| *rule == OnLoss::Keep);
        let kept = kept.into_iter().map(|(field, _)| field).collect();
        let has_own_ids = route.is_some_and(|it| self.crosswalk.own_ids.contains(&it.dialect));
        let first = relay::judge(&command, context, self.dialect).and_then(|()| {
            if own_answer(self.dialect, &command).is_some() {
                return Ok(First::Nothing);
            }
            let is_callers = context.is_judged_by_upstream();
            let proof = callers::proof(&mut command).filter(|_| is_callers);
            losses::settle(&mut command, rules, self.dialect, policy)?;
            callers::put_back(&mut command, proof);
            if has_own_ids {
                crosswalk::refuse(&command)?;
            }
            let account = account(route, &command, principal, acts_in);
            let credentials = self.credentials.clone();
            let mut call = own_call(credentials, &self.terms, account, command)?;
            relay::name_host(&mut call, context, self.keeps_host);
            self.start(call, is_callers)
        });
        Rehearsal {
            lost,
            kept,
            has_own_ids,
            first,
        }
    }

    fn start(&self, call: Call, is_callers: bool) -> Result<First, Error> {
        let more = more(self.dialect, &call.command);
        let (call, mut known) = self.opening(call);
        known.is_callers = is_callers;
        let terms = Arc::new(self.terms.clone());
        let started = Exchange::start(self.dialect, call, known, terms);
        let (exchange, step) = started.map_err(Failure::into_error)?;
        Ok(match step {
            Step::Done(_) => First::Nothing,
            Step::Send { request, effect } => First::Request {
                request,
                effect,
                more,
                at_risk: exchange.learnt().at_risk.clone(),
            },
        })
    }

    /// An update that reads before it writes begins with a look-up where the user is not named by
    /// its number.
    fn opening(&self, call: Call) -> (Call, Known) {
        let mut known = Known::default();
        let Command::UpdateUser(user, _) = &call.command else {
            return (call, known);
        };
        if !rewrites(self.dialect, call.command.action()) {
            return (call, known);
        }
        if let UserRef::Id(id) = user {
            known.user = Some(*id);
            return (call, known);
        }
        let command = Command::ReadUser(user.clone());
        (Call { command, ..call }, known)
    }
}

/// What an exchange may send after its first request.
fn more(dialect: Dialect, command: &Command) -> Option<&'static str> {
    match (dialect, command) {
        (Dialect::Vision6, Command::ListUsers(_)) => {
            Some("countUsers, where the page does not show how many users there are in all")
        }
        (Dialect::B2evolution, Command::ListUsers(_)) => {
            Some("the whole list, where the first page of it does not hold it")
        }
        (Dialect::B2evolution, Command::CreateUser(_)) => {
            Some("a look-up of the new user's number")
        }
        (Dialect::B2evolution, Command::UpdateUser(..)) => {
            Some("the write itself where this only reads, and a read of what was kept of it")
        }
        (
            Dialect::Vision6,
            Command::ReadUser(user) | Command::UpdateUser(user, _) | Command::DeleteUser(user),
        )
        | (Dialect::B2evolution, Command::ReadUser(user) | Command::DeleteUser(user)) => {
            let is_number = matches!(user, UserRef::Id(_));
            (!is_number).then_some("other look-ups of the user, then what was asked")
        }
        (Dialect::Grupo | Dialect::Vision6 | Dialect::B2evolution, _) => None,
    }
}
