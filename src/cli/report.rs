//! `dragoman report`: what a gateway has noted, summed up.

mod callers;
mod noted;

use std::path::{Path, PathBuf};

use clap::Subcommand;

use self::callers::Callers;
use super::failure::Failure;
use super::say;

pub(super) const REPORT: &str = "\
Examples:
  dragoman report callers observed.jsonl
  dragoman report callers observed.jsonl* --json

Exit codes:
  0   done
  1   a file cannot be read
  64  the command line has faults";

const CALLERS: &str = "\
Examples:
  dragoman report callers observed.jsonl
  journalctl -u dragoman -o cat | dragoman report callers -
  dragoman report callers observed.jsonl* --json | jq '.callers[] | select(.broken > 0)'

One entry for each key, source, user agent and route: what is asked and how often, which fields are
named, when it began and was last, and what would be refused or lost if the route were translated. Who
would meet trouble comes first. Files are those of observe.file, older ones too, or logs in JSON; lines
of other kinds are passed over.

Callers: key:NAME is a key that the gateway knows, unknown: and eight digits one that it does not, login:
and eight digits a login whose password is not checked, upstream: and eight digits whoever the upstream
takes it for. The digits are a fingerprint under the pepper; without a store it is another after a
restart.

Keys of --json: calls, broken, not_looked_at, other_lines, callers [{caller, key_end, source, user_agent,
route, dialect, calls, broken, first, last, operations {name: calls}, fields, kept,
refused [{kind, message, calls}], lost [{field, rule, calls}]}].

Exit codes:
  0   done; there may be no calls
  1   a file cannot be read
  64  the command line has faults";

/// What is summed up.
#[derive(Debug, Subcommand)]
pub(super) enum ReportCommand {
    /// Who calls what, and what would break: from what was noted of observed routes.
    #[command(after_help = CALLERS)]
    Callers {
        /// Files of `observe.file`, or logs in JSON; `-` is standard input.
        #[arg(required = true, value_name = "FILE|-")]
        files: Vec<PathBuf>,
        /// As a JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// Sums up.
pub(super) fn run(command: &ReportCommand) -> Result<(), Failure> {
    let ReportCommand::Callers { files, json } = command;
    let mut callers = Callers::default();
    for file in files {
        noted::read(file, |noted| callers.add(noted)).map_err(|error| unread(file, error))?;
    }
    let report = callers.report();
    say(&if *json { report.json()? } else { report.text() })
}

fn unread(file: &Path, error: std::io::Error) -> Failure {
    Failure::failed(&format!("cannot read {}", file.display()), error)
}
