//! What can be said to `dragoman crosswalk`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::command::Dialect;
use crate::control::wire::Forget;

pub(in crate::cli) const CROSSWALK: &str = "\
Examples:
  dragoman crosswalk list
  dragoman crosswalk import pairs.csv
  dragoman crosswalk forget blog --name ada

Where there is a store it is there. Where there is none a running gateway is asked by its control
socket (admin.control), and forgets everything when it ends.

Exit codes:
  0   done
  1   it failed
  64  the command line or the configuration has faults; nothing was done";

const LIST: &str = "\
Examples:
  dragoman crosswalk list
  dragoman crosswalk list --json | jq 'select(.kind == \"imported\")'

Kinds: imported, a pair of a number that callers have and the upstream's own; remembered, what a
look-up by name answered, until the time shown. With --json one object a line.

Exit codes:
  0   done; there may be none
  1   it failed
  64  the command line or the configuration has faults";

const IMPORT: &str = "\
Examples:
  dragoman crosswalk import pairs.csv
  mysql blog -e \"…\" | dragoman crosswalk import -
  dragoman crosswalk import --users blog

The first line names the columns:
  upstream,dialect,id,upstream_id
  blog,vision6,4217,12
So a user that Vision6 callers call 4217 is user 12 of the upstream blog, whose own_ids must name vision6.
With --users the pairs are those of the store's users, whose ids elsewhere `dragoman users import` kept:
id.vision6 beside id.b2evolution, where the upstream is one.
All pairs are imported or none. Import all of them before callers come: a user without a pair has its
upstream's number, or where that is somebody's own number the one that the pair leaves free.

Exit codes:
  0   done; pairs that were there already are none that is new
  1   it failed, and nothing was imported
  64  the command line or the configuration has faults; nothing was done";

const FORGET: &str = "\
Examples:
  dragoman crosswalk forget blog --name ada
  dragoman crosswalk forget blog --remembered
  dragoman crosswalk forget blog --dialect vision6 --id 4217
  dragoman crosswalk forget blog --all

What was remembered is looked up again when it is needed. A pair that is forgotten gives its numbers to
others: import the right one at once.

Exit codes:
  0   done
  1   it failed, or nothing of that is known
  64  the command line or the configuration has faults; nothing was done";

/// What is done with the crosswalk.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CrosswalkCommand {
    /// Show who is who.
    #[command(after_help = LIST)]
    List {
        /// As JSON, one object a line.
        #[arg(long)]
        json: bool,
    },
    /// Take pairs of numbers: those that callers have, and the upstream's.
    #[command(after_help = IMPORT)]
    Import {
        /// A CSV file; `-` is standard input.
        #[arg(
            value_name = "FILE.csv|-",
            required_unless_present = "users",
            conflicts_with = "users"
        )]
        file: Option<PathBuf>,
        /// The ids elsewhere of the store's users, for that upstream.
        #[arg(long, value_name = "UPSTREAM")]
        users: Option<String>,
    },
    /// Forget one line, or all of an upstream.
    #[command(after_help = FORGET)]
    Forget {
        #[command(flatten)]
        what: ForgetArguments,
    },
}

/// What is forgotten.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["name", "id", "remembered", "all"]))]
pub(in crate::cli) struct ForgetArguments {
    /// The upstream, by its name in the configuration.
    pub(super) upstream: String,
    /// What look-ups by that username or e-mail address answered.
    #[arg(long)]
    name: Option<String>,
    /// The pair of that own number, with --dialect.
    #[arg(long, value_name = "NUMBER", requires = "dialect")]
    id: Option<i64>,
    /// Whose own number it is: grupo, vision6 or b2evolution.
    #[arg(long, value_parser = dialect, requires = "id")]
    dialect: Option<Dialect>,
    /// All that look-ups answered.
    #[arg(long)]
    remembered: bool,
    /// Everything, pairs too.
    #[arg(long)]
    all: bool,
}

impl From<ForgetArguments> for Forget {
    fn from(arguments: ForgetArguments) -> Self {
        Self {
            upstream: arguments.upstream,
            all: arguments.all,
            remembered: arguments.remembered,
            name: arguments.name,
            dialect: arguments.dialect.map(|dialect| dialect.name().to_owned()),
            id: arguments.id,
        }
    }
}

fn dialect(text: &str) -> Result<Dialect, &'static str> {
    Dialect::from_name(text).ok_or("grupo, vision6 or b2evolution")
}
