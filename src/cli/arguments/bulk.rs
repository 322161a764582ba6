//! What can be said of users, groups and members in bulk.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::account;
use crate::command::AccountId;
use crate::command::name::Username;

pub(super) const USERS: &str = "\
Examples:
  dragoman users list
  dragoman users import users.csv --dry-run
  dragoman users export --format json --output users.json

A running gateway may use the same store.";

pub(super) const GROUPS: &str = "\
Examples:
  dragoman groups list
  dragoman groups import groups.csv
  dragoman groups export --output groups.csv";

pub(super) const MEMBERS: &str = "\
Examples:
  dragoman members list
  dragoman members get ada staff
  dragoman members import members.csv";

const LIST: &str = "\
Examples:
  dragoman users list | less
  dragoman users list --json --account 7

Exit codes:
  0   done
  1   it failed
  64  the command line or the configuration has faults";

const GET: &str = "\
Examples:
  dragoman users get 7
  dragoman users get ada@example.com
  dragoman groups get staff
  dragoman members get ada staff

A number is an id. What is found is written as a JSON object, without the hash of a password.

Exit codes:
  0   done
  1   it failed, or there is none
  64  the command line or the configuration has faults";

const EXPORT: &str = "\
Examples:
  dragoman users export > users.csv
  dragoman users export --with-hashes --output users.csv
  dragoman groups export --format json --account 7 --output groups.json

An import of what was exported gives the same again: ids, other ids and attributes too, and
passwords --with-hashes. It is one state of the store, whatever a gateway writes meanwhile.

Exit codes:
  0   done
  1   it failed
  64  the command line or the configuration has faults";

const IMPORT: &str = "\
Examples:
  dragoman users import users.csv --dry-run --report refused.csv
  dragoman users import users.csv --take-over admin
  dragoman groups import groups.json && dragoman members import members.json

A .csv file begins with a line of column names, in any order. A .json file is a list of objects,
or one object a line. An empty cell, null and a missing name are no value. In CSV a cell with \\
alone is the empty text, one with \\N no value, and a text that begins with \\ has two of them.

Users:    id account username password_hash display_name given_name family_name nickname gender
          locale email email_verified status level phone mobile fax title timezone picture_url
          read_only role organizations
Groups:   id account name slug password_hash description category_id secret unleavable pinned
          password_protected icon_url
Members:  account group_id user_id role banned ban_end
Both of users and groups, in CSV: id.grupo id.vision6 id.b2evolution for the ids of the same one
          in those systems, and x.DIALECT.FIELD for a dialect's own attributes. In JSON:
          \"ids\": {\"grupo\": 17} and \"extensions\": {\"grupo\": {\"custom_field_1\": \"x\"}}

Without an id the next free one is taken. password_hash is an argon2 hash, PHP's $2y$, phpass's
$P$ or $H$, or evo$salted$SALT$MD5 or evo$md5$MD5 of b2evolution; the first sign-in renews it.
organizations is a JSON list: [{\"id\": 3, \"role\": \"Editor\"}]

A line that is stored already, as it is, is unchanged; one that differs from what is stored is
refused. So an import that was interrupted is simply run again.

Exit codes:
  0   done, and every line is stored
  1   it failed, or lines were refused; the others are stored
  64  the command line, the configuration or the first line of the file has faults";

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// A table.
    Csv,
    /// A list of objects.
    Json,
}

impl Format {
    /// What the name of a file says.
    pub(in crate::cli) fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Some(Self::Csv),
            "json" | "jsonl" | "ndjson" => Some(Self::Json),
            _ => None,
        }
    }
}

/// What is done to users.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum UsersCommand {
    /// Show users.
    #[command(after_help = LIST)]
    List(ListArguments),
    /// Show one user, by id, username or e-mail address.
    #[command(after_help = GET)]
    Get {
        /// The user.
        user: String,
        /// Its account [default: that of the configuration].
        #[arg(long, value_name = "NUMBER", value_parser = account)]
        account: Option<AccountId>,
    },
    /// Store the users of a file.
    #[command(after_help = IMPORT)]
    Import {
        #[command(flatten)]
        import: ImportArguments,
        /// The stored user of that name, such as the `admin` of the first start, is replaced by the
        /// first line with its id or its name: attributes, password and all that belongs to it.
        #[arg(long, value_name = "USERNAME", value_parser = username)]
        take_over: Option<Username>,
    },
    /// Write every user, in the form that import reads.
    #[command(after_help = EXPORT)]
    Export(ExportArguments),
}

/// What is done to groups.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum GroupsCommand {
    /// Show groups.
    #[command(after_help = LIST)]
    List(ListArguments),
    /// Show one group, by id or slug.
    #[command(after_help = GET)]
    Get {
        /// The group.
        group: String,
        /// Its account [default: that of the configuration].
        #[arg(long, value_name = "NUMBER", value_parser = account)]
        account: Option<AccountId>,
    },
    /// Store the groups of a file.
    #[command(after_help = IMPORT)]
    Import(ImportArguments),
    /// Write every group, in the form that import reads.
    #[command(after_help = EXPORT)]
    Export(ExportArguments),
}

/// What is done to memberships.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum MembersCommand {
    /// Show memberships.
    #[command(after_help = LIST)]
    List(ListArguments),
    /// Show the membership of one user in one group.
    #[command(after_help = GET)]
    Get {
        /// The user, by id, username or e-mail address.
        user: String,
        /// The group, by id or slug.
        group: String,
        /// The account of both [default: that of the configuration].
        #[arg(long, value_name = "NUMBER", value_parser = account)]
        account: Option<AccountId>,
    },
    /// Store the memberships of a file; users and groups must be there.
    #[command(after_help = IMPORT)]
    Import(ImportArguments),
    /// Write every membership, in the form that import reads.
    #[command(after_help = EXPORT)]
    Export(ExportArguments),
}

/// Flags of a list.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListArguments {
    /// As a JSON array.
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// Only of this account [default: all].
    #[arg(long, value_name = "NUMBER", value_parser = account)]
    pub(in crate::cli) account: Option<AccountId>,
}

/// Flags of an import.
#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArguments {
    /// The file, .csv or .json.
    pub(in crate::cli) file: PathBuf,
    /// The format, where the name does not tell it.
    #[arg(long)]
    pub(in crate::cli) format: Option<Format>,
    /// The account of lines that name none [default: that of the configuration].
    #[arg(long, value_name = "NUMBER", value_parser = account)]
    pub(in crate::cli) account: Option<AccountId>,
    /// Store nothing; say what would be refused. It is tried on a copy beside the store.
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Write every refused line there as CSV: its number, the column and the reason.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) report: Option<PathBuf>,
}

/// Flags of an export.
#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArguments {
    /// The format.
    #[arg(long, default_value = "csv")]
    pub(in crate::cli) format: Format,
    /// Only of this account [default: all].
    #[arg(long, value_name = "NUMBER", value_parser = account)]
    pub(in crate::cli) account: Option<AccountId>,
    /// The hashes of passwords too; never on a terminal.
    #[arg(long)]
    pub(in crate::cli) with_hashes: bool,
    /// Write to this new file, which only this user may read, instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
}

fn username(text: &str) -> Result<Username, &'static str> {
    Username::parse(text).ok_or(Username::MUST)
}
