//! The store, for subcommands that use it for a moment.

use super::failure::Failure;
use crate::auth::api_key::Pepper;
use crate::clock::Clock;
use crate::config::{Config, pepper};
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError};

/// The pepper and the store of a configuration, both made where they are not there yet: the pepper
/// first, since a database without one is taken for an accident. Blocks.
pub(super) fn open(config: &Config, clock: &Clock) -> Result<(Pepper, SqliteStore), Failure> {
    if !config.has_store {
        return Err(Failure::Usage(format!(
            "{}: store.url: there is no store, since every command goes to an upstream and every key is \
             in the configuration: to have one, name it, e.g. \"sqlite:data/dragoman.db\"",
            config.file
        )));
    }
    let database = &config.store.database;
    let pepper = pepper::read_or_make(&config.auth.pepper_file, database, clock)
        .map_err(|error| Failure::failed("auth.pepper_file", error))?;
    let store = SqliteStore::open(database, &config.store.parameters, pepper.seal())
        .map_err(|error| Failure::failed(&database.display().to_string(), error))?;
    Ok((pepper, store))
}

/// Opens the store of a configuration, does one thing with it and closes it again.
pub(super) fn with<T>(
    config: &Config,
    clock: &Clock,
    work: impl AsyncFnOnce(&Pepper, &SqliteStore) -> Result<T, StoreError>,
) -> Result<T, Failure> {
    let (pepper, store) = open(config, clock)?;
    finish(&store, async |store| {
        work(&pepper, store).await.map_err(failed)
    })
}

/// To look is no reason to make a store.
pub(super) fn refuse_no_file(config: &Config) -> Result<(), Failure> {
    if matches!(config.store.database.try_exists(), Ok(false)) {
        let database = config.store.database.display();
        return Err(Failure::Failed(format!("there is no store at {database}")));
    }
    Ok(())
}

/// Does one last thing with a store and closes it.
pub(super) fn finish<T>(
    store: &SqliteStore,
    work: impl AsyncFnOnce(&SqliteStore) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot start the runtime", error))?;
    runtime.block_on(async {
        let done = work(store).await;
        let closed = store.close().await;
        done.and_then(|done| closed.map(|()| done).map_err(failed))
    })
}

fn failed(error: StoreError) -> Failure {
    Failure::failed("the store failed", error)
}
