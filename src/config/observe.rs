//! `[observe]`: where it is noted what would become of requests that are handed on.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The parameters of observing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observe {
    /// The file that lines are added to; the log where there is none.
    pub file: Option<PathBuf>,
}

/// `[observe]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ObserveSection {
    /// Relative to the configuration file.
    file: Option<PathBuf>,
}

impl ObserveSection {
    pub(super) fn build(self, directory: &Path) -> Observe {
        Observe {
            file: self.file.map(|file| directory.join(file)),
        }
    }
}
