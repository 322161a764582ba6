//! Whose credential it is, as far as that can be known without writing anything.

use std::fmt;

use crate::auth::api_key::Pepper;
use crate::auth::keys::{Key, KeyRing};
use crate::auth::{Credentials, Principal};
use crate::cli::failure::Failure;
use crate::clock::Clock;
use crate::config::{Config, pepper};
use crate::route::{Auth, Route};
use crate::secret::Secret;
use crate::store::sqlite::glance::live_keys;

/// The keys of the configuration, and those of the store if they can be read.
pub(super) struct Keys {
    ring: KeyRing,
    clock: Clock,
    stored: Stored,
}

/// What is known of the keys of the store.
enum Stored {
    /// There is no store: nobody but the configuration knows a key.
    Absent,
    /// They are in the ring.
    Read,
    /// They cannot be read, and why.
    Unread(String),
}

/// Who calls.
#[derive(Debug)]
pub(super) enum Caller {
    /// This is certain.
    Known(Principal),
    /// Nobody that the gateway knows.
    Refused,
    /// Not known here, and why.
    Unknown(String),
}

impl Keys {
    pub(super) fn read(config: &Config, clock: Clock) -> Self {
        let (pepper, live, stored) = match read_store(config) {
            Ok(Some((pepper, live))) => (pepper, live, Stored::Read),
            // What it makes is compared with what it made.
            Ok(None) => (Pepper::new(&clock.random()), Vec::new(), Stored::Absent),
            Err(reason) => {
                let pepper = Pepper::new(&clock.random());
                (pepper, Vec::new(), Stored::Unread(reason))
            }
        };
        let fixed = config.keys.iter().cloned();
        let fixed = fixed.map(|key| key.into_key(&pepper)).collect();
        let ring = KeyRing::new(pepper, fixed);
        ring.replace(live);
        Self {
            ring,
            clock,
            stored,
        }
    }

    /// Whose the credentials are on that route.
    pub(super) fn caller(&self, credentials: &Credentials, route: &Route) -> Caller {
        if route.auth != Auth::Gateway {
            let fingerprint = self.ring.fingerprint(credentials);
            return fingerprint.map_or(Caller::Refused, |fingerprint| {
                Caller::Known(Principal::JudgedByUpstream(fingerprint))
            });
        }
        match credentials {
            Credentials::None if route.policy.anonymous => Caller::Known(Principal::Anonymous),
            Credentials::None => Caller::Refused,
            Credentials::Key(key) => self.find(key, route).unwrap_or_else(|| self.stranger()),
            Credentials::Basic { login, password } => match self.find(password, route) {
                Some(known) => known,
                None if login.is_empty() || password.is_empty() => self.stranger(),
                None => match self.stored {
                    Stored::Absent => Caller::Refused,
                    Stored::Read | Stored::Unread(_) => {
                        let reason = "passwords of the store's users are not checked";
                        Caller::Unknown(reason.to_owned())
                    }
                },
            },
        }
    }

    fn find(&self, presented: &Secret, route: &Route) -> Option<Caller> {
        self.ring
            .find(presented, Some(&route.name), self.clock.now())
            .map(|key| Caller::Known(Principal::Key(key)))
    }

    fn stranger(&self) -> Caller {
        match &self.stored {
            Stored::Absent | Stored::Read => Caller::Refused,
            Stored::Unread(reason) => Caller::Unknown(reason.clone()),
        }
    }
}

/// The pepper and the keys of the store; nothing where there is none.
fn read_store(config: &Config) -> Result<Option<(Pepper, Vec<Key>)>, String> {
    if !config.has_store {
        return Ok(None);
    }
    let database = &config.store.database;
    let unread = |error: Failure| format!("the store's keys cannot be read: {}", error.into_text());
    let pepper = pepper::read(&config.auth.pepper_file, database)
        .map_err(|error| unread(Failure::failed("auth.pepper_file", error)))?;
    let is_there = !matches!(database.try_exists(), Ok(false));
    let Some(pepper) = pepper.filter(|_| is_there) else {
        return Err("there is no store yet".to_owned());
    };
    let live = live_keys(database).map_err(|error| unread(Failure::failed("the store", error)))?;
    Ok(Some((pepper, live)))
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Its fingerprint is another in every gateway.
            Self::Known(Principal::JudgedByUpstream(_)) => {
                f.write_str("whoever the upstream takes it for")
            }
            Self::Known(principal) => principal.fmt(f),
            Self::Refused => {
                f.write_str("nobody: the gateway knows no such credential on this route")
            }
            Self::Unknown(reason) => write!(f, "not known here: {reason}"),
        }
    }
}
