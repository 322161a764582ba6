//! What can be said on the command line.

pub(super) mod bulk;
mod help;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

use self::bulk::{GroupsCommand, MembersCommand, UsersCommand};
use super::audit::arguments::{AUDIT, AuditCommand};
use super::crosswalk::arguments::{CROSSWALK, CrosswalkCommand};
use super::kept::arguments::{KEPT, KeptCommand};
use super::key_times::{Expiry, Overlap};
use super::notify::arguments::{NOTIFY, NotifyCommand};
use super::reload::RELOAD;
use super::report::{REPORT, ReportCommand};
use super::routes::{ROUTE, RouteArguments};
use super::upstreams::UPSTREAMS;
use crate::auth::scope::Scope;
use crate::command::{AccountId, Id};

/// Dragoman: old clients keep their dialect while everything behind them changes.
#[derive(Debug, Parser)]
#[command(version, after_help = help::EXAMPLES)]
pub(super) struct Arguments {
    /// The configuration file [default: ./routes.toml, or the built-in copy without it].
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) serve: ServeArguments,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// A subcommand; without one it is `serve`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Take calls until a signal says otherwise; the same as no subcommand.
    #[command(after_help = help::SERVE)]
    Serve(ServeArguments),
    /// Say what is wrong with the configuration, without starting anything.
    #[command(after_help = help::CHECK)]
    Check(CheckArguments),
    /// Say what would become of a captured request, without sending or writing anything.
    #[command(after_help = help::EXPLAIN)]
    Explain(ExplainArguments),
    /// Make, import, list, rotate and revoke API keys.
    #[command(after_help = help::KEYS)]
    Keys {
        /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
        // An id of its own: that of a global flag would also be read as the flag of `serve`.
        #[arg(long, id = "keys-store", value_name = "URL", global = true)]
        store: Option<String>,
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Look at the audit trail, and check that nobody changed it.
    #[command(after_help = AUDIT)]
    Audit {
        /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
        #[arg(long, id = "audit-store", value_name = "URL", global = true)]
        store: Option<String>,
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Look after notifications that were not sent.
    #[command(after_help = NOTIFY)]
    Notify {
        /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
        #[arg(long, id = "notify-store", value_name = "URL", global = true)]
        store: Option<String>,
        #[command(subcommand)]
        command: NotifyCommand,
    },
    /// Look at who is who at upstreams, import numbers of users, and forget.
    #[command(after_help = CROSSWALK)]
    Crosswalk {
        /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
        #[arg(long, id = "crosswalk-store", value_name = "URL", global = true)]
        store: Option<String>,
        #[command(subcommand)]
        command: CrosswalkCommand,
    },
    /// Take what upstreams do not show of their users from users of the store.
    #[command(after_help = KEPT)]
    Kept {
        /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
        #[arg(long, id = "kept-store", value_name = "URL", global = true)]
        store: Option<String>,
        #[command(subcommand)]
        command: KeptCommand,
    },
    /// Back up, restore and check the store.
    #[command(after_help = help::STORE)]
    Store {
        /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
        // An id of its own, as for keys.
        #[arg(long, id = "store-store", value_name = "URL", global = true)]
        store: Option<String>,
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// List, import and export users.
    #[command(after_help = bulk::USERS)]
    Users {
        /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
        #[arg(long, id = "users-store", value_name = "URL", global = true)]
        store: Option<String>,
        #[command(subcommand)]
        command: UsersCommand,
    },
    /// List, import and export groups.
    #[command(after_help = bulk::GROUPS)]
    Groups {
        /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
        #[arg(long, id = "groups-store", value_name = "URL", global = true)]
        store: Option<String>,
        #[command(subcommand)]
        command: GroupsCommand,
    },
    /// List, import and export memberships of users in groups.
    #[command(after_help = bulk::MEMBERS)]
    Members {
        /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
        #[arg(long, id = "members-store", value_name = "URL", global = true)]
        store: Option<String>,
        #[command(subcommand)]
        command: MembersCommand,
    },
    /// Have a running gateway read its configuration again.
    #[command(after_help = RELOAD)]
    Reload,
    /// Look at the routes of a running gateway, and give one another mode.
    #[command(after_help = ROUTE)]
    Route(RouteArguments),
    /// Sum up what a gateway has noted.
    #[command(after_help = REPORT)]
    Report {
        #[command(subcommand)]
        command: ReportCommand,
    },
    /// Show the upstreams of a running gateway, and which of their endpoints are used.
    #[command(after_help = UPSTREAMS)]
    Upstreams {
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Ask a running gateway whether it is ready.
    #[command(after_help = help::HEALTH)]
    Health {
        /// The admin listener, instead of the configured one.
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        admin: Option<SocketAddr>,
    },
}

/// Flags of `serve`.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ServeArguments {
    /// Listen there and nowhere else; may be repeated. Port 0 takes a free one, which is printed.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Vec<String>,
    /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
    #[arg(long, value_name = "URL")]
    pub(super) store: Option<String>,
    /// Write the number of this process there once calls are taken, and remove the file at the end.
    #[arg(long, value_name = "FILE")]
    pub(super) pid_file: Option<PathBuf>,
}

/// Flags of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
    #[arg(long, value_name = "URL")]
    pub(super) store: Option<String>,
    /// Print the lines that let calls through whose fields an upstream has no place for.
    #[arg(long)]
    pub(super) suggest: bool,
    /// Try every upstream: its name, TCP, TLS, and one harmless call with the gateway's credentials.
    #[arg(long, conflicts_with_all = ["suggest", "no_secrets"])]
    pub(super) connect: bool,
    /// Read no file with a secret: for places that have the configuration and nothing else.
    #[arg(long)]
    pub(super) no_secrets: bool,
}

/// Flags of `explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// The request: request line, headers, an empty line, the body; `-` is standard input.
    #[arg(value_name = "FILE.http|-")]
    pub(super) file: PathBuf,
    /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
    #[arg(long, id = "explain-store", value_name = "URL")]
    pub(super) store: Option<String>,
    /// As a JSON object.
    #[arg(long)]
    pub(super) json: bool,
}

