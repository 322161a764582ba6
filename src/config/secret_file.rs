//! Secrets in files of their own, where no backup of the configuration has them.

use std::path::Path;

use crate::secret::{Secret, file};

/// The files of secrets beside a configuration.
#[derive(Clone, Copy)]
pub(super) struct SecretFiles<'a> {
    /// What their paths are relative to.
    pub(super) directory: &'a Path,
    /// Whether they are read. They are not where a configuration is checked without them, in CI.
    pub(super) are_read: bool,
}

impl SecretFiles<'_> {
    /// The secret in a file; nothing where files are not read.
    pub(super) fn read(self, path: &Path) -> Result<Option<Secret>, String> {
        if !self.are_read {
            return Ok(None);
        }
        file::read(&self.directory.join(path)).map(Some)
    }

    /// The same, with an empty secret in the place of one that is not read.
    pub(super) fn read_or_blank(self, path: &Path) -> Result<Secret, String> {
        self.read(path)
            .map(|secret| secret.unwrap_or_else(|| Secret::from("")))
    }
}
