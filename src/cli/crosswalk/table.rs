//! How `crosswalk list` shows lines.

use crate::cli::failure::Failure;
use crate::cli::table::aligned;
use crate::control::wire::{Line, Pair};

const HEAD: [&str; 6] = ["UPSTREAM", "KIND", "CALLED", "BY", "THERE", "UNTIL"];

/// One object a line.
pub(super) fn json(lines: &[Line]) -> Result<String, Failure> {
    let lines = lines.iter().map(|line| {
        let text = serde_json::to_string(line).map(|line| format!("{line}\n"));
        text.map_err(|error| Failure::failed("cannot write a line as JSON", error))
    });
    lines.collect()
}

/// A table, columns aligned.
pub(super) fn text(lines: &[Line]) -> String {
    let mut table = vec![HEAD.map(str::to_owned)];
    table.extend(lines.iter().map(cells));
    aligned(&table, &mut [0; HEAD.len()])
}

fn cells(line: &Line) -> [String; HEAD.len()] {
    let absent = || "-".to_owned();
    match line {
        Line::Imported(Pair {
            upstream,
            dialect,
            id,
            upstream_id,
        }) => [
            upstream.clone(),
            "imported".to_owned(),
            id.to_string(),
            format!("callers of {dialect}"),
            upstream_id.to_string(),
            absent(),
        ],
        Line::Remembered {
            upstream,
            account,
            by,
            name,
            upstream_id,
            until,
        } => [
            upstream.clone(),
            "remembered".to_owned(),
            name.clone(),
            match account {
                Some(account) => format!("{by} in account {account}"),
                None => by.clone(),
            },
            upstream_id.to_string(),
            until.clone().unwrap_or_else(absent),
        ],
    }
}
