//! `dragoman keys`: API keys of the store.

use std::io::Read;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::arguments::{KeyArguments, KeysCommand};
use super::failure::Failure;
use super::{key_rotate, key_table, load, remark, say, store};
use crate::auth::api_key;
use crate::auth::keys::{Key, KeyRecord};
use crate::auth::scope::Scopes;
use crate::clock::{Clock, Timestamp};
use crate::config::{Config, check_foreign, unknown_route};
use crate::journal::{Act, Entry};
use crate::secret::Secret;
use crate::secret::file::without_newline;
use crate::store::KeyStore;

/// Does what was asked, on the configured store.
pub(super) fn run(
    config: Option<PathBuf>,
    store: Option<&str>,
    command: KeysCommand,
) -> Result<(), Failure> {
    let config = load::with_store(config, store)?;
    let clock = Clock::system();
    match command {
        KeysCommand::Create { key } => {
            let secret = api_key::generate(&clock);
            let name = key.name.clone();
            insert(&config, &clock, key, &secret, Act::CreateKey)?;
            say(&format!("{}\n", secret.reveal()))?;
            remark(&format!(
                "Key {name} is made. It is shown this once only; a running gateway takes it within a second."
            ));
            Ok(())
        }
        KeysCommand::Import { key } => {
            let secret = read_key()?;
            let name = key.name.clone();
            insert(&config, &clock, key, &secret, Act::ImportKey)?;
            remark(&format!(
                "Key {name} is registered. A running gateway takes it within a second."
            ));
            Ok(())
        }
        KeysCommand::Rotate { key } => key_rotate::run(&config, &clock, key),
        KeysCommand::List { json } => {
            let keys = list(&config, &clock)?;
            say(&if json {
                key_table::json(&keys, &config, clock.now())?
            } else {
                key_table::text(&keys, &config, clock.now())
            })
        }
        KeysCommand::Revoke { name } => revoke(&config, &clock, &name),
    }
}

fn insert(
    config: &Config,
    clock: &Clock,
    arguments: KeyArguments,
    secret: &Secret,
    act: Act,
) -> Result<(), Failure> {
    let name = arguments.name;
    refuse_unknown_routes(config, &arguments.routes)?;
    let now = clock.now();
    let expires_at = arguments
        .expires
        .map(|expiry| expiry.after(now))
        .transpose()?;
    if config.keys.iter().any(|key| key.name == name) {
        return Err(Failure::Failed(format!(
            "the name {name} is taken by keys.{name} of {}: choose another",
            config.file
        )));
    }
    let scopes = match arguments.scopes {
        scopes if scopes.is_empty() => Scopes::default(),
        scopes => Scopes::new(scopes),
    };
    let entry = entry(config, now, act);
    let inserted = store::with(config, clock, async |pepper, store| {
        let key = Key {
            name: name.clone(),
            digest: pepper.digest(secret),
            scopes,
            accounts: arguments.accounts,
            routes: arguments.routes,
            expires_at,
        };
        let record = KeyRecord::new(key, hint(secret), now);
        if store.insert_key(record, entry).await? {
            return Ok(Inserted::Yes);
        }
        let keys = store.list_keys().await?;
        let holds_name = |known: &KeyRecord| known.key.name == name && known.revoked_at.is_none();
        Ok(if keys.iter().any(holds_name) {
            Inserted::NameTaken
        } else {
            Inserted::KeyTaken
        })
    })?;
    match inserted {
        Inserted::Yes => Ok(()),
        Inserted::NameTaken => Err(Failure::Failed(format!(
            "the name {name} is taken: choose another, or revoke that key first"
        ))),
        Inserted::KeyTaken => Err(Failure::Failed(
            "this key is registered already, live or revoked: `dragoman keys list` shows it by its last characters"
                .to_owned(),
        )),
    }
}

enum Inserted {
    Yes,
    NameTaken,
    KeyTaken,
}

fn list(config: &Config, clock: &Clock) -> Result<Vec<KeyRecord>, Failure> {
    // To look is no reason to make a store.
    if matches!(config.store.database.try_exists(), Ok(false)) {
        return Ok(Vec::new());
    }
    store::with(config, clock, async |_, store| store.list_keys().await)
}

fn revoke(config: &Config, clock: &Clock, name: &str) -> Result<(), Failure> {
    refuse_static(config, name)?;
    if matches!(config.store.database.try_exists(), Ok(false)) {
        return Err(unknown_name(name));
    }
    let now = clock.now();
    let entry = entry(config, now, Act::RevokeKey);
    let revoked = store::with(config, clock, async |_, store| {
        store.revoke_key(name.to_owned(), now, entry).await
    })?;
    if revoked {
        remark(&format!("Key {name} is revoked."));
        return Ok(());
    }
    Err(unknown_name(name))
}

/// Refuses a key of the configuration: nothing in the store can change it.
pub(super) fn refuse_static(config: &Config, name: &str) -> Result<(), Failure> {
    if config.keys.iter().any(|key| key.name == name) {
        return Err(Failure::Failed(format!(
            "keys.{name} is in {}: change it there and start again",
            config.file
        )));
    }
    Ok(())
}

pub(super) fn unknown_name(name: &str) -> Failure {
    Failure::Failed(format!(
        "no live key is called {name}: `dragoman keys list` shows them"
    ))
}

fn refuse_unknown_routes(config: &Config, routes: &[String]) -> Result<(), Failure> {
    let known: Vec<_> = config
        .routes
        .iter()
        .map(|route| route.name.as_str())
        .collect();
    match routes.iter().find_map(|name| unknown_route(name, &known)) {
        Some(message) => Err(Failure::Usage(format!("--route: {message}"))),
        None => Ok(()),
    }
}

fn read_key() -> Result<Secret, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = std::io::stdin()
        .lock()
        .take(64 * 1024)
        .read_to_string(&mut text);
    read.map_err(|error| Failure::failed("cannot read the key from standard input", error))?;
    let secret = Secret::from(without_newline(&text));
    check_foreign(secret).map_err(|message| Failure::Usage(format!("the key {message}")))
}

/// The last four characters, to tell keys apart by eye.
pub(super) fn hint(secret: &Secret) -> String {
    let text = secret.reveal();
    let skipped = text.chars().count().saturating_sub(4);
    text.chars().skip(skipped).collect()
}

/// What was done from here, and when.
pub(super) fn entry(config: &Config, now: Timestamp, act: Act) -> Entry {
    Entry {
        at: now,
        principal: "command line".to_owned(),
        action: act,
        account: config.store.account,
        source: None,
        route: None,
        request_id: String::new(),
        not_done: None,
        event: None,
        tries: None,
        once: None,
    }
}
