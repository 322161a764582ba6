//! One exchange with an upstream: its requests sent, one after the other.

use std::sync::Arc;

use tokio::time::Instant;

use super::endpoints::Errand;
use super::retry::{Bounds, Repeat, Way};
use super::upstream::Upstream;
use crate::auth::Call;
use crate::client::{self, Cause, Sent, Stage};
use crate::command::user::UserRef;
use crate::command::{Command, Id};
use crate::dialect::exchange::{Effect, Exchange, Failure, Known, Step, is_read};
use crate::error::{Error, Kind};
use crate::outcome::Outcome;

/// What came of a call.
#[derive(Debug)]
pub(super) struct Came {
    /// What it answers.
    pub(super) outcome: Outcome,
    /// The upstream's number of the user that the call is about, where it is about one and the
    /// number is known by now.
    pub(super) user: Option<Id>,
    /// How often a request of it was sent, where one was sent again.
    pub(super) tries: u32,
}

/// Why nothing came of a call.
#[derive(Debug)]
pub(super) struct Stopped {
    error: Error,
    /// What may have been changed all the same.
    pub(super) doubt: Doubt,
    /// Whether the endpoint is to blame, by what it answered.
    is_of_endpoint: bool,
}

/// What nobody knows after a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Nothing was changed.
    Nothing,
    /// Whether the user's memberships of organizations were.
    Organizations,
    /// Whether anything was.
    Everything,
}

/// Sends what the call takes and reads what comes back. Nothing is ever sent twice that may have
/// arrived, but what only reads or sets.
pub(super) async fn run(
    upstream: &Upstream,
    call: Box<Call>,
    known: Known,
    deadline: Instant,
) -> Result<Came, Stopped> {
    let mut tries = 1;
    let mut errand = upstream.endpoints.errand(call.context.stick);
    // What only reads begins anew elsewhere after a fault that no status told of.
    let may_begin_anew = upstream.endpoints.is_many() && is_read(&call.command);
    let spare = may_begin_anew.then(|| Box::new((call.clone(), known.clone())));
    let mut ended = exchange(upstream, call, known, deadline, &mut tries, &mut errand).await;
    if let Some(spare) = spare {
        while matches!(&ended, Err(stopped) if stopped.is_of_endpoint)
            && upstream.endpoints.has_untried(&errand)
            && Instant::now() < deadline
            && upstream.again.may_begin_anew(&upstream.name, tries)
        {
            tries = tries.saturating_add(1);
            let (call, known) = (*spare).clone();
            let anew = exchange(upstream, call, known, deadline, &mut tries, &mut errand);
            ended = Box::pin(anew).await;
        }
    }
    match ended {
        Ok(came) => Ok(Came { tries, ..came }),
        Err(stopped) => Err(Stopped {
            error: stopped.error.after(tries),
            ..stopped
        }),
    }
}

