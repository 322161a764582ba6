//! How `audit list` shows records.

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::table::{aligned, printable};
use crate::journal::Act;
use crate::journal::record::Record;
use crate::journal::seal::Hex;

const HEAD: [&str; 8] = [
    "ID", "TIME", "WHO", "ACTION", "TARGET", "OUTCOME", "SOURCE", "REQUEST",
];

/// Records as lines, page after page.
#[derive(Debug)]
pub(super) struct Shown {
    json: bool,
    /// Of the columns so far; nothing before the first line.
    widths: Option<[usize; 8]>,
}

impl Shown {
    /// As JSON, one object a line, or as a table.
    pub(super) fn new(json: bool) -> Self {
        Self { json, widths: None }
    }

    /// The lines of some more records; a table begins with its head.
    pub(super) fn lines(&mut self, records: &[Record]) -> Result<String, Failure> {
        if self.json {
            let lines: Result<Vec<_>, _> = records.iter().map(json).collect();
            return lines
                .map(|lines| lines.concat())
                .map_err(|error| Failure::failed("cannot write a record as JSON", error));
        }
        let mut rows = Vec::with_capacity(records.len() + 1);
        if self.widths.is_none() {
            rows.push(HEAD.map(str::to_owned));
        }
        rows.extend(records.iter().map(cells));
        Ok(aligned(&rows, self.widths.get_or_insert_default()))
    }
}

fn cells(record: &Record) -> [String; 8] {
    let shown = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), printable);
    let mut targets: Vec<_> = record.targets().map(|target| target.to_string()).collect();
    let is_mode = record.action.as_deref() == Some(Act::SetMode.name());
    let route = record.route.as_ref().filter(|_| is_mode);
    targets.extend(route.map(|route| format!("route:{route}")));
    let reason = record.reason.as_deref().map(|reason| format!(" {reason}"));
    let attempts = record.attempts.map(|attempts| format!(" x{attempts}"));
    let outcome = format!(
        "{}{}{}",
        record.outcome,
        reason.unwrap_or_default(),
        attempts.unwrap_or_default()
    );
    [
        record.id.to_string(),
        time(record).unwrap_or_else(|| record.at.as_millis().to_string()),
        shown(record.principal.as_deref()),
        shown(record.action.as_deref()),
        shown(
            Some(targets.join(","))
                .as_deref()
                .filter(|targets| !targets.is_empty()),
        ),
        shown(Some(&outcome)),
        shown(record.source.as_deref()),
        shown(record.request_id.as_deref().filter(|id| !id.is_empty())),
    ]
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    id: i64,
    at: Option<String>,
    principal: Option<&'a str>,
    action: Option<&'a str>,
    account: Option<i64>,
    user: Option<i64>,
    group: Option<i64>,
    key: Option<i64>,
    source: Option<&'a str>,
    route: Option<&'a str>,
    request_id: Option<&'a str>,
    outcome: &'a str,
    reason: Option<&'a str>,
    not_done: Option<&'a str>,
    password: Option<&'a str>,
    attempts: Option<i64>,
    before: Option<String>,
    after: Option<String>,
    hash: String,
}

fn json(record: &Record) -> serde_json::Result<String> {
    let hex = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(|bytes| Hex(bytes).to_string());
    let mut line = serde_json::to_string(&Row {
        id: record.id,
        at: time(record),
        principal: record.principal.as_deref(),
        action: record.action.as_deref(),
        account: record.account,
        user: record.user,
        group: record.group,
        key: record.key,
        source: record.source.as_deref(),
        route: record.route.as_deref(),
        request_id: record.request_id.as_deref(),
        outcome: &record.outcome,
        reason: record.reason.as_deref(),
        not_done: record.not_done.as_deref(),
        password: record.password.as_deref(),
        attempts: record.attempts,
        before: hex(&record.before),
        after: hex(&record.after),
        hash: Hex(&record.hash).to_string(),
    })?;
    line.push('\n');
    Ok(line)
}

/// RFC 3339, in UTC and to the millisecond; nothing for a time that no calendar has.
fn time(record: &Record) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(record.at.as_millis()).ok()?;
    Some(format!("{time:.3}"))
}
