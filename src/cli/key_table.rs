//! How `keys list` shows keys.

use serde::Serialize;

use super::failure::Failure;
use crate::auth::keys::KeyRecord;
use crate::auth::scope::Scopes;
use crate::clock::Timestamp;
use crate::command::AccountId;
use crate::config::Config;

/// A key, by what may be shown of it.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    hint: Option<String>,
    scopes: Vec<String>,
    accounts: Vec<i64>,
    created_at: Option<String>,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    state: State,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Live,
    Expired,
    Revoked,
    /// Live, and in the configuration.
    Static,
}

/// A JSON array with one object a key.
pub(super) fn json(keys: &[KeyRecord], config: &Config, now: Timestamp) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(&rows(keys, config, now));
    let text = text.map_err(|error| Failure::failed("cannot write the keys as JSON", error))?;
    Ok(format!("{text}\n"))
}

/// A table with one line a key, columns aligned.
pub(super) fn text(keys: &[KeyRecord], config: &Config, now: Timestamp) -> String {
    let head = ["NAME", "HINT", "SCOPES", "ACCOUNTS", "CREATED", "STATE"].map(str::to_owned);
    let rows = rows(keys, config, now).into_iter().map(cells);
    let table: Vec<_> = std::iter::once(head).chain(rows).collect();
    let mut widths = [0; 6];
    for line in &table {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for line in &table {
        let padded: Vec<_> = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn cells(row: Row) -> [String; 6] {
    let absent = || "-".to_owned();
    let accounts = match row.accounts.as_slice() {
        [] => "any".to_owned(),
        accounts => accounts
            .iter()
            .map(i64::to_string)
            .collect::<Vec<_>>()
            .join(","),
    };
    let state = match (row.state, row.expires_at, row.revoked_at) {
        (State::Live, None, _) => "live".to_owned(),
        (State::Live, Some(end), _) => format!("live until {end}"),
        (State::Expired, end, _) => format!("expired {}", end.unwrap_or_default()),
        (State::Revoked, _, end) => format!("revoked {}", end.unwrap_or_default()),
        (State::Static, _, _) => "static".to_owned(),
    };
    [
        row.name,
        row.hint.map_or_else(absent, |hint| format!("…{hint}")),
        row.scopes.join(","),
        accounts,
        row.created_at.unwrap_or_else(absent),
        state,
    ]
}

fn rows(keys: &[KeyRecord], config: &Config, now: Timestamp) -> Vec<Row> {
    let configured = config.keys.iter().map(|key| Row {
        name: key.name.clone(),
        hint: None,
        scopes: scopes(&key.scopes),
        accounts: accounts(&key.accounts),
        created_at: None,
        expires_at: None,
        revoked_at: None,
        state: State::Static,
    });
    let stored = keys.iter().map(|record| Row {
        name: record.key.name.clone(),
        hint: Some(record.hint.clone()),
        scopes: scopes(&record.key.scopes),
        accounts: accounts(&record.key.accounts),
        created_at: time(record.created_at),
        expires_at: record.key.expires_at.and_then(time),
        revoked_at: record.revoked_at.and_then(time),
        state: state(record, now),
    });
    configured.chain(stored).collect()
}

fn state(record: &KeyRecord, now: Timestamp) -> State {
    if record.revoked_at.is_some() {
        State::Revoked
    } else if record.key.expires_at.is_some_and(|end| end <= now) {
        State::Expired
    } else {
        State::Live
    }
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

/// RFC 3339, in UTC and to the second; nothing for a time that no calendar has.
fn time(time: Timestamp) -> Option<String> {
    let time = jiff::Timestamp::from_second(time.as_seconds()).ok()?;
    Some(time.to_string())
}
