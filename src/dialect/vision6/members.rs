//! Writing JSON objects straight into the text of a message.

use std::fmt::{Display, Write as _};

use crate::framing::json::{write_php_string, write_string};
use crate::framing::json_rpc::Version;

/// How a string is written.
pub(super) type WriteString = fn(&mut String, &str);

/// The vendor's server is written in PHP, which escapes slashes and everything beyond ASCII; a
/// caller of version 2.0 gets plain JSON.
pub(super) const fn string_writer(version: Version) -> WriteString {
    match version {
        Version::One => write_php_string,
        Version::Two => write_string,
    }
}

/// An object that is being written, member by member.
pub(super) struct Members<'out> {
    out: &'out mut String,
    write: WriteString,
    empty: bool,
}

impl<'out> Members<'out> {
    /// Opens the object.
    pub(super) fn open(out: &'out mut String, write: WriteString) -> Self {
        out.push('{');
        Self {
            out,
            write,
            empty: true,
        }
    }

    /// Writes a string, or `null` where there is none.
    pub(super) fn text(&mut self, name: &str, value: Option<&str>) {
        self.name(name);
        match value {
            Some(text) => (self.write)(self.out, text),
            None => self.out.push_str("null"),
        }
    }

    /// Writes a truth value.
    pub(super) fn flag(&mut self, name: &str, value: bool) {
        self.json(name, if value { "true" } else { "false" });
    }

    /// Writes a number.
    pub(super) fn number(&mut self, name: &str, value: impl Display) {
        self.name(name);
        // Writing to a String cannot fail.
        let _ = write!(self.out, "{value}");
    }

    /// Writes what is JSON already.
    pub(super) fn json(&mut self, name: &str, value: &str) {
        self.name(name);
        self.out.push_str(value);
    }

    /// Closes the object.
    pub(super) fn close(self) {
        self.out.push('}');
    }

    fn name(&mut self, name: &str) {
        if !self.empty {
            self.out.push(',');
        }
        self.empty = false;
        (self.write)(self.out, name);
        self.out.push(':');
    }
}

/// Writes a list, each item by `write`.
pub(super) fn write_list<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push('[');
    for (position, item) in items.into_iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}
