//! An outgoing form: fields in their order, and the flags they need.

use std::borrow::Cow;

use super::field::{Flag, Flags};
use crate::framing::form;

/// Names and values, built from an allow-list: nothing a caller named goes in unchecked.
#[derive(Debug, Default)]
pub(super) struct Fields<'c> {
    pairs: Vec<(Cow<'c, str>, Cow<'c, str>)>,
    flags: Flags,
}

impl<'c> Fields<'c> {
    /// Adds a field.
    pub(super) fn push(&mut self, name: impl Into<Cow<'c, str>>, value: impl Into<Cow<'c, str>>) {
        self.pairs.push((name.into(), value.into()));
    }

    /// Asks for a flag that makes a field with these count, if it needs one.
    pub(super) fn flag(&mut self, flags: &[Flag]) {
        if let Some(flag) = flags.first() {
            self.flags.insert(*flag);
        }
    }

    /// The form as urlencoded text, flags first.
    pub(super) fn encode(&self) -> String {
        let flags = Flag::ALL
            .into_iter()
            .filter(|flag| self.flags.contains(*flag));
        let pairs = self.pairs.iter().map(|(name, value)| (&**name, &**value));
        let all: Vec<(&str, &str)> = flags.map(|flag| (flag.name(), "1")).chain(pairs).collect();
        form::encode(&all)
    }
}
