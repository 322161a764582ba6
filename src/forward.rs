//! Permitted → upstream → outcome.
//!
//! A command is settled first: what the upstream's dialect has no place for is refused or left out
//! before anything is sent, or kept here once the upstream has done the rest
//! ([`crate::route::Losses`]). Then an [`exchange`](crate::dialect::exchange)
//! says what to send, and the upstream's [`client`](crate::client) sends it, under the gateway's own
//! credentials. The caller's are gone by then: a [`Permitted`] has none, but where the route leaves it to
//! the upstream to judge them ([`PassedOn`](crate::auth::PassedOn)).
//!
//! A read is given up with its caller. A write runs to its deadline, in a task of its own once its
//! caller has left, and the audit trail hears of it whether or not anybody still waits.

mod callers;
pub mod checks;
mod condition;
pub mod crosswalk;
mod drive;
pub mod endpoints;
mod hold;
mod homes;
mod keep;
mod losses;
mod own_credentials;
pub mod pass;
pub mod question;
pub mod rehearsal;
mod relay;
mod renewal;
pub mod retry;
mod to_the_end;
mod upstream;
mod user_locks;
mod write;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use tokio::time::Instant;
use tokio_util::task::TaskTracker;

pub use self::condition::Condition;
use self::keep::Keeper;
pub use self::keep::imported;
use self::losses::Settled;
pub use self::upstream::Parameters;
use self::upstream::Upstream;
use crate::auth::{Call, Permitted, Principal};
use crate::client::InvalidParameters;
use crate::clock::Clock;
use crate::command::field::{Field, UserField};
use crate::command::timezone::Timezone;
use crate::command::{AccountId, Command, Dialect};
use crate::dialect::exchange::is_read;
use crate::dialect::expresses::has_operation;
use crate::error::{Error, Kind};
use crate::journal::Entry;
use crate::outcome::{Done, Outcome};
use crate::route::{Losses, Route, Target};
use crate::store::crosswalk::CrosswalkStore;
use crate::store::kept::KeptFields;

/// What the audit trail says of a write whose fields did not all have a place.
const LEFT_OUT: &str = "fields that the upstream has no place for were left out";
const KEPT: &str = "fields that the upstream has no place for are kept here";
const LEFT_OUT_AND_KEPT: &str =
    "fields that the upstream has no place for were left out, and others are kept here";

/// Has commands carried out by upstreams.
///
/// *Position*: innermost, beside [`Execute`](crate::execute::Execute). *Failure*: what the upstream
/// refuses; [`Kind::Upstream`] if nothing came of it for certain, [`Kind::UnknownOutcome`] for a
/// write that may have arrived, [`Kind::Timeout`] for a read past the deadline, [`Kind::Overloaded`]
/// for one that waited too long for its turn, and for a write where too many are under way. *Cost*:
/// the upstream's round trips; a box for a write, and a task once its caller has left.
#[derive(Clone)]
pub struct Forward {
    upstreams: Arc<HashMap<String, Arc<Upstream>>>,
    keeper: Arc<Keeper>,
    crosswalk: Arc<dyn CrosswalkStore + Send + Sync>,
    clock: Clock,
    tasks: TaskTracker,
    /// Held by who changes imported pairs, from looking at those before to replacing them.
    importing: Arc<Mutex<()>>,
}

/// The upstreams of a configuration, before there is a trail to write to.
#[derive(Debug)]
pub struct Upstreams(Vec<Upstream>);

impl Upstreams {
    /// Connects to nothing yet.
    pub fn new(parameters: Vec<Parameters>) -> Result<Self, InvalidParameters> {
        let upstreams = parameters.into_iter();
        let upstreams = upstreams.map(|parameters| Upstream::new(parameters, None));
        upstreams.collect::<Result<_, _>>().map(Self)
    }
}

impl Forward {
    /// The keeper keeps the audit trail, and what upstreams have no place for; the crosswalk's store
    /// who is who.
    pub fn new(
        upstreams: Upstreams,
        keeper: Arc<dyn KeptFields + Send + Sync>,
        crosswalk: &Arc<dyn CrosswalkStore + Send + Sync>,
        clock: Clock,
    ) -> Self {
        let mut forward = Self {
            upstreams: Arc::default(),
            keeper,
            crosswalk: Arc::clone(crosswalk),
            clock,
            tasks: TaskTracker::new(),
            importing: Arc::default(),
        };
        let upstreams = upstreams.0.into_iter().map(|mut upstream| {
            upstream.crosswalk = forward.kept(&upstream.crosswalk);
            (upstream.name.clone(), Arc::new(upstream))
        });
        forward.upstreams = Arc::new(upstreams.collect());
        forward
    }

