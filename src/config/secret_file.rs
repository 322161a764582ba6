//! Secrets in files of their own, where no backup of the configuration has them.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::fault::Faults;
use super::place::Place;

use crate::secret::Secret;

/// More than any secret has.
const MOST_BYTES: u64 = 64 * 1024;

/// The text of a secret; never repeated in a fault.
pub(super) struct Given(pub(super) Secret);

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::from(text)))
    }
}

/// The secret under `key`, or in the file that is named under `key` and `_file`. Neither or both is a
/// fault.
pub(super) fn choose(
    key: &str,
    given: Option<Given>,
    file: Option<PathBuf>,
    directory: &Path,
    place: Place<'_>,
    faults: &mut Faults,
) -> Option<Secret> {
    let file_key = format!("{key}_file");
    if place.has(key) && place.has(&file_key) {
        let message = format!("is there beside {file_key}: keep one of the two");
        faults.push(place.fault(key, message));
        return None;
    }
    if let Some(given) = given {
        return Some(given.0);
    }
    if let Some(path) = file {
        return read(&directory.join(path))
            .map_err(|message| faults.push(place.fault(&file_key, message)))
            .ok();
    }
    // The fault of what is there and could not be read is noted already.
    if !place.has(key) && !place.has(&file_key) {
        faults.push(place.fault(key, format!("is missing: add it, or {file_key}")));
    }
    None
}

/// Reads a secret; one newline at the end, which editors add, is not part of it.
pub(super) fn read(path: &Path) -> Result<Secret, String> {
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