async fn exchange(
    upstream: &Upstream,
    mut call: Box<Call>,
    known: Known,
    deadline: Instant,
    tries: &mut u32,
    errand: &mut Errand,
) -> Result<Came, Stopped> {
    let repeat = Repeat::of(&call.command, upstream.hold.is_none());
    let before = *tries;
    // The call may have been made before the credentials were changed.
    let shown = upstream.own.refresh(&mut call);
    let known_user = known.user.or(named_by_number(&call.command));
    let account = call.account;
    let started = Exchange::start(upstream.dialect, *call, known, Arc::clone(&upstream.terms));
    let (mut exchange, mut step) = started.map_err(Failure::into_error)?;
    let _leave = match &upstream.hold {
        Some(hold) => Some(hold.leave(shown, deadline).await?),
        None => None,
    };
    loop {
        let (request, effect) = match step {
            Step::Done(outcome) => {
                upstream.learn(account, exchange.learnt());
                return Ok(came(outcome, &exchange, known_user));
            }
            Step::Send { request, effect } => (request, effect),
        };
        errand.is_for(effect == Effect::Write);
        let bounds = Bounds {
            upstream: &upstream.name,
            effect,
            repeat: repeat.with(effect),
            tries: before,
            deadline,
        };
        let way = Way::new(&upstream.endpoints, errand);
        let answered = upstream.again.send(&bounds, way, request, tries).await;
        let (answer, mut endpoint) = match answered {
            Ok(answered) => answered,
            Err(failure) => {
                upstream.learn(account, exchange.learnt());
                let settled = exchange.settled().cloned();
                return match settled {
                    Some(outcome) => Ok(came(outcome, &exchange, known_user)),
                    None => Err(explain(failure, effect).into()),
                };
            }
        };
        let (head, body) = answer.into_parts();
        step = match exchange.next(&head, &body) {
            Ok(step) => {
                endpoint.works();
                errand.forgive(&endpoint);
                if let Some(hold) = &upstream.hold {
                    hold.accepted(shown);
                }
                step
            }
            Err(failure) => {
                let is_of_endpoint = endpoint.judge(&failure, head.status);
                if !is_of_endpoint {
                    errand.forgive(&endpoint);
                }
                upstream.learn(account, exchange.learnt());
                let mut stopped = Stopped::from(judge(upstream, shown, failure));
                stopped.is_of_endpoint = is_of_endpoint;
                if exchange.settled().is_some() {
                    stopped.doubt = Doubt::Everything;
                } else if stopped.doubt == Doubt::Nothing
                    && exchange.learnt().at_risk.contains(&"organizations")
                {
                    stopped.doubt = Doubt::Organizations;
                }
                return Err(stopped);
            }
        };
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        let doubt = if *error.kind() == Kind::UnknownOutcome {
            Doubt::Everything
        } else {
            Doubt::Nothing
        };
        Self {
            error,
            doubt,
            is_of_endpoint: false,
        }
    }
}

impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Self {
        stopped.error
    }
}

/// A number that was looked up is newer than one that was known before.
fn came(outcome: Outcome, exchange: &Exchange, known: Option<Id>) -> Came {
    let found = exchange.learnt().user.as_ref().map(|(_, id)| *id);
    let made = if let Outcome::UserCreated(id) = &outcome {
        Some(*id)
    } else {
        None
    };
    Came {
        user: made.or(found).or(known),
        outcome,
        tries: 1,
    }
}

const fn named_by_number(command: &Command) -> Option<Id> {
    if let Command::UpdateUser(UserRef::Id(id), _)
    | Command::ReadUser(UserRef::Id(id))
    | Command::DeleteUser(UserRef::Id(id)) = command
    {
        return Some(*id);
    }
    None
}

/// What the caller is told of a request without an answer. A read after a write that has settled
/// nothing follows one that was refused: nothing was done then.
fn explain(failure: client::Failure, effect: Effect) -> Error {
    let kind = match (failure.sent, effect) {
        (Sent::Maybe, Effect::Write) => Kind::UnknownOutcome,
        (Sent::Maybe | Sent::Nothing, _) => match failure.cause {
            Cause::Timeout {
                stage: Stage::Queue,
            } => Kind::Overloaded,
            Cause::Timeout { .. } => Kind::Timeout,
            Cause::Connect
            | Cause::Tls
            | Cause::NotHttp2
            | Cause::Reset
            | Cause::Truncated
            | Cause::TooLarge { .. }
            | Cause::BadFraming
            | Cause::Encoded
            | Cause::Body
            | Cause::Unavailable => Kind::Upstream,
        },
    };
    Error::from(kind).caused_by(failure)
}

/// Draws the conclusion for the credentials, unless they are a caller's. An answer that is none of the
/// dialect's allows none.
pub(super) fn judge(upstream: &Upstream, shown: u64, failure: Failure) -> Error {
    let Some(hold) = &upstream.hold else {
        return failure.into_callers_error();
    };
    match failure {
        Failure::Login(error) => {
            hold.refused(shown);
            tracing::error!(
                upstream.name = upstream.name,
                "the upstream refuses the gateway's own credentials: correct them; until \
                 then nothing is sent there but one call every ten minutes"
            );
            error
        }
        Failure::Call(error) => {
            let is_readable = !matches!(
                error.kind(),
                Kind::Upstream | Kind::UnknownOutcome | Kind::Internal | Kind::Overloaded
            );
            if is_readable {
                hold.accepted(shown);
            }
            error
        }
    }
}
