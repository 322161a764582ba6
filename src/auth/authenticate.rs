//! Credentials → principal.

mod pass_on;

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use futures_util::future::BoxFuture;
use tower::{Layer, Service};

use super::attempts::{Guess, Source};
use super::call::{Call, Context, Credentials, Unread};
use super::keys::KeyRing;
use super::passed_on::PassedOn;
use super::password::PasswordHash;
use super::principal::Principal;
use super::sign_in::SignIn;
use crate::clock::Clock;
use crate::command::field::Field;
use crate::command::name::name_key;
use crate::command::user::Status;
use crate::command::{AccountId, Id};
use crate::error::{Error, Kind};
use crate::journal::Entry;
use crate::outcome::{Done, Outcome};
use crate::secret::Secret;

/// A call whose credentials were checked.
#[derive(Clone, Debug)]
pub struct Authenticated {
    principal: Principal,
    call: Box<Call>,
    passed_on: Option<PassedOn>,
}

impl Authenticated {
    /// Who calls.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What they ask.
    pub const fn call(&self) -> &Call {
        &self.call
    }

    /// Both, and what the caller presented where the upstream judges it.
    pub fn into_parts(self) -> (Principal, Box<Call>, Option<PassedOn>) {
        (self.principal, self.call, self.passed_on)
    }
}

/// What became of a call, and who made it, for the log.
#[derive(Debug)]
pub struct Answered {
    /// Who called, where that could be established.
    pub caller: Option<Principal>,
    /// What is answered.
    pub result: Result<Outcome, Error>,
    /// What of it was left out, for the caller to know.
    pub lost: Vec<Field>,
    /// Whether it was done before, and the answer is given again.
    pub replayed: bool,
    /// How often it was sent to an upstream, where that is more than once.
    pub tries: Option<u32>,
}

impl Answered {
    /// A call that was carried out.
    fn done(caller: Option<Principal>, done: Done) -> Self {
        let Done {
            outcome,
            lost,
            replayed,
            tries,
        } = done;
        Self {
            caller,
            result: Ok(outcome),
            lost,
            replayed,
            tries: Some(tries).filter(|tries| *tries > 1),
        }
    }

    /// A call that was refused.
    pub const fn refused(caller: Option<Principal>, error: Error) -> Self {
        Self {
            caller,
            tries: error.tries(),
            result: Err(error),
            lost: Vec::new(),
            replayed: false,
        }
    }
}

/// What the password check needs to know of users. The store implements it.
pub trait UserDirectory {
    /// The user whose username or e-mail address that is, in the account; the username is tried
    /// first.
    fn find_login(
        &self,
        account: AccountId,
        login: String,
    ) -> BoxFuture<'_, Result<Option<Login>, Error>>;

    /// The user of that id.
    fn find_login_by_id(
        &self,
        account: AccountId,
        id: Id,
    ) -> BoxFuture<'_, Result<Option<Login>, Error>>;

    /// Puts `new` in the place of `old`, both hashes of the same password. `false`, and nothing
    /// done, if the user has another one by now.
    fn renew_hash(
        &self,
        id: Id,
        old: PasswordHash,
        new: PasswordHash,
        entry: Entry,
    ) -> BoxFuture<'_, Result<bool, Error>>;
}

/// A user who may sign in.
#[derive(Clone, Debug)]
pub struct Login {
    /// Its id.
    pub id: Id,
    /// The hash of its password, if it has one.
    pub hash: Option<PasswordHash>,
    /// Where it stands.
    pub status: Status,
    /// Whether it may edit every user.
    pub administrator: bool,
    /// Whether it may change nothing.
    pub read_only: bool,
    /// Whether its role is that of the banned.
    pub banned: bool,
}

impl Login {
    /// Whether it is neither closed, deactivated nor banned.
    pub const fn may_sign_in(&self) -> bool {
        !self.banned && !matches!(self.status, Status::Closed | Status::Deactivated)
    }
}

/// Establishes who calls.
///
/// *Position*: outermost in the command stack; what is inside takes [`Authenticated`] only. A call
/// that could not be read goes no further, but its credentials are judged before its fault is told.
/// *Failure*: [`Kind::Unauthenticated`] for credentials that are missing, wrong, revoked, expired or
/// of another route alike;
/// what the upstream says where the route leaves it to judge;
/// [`Kind::LockedOut`] for wrong ones from a source that sent too many, and for any password of the
/// login it guessed at, never for a good key that is judged here; [`Kind::Closed`] for the right password of a closed,
/// deactivated or banned user; [`Kind::Overloaded`] when too many passwords wait to be checked.
/// *Cost*: one HMAC and no lock for a good key; for a password a read of the store, and argon2id
/// off the async threads unless it was right a moment ago; a short lock for what fails.
/// The first time that a password fits a hash of another system it is hashed anew, after the call
/// and beside it.
#[derive(Clone, Debug)]
pub struct AuthenticateLayer {
    judge: Arc<Judge>,
}

