//! A copy of a store, to try something out on.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::connect::BUSY_TIMEOUT;
use super::open::OpenError;

/// Writes what the store in `from` holds at one moment to the new file `to`. Whoever has the store
/// open is not held up, and the copy has the schema that it finds. Blocks.
pub fn copy(from: &Path, to: &Path) -> Result<(), OpenError> {
    let failed = |path: &Path, kind: std::io::ErrorKind| OpenError::File {
        path: path.to_owned(),
        source: kind.into(),
    };
    let name = to
        .to_str()
        .ok_or_else(|| failed(to, std::io::ErrorKind::InvalidFilename))?;
    let from = std::path::absolute(from).map_err(|source| OpenError::File {
        path: from.to_owned(),
        source,
    })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(from, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute("VACUUM INTO ?1", [name])?;
    Ok(())
}
