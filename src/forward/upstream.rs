//! One upstream: its address, the gateway's own credentials there, and what is remembered of it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

use tokio::sync::{MutexGuard as Turn, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::crosswalk::{self, Crosswalk};
use super::drive::{self, Came};
use super::endpoints::{self, Endpoints};
use super::hold::Hold;
use super::keep::{self, Keeper};
use super::own_credentials::OwnCredentials;
use super::retry::{self, Again};
use super::user_locks::UserLocks;
use crate::auth::{Call, Credentials};
use crate::client::InvalidParameters;
use crate::command::field::Field;
use crate::command::query::{Attribute, Criterion, Operator, UserQuery};
use crate::command::text::Text;
use crate::command::user::UserRef;
use crate::command::{AccountId, Command, Dialect, Id};
use crate::dialect::exchange::{self, Exchange, Failure, Known, Learnt, Session, Terms};
use crate::dialect::expresses::rewrites;
use crate::error::{Error, Kind};
use crate::outcome::Outcome;
use crate::secret::Secret;
use crate::store::kept::Realm;

/// Writes that are done at a time or wait for a connection, whether or not their callers have left: as
/// many as the server takes requests at once where nothing else is said.
const WRITES: usize = 1024;

/// What an upstream is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// Its name in the configuration and in logs.
    pub name: String,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where it is, and how it is reached.
    pub endpoints: endpoints::Parameters,
    /// The gateway's own, shown in place of the caller's.
    pub credentials: Credentials,
    /// The file that their secret comes from, if it does.
    pub secret_file: Option<PathBuf>,
    /// What its codec needs to know.
    pub terms: Terms,
    /// What is remembered of its users.
    pub crosswalk: crosswalk::Parameters,
    /// Whether relayed calls keep the host that callers know: unless it has to be called by another.
    pub keeps_host: bool,
    /// When and how often a request is sent again that came to nothing.
    pub retry: retry::Parameters,
}

/// An upstream in use.
#[derive(Debug)]
pub(super) struct Upstream {
    /// What it was made of.
    pub(super) made_of: Arc<Parameters>,
    pub(super) name: String,
    pub(super) dialect: Dialect,
    pub(super) endpoints: Arc<Endpoints>,
    /// Whether its endpoints are checked.
    pub(super) is_watched: AtomicBool,
    pub(super) again: Arc<Again>,
    pub(super) terms: Arc<Terms>,
    /// What became of the gateway's own login; nothing where the credentials are a caller's.
    pub(super) hold: Option<Arc<Hold>>,
    pub(super) own: Arc<OwnCredentials>,
    pub(super) crosswalk: Arc<Crosswalk>,
    pub(super) keeps_host: bool,
    pub(super) total: Duration,
    pub(super) users: Arc<UserLocks>,
    pub(super) writes: Arc<Semaphore>,
    pub(super) session: Arc<Mutex<Option<Secret>>>,
    pub(super) lost: Arc<AtomicU64>,
}

impl Upstream {
    /// One that takes the endpoints over that are among those before.
    pub(super) fn new(
        parameters: Parameters,
        before: Option<&Endpoints>,
    ) -> Result<Self, InvalidParameters> {
        Ok(Self {
            made_of: Arc::new(parameters.clone()),
            crosswalk: Arc::new(Crosswalk::new(
                parameters.name.clone(),
                parameters.crosswalk,
            )),
            dialect: parameters.dialect,
            total: parameters.endpoints.first.client.total,
            endpoints: Arc::new(Endpoints::new(parameters.endpoints, before)?),
            is_watched: AtomicBool::default(),
            name: parameters.name,
            again: Arc::new(Again::new(parameters.retry)),
            terms: Arc::new(parameters.terms),
            hold: Some(Arc::default()),
            own: Arc::new(OwnCredentials::new(
                parameters.credentials,
                parameters.secret_file,
            )),
            keeps_host: parameters.keeps_host,
            users: Arc::new(UserLocks::new()),
            writes: Arc::new(Semaphore::new(WRITES)),
            session: Arc::default(),
            lost: Arc::default(),
        })
    }

    /// Looks whether the secret of refused credentials was changed: then they are tried again.
    pub(super) async fn renew(&self) {
        let Some(hold) = self.hold.as_ref().filter(|hold| hold.may_renew()) else {
            return;
        };
        if let Some(number) = self.own.renew().await {
            hold.forget(number);
            *self.session() = None;
            tracing::info!(
                upstream.name = self.name,
                "the file of the gateway's own credentials was changed: they are tried again"
            );
        }
    }

    /// The moment to give up: the caller's, or the upstream's own if that is earlier.
    pub(super) fn deadline(&self, caller: Option<Moment>) -> Instant {
        let own = Instant::now() + self.total;
        caller.map_or(own, |caller| own.min(caller.into()))
    }

    /// The call that the upstream gets: the gateway's credentials, never the caller's, which did
    /// not come this far. A call for another account than the upstream's finds nobody there.
    pub(super) fn call(
        &self,
        account: Option<AccountId>,
        command: Command,
    ) -> Result<Box<Call>, Error> {
        own_call(self.own.present(), &self.terms, account, command).map(Box::new)
    }

