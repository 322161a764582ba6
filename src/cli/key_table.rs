//! How `keys list` shows keys.

use serde::Serialize;

use super::failure::Failure;
use super::key_times::shown;
use super::table::aligned;
use crate::auth::keys::KeyRecord;
use crate::auth::scope::Scopes;
use crate::clock::Timestamp;
use crate::command::AccountId;
use crate::config::Config;

const DAY: i64 = 24 * 60 * 60 * 1000;
/// A key that was made longer ago is due for rotation.
const OLD: i64 = 365 * DAY;
/// A key that was not used for so long may be one that nobody needs.
const UNUSED: i64 = 90 * DAY;
/// A key that expires sooner needs somebody to look at it.
const EXPIRING: i64 = 14 * DAY;

const HEAD: [&str; 10] = [
    "NAME", "HINT", "STATE", "NOTES", "CREATED", "USED", "EXPIRES", "ACCOUNTS", "ROUTES", "SCOPES",
];

/// A key, by what may be shown of it.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    hint: Option<String>,
    scopes: Vec<String>,
    accounts: Vec<i64>,
    routes: Vec<String>,
    created_at: Option<String>,
    last_used_at: Option<String>,
    expires_at: Option<String>,
    replaced_at: Option<String>,
    revoked_at: Option<String>,
    state: State,
    notes: Vec<Note>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Live,
    /// Live, beside the secret that took its place.
    Replaced,
    Expired,
    Revoked,
    /// Live, and in the configuration.
    Static,
}

/// Why somebody should look at a live key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Note {
    Old,
    Unused,
    Expiring,
}

impl Note {
    const fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::Unused => "unused",
            Self::Expiring => "expiring",
        }
    }
}

/// A JSON array with one object a key.
pub(super) fn json(keys: &[KeyRecord], config: &Config, now: Timestamp) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(&rows(keys, config, now));
    let text = text.map_err(|error| Failure::failed("cannot write the keys as JSON", error))?;
    Ok(format!("{text}\n"))
}

/// A table with one line a key, columns aligned.
pub(super) fn text(keys: &[KeyRecord], config: &Config, now: Timestamp) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows(keys, config, now).into_iter().map(cells));
    aligned(&lines, &mut [0; HEAD.len()])
}

fn cells(row: Row) -> [String; HEAD.len()] {
    let absent = || "-".to_owned();
    let any = |list: &[String]| match list {
        [] => "any".to_owned(),
        list => list.join(","),
    };
    let state = match (row.state, row.revoked_at) {
        (State::Live, _) => "live".to_owned(),
        (State::Replaced, _) => "replaced".to_owned(),
        (State::Expired, _) => "expired".to_owned(),
        (State::Revoked, None) => "revoked".to_owned(),
        (State::Revoked, Some(at)) => format!("revoked {at}"),
        (State::Static, _) => "static".to_owned(),
    };
    let notes = match row.notes.as_slice() {
        [] => absent(),
        notes => notes
            .iter()
            .map(|note| note.name())
            .collect::<Vec<_>>()
            .join(","),
    };
    let never = || match row.state {
        State::Static => "-".to_owned(),
        State::Live | State::Replaced | State::Expired | State::Revoked => "never".to_owned(),
    };
    [
        row.name,
        row.hint.map_or_else(absent, |hint| format!("…{hint}")),
        state,
        notes,
        row.created_at.unwrap_or_else(absent),
        row.last_used_at.unwrap_or_else(never),
        row.expires_at.unwrap_or_else(absent),
        any(&row.accounts.iter().map(i64::to_string).collect::<Vec<_>>()),
        any(&row.routes),
        row.scopes.join(","),
    ]
}

fn rows(keys: &[KeyRecord], config: &Config, now: Timestamp) -> Vec<Row> {
    let configured = config.keys.iter().map(|key| Row {
        name: key.name.clone(),
        hint: None,
        scopes: scopes(&key.scopes),
        accounts: accounts(&key.accounts),
        routes: key.routes.clone(),
        created_at: None,
        last_used_at: None,
        expires_at: None,
        replaced_at: None,
        revoked_at: None,
        state: State::Static,
        notes: Vec::new(),
    });
    let stored = keys.iter().map(|record| Row {
        name: record.key.name.clone(),
        hint: Some(record.hint.clone()),
        scopes: scopes(&record.key.scopes),
        accounts: accounts(&record.key.accounts),
        routes: record.key.routes.clone(),
        created_at: shown(record.created_at),
        last_used_at: record.last_used_at.and_then(shown),
        expires_at: record.key.expires_at.and_then(shown),
        replaced_at: record.replaced_at.and_then(shown),
        revoked_at: record.revoked_at.and_then(shown),
        state: state(record, now),
        notes: notes(record, now),
    });
    configured.chain(stored).collect()
}

fn state(record: &KeyRecord, now: Timestamp) -> State {
    if record.revoked_at.is_some() {
        State::Revoked
    } else if record.key.expires_at.is_some_and(|end| end <= now) {
        State::Expired
    } else if record.replaced_at.is_some() {
        State::Replaced
    } else {
        State::Live
    }
}

fn notes(record: &KeyRecord, now: Timestamp) -> Vec<Note> {
    if state(record, now) != State::Live {
        return Vec::new();
    }
    let since = |time: Timestamp| now.as_millis().saturating_sub(time.as_millis());
    let left = |end: Timestamp| end.as_millis().saturating_sub(now.as_millis());
    let is_unused = record.last_used_at.is_none_or(|at| since(at) > UNUSED);
    let is_expiring = record
        .key
        .expires_at
        .is_some_and(|end| left(end) <= EXPIRING);
    let notes = [
        (since(record.created_at) > OLD, Note::Old),
        (is_unused, Note::Unused),
        (is_expiring, Note::Expiring),
    ];
    let holding = notes.into_iter().filter(|(holds, _)| *holds);
    holding.map(|(_, note)| note).collect()
}

fn scopes(scopes: &Scopes) -> Vec<String> {
    scopes
        .iter()
        .map(|scope| scope.as_str().to_owned())
        .collect()
}

fn accounts(accounts: &[AccountId]) -> Vec<i64> {
    accounts
        .iter()
        .map(|account| account.id().value())
        .collect()
}

#[cfg(test)]
mod tests;
