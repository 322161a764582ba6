//! Numbers that another system gives to its own things.

use std::collections::BTreeMap;
use std::fmt;

use crate::command::Id;

/// Which numbers a route takes, and what each is called. One without entries takes any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberTable(BTreeMap<Id, String>);

impl NumberTable {
    /// These numbers and no others.
    pub const fn new(names: BTreeMap<Id, String>) -> Self {
        Self(names)
    }

    /// Whether it takes any number.
    pub fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it takes that number.
    pub fn takes(&self, number: Id) -> bool {
        self.is_open() || self.0.contains_key(&number)
    }
}

/// `2 (member), 3 (moderator)`, for whoever sent another.
impl fmt::Display for NumberTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (number, name)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{number} ({name})")?;
        }
        Ok(())
    }
}