    /// Has the upstream carry a call out. What is remembered of a user goes with its name. An update
    /// that writes all of a form back is done for one user at a time: nobody else has a turn while
    /// this one's is held.
    pub(super) async fn carry_out(
        &self,
        mut call: Box<Call>,
        keeper: &Keeper,
        deadline: Instant,
    ) -> Result<(Came, Option<Turn<'_, ()>>), Error> {
        let account = call.account;
        let user = exchange::subject(&mut call.command).cloned();
        let may_rename = may_rename(&call.command);
        let carried_out = self
            .carry_out_for(user.as_ref(), call, keeper, deadline)
            .await;
        let is_unknown = |error: &Error| *error.kind() == Kind::UnknownOutcome;
        let may_be_done = carried_out.as_ref().err().is_none_or(is_unknown);
        if let Some(user) = user.filter(|_| may_rename && may_be_done) {
            self.crosswalk.forget_user(account, &user);
        }
        carried_out
    }

    async fn carry_out_for(
        &self,
        user: Option<&UserRef>,
        call: Box<Call>,
        keeper: &Keeper,
        deadline: Instant,
    ) -> Result<(Came, Option<Turn<'_, ()>>), Error> {
        // Of a Grupo nothing is ever looked up.
        let remembered = match user.filter(|_| self.dialect != Dialect::Grupo) {
            // Where the store is slow, the upstream is asked.
            Some(user) => timeout_at(deadline, self.crosswalk.recall(call.account, user)).await,
            None => Ok(None),
        };
        let remembered = remembered.ok().flatten();
        let doubtful = Known {
            is_doubtful: true,
            ..self.known(remembered)
        };
        let Some(user) = user.filter(|_| rewrites(self.dialect, call.command.action())) else {
            let came = Box::pin(drive::run(self, call, doubtful, deadline)).await?;
            return Ok((came, None));
        };
        if remembered.is_some() {
            let update = self.update(doubtful, call.clone(), keeper, deadline);
            let updated = Box::pin(update).await;
            // Nothing was done then, and what was remembered is forgotten.
            let is_gone = |error: &Error| *error.kind() == Kind::UserNotFound;
            if !updated.as_ref().is_err_and(is_gone) {
                return updated;
            }
        }
        let id = Box::pin(self.find(&call, user.clone(), deadline)).await?;
        Box::pin(self.update(self.known(Some(id)), call, keeper, deadline)).await
    }

    /// Reads and writes the user that is known, who has its turn.
    async fn update(
        &self,
        mut known: Known,
        call: Box<Call>,
        keeper: &Keeper,
        deadline: Instant,
    ) -> Result<(Came, Option<Turn<'_, ()>>), Error> {
        let Some(id) = known.user else {
            return Ok((drive::run(self, call, known, deadline).await?, None));
        };
        let turn = self.users.lock(id, deadline).await?;
        let realm = self.realm(call.account);
        known.kept = keep::known(keeper, self.dialect, realm.clone(), id, deadline).await?;
        let hidden = keep::hidden(self.dialect, &call.command);
        match drive::run(self, call, known, deadline).await {
            Ok(came) => Ok((came, turn)),
            Err(stopped) => {
                keep::doubt(keeper, realm, id, hidden, stopped.doubt).await;
                Err(stopped.into())
            }
        }
    }

    /// Where what is kept of the users of a call is.
    pub(super) fn realm(&self, account: Option<AccountId>) -> Realm {
        Realm {
            upstream: self.name.clone(),
            // The others have the same users whatever account a caller names.
            account: account.filter(|_| self.dialect == Dialect::Vision6),
        }
    }

    /// Remembers what an exchange found out.
    pub(super) fn learn(&self, account: Option<AccountId>, learnt: &Learnt) {
        self.crosswalk.learn(account, learnt);
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
        let account = call.account;
        let call = Box::new(Call {
            command: Command::ListUsers(query),
            ..call.clone()
        });
        match drive::run(self, call, self.known(None), deadline)
            .await?
            .outcome
        {
            Outcome::Users(page) => {
                let found = page.users.first().ok_or(Kind::UserNotFound)?.id;
                self.crosswalk.remember(account, &user, found);
                Ok(found)
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

    /// What is known before anything is asked about a user of that number.
    pub(super) fn known(&self, user: Option<Id>) -> Known {
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

/// Whether a user may have another name after it, or none.
fn may_rename(command: &Command) -> bool {
    if let Command::UpdateUser(_, change) = command {
        return change.username.is_some() || change.email.is_some();
    }
    matches!(command, Command::DeleteUser(_))
}

/// [`Upstream::call`], of an upstream that is not in use.
pub(super) fn own_call(
    credentials: Credentials,
    terms: &Terms,
    account: Option<AccountId>,
    command: Command,
) -> Result<Call, Error> {
    match (account, terms.account) {
        (Some(asked), Some(own)) if asked != own => Err(Kind::UserNotFound.into()),
        (asked, own) => Ok(Call::new(credentials, asked.or(own), command)),
    }
}
