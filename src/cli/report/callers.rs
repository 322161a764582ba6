//! Who calls what, and what would break.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

use super::noted::Noted;
use crate::cli::failure::Failure;
use crate::cli::table::printable;

/// Calls by caller.
#[derive(Debug, Default)]
pub(super) struct Callers {
    calls: BTreeMap<Who, Tally>,
    not_looked_at: u64,
    other_lines: u64,
}

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Who {
    caller: Option<String>,
    key_end: Option<String>,
    source: Option<String>,
    user_agent: Option<String>,
    route: String,
    dialect: String,
}

#[derive(Debug, Default)]
struct Tally {
    calls: u64,
    broken: u64,
    first: Option<String>,
    last: Option<String>,
    operations: BTreeMap<String, u64>,
    fields: BTreeMap<String, u64>,
    kept: BTreeMap<String, u64>,
    refused: BTreeMap<(String, String), u64>,
    lost: BTreeMap<(String, String), u64>,
}

/// Everything that is said.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    calls: u64,
    broken: u64,
    not_looked_at: u64,
    other_lines: u64,
    callers: Vec<CallerReport>,
}

#[derive(Debug, Serialize)]
struct CallerReport {
    #[serde(flatten)]
    who: Who,
    calls: u64,
    broken: u64,
    first: Option<String>,
    last: Option<String>,
    operations: BTreeMap<String, u64>,
    fields: BTreeMap<String, u64>,
    kept: BTreeMap<String, u64>,
    refused: Vec<Refused>,
    lost: Vec<Lost>,
}

#[derive(Debug, Serialize)]
struct Refused {
    kind: String,
    message: String,
    calls: u64,
}

#[derive(Debug, Serialize)]
struct Lost {
    field: String,
    rule: String,
    calls: u64,
}

impl Callers {
    /// Counts a line.
    pub(super) fn add(&mut self, noted: Noted) {
        match noted {
            Noted::Call(line) => {
                let who = Who {
                    caller: text(&line, "caller"),
                    key_end: text(&line, "key_end"),
                    source: text(&line, "source"),
                    user_agent: text(&line, "user_agent"),
                    route: text(&line, "route").unwrap_or_default(),
                    dialect: text(&line, "dialect").unwrap_or_default(),
                };
                self.calls.entry(who).or_default().add(&line);
            }
            Noted::Lost(lost) => self.not_looked_at += lost,
            Noted::Other => self.other_lines += 1,
        }
    }

    /// All of it; who would meet most trouble first.
    pub(super) fn report(self) -> Report {
        let mut callers: Vec<_> = self
            .calls
            .into_iter()
            .map(|(who, tally)| tally.report(who))
            .collect();
        callers.sort_by_key(|caller| Reverse((caller.broken, caller.calls)));
        Report {
            calls: callers.iter().map(|caller| caller.calls).sum(),
            broken: callers.iter().map(|caller| caller.broken).sum(),
            not_looked_at: self.not_looked_at,
            other_lines: self.other_lines,
            callers,
        }
    }
}

impl Tally {
    fn add(&mut self, line: &Value) {
        self.calls += 1;
        // Times of one form are in the order of their texts.
        let at = text(line, "at").filter(|at| !at.is_empty());
        if let Some(at) = at {
            if self.first.as_ref().is_none_or(|first| at < *first) {
                self.first = Some(at.clone());
            }
            self.last = self.last.take().max(Some(at));
        }
        if let Some(operation) = text(line, "operation") {
            count(&mut self.operations, operation);
        }
        for (key, counts) in [("fields", &mut self.fields), ("kept", &mut self.kept)] {
            for name in items(line, key).filter_map(Value::as_str) {
                count(counts, name.to_owned());
            }
        }
        let refused = line.get("refused").filter(|it| it.is_object());
        if let Some(refused) = refused {
            let kind = text(refused, "kind").unwrap_or_default();
            for message in items(refused, "messages").filter_map(Value::as_str) {
                count(&mut self.refused, (kind.clone(), message.to_owned()));
            }
        }
        let mut is_lossy = false;
        for lost in items(line, "lost") {
            is_lossy = true;
            let word = |key| text(lost, key).unwrap_or_default();
            count(&mut self.lost, (word("field"), word("rule")));
        }
        self.broken += u64::from(refused.is_some() || is_lossy);
    }

