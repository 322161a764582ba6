//! What can be said on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

use super::key_times::{Expiry, Overlap};
use crate::auth::scope::Scope;
use crate::command::{AccountId, Id};

const LIST: &str = "\
Examples:
  dragoman keys list
  dragoman keys list --json | jq '.[] | select(.notes != [])'

States: live; replaced, which works until it expires; expired; revoked; static, of the configuration.
Notes on live keys: old, made over 365 days ago; unused, never or not for 90 days; expiring, within
14 days. Last uses are written about once a minute, and not for static keys.

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

const ROTATE: &str = "\
Examples:
  dragoman keys rotate crm
  dragoman keys rotate crm --overlap 30d --expires 365d
  dragoman keys rotate crm --overlap 0s
  KEY=$(dragoman keys rotate crm --overlap 12h)

The new key alone goes to standard output, and is shown this once only. It may do what the one
before may; that one works until the overlap ends or it expires. During an overlap a key is not
rotated again, since that would end the oldest secret early: --overlap 0s does, for a key that leaked.

Exit codes:
  0   done
  1   it failed; no live key has the name; it expired and --expires is missing; or two secrets are
      live already
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
  dragoman keys rotate crm --overlap 7d
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
  dragoman keys create --name forum --route b2evolution
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

const STORE: &str = "\
Examples:
  dragoman store backup /backup/dragoman-$(date +%F).db
  dragoman store check --json
  dragoman store restore --force /backup/dragoman-2030-01-31.db

The pepper (auth.pepper_file) is in no backup: keep a copy of it, in another place.

Exit codes:
  0   done
  1   it failed, or the store has faults
  64  the command line or the configuration has faults; nothing was done";

const BACKUP: &str = "\
Examples:
  dragoman store backup /backup/dragoman-$(date +%F).db
  dragoman store backup --store sqlite:/var/lib/dragoman/dragoman.db /backup/dragoman.db

A running gateway goes on meanwhile. The file appears under its name when it is whole, synced and
checked; it is for its owner only and replaces nothing. The pepper is not in it: keep a copy of
that too, in another place.

Exit codes:
  0   done
  1   it failed; there is no file of that name, or the one that was there
  64  the command line or the configuration has faults; nothing was done";

const RESTORE: &str = "\
Examples:
  dragoman store restore /backup/dragoman-2030-01-31.db
  dragoman store restore --force data/dragoman.db.schema-1-20300131T235959Z

Stop the gateway first. The backup is checked before anything is touched, and stays as it is. The
store that was there is kept beside it as NAME.replaced-TIME. Keys work again if the pepper is the
one they were made under, which is in no backup.

Exit codes:
  0   done
  1   it failed, or the store is in use, or there is one and --force is not given
  64  the command line or the configuration has faults; nothing was done";

const CHECK_STORE: &str = "\
Examples:
  dragoman store check
  dragoman store check --json

Every page and every reference is read, and nothing is changed. A running gateway goes on meanwhile.

Exit codes:
  0   no fault
  1   faults: one line each on standard error, or under \"faults\" with --json
  64  the command line or the configuration has faults; nothing was done";

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
    /// Make, import, list, rotate and revoke API keys.
    #[command(after_help = KEYS)]
    Keys {
        /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
        // An id of its own: that of a global flag would also be read as the flag of `serve`.
        #[arg(long, id = "keys-store", value_name = "URL", global = true)]
        store: Option<String>,
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Back up, restore and check the store.
    #[command(after_help = STORE)]
    Store {
        /// The store, instead of the configured one, e.g. `sqlite:data/dragoman.db`.
        // An id of its own, as for keys.
        #[arg(long, id = "store-store", value_name = "URL", global = true)]
        store: Option<String>,
        #[command(subcommand)]
        command: StoreCommand,
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
    /// Give a key another secret, and let the one before work for a while.
    #[command(after_help = ROTATE)]
    Rotate {
        #[command(flatten)]
        key: RotateArguments,
    },
    /// Show every key, revoked and expired ones too. The keys themselves are not kept.
    #[command(after_help = LIST)]
    List {
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// End a key with every secret it has, for good and within a second.
    #[command(after_help = REVOKE)]
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
    #[command(after_help = BACKUP)]
    Backup {
        /// The file to make.
        file: PathBuf,
    },
    /// Put a backup in the place of the store.
    #[command(after_help = RESTORE)]
    Restore {
        /// The backup.
        file: PathBuf,
        /// Replace the store that is there, and keep it under another name.
        #[arg(long)]
        force: bool,
    },
    /// Look through the whole store for damage, and say what state it is in.
    #[command(after_help = CHECK_STORE)]
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
    /// What it may do, e.g. `user:read`; may be repeated [default: read and write users, groups
    /// and members].
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

fn account(text: &str) -> Result<AccountId, &'static str> {
    Id::parse(text)
        .map(AccountId::new)
        .ok_or("a whole number, 1 or more")
}
