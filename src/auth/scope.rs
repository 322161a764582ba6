//! What a key may do.

use std::collections::BTreeSet;
use std::fmt;

/// One permission: `user:read`, `group:write`, `member:*`, `user.role`, `native.add=message`, ….
///
/// Without `user.role` a key can neither change roles and what else gives rights, nor whether and by
/// what an administrator signs in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(String);

const NOUNS: [&str; 3] = ["user", "group", "member"];
const VERBS: [&str; 4] = ["read", "write", "delete", "*"];
const SENSITIVE: [&str; 2] = ["user.role", "user.level"];

impl Scope {
    /// Parses a scope; anything outside the known set is a fault, so that a typo grants nothing.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let known = match text.split_once(':') {
            Some((noun, verb)) => NOUNS.contains(&noun) && VERBS.contains(&verb),
            None => {
                SENSITIVE.contains(&text)
                    || text
                        .strip_prefix("native.")
                        .is_some_and(|name| !name.is_empty())
            }
        };
        if known {
            Ok(Self(text.to_owned()))
        } else {
            Err(ScopeError(text.to_owned()))
        }
    }

    /// The scope's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A scope nobody knows.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown scope {0:?}: use user|group|member followed by :read, :write, :delete or :*, or user.role, user.level, \
     native.OPERATION"
)]
pub struct ScopeError(String);

/// The permissions of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Exactly these.
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self(scopes.into_iter().collect())
    }

    /// Everything but native operations: what the first key of a new store gets.
    pub fn full() -> Self {
        Self(
            ["user:*", "group:*", "member:*", "user.role", "user.level"]
                .map(|name| Scope(name.to_owned()))
                .into(),
        )
    }

    /// Whether `name`, e.g. `user:write`, is granted, by itself or by its noun's `:*`.
    pub fn grants(&self, name: &str) -> bool {
        self.0.iter().any(|scope| {
            scope.0 == name
                || scope
                    .0
                    .strip_suffix('*')
                    .is_some_and(|prefix| prefix.ends_with(':') && name.starts_with(prefix))
        })
    }

    /// The scopes, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }
}

/// What a key made without scopes may do: read and write users, groups and members, and no
/// sensitive field.
impl Default for Scopes {
    fn default() -> Self {
        let names = [
            "user:read",
            "user:write",
            "group:read",
            "group:write",
            "member:read",
            "member:write",
        ];
        Self(names.map(|name| Scope(name.to_owned())).into())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_grants_the_verbs_of_its_noun_and_no_sensitive_field() {
        let scopes = Scopes::new([Scope::parse("user:*").unwrap()]);
        assert!(scopes.grants("user:delete"));
        assert!(!scopes.grants("user.role"));
        assert!(!scopes.grants("group:read"));
    }

    #[test]
    fn an_unknown_scope_is_a_fault() {
        for text in [
            "",
            "user",
            "user:",
            "users:read",
            "user:update",
            "user.email",
            "native.",
        ] {
            assert!(Scope::parse(text).is_err(), "{text}");
        }
    }
}
