//! `[keys.NAME]`: API keys that live in the configuration and not in the store.

use std::collections::HashMap;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;

use super::fault::Faults;
use super::place::Place;
use super::secret_file::SecretFiles;
use super::suggest::did_you_mean;
use super::value::{Given, List};
use crate::auth::api_key::Pepper;
use crate::auth::keys::Key;
use crate::auth::scope::{Scope, ScopeError, Scopes};
use crate::command::{AccountId, Dialect, Id};
use crate::dialect::expresses::is_keyless;
use crate::secret::Secret;

/// The fewest characters a key may have that Dragoman did not make.
const FEWEST_CHARACTERS: usize = 16;

/// A key of the configuration. It works without a store and cannot be revoked in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticKey {
    /// Its name, in logs and audit records.
    pub name: String,
    /// The key.
    pub secret: Secret,
    /// What it may do.
    pub scopes: Scopes,
    /// The accounts it may name; any where the list is empty.
    pub accounts: Vec<AccountId>,
    /// The routes it works on; any where the list is empty.
    pub routes: Vec<String>,
}

impl StaticKey {
    /// The key as the ring has it.
    pub fn into_key(self, pepper: &Pepper) -> Key {
        Key {
            digest: pepper.digest(&self.secret),
            name: self.name,
            scopes: self.scopes,
            accounts: self.accounts,
            routes: self.routes,
            expires_at: None,
        }
    }
}

/// Refuses a key that Dragoman did not make and that is too easy to guess or cannot be sent.
pub fn check_foreign(secret: Secret) -> Result<Secret, String> {
    let text = secret.reveal();
    let length = text.chars().count();
    if length < FEWEST_CHARACTERS {
        return Err(format!(
            "is too short with {length} characters: use at least {FEWEST_CHARACTERS}, or make one with `dragoman keys create`"
        ));
    }
    if text
        .chars()
        .any(|letter| letter.is_control() || letter.is_whitespace())
    {
        return Err(
            "has white space or control characters in it: no client could send it".to_owned(),
        );
    }
    Ok(secret)
}

/// `[keys.NAME]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct KeySection {
    /// The key itself, at least 16 characters. Use `value_file` where others can read this file.
    value: Option<Given>,
    /// A file with the key; one newline at its end is not part of it.
    value_file: Option<PathBuf>,
    /// What it may do; without the list: read and write users, groups and members.
    scopes: Option<List<ScopeName>>,
    /// The accounts it may name; without the list: any.
    accounts: Option<List<AccountNumber>>,
    /// The routes it works on, by name; without the list: any.
    routes: Option<List<String>>,
}

impl KeySection {
    /// Reads the key; nothing where its file is not read.
    pub(super) fn build(
        self,
        name: &str,
        files: SecretFiles<'_>,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Option<StaticKey> {
        if place.has("value") && place.has("value_file") {
            let message = "is there beside value_file: keep one of the two";
            faults.push(place.fault("value", message));
            return None;
        }
        let secret = match (self.value, self.value_file) {
            (Some(value), None) => Ok(Some(value.0)),
            (None, Some(path)) => files.read(&path).map_err(|error| ("value_file", error)),
            _ if place.has("value") || place.has("value_file") => return None,
            _ => Err(("", "has no key: give it a value or a value_file".to_owned())),
        };
        let checked = |secret: Option<Secret>| secret.map(check_foreign).transpose();
        let secret = secret.and_then(|secret| checked(secret).map_err(|error| ("", error)));
        let scopes = self.scopes.map(|list| list.0);
        if scopes.as_ref().is_some_and(Vec::is_empty) {
            let message =
                "lets the key do nothing: name a scope, or leave it out for the usual ones";
            faults.push(place.fault("scopes", message));
        }
        for scope in scopes.iter().flatten() {
            let operation = scope.0.as_str().strip_prefix("native.");
            if let Some(operation) = operation.filter(|name| is_keyless(Dialect::Vision6, name)) {
                let message = format!(
                    "native.{operation} lets the key do nothing, since {operation} has no key: remove it"
                );
                faults.push(place.fault("scopes", message));
            }
        }
        let accounts = self.accounts.map(|list| list.0);
        if accounts.as_ref().is_some_and(Vec::is_empty) {
            let message = "names no account: name one, or leave it out for any account";
            faults.push(place.fault("accounts", message));
        }
        let routes = self.routes.map(|list| list.0);
        if routes.as_ref().is_some_and(Vec::is_empty) {
            let message = "names no route: name one, or leave it out for any route";
            faults.push(place.fault("routes", message));
        }
        let secret = secret
            .map_err(|(key, message)| faults.push(place.fault(key, message)))
            .ok()??;
        Some(StaticKey {
            name: name.to_owned(),
            secret,
            scopes: scopes.map_or_else(Scopes::default, |names| {
                Scopes::new(names.into_iter().map(|name| name.0))
            }),
            accounts: accounts
                .unwrap_or_default()
                .into_iter()
                .map(|account| account.0)
                .collect(),
            routes: routes.unwrap_or_default(),
        })
    }
}

/// Refuses a key that a second name has: nobody could say which of the two was used.
pub(super) fn refuse_duplicates(keys: &[StaticKey], place: Place<'_>, faults: &mut Faults) {
    let mut names: HashMap<&str, &str> = HashMap::new();
    for key in keys {
        if let Some(other) = names.insert(key.secret.reveal(), &key.name) {
            let path = format!("keys.{}", key.name);
            let message =
                format!("is the same key as keys.{other}: give each name a key of its own");
            faults.push(place.at(&path).fault("", message));
        }
    }
}

/// Refuses a key for a route that is not there: it would work nowhere, or some day somewhere else.
pub(super) fn refuse_unknown_routes(keys: &[StaticKey], place: Place<'_>, faults: &mut Faults) {
    let names = place.at("routes").names();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    for key in keys {
        let path = format!("keys.{}", key.name);
        for route in &key.routes {
            if let Some(message) = unknown_route(route, &known) {
                faults.push(place.at(&path).fault("routes", message));
            }
        }
    }
}

/// What is wrong with the name of a route, if it is not among the known ones.
pub fn unknown_route(name: &str, known: &[&str]) -> Option<String> {
    (!known.contains(&name)).then(|| {
        format!(
            "unknown route {name:?} (known: {}){}",
            known.join(", "),
            did_you_mean(name, known)
        )
    })
}

/// The name of a scope.
#[derive(Debug)]
struct ScopeName(Scope);

impl FromStr for ScopeName {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Scope::parse(text).map(Self)
    }
}

/// The number of an account.
#[derive(Debug)]
struct AccountNumber(AccountId);

impl FromStr for AccountNumber {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let id = Id::parse(text)
            .ok_or_else(|| format!("{text:?} is no account: use a whole number, 1 or more"))?;
        Ok(Self(AccountId::new(id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_a_label_of_the_audit_trail_is_refused() {
        // Its digest would be what the trail digests contents with.
        let refused = check_foreign(Secret::from("\0dragoman audit contents"));
        assert!(refused.is_err_and(|message| message.contains("control characters")));
        check_foreign(Secret::from("dragoman-audit-contents")).unwrap();
    }
}
