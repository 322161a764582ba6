//! The configuration with the flags over it.

use std::path::PathBuf;

use super::arguments::{CheckArguments, ServeArguments};
use crate::config::{Config, Faults, Sources, load};

/// The configuration for being looked at, without its secrets if they are not there.
pub(super) fn to_check(
    config: Option<PathBuf>,
    arguments: &CheckArguments,
) -> Result<Config, Faults> {
    let sources = sources(config, arguments.store.as_deref());
    if arguments.no_secrets {
        return load(&sources.without_secrets());
    }
    load(&sources)
}

/// The configuration with the one flag that most subcommands have.
pub(super) fn with_store(config: Option<PathBuf>, store: Option<&str>) -> Result<Config, Faults> {
    load(&sources(config, store))
}

/// What `serve` reads at the start, and again whenever it is told to: with its flags.
pub(super) fn to_serve(config: Option<PathBuf>, arguments: &ServeArguments) -> Sources {
    let sources = sources(config, arguments.store.as_deref());
    if arguments.listen.is_empty() {
        return sources;
    }
    let listen = arguments.listen.join(",");
    sources.with_flag("--listen", ["server", "listen"], listen)
}

fn sources(config: Option<PathBuf>, store: Option<&str>) -> Sources {
    let sources = Sources::of_process(config);
    match store {
        Some(url) => sources.with_flag("--store", ["store", "url"], url.to_owned()),
        None => sources,
    }
}
