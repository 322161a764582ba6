//! What can be said on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

use super::keys::Expiry;
use crate::auth::scope::Scope;
use crate::command::{AccountId, Id};

const LIST: &str = "\
Examples:
  dragoman keys list
  dragoman keys list --json

Exit codes:
  0   done
  1   it failed
  64  the command line or the configuration has faults";

const REVOKE: &str = "\
Examples:
  dragoman keys revoke crm

Exit codes:
  0   done
  1   it failed, or no live key has the name
  64  the command line or the configuration has faults; nothing was done";

const EXAMPLES: &str = "\
Examples:
  dragoman                             serve as ./routes.toml says, or as built in without it
  dragoman --listen 127.0.0.1:0        serve on a free port, which is printed
  dragoman check --config routes.toml  say what is wrong with a file
  dragoman keys create --name crm      make an API key

Exit codes:
  0   done
  1   it failed
  64  the command line or the configuration has faults; nothing was done

Over the configuration file stand DRAGOMAN__SECTION__KEY environment variables, over those the flags.";

const SERVE: &str = "\
Examples:
  dragoman serve --config /etc/dragoman/routes.toml
  dragoman serve --listen 0.0.0.0:8080 --store sqlite:/var/lib/dragoman/dragoman.db

SIGTERM or SIGINT drains: what is in flight is finished. A second one ends at once.

Exit codes:
  0    drained after a signal
  1    it failed, or the drain's deadline cut something off
  64   the command line or the configuration has faults; nothing was bound
  130  ended at once by a second signal, SIGINT; 143 by SIGTERM";

const CHECK: &str = "\
Examples:
  dragoman check
  dragoman check --config /etc/dragoman/routes.toml && systemctl restart dragoman

Exit codes:
  0   no fault: the routes are on standard output, one line each
  64  faults: all of them are on standard error, one line each";

const KEYS: &str = "\
Examples:
  dragoman keys create --name crm --scope user:read --scope user:write
  dragoman keys list
  dragoman keys revoke crm

A running gateway that uses the same store follows within a second.

Exit codes:
  0   done
  1   it failed
  64  the command line or the configuration has faults; nothing was done";

const CREATE: &str = "\
Examples:
  dragoman keys create --name crm
  dragoman keys create --name report --scope user:read --account 7 --expires 90d
  KEY=$(dragoman keys create --name crm)

The key alone goes to standard output, and is shown this once only.

Exit codes:
  0   done
  1   it failed, or the name is taken
  64  the command line or the configuration has faults; nothing was done";

const IMPORT: &str = "\
Examples:
  dragoman keys import --name legacy < legacy-key.txt
  printf %s \"$LEGACY_KEY\" | dragoman keys import --name legacy --scope user:write

Clients that have a key of the legacy system keep it. One newline at the end is not part of it.

Exit codes:
  0   done
  1   it failed, or the name or the key is taken
  64  the key is too short, or the command line or the configuration has faults";

const HEALTH: &str = "\
Examples:
  dragoman health
  dragoman health --admin 127.0.0.1:9901
  HEALTHCHECK CMD [\"dragoman\", \"health\"]

Exit codes:
  0   ready
  1   not ready, or nobody answers
  64  the command line has faults";

/// Dragoman: old clients keep their dialect while everything behind them changes.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
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
    #[command(after_help = SERVE)]
    Serve(ServeArguments),
    /// Say what is wrong with the configuration, without starting anything.
    #[command(after_help = CHECK)]
    Check {
        #[command(flatten)]
        store: StoreArgument,
    },
    /// Make, import, list and revoke API keys.
    #[command(after_help = KEYS)]
    Keys {
        /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
        // An id of its own: that of a global flag would also be read as the flag of `serve`.
        #[arg(long, id = "keys-store", value_name = "URL", global = true)]
        store: Option<String>,
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Ask a running gateway whether it is ready.
    #[command(after_help = HEALTH)]
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

/// The flag of what touches the store.
#[derive(Debug, Args)]
pub(super) struct StoreArgument {
    /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
    #[arg(long, value_name = "URL")]
    pub(super) store: Option<String>,
}

/// What is done to keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key and print it.
    #[command(after_help = CREATE)]
    Create {
        #[command(flatten)]
        key: KeyArguments,
    },
    /// Register a key that exists already; it is read from standard input.
    #[command(after_help = IMPORT)]
    Import {
        #[command(flatten)]
        key: KeyArguments,
    },
    /// Show every key, revoked and expired ones too. The keys themselves are not kept.
    #[command(after_help = LIST)]
    List {
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// End a key, for good and within a second.
    #[command(after_help = REVOKE)]
    Revoke {
        /// The name of the key.
        #[arg(value_parser = key_name)]
        name: String,
    },
}

/// What a new key is.
#[derive(Debug, Args)]
pub(super) struct KeyArguments {
    /// What logs and audit records call it: 1 to 64 visible ASCII characters.
    #[arg(long, value_parser = key_name)]
    pub(super) name: String,
    /// What it may do, e.g. `user:read`; may be repeated [default: read and write users, groups
    /// and members].
    #[arg(long = "scope", value_name = "SCOPE", value_parser = Scope::parse)]
    pub(super) scopes: Vec<Scope>,
    /// An account it may name; may be repeated [default: any account].
    #[arg(long = "account", value_name = "NUMBER", value_parser = account)]
    pub(super) accounts: Vec<AccountId>,
    /// When it stops working: `90d` from now, or a time such as `2030-01-31T00:00:00Z`
    /// [default: never].
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

fn account(text: &str) -> Result<AccountId, &'static str> {
    Id::parse(text)
        .map(AccountId::new)
        .ok_or("a whole number, 1 or more")
}
