//! `[store]`: where users, groups, members and keys are kept.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::fault::Faults;
use super::place::Place;
use super::value::List;
use crate::command::name::Username;
use crate::command::{AccountId, Id};
use crate::store::sqlite::Parameters;

/// The parameters of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The file of the `SQLite` database.
    pub database: PathBuf,
    /// The account of callers whose dialect names none and whose key is bound to none.
    pub account: AccountId,
    /// How the database is run.
    pub parameters: Parameters,
}

/// `[store]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct StoreSection {
    /// `sqlite:` and the path of a file, relative to the configuration file. The file and its
    /// directory are made on the first start.
    url: String,
    /// The account of Grupo and b2evolution callers whose key is bound to none.
    account: i64,
    /// A user or group of one of these names is refused like a taken one. Replaces the list.
    reserved_names: List<String>,
    /// Connections that read beside the one that writes: 1 to 64.
    readers: usize,
    /// How many users that were read are kept in memory, about 1 KiB each: up to 1,000,000; 0 turns
    /// it off. What another process writes is read a quarter of a second later.
    cached_users: usize,
}

/// What RFC 2142 reserves for mail, and what is mistaken for the site's own voice. `admin` is not
/// among them: most sites that move have a user of that name.
const RESERVED_NAMES: [&str; 14] = [
    "abuse",
    "anonymous",
    "api",
    "group",
    "hostmaster",
    "mailer-daemon",
    "no-reply",
    "noreply",
    "postmaster",
    "root",
    "security",
    "support",
    "system",
    "webmaster",
];

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            url: "sqlite:data/dragoman.db".to_owned(),
            account: 1,
            reserved_names: List(RESERVED_NAMES.map(str::to_owned).into()),
            readers: 4,
            cached_users: 10_000,
        }
    }
}

impl StoreSection {
    /// Parses the parts; paths are relative to `directory`.
    pub(super) fn build(
        self,
        directory: &Path,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Option<Store> {
        let database = database(&self.url)
            .map(Path::to_owned)
            .map_err(|message| faults.push(place.fault("url", message)))
            .ok();
        let account = Id::new(self.account).map(AccountId::new);
        if account.is_none() {
            let message = format!("{} is no account: use 1 or more", self.account);
            faults.push(place.fault("account", message));
        }
        for name in &self.reserved_names.0 {
            if Username::parse(name.as_str()).is_none() {
                let message = format!("{name:?} is no username: it {}", Username::MUST);
                faults.push(place.fault("reserved_names", message));
            }
        }
        if !(1..=64).contains(&self.readers) {
            let message = format!("{} is out of range: 1 to 64", self.readers);
            faults.push(place.fault("readers", message));
        }
        if self.cached_users > 1_000_000 {
            let message = format!("{} is out of range: 0 to 1000000", self.cached_users);
            faults.push(place.fault("cached_users", message));
        }
        // Who types a path means it from where they are.
        let directory = if place.is_flag("url") {
            Path::new("")
        } else {
            directory
        };
        Some(Store {
            database: directory.join(database?),
            account: account?,
            parameters: Parameters {
                readers: self.readers,
                cached_users: self.cached_users,
                reserved_names: self.reserved_names.0,
                ..Parameters::default()
            },
        })
    }
}

fn database(url: &str) -> Result<&Path, String> {
    match url.split_once(':') {
        Some(("sqlite", path)) if path.starts_with("//") && !path.starts_with("///") => Err(
            format!("{url:?} has a host: write \"sqlite:PATH\", e.g. \"sqlite:data/dragoman.db\""),
        ),
        Some(("sqlite", "" | ":memory:")) => Err(format!(
            "{url:?} names no file: write e.g. \"sqlite:data/dragoman.db\""
        )),
        Some(("sqlite", path)) if path.contains(['?', '#', '\0']) => Err(format!(
            "{url:?} has options: only the path of a file is read, e.g. \"sqlite:data/dragoman.db\""
        )),
        Some(("sqlite", path)) => Ok(Path::new(path)),
        _ => Err(format!(
            "{url:?} is no store: write \"sqlite:PATH\", e.g. \"sqlite:data/dragoman.db\""
        )),
    }
}
