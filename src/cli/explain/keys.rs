//! What calls are judged by, read without writing anything.

use std::sync::Arc;

use crate::auth::api_key::Pepper;
use crate::auth::keys::{Key, KeyRing};
use crate::cli::failure::Failure;
use crate::clock::Clock;
use crate::config::{Config, pepper};
use crate::observe::{Stored, Terms};
use crate::store::sqlite::glance::live_keys;

/// The keys of the configuration, and those of the store if they can be read; the upstreams.
pub(super) fn terms(config: &Config, clock: Clock) -> Terms {
    let (pepper, live, stored) = match read_store(config) {
        Ok(Some((pepper, live))) => (pepper, live, Stored::Read),
        // What it makes is compared with what it made.
        Ok(None) => (Pepper::new(&clock.random()), Vec::new(), Stored::Absent),
        Err(reason) => {
            let pepper = Pepper::new(&clock.random());
            (pepper, Vec::new(), Stored::Unread(reason))
        }
    };
    let fixed = config.keys.iter().cloned();
    let fixed = fixed.map(|key| key.into_key(&pepper)).collect();
    let ring = KeyRing::new(pepper, fixed);
    ring.replace(live);
    Terms {
        keys: Arc::new(ring),
        stored,
        account: config.store.account,
        upstreams: config.upstreams.clone(),
        clock,
    }
}

/// The pepper and the keys of the store; nothing where there is none.
fn read_store(config: &Config) -> Result<Option<(Pepper, Vec<Key>)>, String> {
    if !config.has_store {
        return Ok(None);
    }
    let database = &config.store.database;
    let unread = |error: Failure| format!("the store's keys cannot be read: {}", error.into_text());
    let pepper = pepper::read(&config.auth.pepper_file, database)
        .map_err(|error| unread(Failure::failed("auth.pepper_file", error)))?;
    let is_there = !matches!(database.try_exists(), Ok(false));
    let Some(pepper) = pepper.filter(|_| is_there) else {
        return Err("there is no store yet".to_owned());
    };
    let live = live_keys(database).map_err(|error| unread(Failure::failed("the store", error)))?;
    Ok(Some((pepper, live)))
}
