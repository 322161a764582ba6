//! What can be said to `dragoman kept`.

use clap::Subcommand;

pub(in crate::cli) const KEPT: &str = "\
Examples:
  dragoman kept import --users blog

An update of a b2evolution user takes away what is not sent again, and nobody can read it there:
nickname, locale, organizations, birthday, ages, custom fields, preferences and subscriptions. What
callers write of it is kept where the route's rule is `keep`; this brings what was there before.

Exit codes:
  0   done
  1   it failed
  64  the command line or the configuration has faults; nothing was done";

const IMPORT: &str = "\
Examples:
  dragoman users import users.json && dragoman kept import --users blog
  dragoman kept import --users blog --empty nickname,organizations,age

UPSTREAM is a b2evolution of the configuration. Its users are those of the store to whom `dragoman
users import` gave an id.b2evolution, in the upstream's account or else in store.account. A value is
kept where nothing is kept of that field yet, and a running gateway sends it with the next update.
What changed at the upstream since is set back by that: import before callers come.

A value that a user of the store does not have stays unknown, and with identity_unknown = \"reject\"
an update is refused for it. --empty says that there is none: name fields only whose values were in
the imported file. It takes nickname, organizations, birthday and age.

If it is interrupted, run it again.

Exit codes:
  0   done; there may have been nothing new
  1   it failed, or the upstream would not take a value; the others are kept
  64  the command line or the configuration has faults; nothing was done";

/// What is done with kept fields.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeptCommand {
    /// Take what an upstream does not show of its users from users of the store.
    #[command(after_help = IMPORT)]
    Import {
        /// The ids elsewhere of the store's users, for that upstream.
        #[arg(long, value_name = "UPSTREAM")]
        users: String,
        /// Fields that are empty there where a user of the store has none; separated by commas.
        #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
        empty: Vec<String>,
    },
}
