//! A login and a password → a user.

pub(super) mod doubt;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::doubt::Doubts;
use super::attempts::{Attempts, Guess, Policy, Source, Verdict};
use super::authenticate::{Login, UserDirectory};
use super::call::Context;
use super::password::PasswordHasherPool;
use super::verified::Verified;
use crate::clock::Clock;
use crate::command::name::name_key;
use crate::command::{AccountId, Id};
use crate::error::{Error, Kind};
use crate::journal::{Act, Entry};
use crate::secret::Secret;

/// What guessing costs, and what being right saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// How many wrong keys and passwords are answered as such.
    pub attempts: Policy,
    /// How long a password that was right is taken for right without argon2; zero for never. What
    /// changes of its user counts at once all the same. Default 1 min.
    pub remember: Duration,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            attempts: Policy::default(),
            remember: Duration::from_secs(60),
        }
    }
}

/// Checks passwords of stored users, for authentication and where a user proves its own again.
pub struct SignIn {
    users: Arc<dyn UserDirectory + Send + Sync>,
    passwords: PasswordHasherPool,
    attempts: Attempts,
    verified: Verified,
    doubts: Doubts,
    account: AccountId,
    clock: Clock,
}

impl SignIn {
    /// Checks passwords against the directory, for users of `account`.
    pub fn new(
        users: Arc<dyn UserDirectory + Send + Sync>,
        passwords: PasswordHasherPool,
        parameters: Parameters,
        account: AccountId,
        clock: Clock,
    ) -> Self {
        Self {
            users,
            passwords,
            attempts: Attempts::new(parameters.attempts, &clock),
            verified: Verified::new(parameters.remember, clock.clone()),
            doubts: Doubts::new(&clock),
            account,
            clock,
        }
    }

    /// The user of that login, if the password is right.
    ///
    /// A refusal comes before everything that could tell a right password from a wrong one, also
    /// before what was verified already: else that would be there to guess at without end. The
    /// user is read for every call, so that closing and deleting it count at once.
    pub(super) async fn user(
        &self,
        login: String,
        password: Secret,
        context: &Context,
    ) -> Result<Login, Error> {
        let name = name_key(&login);
        self.refuse_guessing(Source::from(context.source), &name)?;
        let found = self.users.find_login(self.account, login).await?;
        let is_right = self
            .is_right(&name, password, found.as_ref(), context)
            .await?;
        found
            .filter(|_| is_right)
            .ok_or_else(|| Kind::Unauthenticated.into())
    }

    /// Whether that is the password of a user who signed in as `name`. A wrong one counts as it does
    /// at signing in, and a right one is known from there.
    pub async fn is_own_password(
        &self,
        id: Id,
        name: &str,
        password: Secret,
        context: &Context,
    ) -> Result<bool, Error> {
        self.refuse_guessing(Source::from(context.source), name)?;
        let found = self.users.find_login_by_id(self.account, id).await?;
        self.is_right(name, password, found.as_ref(), context).await
    }

    /// Counts a guess of the source; an error where it is refused.
    pub(super) fn count(&self, source: Source, guess: Guess<'_>) -> Result<(), Error> {
        note(self.attempts.count(source, guess, self.clock.now()), source)
    }

    async fn is_right(
        &self,
        name: &str,
        password: Secret,
        user: Option<&Login>,
        context: &Context,
    ) -> Result<bool, Error> {
        let hash = user.and_then(|user| user.hash.as_ref());
        let claim = self.verified.claim(name, &password, hash);
        let verify = self.verify(name, password, user, context);
        self.verified.check(claim, verify).await
    }

    fn refuse_guessing(&self, source: Source, name: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let is_refused = [Guess::AnyPassword, Guess::Password(name)]
            .into_iter()
            .any(|guess| self.attempts.is_refused(source, guess, now));
        if is_refused {
            return Err(Kind::LockedOut.into());
        }
        Ok(())
    }

    /// Runs argon2 for a guess that counts as wrong until it is known to be right, so that guesses
    /// made at once are no more than those made one after the other. The source's guesses at all
    /// logins are counted afterwards: right ones of many users at once are usual there.
    async fn verify(
        &self,
        name: &str,
        password: Secret,
        user: Option<&Login>,
        context: &Context,
    ) -> Result<bool, Error> {
        let source = Source::from(context.source);
        let guess = Guess::Password(name);
        self.count(source, guess)?;
        let hash = user.and_then(|user| user.hash.clone());
        let verified = self.passwords.verify(password.clone(), hash).await;
        match verified {
            Ok(true) => {
                self.attempts.forgive(source, guess);
                if let Some(user) = user {
                    self.renew(user, password, context);
                }
            }
            Ok(false) => {
                // This guess was judged: a refusal that begins here is for the next.
                drop(self.count(source, Guess::AnyPassword));
            }
            Err(_) => self.attempts.take_back(source, guess),
        }
        verified
    }

    /// Replaces a hash of another system by one of ours; nobody waits for it. If it comes to
    /// nothing, the next sign-in tries again.
    fn renew(&self, user: &Login, password: Secret, context: &Context) {
        let outdated = user.hash.clone().filter(|hash| !hash.is_current());
        let Some(old) = outdated.filter(|_| user.may_sign_in()) else {
            return;
        };
        let id = user.id;
        let entry = Entry {
            at: self.clock.now(),
            principal: format!("user:{id}"),
            action: Act::RenewHash,
            account: self.account,
            source: context.source,
            route: context.route.as_ref().map(|route| route.name.clone()),
            request_id: context.request_id.to_string(),
            not_done: None,
            event: None,
            tries: None,
            once: None,
        };
        let users = Arc::clone(&self.users);
        let passwords = self.passwords.clone();
        tokio::spawn(async move {
            let renewed = match passwords.hash(password).await {
                Ok(new) => users.renew_hash(id, old, new, entry).await,
                Err(error) => Err(error),
            };
            if let Err(error) = renewed {
                tracing::warn!(user.id = id.value(), error = ?error, "a password's hash of another system stays for now");
            }
        });
    }
}

/// Turns a verdict into an error. The beginning of a refusal is worth a line in the log.
fn note(verdict: Verdict, source: Source) -> Result<(), Error> {
    match verdict {
        Verdict::Allowed => return Ok(()),
        Verdict::Refused => {}
        Verdict::RefusedFor(length) => {
            tracing::warn!(
                call.source = %source,
                refused_s = length.as_secs(),
                "too many wrong keys or passwords: more of them are refused for a while"
            );
        }
    }
    Err(Kind::LockedOut.into())
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn")
            .field("attempts", &self.attempts)
            .field("verified", &self.verified)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
