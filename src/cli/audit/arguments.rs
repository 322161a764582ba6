//! What can be said to `dragoman audit`.

use std::str::FromStr;

use clap::{Args, Subcommand};
use jiff::{Span, SpanRelativeTo};

use crate::cli::arguments::account;
use crate::cli::failure::Failure;
use crate::clock::Timestamp;
use crate::command::AccountId;
use crate::journal::record::{RecordQuery, Target};
use crate::journal::seal::Link;

pub(in crate::cli) const AUDIT: &str = "\
Examples:
  dragoman audit list --since 24h
  dragoman audit verify

Every write and every denied call of a known caller has a record. Calls of nobody in particular are
counted, by source and minute. No password, key or e-mail address is in any of them.

Exit codes:
  0   done
  1   it failed, or the trail is broken
  64  the command line or the configuration has faults";

const LIST: &str = "\
Examples:
  dragoman audit list --since 7d --principal key:crm
  dragoman audit list --target user:5 --oldest
  dragoman audit list --action user.delete --until 2030-01-31T00:00:00Z --json
  dragoman audit list --oldest --limit 0 --json > trail.jsonl

Outcomes: done, denied, unknown (the caller was told that nobody knows; a record of the same request
follows or precedes it if it was done), unauthenticated (a count), failed (a notification that was
given up). Two equal digests of one target mean that it looked the same.

Exit codes:
  0   done; there may be no such records
  1   it failed
  64  the command line or the configuration has faults";

const VERIFY: &str = "\
Examples:
  dragoman audit verify
  HEAD=$(dragoman audit verify) && logger \"audit head $HEAD\"
  dragoman audit verify --head \"$HEAD\"

The head, the link of the last record, alone goes to standard output. A record that was changed,
removed or put in is found, and the first one is named. An end that was cut off is found too, unless
the database's own count was set back with it: to find that, keep heads elsewhere.

Checking takes the pepper that the trail was written with.

Exit codes:
  0   every record is as it was written
  1   the trail is broken, or it could not be read
  64  the command line or the configuration has faults";

/// What is done with the trail.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuditCommand {
    /// Show records, the newest first.
    #[command(after_help = LIST)]
    List(ListArguments),
    /// Check every record from the first on, and print the head.
    #[command(after_help = VERIFY)]
    Verify {
        /// A head that was printed earlier: it must still be on the way.
        #[arg(long, value_name = "HEAD")]
        head: Option<Link>,
    },
}

/// Which records are shown, and how.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListArguments {
    /// Not before: `7d` ago, or a time such as `2030-01-31T00:00:00Z`.
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,
    /// Before: `7d` ago, or a time such as `2030-01-31T00:00:00Z`.
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
    /// By whom: `key:crm`, `user:5`, `command line`.
    #[arg(long, value_name = "WHO")]
    principal: Option<String>,
    /// To what: `user:5`, `group:2`, `key:1`.
    #[arg(long, value_name = "WHAT")]
    target: Option<Target>,
    /// What was done, e.g. `user.update`, `member.add`, `key.revoke`.
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// In which account.
    #[arg(long, value_name = "NUMBER", value_parser = account)]
    account: Option<AccountId>,
    /// The oldest first.
    #[arg(long)]
    oldest: bool,
    /// How many at most; 0 for all.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    pub(super) limit: u64,
    /// As JSON, one object a line.
    #[arg(long)]
    pub(super) json: bool,
}

impl ListArguments {
    /// What to ask the store for.
    pub(super) fn query(&self, now: Timestamp) -> Result<RecordQuery, Failure> {
        let since = self.since.map(|moment| moment.before(now));
        let until = self.until.map(|moment| moment.before(now));
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            return Err(Failure::Usage(
                "--since is not before --until: nothing is between them".to_owned(),
            ));
        }
        Ok(RecordQuery {
            since,
            until,
            principal: self.principal.clone(),
            target: self.target,
            action: self.action.clone(),
            account: self.account,
            oldest_first: self.oldest,
            ..RecordQuery::all(0)
        })
    }
}

/// A point in time, named from now or by itself.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Ago(jiff::SignedDuration),
    At(Timestamp),
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::At(Timestamp::from_millis(time.as_millisecond())));
        }
        let span = text.parse::<Span>().ok();
        span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok())
            .filter(|duration| !duration.is_negative())
            .map(Self::Ago)
            .ok_or("a duration such as 7d or 12h, or a time such as 2030-01-31T00:00:00Z")
    }
}

impl Moment {
    fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(duration) => {
                let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
                Timestamp::from_millis(now.as_millis().saturating_sub(millis))
            }
            Self::At(time) => time,
        }
    }
}
