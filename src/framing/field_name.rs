//! How a message names a field whose name the caller made up.

use std::fmt;

/// A field in a message: its name where that is fit to be shown, else its place among the fields.
/// A long or strange name is more likely a misplaced value, and that may be a secret.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldName<'a> {
    /// The name as it was sent.
    pub(super) name: &'a str,
    /// Its place, counted from one.
    pub(super) position: usize,
}

/// API keys have 64 characters: no name that is shown can hold one.
const SHOWN_BYTES: usize = 48;

impl fmt::Display for FieldName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_shown(self.name) {
            f.write_str(self.name)
        } else {
            write!(f, "field number {}", self.position)
        }
    }
}

/// Whether a name can be repeated in a message as it is.
pub(super) fn is_shown(name: &str) -> bool {
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte);
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.len() <= SHOWN_BYTES
        && name.bytes().all(fit)
}
