//! Writing JSON objects straight into the text of a message.

use crate::command::Id;
use crate::framing::json::{write_integer, write_php_string, write_string};
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
    pub(super) fn text(&mut self, name: &'static str, value: Option<&str>) {
        self.known(name);
        match value {
            Some(text) => (self.write)(self.out, text),
            None => self.out.push_str("null"),
        }
    }

    /// Writes a truth value.
    pub(super) fn flag(&mut self, name: &'static str, value: bool) {
        self.known(name);
        self.out.push_str(if value { "true" } else { "false" });
    }

    /// Writes a number.
    pub(super) fn number(&mut self, name: &'static str, value: Id) {
        self.known(name);
        write_integer(self.out, value.value());
    }

    /// Writes what is JSON already, under a name that somebody made up.
    pub(super) fn json(&mut self, name: &str, value: &str) {
        self.separate();
        (self.write)(self.out, name);
        self.out.push(':');
        self.out.push_str(value);
    }

    /// The same, of text.
    pub(super) fn string(&mut self, name: &str, value: &str) {
        self.json(name, "");
        (self.write)(self.out, value);
    }

    /// Closes the object.
    pub(super) fn close(self) {
        self.out.push('}');
    }

    /// Writes a name that has nothing to escape.
    fn known(&mut self, name: &'static str) {
        self.separate();
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    fn separate(&mut self) {
        if !self.empty {
            self.out.push(',');
        }
        self.empty = false;
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
