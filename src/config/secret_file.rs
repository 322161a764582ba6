//! Secrets in files of their own, where no backup of the configuration has them.

use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use crate::secret::Secret;

/// More than any secret has.
const MOST_BYTES: u64 = 64 * 1024;

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
        read(&self.directory.join(path)).map(Some)
    }

    /// The same, with an empty secret in the place of one that is not read.
    pub(super) fn read_or_blank(self, path: &Path) -> Result<Secret, String> {
        self.read(path)
            .map(|secret| secret.unwrap_or_else(|| Secret::from("")))
    }
}

/// Reads a secret; one newline at the end, which editors add, is not part of it.
fn read(path: &Path) -> Result<Secret, String> {
    let shown = path.display();
    let file = std::fs::File::open(path)
        .map_err(|error| format!("cannot read {shown}: {}", reason(&error)))?;
    let mut text = Zeroizing::new(String::new());
    let read = file.take(MOST_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| format!("cannot read {shown}: {}", reason(&error)))?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > MOST_BYTES) {
        return Err(format!("{shown} is longer than 64 KiB: it holds no secret"));
    }
    Ok(Secret::from(without_newline(&text)))
}

/// The text without one newline at its end.
pub(crate) fn without_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// What went wrong and what to do, in words that are the same everywhere.
pub(super) fn reason(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    let kind = error.kind();
    match () {
        () if kind == ErrorKind::NotFound => {
            "there is no such file: create it or correct the path".to_owned()
        }
        () if kind == ErrorKind::PermissionDenied => {
            "permission denied: let the user that runs dragoman read it".to_owned()
        }
        () if kind == ErrorKind::IsADirectory => "it is a directory: name a file".to_owned(),
        () if kind == ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        () => error.to_string(),
    }
}