impl AuthenticateLayer {
    /// Checks keys against the ring, and has passwords checked; logins are those of `account`, since
    /// no dialect with logins names one.
    pub fn new(ring: Arc<KeyRing>, sign_in: Arc<SignIn>, clock: Clock, account: AccountId) -> Self {
        Self {
            judge: Arc::new(Judge {
                ring,
                sign_in,
                clock,
                account,
            }),
        }
    }
}

impl<S> Layer<S> for AuthenticateLayer {
    type Service = Authenticate<S>;

    fn layer(&self, inner: S) -> Authenticate<S> {
        Authenticate {
            inner,
            judge: Arc::clone(&self.judge),
        }
    }
}

/// The service of [`AuthenticateLayer`].
#[derive(Clone, Debug)]
pub struct Authenticate<S> {
    inner: S,
    judge: Arc<Judge>,
}

impl<S> Service<Result<Box<Call>, Box<Unread>>> for Authenticate<S>
where
    S: Service<Authenticated, Response = Done, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Answered;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Answered, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Result<Box<Call>, Box<Unread>>) -> Self::Future {
        let mut inner = self.inner.clone();
        let judge = Arc::clone(&self.judge);
        Box::pin(async move {
            let mut call = match call {
                Ok(call) => call,
                // What is rare has a box of its own, so that this one stays small.
                Err(unread) => return Ok(Box::pin(judge.refuse(*unread)).await),
            };
            let credentials = std::mem::replace(&mut call.credentials, Credentials::None);
            if call.context.is_judged_by_upstream() {
                return Ok(Box::pin(judge.pass_on(inner, call, credentials)).await);
            }
            let principal = match judge.principal(credentials, &call.context).await {
                Ok(principal) => principal,
                Err(error) => return Ok(Answered::refused(None, error)),
            };
            let caller = Some(principal.clone());
            let authenticated = Authenticated {
                principal,
                call,
                passed_on: None,
            };
            Ok(match inner.call(authenticated).await {
                Ok(done) => Answered::done(caller, done),
                Err(error) => Answered::refused(caller, error),
            })
        })
    }
}

#[derive(Debug)]
struct Judge {
    ring: Arc<KeyRing>,
    sign_in: Arc<SignIn>,
    clock: Clock,
    account: AccountId,
}

impl Judge {
    /// The fault of a call that could not be read, unless its credentials are worse.
    async fn refuse(&self, unread: Unread) -> Answered {
        let Unread {
            credentials,
            error,
            context,
        } = unread;
        let Some(credentials) = credentials else {
            return Answered::refused(None, error);
        };
        // Only a call that can be read is shown to an upstream.
        if context.is_judged_by_upstream() && credentials != Credentials::None {
            return Answered::refused(None, error);
        }
        match self.principal(credentials, &context).await {
            Ok(principal) => Answered::refused(Some(principal), error),
            Err(refused) => Answered::refused(None, refused),
        }
    }

    /// Keys are looked up first, and only what is none costs the source anything: a good key works
    /// whatever else came from there.
    async fn principal(
        &self,
        credentials: Credentials,
        context: &Context,
    ) -> Result<Principal, Error> {
        let source = Source::from(context.source);
        match credentials {
            Credentials::None if context.allows_anonymous() => Ok(Principal::Anonymous),
            Credentials::None => Err(Kind::Unauthenticated.into()),
            Credentials::Key(key) => self
                .key(&key, context)
                .ok_or_else(|| self.wrong_key(source)),
            Credentials::Basic { login, password } => match self.key(&password, context) {
                Some(principal) => Ok(principal),
                // What has no login or no password can only have been meant as a key.
                None if login.is_empty() || password.is_empty() => Err(self.wrong_key(source)),
                None => {
                    let name = Arc::from(name_key(&login));
                    let user = Box::pin(self.sign_in.user(login, password, context)).await?;
                    self.signed_in(name, &user)
                }
            },
        }
    }

    fn key(&self, presented: &Secret, context: &Context) -> Option<Principal> {
        let route = context.route.as_ref().map(|route| route.name.as_str());
        self.ring
            .find(presented, route, self.clock.now())
            .map(Principal::Key)
    }

    fn wrong_key(&self, source: Source) -> Error {
        match self.sign_in.count(source, Guess::Key) {
            Ok(()) => Kind::Unauthenticated.into(),
            Err(refused) => refused,
        }
    }

    fn signed_in(&self, login: Arc<str>, user: &Login) -> Result<Principal, Error> {
        if !user.may_sign_in() {
            return Err(Kind::Closed.into());
        }
        Ok(Principal::User {
            id: user.id,
            account: self.account,
            login,
            administrator: user.administrator,
            read_only: user.read_only,
            confirmed: user.status != Status::Unconfirmed,
        })
    }
}