    /// Waits for the writes that are under way. Each has a deadline.
    pub async fn finished(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Has the upstream that the call's route names carry its command out.
    pub async fn forward(&self, mut permitted: Permitted) -> Result<Done, Error> {
        let mut upstream = self.upstream_of(&permitted)?;
        if let Some(passed_on) = permitted.take_passed_on() {
            upstream = callers::enter(&upstream, passed_on, permitted.context())?;
        }
        refuse_strangers(permitted.principal(), permitted.command())?;
        let mut entry = self.entry(&permitted);
        let account = account(
            permitted.context().route.as_deref(),
            permitted.command(),
            Some(permitted.principal()),
            permitted.account(),
        );
        let (principal, _, mut command, context) = permitted.into_parts();
        let usual = Losses::default();
        let rules = context.route.as_ref().map_or(&usual, |route| &route.losses);
        relay::judge(&command, &context, upstream.dialect)?;
        if let Some(outcome) = own_answer(upstream.dialect, &command) {
            return Ok(outcome.into());
        }
        let policy = &upstream.terms.policy;
        let proof = callers::proof(&mut command).filter(|_| upstream.hold.is_none());
        let settled = losses::settle(&mut command, rules, upstream.dialect, policy)?;
        callers::put_back(&mut command, proof);
        let caller = context.route.as_ref().map(|route| route.dialect);
        let numbers = caller.and_then(|dialect| upstream.crosswalk.numbers(dialect));
        if let Some(numbers) = &numbers {
            numbers.send(&mut command)?;
        }
        let route = context.route.as_deref();
        let stick = upstream.endpoints.stick(route, &principal, &mut command);
        upstream.note_lost(&entry.request_id, &settled.lost);
        let deadline = upstream.deadline(context.deadline);
        upstream.renew().await;
        relay::note(&command, &context, &upstream.name);
        let is_read = is_read(&command);
        let mut call = upstream.call(account, command)?;
        relay::name_host(&mut call, &context, upstream.keeps_host);
        call.context.stick = stick;
        let mut done = if is_read {
            Box::pin(self.read(&upstream, call, rules, deadline)).await?
        } else {
            entry.not_done = not_done(&settled);
            self.write(upstream, call, settled, numbers.clone(), deadline, entry)
                .await?
        };
        if let Some(numbers) = numbers {
            numbers.bring_back(&mut done.outcome);
        }
        homes::bring_back(&rules.homes, &mut done.outcome);
        Ok(done)
    }

    fn upstream_of(&self, permitted: &Permitted) -> Result<Arc<Upstream>, Error> {
        let route = permitted.context().route.as_ref();
        let target = route.map(|route| route.targets.of(permitted.command().action()));
        let upstream = match target {
            Some(Target::Upstream(name)) => self.upstreams.get(name),
            Some(Target::Store) | None => None,
        };
        upstream
            .map(Arc::clone)
            .ok_or_else(|| Error::internal(NoSuchUpstream))
    }

    /// Carries a read out, which ends with its caller.
    async fn read(
        &self,
        upstream: &Upstream,
        call: Box<Call>,
        rules: &Losses,
        deadline: Instant,
    ) -> Result<Done, Error> {
        let realm = rules.keep_any().then(|| upstream.realm(call.account));
        let (came, _) = upstream.carry_out(call, &*self.keeper, deadline).await?;
        let tries = came.tries;
        let mut outcome = came.outcome;
        if let Some(realm) = realm {
            keep::merge(
                &*self.keeper,
                upstream,
                realm,
                rules,
                &mut outcome,
                deadline,
            )
            .await?;
        }
        Ok(Done {
            tries,
            ..Done::from(outcome)
        })
    }

    fn entry(&self, permitted: &Permitted) -> Entry {
        let context = permitted.context();
        Entry {
            at: self.clock.now(),
            principal: permitted.principal().to_string(),
            action: permitted.command().action().into(),
            account: permitted.account(),
            source: context.source,
            route: context.route.as_ref().map(|route| route.name.clone()),
            request_id: context.request_id.to_string(),
            not_done: None,
            event: None,
            tries: None,
            once: permitted.once().cloned(),
        }
    }
}

/// What the audit trail says of what was not asked of the upstream.
const fn not_done(settled: &Settled) -> Option<&'static str> {
    match (!settled.lost.is_empty(), settled.keeping.has_homeless()) {
        (true, true) => Some(LEFT_OUT_AND_KEPT),
        (true, false) => Some(LEFT_OUT),
        (false, true) => Some(KEPT),
        (false, false) => None,
    }
}

/// The numbers of the store's users mean nothing to an upstream, so a user who may edit no one but
/// itself may edit nobody there. Nobody's password is compared there either: without an API key there
/// is no proof that would allow a change of one.
fn refuse_strangers(principal: &Principal, command: &Command) -> Result<(), Error> {
    let Principal::User { administrator, .. } = principal else {
        return Ok(());
    };
    let password = Field::User(UserField::Password);
    let sets_password = command
        .user_change()
        .is_some_and(|change| change.mentions().iter().any(|sent| sent.field == password));
    if command.action().is_read() || (*administrator && !sets_password) {
        return Ok(());
    }
    Err(Error::new(
        Kind::PermissionDenied,
        "the system behind the gateway does not know who signs in here; send an API key",
    ))
}

/// The account that a call is bound to act in; nothing where neither the caller's dialect names one
/// nor its key is bound to any, so that it means whatever account the upstream has.
fn account(
    route: Option<&Route>,
    command: &Command,
    principal: Option<&Principal>,
    account: AccountId,
) -> Option<AccountId> {
    let names_one = !matches!(command, Command::Native(_) | Command::ListTimezones);
    let is_named = names_one && route.is_some_and(|route| route.dialect == Dialect::Vision6);
    let is_bound = match principal {
        Some(Principal::Key(key)) => !key.accounts.is_empty(),
        // Which accounts it may name the upstream knows.
        Some(Principal::JudgedByUpstream(_) | Principal::User { .. } | Principal::Anonymous)
        | None => false,
    };
    (is_named || is_bound).then_some(account)
}

/// What needs no upstream.
fn own_answer(dialect: Dialect, command: &Command) -> Option<Outcome> {
    let is_known = *command == Command::ListTimezones && !has_operation(dialect, command.action());
    is_known.then(|| Outcome::Timezones(Timezone::all().collect()))
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forward")
            .field("upstreams", &self.upstreams)
            .finish_non_exhaustive()
    }
}

/// The configuration has checked every name.
#[derive(Debug, thiserror::Error)]
#[error("a route names an upstream that is not there")]
struct NoSuchUpstream;