/// What is done to keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key and print it.
    #[command(after_help = help::CREATE)]
    Create {
        #[command(flatten)]
        key: KeyArguments,
    },
    /// Register a key that exists already; it is read from standard input.
    #[command(after_help = help::IMPORT)]
    Import {
        #[command(flatten)]
        key: KeyArguments,
    },
    /// Give a key another secret, and let the one before work for a while.
    #[command(after_help = help::ROTATE)]
    Rotate {
        #[command(flatten)]
        key: RotateArguments,
    },
    /// Show every key, revoked and expired ones too. The keys themselves are not kept.
    #[command(after_help = help::LIST)]
    List {
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// End a key with every secret it has, for good and within a second.
    #[command(after_help = help::REVOKE)]
    Revoke {
        /// The name of the key.
        #[arg(value_parser = key_name)]
        name: String,
    },
}

/// What is done to the store as a whole.
#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Copy the store to a file, while it is in use.
    #[command(after_help = help::BACKUP)]
    Backup {
        /// The file to make.
        file: PathBuf,
    },
    /// Put a backup in the place of the store.
    #[command(after_help = help::RESTORE)]
    Restore {
        /// The backup.
        file: PathBuf,
        /// Replace the store that is there, and keep it under another name.
        #[arg(long)]
        force: bool,
    },
    /// Look through the whole store for damage, and say what state it is in.
    #[command(after_help = help::CHECK_STORE)]
    Check {
        /// As a JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// What a new key is.
#[derive(Debug, Args)]
pub(super) struct KeyArguments {
    /// What logs and audit records call it: 1 to 64 visible ASCII characters.
    #[arg(long, value_parser = key_name)]
    pub(super) name: String,
    /// What it may do, one of the scopes below; may be repeated [default: user:read, user:write,
    /// group:read, group:write and member:write].
    #[arg(long = "scope", value_name = "SCOPE", value_parser = Scope::parse)]
    pub(super) scopes: Vec<Scope>,
    /// An account it may name; may be repeated [default: any account].
    #[arg(long = "account", value_name = "NUMBER", value_parser = account)]
    pub(super) accounts: Vec<AccountId>,
    /// A route it works on, by its name in the configuration; may be repeated [default: any route].
    #[arg(long = "route", value_name = "NAME")]
    pub(super) routes: Vec<String>,
    /// When it stops working: `90d` from now, or a time such as `2030-01-31T00:00:00Z`
    /// [default: never].
    #[arg(long, value_name = "WHEN")]
    pub(super) expires: Option<Expiry>,
}

/// How a key is rotated.
#[derive(Debug, Args)]
pub(super) struct RotateArguments {
    /// The name of the key.
    #[arg(value_parser = key_name)]
    pub(super) name: String,
    /// How long the secret before works beside the new one; `0s` ends every older one at once.
    #[arg(long, value_name = "DURATION", default_value = "7d")]
    pub(super) overlap: Overlap,
    /// When the new secret stops working: `90d` from now, or a time such as
    /// `2030-01-31T00:00:00Z` [default: when the one before would have].
    #[arg(long, value_name = "WHEN")]
    pub(super) expires: Option<Expiry>,
}

impl Arguments {
    /// Refuses flags of `serve` before another subcommand, where nobody would read them.
    pub(super) fn check(self) -> Result<Self, clap::Error> {
        let stray = if !self.serve.listen.is_empty() {
            "--listen"
        } else if self.serve.store.is_some() {
            "--store"
        } else if self.serve.pid_file.is_some() {
            "--pid-file"
        } else {
            return Ok(self);
        };
        if self.command.is_none() {
            return Ok(self);
        }
        let message = format!("{stray} stands before the subcommand: write it after");
        Err(Self::command().error(ErrorKind::ArgumentConflict, message))
    }
}

fn key_name(text: &str) -> Result<String, &'static str> {
    if (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("1 to 64 visible ASCII characters, no blanks")
    }
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "IP:PORT, such as 127.0.0.1:9901 or [::1]:9901")
}

pub(super) fn account(text: &str) -> Result<AccountId, &'static str> {
    Id::parse(text)
        .map(AccountId::new)
        .ok_or("a whole number, 1 or more")
}
