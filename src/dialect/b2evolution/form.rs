//! An outgoing form: fields in their order, and the flags they need.

use super::field::{Flag, Flags};
use crate::framing::form::Writer;

/// What most changes to a user take.
const USUAL_BYTES: usize = 512;

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

    /// Adds a field.
    pub(super) fn push(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) {
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
        let mut form = Writer::with_capacity(USUAL_BYTES);
        for flag in Flag::ALL {
            if self.flags.contains(flag) {
                form.push(flag.name(), "1");
            }
        }
        form.append(&self.fields);
        form.into_text()
    }
}
