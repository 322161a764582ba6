//! A look through a store, without changing it.

use std::path::{Path, PathBuf};

use super::connect;
use super::contents::Contents;
use super::files::{beside, length};
use super::open::OpenError;
use super::schema;

/// What is known of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The database, as an absolute path.
    pub database: PathBuf,
    /// What is in it.
    pub contents: Contents,
    /// The newest schema that this version knows.
    pub known_schema: i64,
    /// How many bytes the log has that is written before the database.
    pub log_bytes: u64,
    /// The version of the linked `SQLite`.
    pub sqlite: &'static str,
}

impl Report {
    /// What is wrong, one sentence each. A schema that is older is brought up to date at the next
    /// start and is no fault.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.contents.damage.clone();
        faults.extend_from_slice(&self.contents.ambiguities);
        match self.contents.schema {
            Some(found) if found > self.known_schema => faults.push(format!(
                "the store has schema {found} and this version knows {}: run a newer version",
                self.known_schema
            )),
            None if faults.is_empty() => {
                faults.push("the file is no store of this program".to_owned());
            }
            Some(_) | None => {}
        }
        faults
    }
}

/// Reads the whole of a store, which others may use meanwhile. Nothing is changed: no schema is
/// brought up to date, and a log that was left over stays. Blocks.
pub fn check(database: &Path) -> Result<Report, OpenError> {
    connect::check_version()?;
    let failed = |source| OpenError::File {
        path: database.to_owned(),
        source,
    };
    // An absolute path cannot be taken for one of SQLite's URIs.
    let database = std::path::absolute(database).map_err(failed)?;
    std::fs::metadata(&database).map_err(failed)?;
    let log_bytes = length(&beside(&database, "-wal"));
    Ok(Report {
        contents: contents(&database)?,
        database,
        known_schema: schema::known(),
        log_bytes,
        sqlite: rusqlite::version(),
    })
}

fn contents(database: &Path) -> Result<Contents, OpenError> {
    match connect::observer(database) {
        Ok(connection) => Ok(Contents::read(&connection)?),
        Err(error @ (OpenError::NoDatabase(_) | OpenError::Damaged(_))) => Ok(Contents {
            damage: vec![error.to_string()],
            ..Contents::default()
        }),
        Err(error) => Err(error),
    }
}
