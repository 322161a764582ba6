//! The command line: what was asked, done, and said with an exit code.
//!
//! 0: done. 1: it failed. 130 and 143: a second signal ended `serve`. 64: the command line or the configuration has faults, and nothing was
//! done.

mod arguments;
mod ask;
mod audit;
mod bulk;
mod certificates;
mod check;
mod crosswalk;
mod explain;
mod failure;
mod first_start;
mod gateway;
mod health;
mod kept;
mod key_rotate;
mod key_table;
mod key_times;
mod keys;
mod load;
mod mode_file;
mod modes;
mod notifier;
mod notify;
mod reload;
mod reloader;
mod report;
mod routes;
mod serve;
mod store;
mod store_backup;
mod store_check;
mod store_progress;
mod store_restore;
mod table;
mod upstreams;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use self::arguments::{Arguments, Command, StoreCommand};
use self::failure::Failure;

/// Runs what the arguments of this process ask for.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse().and_then(Arguments::check) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version come this way too, and are no failure.
            let code = if error.use_stderr() {
                Failure::USAGE
            } else {
                0
            };
            return match error.print() {
                Ok(()) => ExitCode::from(code),
                Err(_) => ExitCode::FAILURE,
            };
        }
    };
    let config = arguments.config;
    let done = match arguments.command {
        None => return ended(serve::run(config, &arguments.serve)),
        Some(Command::Serve(serve)) => return ended(serve::run(config, &serve)),
        Some(Command::Check(check)) => check::run(config, &check),
        Some(Command::Explain(explain)) => return ended(explain::run(config, &explain)),
        Some(Command::Keys { store, command }) => keys::run(config, store.as_deref(), command),
        Some(Command::Audit { store, command }) => audit::run(config, store.as_deref(), command),
        Some(Command::Notify { store, command }) => notify::run(config, store.as_deref(), command),
        Some(Command::Crosswalk { store, command }) => {
            crosswalk::run(config, store.as_deref(), command)
        }
        Some(Command::Kept { store, command }) => kept::run(config, store.as_deref(), command),
        Some(Command::Store { store, command }) => {
            let store = store.as_deref();
            match command {
                StoreCommand::Backup { file } => store_backup::run(config, store, &file),
                StoreCommand::Restore { file, force } => {
                    store_restore::run(config, store, &file, force)
                }
                StoreCommand::Check { json } => store_check::run(config, store, json),
            }
        }
        Some(Command::Users { store, command }) => bulk::users(config, store.as_deref(), command),
        Some(Command::Groups { store, command }) => bulk::groups(config, store.as_deref(), command),
        Some(Command::Members { store, command }) => {
            bulk::members(config, store.as_deref(), command)
        }
        Some(Command::Reload) => reload::run(config),
        Some(Command::Route(route)) => routes::run(config, &route),
        Some(Command::Report { command }) => report::run(&command),
        Some(Command::Upstreams { json }) => upstreams::run(config, json),
        Some(Command::Health { admin }) => health::run(config, admin),
    };
    ended(done.map(|()| ExitCode::SUCCESS))
}

fn ended(done: Result<ExitCode, Failure>) -> ExitCode {
    done.unwrap_or_else(Failure::report)
}

/// Writes to standard output, where only what was asked for goes.
fn say(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::failed("cannot write to standard output", error))
}

/// Writes a remark to standard error. Nobody can be told that nobody listens.
fn remark(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
