//! `dragoman keys`: API keys of the store.

use std::io::Read;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::{Span, SpanRelativeTo};
use zeroize::Zeroizing;

use super::arguments::{KeyArguments, KeysCommand};
use super::failure::Failure;
use super::key_table;
use super::load;
use super::{remark, say, store};
use crate::auth::api_key;
use crate::auth::keys::{Key, KeyRecord};
use crate::auth::scope::Scopes;
use crate::clock::{Clock, Timestamp};
use crate::command::Action;
use crate::config::secret_file::without_newline;
use crate::config::{Config, check_foreign};
use crate::journal::Entry;
use crate::secret::Secret;
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
            insert(&config, &clock, key, &secret)?;
            say(&format!("{}\n", secret.reveal()))?;
            remark(&format!(
                "Key {name} is made. It is shown this once only; a running gateway takes it within a second."
            ));
            Ok(())
        }
        KeysCommand::Import { key } => {
            let secret = read_key()?;
            let name = key.name.clone();
            insert(&config, &clock, key, &secret)?;
            remark(&format!(
                "Key {name} is registered. A running gateway takes it within a second."
            ));
            Ok(())
        }
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

/// When a new key stops working.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expiry {
    In(jiff::SignedDuration),
    At(Timestamp),
}

impl FromStr for Expiry {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::At(Timestamp::from_millis(time.as_millisecond())));
        }
        let span = text.parse::<Span>().ok();
        span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok())
            .filter(jiff::SignedDuration::is_positive)
            .map(Self::In)
            .ok_or("a duration such as 90d or 12h, or a time such as 2030-01-31T00:00:00Z")
    }
}

impl Expiry {
    fn after(self, now: Timestamp) -> Result<Timestamp, Failure> {
        let end = match self {
            Self::In(duration) => {
                let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
                Timestamp::from_millis(now.as_millis().saturating_add(millis))
            }
            Self::At(end) => end,
        };
        if end > now {
            return Ok(end);
        }
        Err(Failure::Usage(
            "--expires is in the past: name a later time".to_owned(),
        ))
    }
}

fn insert(
    config: &Config,
    clock: &Clock,
    arguments: KeyArguments,
    secret: &Secret,
) -> Result<(), Failure> {
    let name = arguments.name;
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
    let entry = entry(config, now);
    let inserted = store::with(config, clock, async |pepper, store| {
        let record = KeyRecord {
            hint: hint(secret),
            key: Key {
                name: name.clone(),
                digest: pepper.digest(secret),
                scopes,
                accounts: arguments.accounts,
                expires_at,
            },
            created_at: now,
            revoked_at: None,
        };
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
    if config.keys.iter().any(|key| key.name == name) {
        return Err(Failure::Failed(format!(
            "keys.{name} is in {}: remove it there and start again",
            config.file
        )));
    }
    let unknown = format!("no live key is called {name}: `dragoman keys list` shows them");
    if matches!(config.store.database.try_exists(), Ok(false)) {
        return Err(Failure::Failed(unknown));
    }
    let now = clock.now();
    let entry = entry(config, now);
    let revoked = store::with(config, clock, async |_, store| {
        store.revoke_key(name.to_owned(), now, entry).await
    })?;
    if revoked {
        remark(&format!("Key {name} is revoked."));
        return Ok(());
    }
    Err(Failure::Failed(unknown))
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

/// Who did it, when. The store names the action itself.
fn entry(config: &Config, now: Timestamp) -> Entry {
    Entry {
        at: now,
        principal: "command line".to_owned(),
        action: Action::Native,
        account: config.store.account,
        source: None,
        request_id: String::new(),
        not_done: None,
    }
}
