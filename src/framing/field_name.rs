//! How a message names a field whose name the caller made up.

use std::fmt;

use crate::error::is_shown;

/// A field in a message: its name where that is fit to be shown, else its place among the fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldName<'a> {
    /// The name as it was sent.
    pub(super) name: &'a str,
    /// Its place, counted from one.
    pub(super) position: usize,
}

impl fmt::Display for FieldName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_shown(self.name) {
            f.write_str(self.name)
        } else {
            write!(f, "field number {}", self.position)
        }
    }
}
