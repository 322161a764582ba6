//! Names that no user and no group may take.

use std::collections::HashSet;

use crate::command::name::name_key;

/// Reserved names, by the key of the name space.
#[derive(Debug)]
pub(super) struct ReservedNames(HashSet<String>);

impl ReservedNames {
    /// These names, however they are spelled.
    pub(super) fn new(names: &[String]) -> Self {
        Self(names.iter().map(|name| name_key(name)).collect())
    }

    /// Whether the name of that key is reserved.
    pub(super) fn holds(&self, key: &str) -> bool {
        self.0.contains(key)
    }
}
