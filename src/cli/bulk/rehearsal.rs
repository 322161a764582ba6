//! A dry run: the import as it is, on a copy of the store that is thrown away.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use crate::auth::api_key::Pepper;
use crate::cli::failure::Failure;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::sqlite::SqliteStore;
use crate::store::sqlite::backup::backup;

/// A directory beside the database, for the eyes of this user only; removed when dropped.
#[derive(Debug)]
pub(super) struct Rehearsal(PathBuf);

impl Rehearsal {
    /// Copies the configured store, or makes an empty one where there is none.
    pub(super) fn open(config: &Config) -> Result<(Self, SqliteStore), Failure> {
        let database = &config.store.database;
        let name = database.file_name().unwrap_or_default().to_string_lossy();
        let directory = format!("{name}-dry-run-{}", std::process::id());
        let exists = database.try_exists().map_err(failed)?;
        let directory = if exists {
            database.with_file_name(directory)
        } else {
            std::env::temp_dir().join(directory)
        };
        DirBuilder::new()
            .mode(0o700)
            .create(&directory)
            .map_err(failed)?;
        let rehearsal = Self(directory);
        let path = rehearsal.0.join("store.db");
        if exists {
            backup(database, &path, &mut |_, _| {}).map_err(failed)?;
        }
        // Whatever its audit trail is sealed with: nobody checks it.
        let seal = Pepper::new(&Clock::system().random()).seal();
        let store = SqliteStore::open(&path, &config.store.parameters, seal)
            .map_err(|error| Failure::failed("cannot open the copy for a dry run", error))?;
        Ok((rehearsal, store))
    }
}

fn failed(error: impl std::error::Error) -> Failure {
    let doing = "cannot copy the store for a dry run, which takes as much room again beside it";
    Failure::failed(doing, error)
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        // Whoever looks finds the directory by its name.
        drop(fs::remove_dir_all(&self.0));
    }
}
