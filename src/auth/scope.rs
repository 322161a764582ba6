//! What a key may do.

use std::collections::BTreeSet;
use std::fmt;

/// One permission: `user:read`, `group:write`, `member:*`, `user.role`, `native.add=message`, ….
///
/// Without `user.role` a key can neither change roles and what else gives rights, nor whether and by
/// what an administrator signs in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(String);

impl Scope {
    /// Every scope but those of single native operations, `native.OPERATION`. Each guards something:
    /// no call reads members, and who may add them may remove them.
    pub const FIXED: [&str; 12] = [
        "user:read",
        "user:write",
        "user:delete",
        "user:*",
        "user.role",
        "user.level",
        "group:read",
        "group:write",
        "group:delete",
        "group:*",
        "member:write",
        "member:*",
    ];

    /// Parses a scope; anything outside the known set is a fault, so that a typo grants nothing.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let operation = text.strip_prefix("native.");
        if Self::FIXED.contains(&text) || operation.is_some_and(|name| !name.is_empty()) {
            return Ok(Self(text.to_owned()));
        }
        Err(match text {
            "member:read" => ScopeError::NoReading,
            "member:delete" => ScopeError::NoDeletion,
            _ => ScopeError::Unknown(text.to_owned()),
        })
    }

    /// The scope's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is no scope.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Nobody knows it.
    #[error("unknown scope {0:?}: use {fixed}, or native.OPERATION", fixed = Scope::FIXED.join(", "))]
    Unknown(String),
    /// `member:read`.
    #[error("the scope member:read would guard nothing, since no call reads members: leave it out")]
    NoReading,
    /// `member:delete`.
    #[error(
        "the scope member:delete would guard nothing: who may add members by member:write may remove them"
    )]
    NoDeletion,
}

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

/// What a key made without scopes may do: read and write users and groups, write members, and no
/// sensitive field.
impl Default for Scopes {
    fn default() -> Self {
        let names = [
            "user:read",
            "user:write",
            "group:read",
            "group:write",
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
            "member",
            "user :read",
        ] {
            let unknown = ScopeError::Unknown(text.to_owned());
            assert_eq!(Scope::parse(text), Err(unknown), "{text}");
        }
    }

    #[test]
    fn a_scope_that_would_guard_nothing_is_a_fault_that_says_so() {
        assert_eq!(Scope::parse("member:read"), Err(ScopeError::NoReading));
        assert_eq!(Scope::parse("member:delete"), Err(ScopeError::NoDeletion));
    }

    #[test]
    fn what_keys_are_given_by_themselves_are_scopes() {
        for scopes in [Scopes::default(), Scopes::full()] {
            for scope in scopes.iter() {
                assert_eq!(Scope::parse(scope.as_str()).as_ref(), Ok(scope));
            }
        }
    }
}
