//! A secret in a file of its own.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::Secret;

/// More than any secret has.
const MOST_BYTES: u64 = 64 * 1024;

/// Reads a secret; one newline at the end, which editors add, is not part of it.
pub fn read(path: &Path) -> Result<Secret, String> {
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
pub fn without_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// What went wrong and what to do, in words that are the same everywhere.
pub fn reason(error: &io::Error) -> String {
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
