//! Credentials that only an upstream can judge.
//!
//! A caller may send many at once, and leave before the answer. So they count as wrong before they are
//! sent and no longer once the upstream has said otherwise. Those that it took a moment ago, or that it
//! is being asked about, are counted only if they turn out to be wrong: else a caller who makes many
//! calls at once, or waits for none, would lock itself out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::SignIn;
use crate::auth::attempts::{Guess, Source};
use crate::auth::call::{Context, Credentials};
use crate::clock::{Clock, Timestamp};
use crate::command::name::name_key;
use crate::error::{Error, Kind};

/// How long credentials are remembered after an upstream took them, in milliseconds.
const LIFETIME: i64 = 60_000;

/// Credentials that are remembered at a time, about 100 bytes each. Beyond it they are counted each time.
const MOST: usize = 4096;

/// What an upstream said of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auth) enum Said {
    /// They are good.
    Good,
    /// They are wrong.
    Wrong,
    /// Nothing: it was not asked, or answered something else.
    Nothing,
}

/// Credentials on their way to an upstream. Dropped before anything was said, they stay counted.
pub(in crate::auth) struct Doubt<'a> {
    sign_in: &'a SignIn,
    source: Source,
    login: Option<String>,
    claim: Claim,
    is_counted: bool,
    said: Option<Said>,
}

/// A route, a source and what it presented there, as a digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Claim([u8; 32]);

/// The credentials of a short while.
pub(super) struct Doubts {
    key: Hmac<Sha256>,
    /// Until when they are taken to be good; nothing while their upstream is asked.
    entries: Mutex<HashMap<Claim, Option<Timestamp>>>,
}

impl SignIn {
    /// Counts credentials that an upstream is to judge; an error where those of their kind are refused.
    /// A refusal comes before what is remembered: only the upstream knows that they are still good.
    pub(in crate::auth) fn doubt(
        &self,
        credentials: &Credentials,
        context: &Context,
    ) -> Result<Doubt<'_>, Error> {
        let source = Source::from(context.source);
        let login = match credentials {
            Credentials::Basic { login, .. } => Some(name_key(login)),
            Credentials::Key(_) | Credentials::None => None,
        };
        let now = self.clock.now();
        match &login {
            Some(login) => self.refuse_guessing(source, login)?,
            None if self.attempts.is_refused(source, Guess::Key, now) => {
                return Err(Kind::LockedOut.into());
            }
            None => {}
        }
        let claim = self.doubts.claim(credentials, source, context);
        let is_counted = self.doubts.ask(claim, now);
        if is_counted && let Err(refused) = self.count(source, guess(login.as_deref())) {
            self.doubts.forget(claim);
            return Err(refused);
        }
        Ok(Doubt {
            sign_in: self,
            source,
            login,
            claim,
            is_counted,
            said: None,
        })
    }
}

impl Doubt<'_> {
    /// Ends the doubt.
    pub(in crate::auth) fn end(mut self, said: Said) {
        self.said = Some(said);
    }

    fn note_wrong(&self) {
        // These were judged: a refusal that begins here is for the next.
        if !self.is_counted {
            drop(self.count(guess(self.login.as_deref())));
        }
        if self.login.is_some() {
            drop(self.count(Guess::AnyPassword));
        }
    }

    fn count(&self, guess: Guess<'_>) -> Result<(), Error> {
        self.sign_in.count(self.source, guess)
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        let SignIn {
            attempts,
            doubts,
            clock,
            ..
        } = self.sign_in;
        if self.is_counted && matches!(self.said, Some(Said::Good | Said::Nothing)) {
            attempts.take_back(self.source, guess(self.login.as_deref()));
        }
        match self.said {
            Some(Said::Good) => doubts.keep(self.claim, clock),
            Some(Said::Wrong) => {
                doubts.forget(self.claim);
                self.note_wrong();
            }
            Some(Said::Nothing) => doubts.answered(self.claim, self.is_counted),
            None => {
                doubts.answered(self.claim, self.is_counted);
                if self.is_counted {
                    self.note_wrong();
                }
            }
        }
    }
}

fn guess(login: Option<&str>) -> Guess<'_> {
    login.map_or(Guess::Key, Guess::Password)
}

impl Doubts {
    pub(super) fn new(clock: &Clock) -> Self {
        Self {
            key: Hmac::new((&clock.random::<64>()).into()),
            entries: Mutex::default(),
        }
    }

    fn claim(&self, credentials: &Credentials, source: Source, context: &Context) -> Claim {
        let route = context.route.as_ref().map_or("", |route| &route.name);
        let (kind, login, secret) = match credentials {
            Credentials::None => ("", "", ""),
            Credentials::Key(key) => ("key", "", key.reveal()),
            Credentials::Basic { login, password } => ("login", login.as_str(), password.reveal()),
        };
        // With its length before it, no part can be taken for another.
        let parts = [route, &source.to_string(), kind, login, secret];
        let mac = parts.iter().fold(self.key.clone(), |mac, part| {
            mac.chain_update(part.len().to_be_bytes())
                .chain_update(part)
        });
        Claim(mac.finalize().into_bytes().into())
    }

    /// Whether nothing is known of the credentials. From now on their upstream is being asked.
    fn ask(&self, claim: Claim, now: Timestamp) -> bool {
        let mut entries = self.lock();
        let known = entries.get(&claim);
        if known.is_some_and(|until| until.is_none_or(|until| is_live(until, now))) {
            return false;
        }
        if entries.len() >= MOST {
            entries.retain(|_, until| until.is_none_or(|until| is_live(until, now)));
        }
        if entries.len() < MOST {
            entries.insert(claim, None);
        }
        true
    }

    fn keep(&self, claim: Claim, clock: &Clock) {
        let until = clock.now().as_millis().saturating_add(LIFETIME);
        let mut entries = self.lock();
        if entries.len() < MOST || entries.contains_key(&claim) {
            entries.insert(claim, Some(Timestamp::from_millis(until)));
        }
    }

    /// Their upstream is no longer being asked, if that call was the one to ask.
    fn answered(&self, claim: Claim, is_counted: bool) {
        let mut entries = self.lock();
        if is_counted && entries.get(&claim).is_some_and(Option::is_none) {
            entries.remove(&claim);
        }
    }

    fn forget(&self, claim: Claim) {
        self.lock().remove(&claim);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Claim, Option<Timestamp>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wall clock that was set back ends an entry, and does not lengthen it.
fn is_live(until: Timestamp, now: Timestamp) -> bool {
    let left = until.as_millis().saturating_sub(now.as_millis());
    (1..=LIFETIME).contains(&left)
}
