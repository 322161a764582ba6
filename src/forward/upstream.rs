//! One upstream: its address, the gateway's own credentials there, and what is remembered of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

use tokio::time::Instant;

use super::drive;
use super::hold::Hold;
use super::user_locks::UserLocks;
use crate::auth::{Call, Credentials};
use crate::client::{self, Client, InvalidParameters};
use crate::command::field::Field;
use crate::command::query::{Attribute, Criterion, Operator, UserQuery};
use crate::command::text::Text;
use crate::command::user::UserRef;
use crate::command::{AccountId, Command, Dialect, Id};
use crate::dialect::exchange::{Exchange, Failure, Known, Learnt, Session, Terms};
use crate::dialect::expresses::rewrites;
use crate::error::{Error, Kind};
use crate::outcome::Outcome;
use crate::secret::Secret;

/// What an upstream is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// Its name in the configuration and in logs.
    pub name: String,
    /// What it speaks.
    pub dialect: Dialect,
    /// How it is reached.
    pub client: client::Parameters,
    /// The gateway's own, shown in place of the caller's.
    pub credentials: Credentials,
    /// What its codec needs to know.
    pub terms: Terms,
    /// Whether relayed calls keep the host that callers know: unless it has to be called by another.
    pub keeps_host: bool,
}

/// An upstream in use.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) name: String,
    pub(super) dialect: Dialect,
    pub(super) client: Client,
    pub(super) terms: Arc<Terms>,
    /// What became of the gateway's own login; nothing where the credentials are a caller's.
    pub(super) hold: Option<Hold>,
    pub(super) keeps_host: bool,
    pub(super) credentials: Credentials,
    pub(super) total: Duration,
    pub(super) users: Arc<UserLocks>,
    pub(super) session: Mutex<Option<Secret>>,
    pub(super) lost: Arc<AtomicU64>,
}

impl Upstream {
    pub(super) fn new(parameters: Parameters) -> Result<Self, InvalidParameters> {
        Ok(Self {
            name: parameters.name,
            dialect: parameters.dialect,
            total: parameters.client.total,
            client: Client::new(parameters.client)?,
            terms: Arc::new(parameters.terms),
            hold: Some(Hold::default()),
            keeps_host: parameters.keeps_host,
            credentials: parameters.credentials,
            users: Arc::new(UserLocks::new()),
            session: Mutex::default(),
            lost: Arc::default(),
        })
    }

    /// The moment to give up: the caller's, or the upstream's own if that is earlier.
    pub(super) fn deadline(&self, caller: Option<Moment>) -> Instant {
        let own = Instant::now() + self.total;
        caller.map_or(own, |caller| own.min(caller.into()))
    }

    /// The call that the upstream gets: the gateway's credentials, never the caller's, which did
    /// not come this far. A call for another account than the upstream's finds nobody there.
    pub(super) fn call(&self, account: Option<AccountId>, command: Command) -> Result<Call, Error> {
        own_call(&self.credentials, &self.terms, account, command)
    }

    /// Has the upstream carry a call out. An update that reads before it writes is done for one
    /// user at a time.
    pub(super) async fn carry_out(&self, call: Call, deadline: Instant) -> Result<Outcome, Error> {
        let Command::UpdateUser(user, _) = &call.command else {
            return drive::run(self, call, self.known(None), deadline).await;
        };
        if !rewrites(self.dialect, call.command.action()) {
            return drive::run(self, call, self.known(None), deadline).await;
        }
        let id = self.find(&call, user.clone(), deadline).await?;
        let _alone = self.users.lock(id, deadline).await?;
        drive::run(self, call, self.known(Some(id)), deadline).await
    }

    /// Remembers what an exchange found out.
    pub(super) fn learn(&self, learnt: &Learnt) {
        match &learnt.session {
            Some(Session::Opened(session)) => *self.session() = Some(session.clone()),
            Some(Session::Closed) => *self.session() = None,
            None => {}
        }
        if !learnt.at_risk.is_empty() {
            tracing::warn!(
                upstream.name = self.name,
                fields = learnt.at_risk.join(", "),
                "an update may have emptied fields whose values are not known"
            );
        }
    }

    /// Logs what was left out of a command, with a count of all that was since the start.
    pub(super) fn note_lost(&self, request_id: &str, lost: &[Field]) {
        if lost.is_empty() {
            return;
        }
        let fields = u64::try_from(lost.len()).unwrap_or(u64::MAX);
        let before = self.lost.fetch_add(fields, Ordering::Relaxed);
        let names: Vec<_> = lost.iter().map(ToString::to_string).collect();
        tracing::warn!(
            request.id = request_id,
            upstream.name = self.name,
            fields = names.join(", "),
            fields.lost = before.saturating_add(fields),
            "fields were left out that the upstream has no place for"
        );
    }

    /// The user's number there, from the list of users: one that is closed cannot be read. What is
    /// refused without being sent is refused before that, too.
    async fn find(&self, call: &Call, user: UserRef, deadline: Instant) -> Result<Id, Error> {
        let (attribute, name) = match &user {
            UserRef::Id(id) => return Ok(*id),
            UserRef::Username(name) | UserRef::UsernameOrEmail(name) => {
                (Attribute::Username, name.as_str())
            }
            UserRef::Email(email) => (Attribute::Email, email.as_str()),
        };
        let terms = Arc::clone(&self.terms);
        Exchange::start(self.dialect, call.clone(), self.known(None), terms)
            .map_err(Failure::into_error)?;
        let name = Text::parse(name).map_err(|fault| Error::invalid("user", fault))?;
        let query = UserQuery {
            criteria: vec![Criterion {
                attribute,
                operator: Operator::Exactly,
                values: vec![name],
            }],
            ..UserQuery::default()
        };
        let call = Call {
            command: Command::ListUsers(query),
            ..call.clone()
        };
        match drive::run(self, call, self.known(None), deadline).await? {
            Outcome::Users(page) => {
                let user = page.users.first();
                user.map(|user| user.id).ok_or(Kind::UserNotFound.into())
            }
            Outcome::Done
            | Outcome::User(_)
            | Outcome::UserCreated(_)
            | Outcome::UserDeleted(_)
            | Outcome::Count(_)
            | Outcome::GroupCreated(_)
            | Outcome::Group(_)
            | Outcome::Groups(_)
            | Outcome::Timezones(_)
            | Outcome::Relayed(_) => Err(Kind::Upstream.into()),
        }
    }

    fn known(&self, user: Option<Id>) -> Known {
        Known {
            user,
            session: self.session().clone(),
            is_callers: self.hold.is_none(),
            ..Known::default()
        }
    }

    fn session(&self) -> MutexGuard<'_, Option<Secret>> {
        // A session is replaced as a whole.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// [`Upstream::call`], of an upstream that is not in use.
pub(super) fn own_call(
    credentials: &Credentials,
    terms: &Terms,
    account: Option<AccountId>,
    command: Command,
) -> Result<Call, Error> {
    match (account, terms.account) {
        (Some(asked), Some(own)) if asked != own => Err(Kind::UserNotFound.into()),
        (asked, own) => Ok(Call::new(credentials.clone(), asked.or(own), command)),
    }
}
