//! An outgoing form: fields in their order, and the flags they need.

use super::field::{Flag, Flags};
use crate::framing::form::Writer;

/// What most changes to a user take.
const USUAL_BYTES: usize = 512;

/// What all flags take.
const FLAGS_BYTES: usize = 128;

/// Names and values, built from an allow-list: nothing a caller named goes in unchecked.
#[derive(Debug)]
pub(super) struct Fields {
    fields: Writer,
    flags: Flags,
}

impl Fields {
    /// No fields yet.
    pub(super) fn new() -> Self {
        Self {
            fields: Writer::with_capacity(USUAL_BYTES),
            flags: Flags::default(),
        }
    }

    /// Adds a field of the contract.
    pub(super) fn push(&mut self, name: &'static str, value: impl AsRef<str>) {
        self.fields.push_known(name, value.as_ref());
    }

    /// Adds a field whose name has array keys, or was made up by somebody.
    pub(super) fn push_named(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) {
        self.fields.push(name.as_ref(), value.as_ref());
    }

    /// Asks for a flag that makes a field with these count, if it needs one.
    pub(super) fn flag(&mut self, flags: &[Flag]) {
        if let Some(flag) = flags.first() {
            self.flags.insert(*flag);
        }
    }

    /// The form as urlencoded text, flags first.
    pub(super) fn into_text(self) -> String {
        if self.flags == Flags::default() {
            return self.fields.into_text();
        }
        let mut flags = Writer::with_capacity(FLAGS_BYTES);
        for flag in Flag::ALL {
            if self.flags.contains(flag) {
                flags.push_known(flag.name(), "1");
            }
        }
        flags.followed_by(&self.fields).into_text()
    }
}