    fn report(self, who: Who) -> CallerReport {
        let refused = self.refused.into_iter();
        let refused = refused.map(|((kind, message), calls)| Refused {
            kind,
            message,
            calls,
        });
        let lost = self.lost.into_iter();
        let lost = lost.map(|((field, rule), calls)| Lost { field, rule, calls });
        CallerReport {
            who,
            calls: self.calls,
            broken: self.broken,
            first: self.first,
            last: self.last,
            operations: self.operations,
            fields: self.fields,
            kept: self.kept,
            refused: refused.collect(),
            lost: lost.collect(),
        }
    }
}

fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, name: K) {
    *counts.entry(name).or_default() += 1;
}

fn text(line: &Value, key: &str) -> Option<String> {
    line.get(key)?.as_str().map(str::to_owned)
}

fn items<'a>(line: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    line.get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

impl Report {
    pub(super) fn json(&self) -> Result<String, Failure> {
        let text = serde_json::to_string_pretty(self);
        let text =
            text.map_err(|error| Failure::failed("cannot write the report as JSON", error))?;
        Ok(format!("{text}\n"))
    }

    // Writing to a string cannot fail.
    pub(super) fn text(&self) -> String {
        let Self {
            calls,
            broken,
            not_looked_at,
            other_lines,
            callers,
        } = self;
        let number = |count: u64, noun: &str| {
            let plural = if count == 1 { "" } else { "s" };
            format!("{count} {noun}{plural}")
        };
        let callers_in_all = u64::try_from(callers.len()).unwrap_or(u64::MAX);
        let mut text = format!(
            "{} of {}; {broken} of them would be refused or lose something\n",
            number(*calls, "call"),
            number(callers_in_all, "caller")
        );
        if *not_looked_at > 0 {
            let more = number(*not_looked_at, "request");
            let _ = writeln!(text, "not looked at: {more} more");
        }
        if *other_lines > 0 {
            let _ = writeln!(text, "passed over: {}", number(*other_lines, "other line"));
        }
        for caller in callers {
            text.push('\n');
            caller.write(&mut text);
        }
        text
    }
}

impl CallerReport {
    fn write(&self, text: &mut String) {
        let who = self.who.caller.as_deref().unwrap_or("not known");
        let _ = write!(text, "{}", printable(who));
        if let Some(end) = &self.who.key_end {
            let _ = write!(text, " (…{})", printable(end));
        }
        let (dialect, route) = (printable(&self.who.dialect), printable(&self.who.route));
        let _ = writeln!(text, ", {dialect} on {route}");
        let from = [&self.who.source, &self.who.user_agent];
        let from: Vec<_> = from.into_iter().flatten().map(|it| printable(it)).collect();
        let [first, last] = [&self.first, &self.last].map(|at| at.as_deref().unwrap_or("-"));
        let calls = format!(
            "{}, from {} to {}",
            self.calls,
            printable(first),
            printable(last)
        );
        for (name, value) in [
            ("from", from.join(", ")),
            ("calls", calls),
            ("asks for", counted(&self.operations)),
            ("names", counted(&self.fields)),
            ("kept here", counted(&self.kept)),
        ] {
            if !value.is_empty() {
                let _ = writeln!(text, "  {name:<12}{value}");
            }
        }
        for it in &self.refused {
            let (kind, message) = (printable(&it.kind), printable(&it.message));
            let _ = writeln!(
                text,
                "  {:<12}{}: {kind}: {message}",
                "refused",
                times(it.calls)
            );
        }
        for it in &self.lost {
            let (field, rule) = (printable(&it.field), printable(&it.rule));
            let _ = writeln!(
                text,
                "  {:<12}{}: {field} ({rule})",
                "lost",
                times(it.calls)
            );
        }
    }
}

fn counted(counts: &BTreeMap<String, u64>) -> String {
    let counts = counts.iter();
    let counts: Vec<_> = counts
        .map(|(name, count)| format!("{} {count}", printable(name)))
        .collect();
    counts.join(", ")
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}
