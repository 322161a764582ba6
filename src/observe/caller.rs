//! Whose credential it is, as far as that can be known without writing anything.

use std::fmt;

use crate::auth::keys::KeyRing;
use crate::auth::{Credentials, Principal};
use crate::clock::Timestamp;
use crate::route::{Auth, Route};
use crate::secret::Secret;

/// What is known of the keys of the store.
#[derive(Clone, Debug)]
pub enum Stored {
    /// There is no store: nobody but the configuration knows a key.
    Absent,
    /// They are in the ring.
    Read,
    /// They cannot be read, and why.
    Unread(String),
}

/// Who calls.
#[derive(Debug)]
pub enum Caller {
    /// This is certain.
    Known(Principal),
    /// Nobody that the gateway knows.
    Refused,
    /// Not known here, and why.
    Unknown(String),
}

impl Caller {
    /// Whose the credentials are on that route. No key counts as used.
    pub(super) fn of(
        credentials: &Credentials,
        route: &Route,
        ring: &KeyRing,
        stored: &Stored,
        now: Timestamp,
    ) -> Self {
        if route.auth != Auth::Gateway {
            let fingerprint = ring.fingerprint(credentials);
            return fingerprint.map_or(Self::Refused, |fingerprint| {
                Self::Known(Principal::JudgedByUpstream(fingerprint))
            });
        }
        let find = |presented: &Secret| {
            let key = ring.look_up(presented, Some(&route.name), now);
            key.map(|key| Self::Known(Principal::Key(key)))
        };
        match credentials {
            Credentials::None if route.policy.anonymous => Self::Known(Principal::Anonymous),
            Credentials::None => Self::Refused,
            Credentials::Key(key) => find(key).unwrap_or_else(|| Self::stranger(stored)),
            Credentials::Basic { login, password } => match find(password) {
                Some(known) => known,
                None if login.is_empty() || password.is_empty() => Self::stranger(stored),
                None => match stored {
                    Stored::Absent => Self::Refused,
                    Stored::Read | Stored::Unread(_) => {
                        let reason = "passwords of the store's users are not checked";
                        Self::Unknown(reason.to_owned())
                    }
                },
            },
        }
    }

    fn stranger(stored: &Stored) -> Self {
        match stored {
            Stored::Absent | Stored::Read => Self::Refused,
            Stored::Unread(reason) => Self::Unknown(reason.clone()),
        }
    }
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
