//! Who a caller turned out to be.

use std::fmt;
use std::sync::Arc;

use super::keys::Key;
use crate::command::{AccountId, Id};

/// An identity that was established, or the lack of one that a route allows.
#[derive(Clone, Debug)]
pub enum Principal {
    /// The holder of an API key.
    Key(Arc<Key>),
    /// A stored user who signed in with a password.
    User {
        /// Its id.
        id: Id,
        /// Its account.
        account: AccountId,
        /// The name it signed in with, as wrong passwords for it are counted.
        login: Arc<str>,
        /// Whether it may edit every user.
        administrator: bool,
        /// Whether it may change nothing.
        read_only: bool,
        /// Whether it was confirmed.
        confirmed: bool,
    },
    /// Nobody; only on routes that allow it.
    Anonymous,
}

impl Principal {
    /// Whether it may say what others may do.
    pub fn may_change_roles(&self) -> bool {
        match self {
            Self::Key(key) => key.scopes.grants("user.role"),
            Self::User { administrator, .. } => *administrator,
            Self::Anonymous => false,
        }
    }
}

/// The name in logs and audit records: `key:NAME`, `user:ID`, `anonymous`.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "key:{}", key.name),
            Self::User { id, .. } => write!(f, "user:{id}"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}
