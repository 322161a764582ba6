//! What is wrong with a configuration: every fault, with its source, its key path and the remedy.

use std::fmt;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    source: String,
    path: String,
    message: String,
}

impl Fault {
    /// A fault of the value at `path`, which came from `source`: a file, an environment variable
    /// or a flag. The path is empty where the source as a whole is at fault.
    pub(super) fn new(
        source: impl Into<String>,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            source: source.into(),
            path: path.into(),
            message: message.into(),
        }
    }
}

/// `routes.toml: routes.chat.dialect: unknown dialect …`
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.source)?;
        if !self.path.is_empty() {
            // A key in quotes can be anything.
            write!(f, "{}: ", self.path.escape_debug())?;
        }
        f.write_str(&self.message)
    }
}

/// Every fault that was found.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Faults {
    found: Vec<Fault>,
    unread: Vec<String>,
}

impl Faults {
    /// Notes one more. What could not be read has its fault already: a second one about the
    /// default in its place would mislead.
    pub(super) fn push(&mut self, fault: Fault) {
        if !self.unread.contains(&fault.path) {
            self.found.push(fault);
        }
    }

    /// Notes that the value at a path could not be read.
    pub(super) fn push_unread(&mut self, fault: Fault) {
        self.unread.push(fault.path.clone());
        self.found.push(fault);
    }

    /// Whether nothing was found.
    pub(super) const fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The faults, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.found.iter()
    }
}

/// One line a fault.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.found.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
