//! What can be said to `dragoman notify`.

use clap::{Args, Subcommand};

use crate::journal::event::EventId;

pub(in crate::cli) const NOTIFY: &str = "\
Examples:
  dragoman notify list
  dragoman notify retry --all

What was sent is not listed: it is in the audit trail, as user.notify.

Exit codes:
  0   done
  1   it failed
  64  the command line or the configuration has faults; nothing was done";

const LIST: &str = "\
Examples:
  dragoman notify list
  dragoman notify list --json | jq 'select(.state == \"failed\")'

States: waiting, until the time shown; failed, which is not tried again by itself. With --json one
object a line. No e-mail address is shown.

Exit codes:
  0   done; there may be none
  1   it failed
  64  the command line or the configuration has faults";

const RETRY: &str = "\
Examples:
  dragoman notify retry 019a9f3e-6a2f-7589-89f4-03aad5855896
  dragoman notify retry --all

What failed is tried again as if it had never been, within half a minute if a gateway runs. One whose
receiver answered 410 sends nothing more until it is started again.

Exit codes:
  0   done
  1   it failed, or none that failed has the id
  64  the command line or the configuration has faults; nothing was done";

const FORGET: &str = "\
Examples:
  dragoman notify forget 019a9f3e-6a2f-7589-89f4-03aad5855896
  dragoman notify forget --all

For good: it is not sent, unless just now. The audit trail says so.

Exit codes:
  0   done
  1   it failed, or none has the id
  64  the command line or the configuration has faults; nothing was done";

/// What is done with notifications that were not sent.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum NotifyCommand {
    /// Show what waits and what failed, the oldest first.
    #[command(after_help = LIST)]
    List {
        /// As JSON, one object a line.
        #[arg(long)]
        json: bool,
    },
    /// Have what failed tried again.
    #[command(after_help = RETRY)]
    Retry {
        #[command(flatten)]
        which: Which,
    },
    /// Remove what was not sent.
    #[command(after_help = FORGET)]
    Forget {
        #[command(flatten)]
        which: Which,
    },
}

/// One notification or all of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct Which {
    /// The id of one, as `list` shows it.
    #[arg(value_parser = event_id)]
    pub(super) id: Option<EventId>,
    /// All of them.
    #[arg(long)]
    all: bool,
}

fn event_id(text: &str) -> Result<EventId, &'static str> {
    EventId::parse(text).ok_or("the id of a notification, as `dragoman notify list` shows it")
}
