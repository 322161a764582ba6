//! A glance at the keys of a store that writes nothing, not even beside it.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::files::{beside, length};
use super::open::OpenError;
use super::{connect, keys};
use crate::auth::keys::Key;
use crate::store::StoreError;

/// Reads the keys that are not revoked. The file is taken as it is: where nobody has it open it is
/// read without the files that `SQLite` would make beside it. Blocks.
pub fn live_keys(database: &Path) -> Result<Vec<Key>, StoreError> {
    let connection = open(database).map_err(|error| StoreError::Unavailable(Box::new(error)))?;
    keys::live(&connection)
}

fn open(database: &Path) -> Result<Connection, OpenError> {
    connect::check_version()?;
    let failed = |source| OpenError::File {
        path: database.to_owned(),
        source,
    };
    let database = std::path::absolute(database).map_err(failed)?;
    std::fs::metadata(&database).map_err(failed)?;
    if length(&beside(&database, "-wal")) > 0 {
        return connect::observer(&database);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(uri(&database), flags)?)
}

/// A URI of the file that says that nobody changes it, with what has a meaning there escaped.
fn uri(database: &Path) -> String {
    let path = database.display().to_string();
    let path = path.replace('%', "%25").replace('?', "%3f");
    format!("file:{}?immutable=1", path.replace('#', "%23"))
}
