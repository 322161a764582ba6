//! Who a caller turned out to be.

use std::fmt;
use std::sync::Arc;

use super::keys::Key;
use super::passed_on::Fingerprint;
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
    /// Whoever the upstream takes it for; only on routes that leave that to it.
    JudgedByUpstream(Fingerprint),
    /// Nobody; only on routes that allow it.
    Anonymous,
}

impl Principal {
    /// Whether it may say what others may do.
    pub fn may_change_roles(&self) -> bool {
        match self {
            Self::Key(key) => key.scopes.grants("user.role"),
            Self::User { administrator, .. } => *administrator,
            Self::JudgedByUpstream(_) | Self::Anonymous => false,
        }
    }
}

/// The name in logs and audit records: `key:NAME`, `user:ID`, `upstream:FINGERPRINT`, `anonymous`.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "key:{}", key.name),
            Self::User { id, .. } => write!(f, "user:{id}"),
            Self::JudgedByUpstream(fingerprint) => write!(f, "upstream:{fingerprint}"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::api_key::KeyDigest;
    use crate::auth::scope::{Scope, Scopes};

    fn key(scope: &str) -> Principal {
        Principal::Key(Arc::new(Key {
            name: "crm".to_owned(),
            digest: KeyDigest::from_bytes([0; 32]),
            scopes: Scopes::new([Scope::parse(scope).unwrap()]),
            accounts: Vec::new(),
            routes: Vec::new(),
            expires_at: None,
        }))
    }

    fn user(administrator: bool) -> Principal {
        Principal::User {
            id: Id::ONE,
            account: AccountId::new(Id::ONE),
            login: Arc::from("ann"),
            administrator,
            read_only: false,
            confirmed: true,
        }
    }

    #[test]
    fn roles_are_for_keys_with_their_scope_and_for_administrators() {
        assert!(key("user.role").may_change_roles());
        assert!(!key("user:*").may_change_roles());
        assert!(user(true).may_change_roles());
        assert!(!user(false).may_change_roles());
        assert!(!Principal::Anonymous.may_change_roles());
    }

    #[test]
    fn callers_are_named_without_what_they_signed_in_with() {
        let named = [key("user:*"), user(true), Principal::Anonymous].map(|who| who.to_string());
        assert_eq!(named, ["key:crm", "user:1", "anonymous"]);
    }
}
