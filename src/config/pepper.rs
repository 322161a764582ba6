//! The file of the pepper: 32 random bytes as 64 hexadecimal digits, readable by its owner only.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::auth::api_key::Pepper;
use crate::clock::Clock;
use crate::secret::file::without_newline;

const BYTES: usize = 32;

/// Why there is no pepper.
#[derive(Debug, thiserror::Error)]
pub enum PepperError {
    /// The database was made with a pepper that is gone.
    #[error(
        "{}: the pepper of the database {} is lost, and without it no stored key is recognised: \
         restore the file from a backup, or name it in auth.pepper_file",
        file.display(), database.display()
    )]
    Lost {
        /// Where the pepper should be.
        file: PathBuf,
        /// The database it belongs to.
        database: PathBuf,
    },
    /// The file holds something else.
    #[error("{}: holds no pepper, which is 64 hexadecimal digits: restore the file from a backup", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
    },
    /// The file cannot be read or made.
    #[error(
        "{}: cannot {action} the pepper: let the user that runs dragoman read and write it and its \
         directory, or name another file in auth.pepper_file",
        file.display()
    )]
    Io {
        /// The file.
        file: PathBuf,
        /// `read` or `make`.
        action: &'static str,
        /// Why.
        #[source]
        error: io::Error,
    },
}

/// The pepper of an existing database; nothing where neither pepper nor database exist yet.
pub fn read(file: &Path, database: &Path) -> Result<Option<Pepper>, PepperError> {
    let failed = |error| PepperError::Io {
        file: file.to_owned(),
        action: "read",
        error,
    };
    let text = match fs::read(file) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Anything but a clear no is taken for a database, so that none is ever orphaned.
            return match database.try_exists() {
                Ok(false) => Ok(None),
                Ok(true) => Err(PepperError::Lost {
                    file: file.to_owned(),
                    database: database.to_owned(),
                }),
                Err(error) => Err(failed(error)),
            };
        }
        Err(error) => return Err(failed(error)),
    };
    let bytes = std::str::from_utf8(&text).ok().and_then(decode);
    let bytes = bytes.ok_or_else(|| PepperError::Malformed {
        file: file.to_owned(),
    })?;
    Ok(Some(Pepper::new(&bytes)))
}

/// The pepper, made on the first start. It exists before the database does, complete or not at
/// all; of two processes that start at once both get the same. Blocks: call it before there is a
/// runtime.
pub fn read_or_make(file: &Path, database: &Path, clock: &Clock) -> Result<Pepper, PepperError> {
    if let Some(pepper) = read(file, database)? {
        return Ok(pepper);
    }
    let bytes = Zeroizing::new(clock.random::<BYTES>());
    match write_new(file, &encode(&bytes)) {
        Ok(()) => Ok(Pepper::new(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let made = read(file, database)?;
            made.ok_or_else(|| PepperError::Malformed {
                file: file.to_owned(),
            })
        }
        Err(error) => Err(PepperError::Io {
            file: file.to_owned(),
            action: "make",
            error,
        }),
    }
}

/// Writes beside the file and links it to its name, which fails if the name is taken.
fn write_new(file: &Path, text: &str) -> io::Result<()> {
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(format!(".{}", std::process::id()));
    let unfinished = PathBuf::from(unfinished);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut opened| {
            opened.write_all(text.as_bytes())?;
            opened.sync_all()
        })
        .and_then(|()| fs::hard_link(&unfinished, file));
    let removed = fs::remove_file(&unfinished);
    written.and(removed)?;
    File::open(directory)?.sync_all()
}

fn encode(bytes: &[u8; BYTES]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * BYTES + 1));
    for byte in bytes {
        for digit in [byte >> 4, byte & 0x0f] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    text.push('\n');
    text
}

fn decode(text: &str) -> Option<Zeroizing<[u8; BYTES]>> {
    let digits = without_newline(text);
    if digits.len() != 2 * BYTES {
        return None;
    }
    let mut values = digits.chars().map(|digit| digit.to_digit(16));
    let mut bytes = Zeroizing::new([0; BYTES]);
    for byte in bytes.iter_mut() {
        let value = values.next()?? * 16 + values.next()??;
        *byte = u8::try_from(value).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::clock::Timestamp;
    use crate::secret::Secret;

    fn clock() -> Clock {
        Clock::fixed(Timestamp::from_millis(0), 7)
    }

    #[test]
    fn the_pepper_is_made_once_and_only_its_owner_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("data/pepper");
        let database = directory.path().join("data/dragoman.db");
        let made = read_or_make(&file, &database, &clock()).unwrap();
        let permissions = fs::metadata(&file).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, 0o600);
        let again = read_or_make(&file, &database, &Clock::system()).unwrap();
        let key = Secret::from("a legacy key that exists");
        assert_eq!(made.digest(&key), again.digest(&key));
        assert_eq!(
            fs::read_dir(directory.path().join("data")).unwrap().count(),
            1
        );
    }

    #[test]
    fn a_database_without_its_pepper_gets_no_new_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pepper");
        let database = directory.path().join("dragoman.db");
        fs::write(&database, "").unwrap();
        let lost = read_or_make(&file, &database, &clock());
        assert!(matches!(lost, Err(PepperError::Lost { .. })));
        assert!(!file.exists());
    }

    #[test]
    fn a_file_that_holds_something_else_is_no_pepper() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pepper");
        for text in ["", "00", &"g".repeat(64), &"0".repeat(65)] {
            fs::write(&file, text).unwrap();
            let read = read(&file, &directory.path().join("dragoman.db"));
            assert!(matches!(read, Err(PepperError::Malformed { .. })), "{text}");
        }
    }

    #[test]
    fn decoding_undoes_encoding() {
        let bytes = clock().random::<BYTES>();
        assert_eq!(decode(&encode(&bytes)).as_deref(), Some(&bytes));
    }
}
