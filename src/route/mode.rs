//! What becomes of the requests of a route.

use std::fmt;

/// Whether the requests of a route are translated, or go to its site as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// They are decoded, and answered by the gateway; what is no call goes to the site.
    #[default]
    Translate,
    /// All of them go to the site. What would have become of them is noted beside.
    Observe,
    /// All of them go to the site, and nobody looks at them.
    Bypass,
}

impl Mode {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Observe, Self::Translate, Self::Bypass];

    /// The name in the configuration and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Translate => "translate",
            Self::Observe => "observe",
            Self::Bypass => "bypass",
        }
    }

    /// The mode of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_read_as_it_is_written() {
        for mode in Mode::ALL {
            assert_eq!(Mode::from_name(&mode.to_string()), Some(mode));
        }
        assert_eq!(Mode::from_name("Observe"), None);
    }
}
