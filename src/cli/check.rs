//! `dragoman check`: every fault, or the routes.

use std::fmt::Write;
use std::path::PathBuf;

use super::failure::Failure;
use super::{load, notifier};
use crate::config::{Config, pepper, shown_path};

/// Prints one line for each route, or fails with every fault.
pub(super) fn run(config: Option<PathBuf>, store: Option<&str>) -> Result<(), Failure> {
    let config = load::with_store(config, store)?;
    pepper::read(&config.auth.pepper_file, &config.store.database)
        .map_err(|error| Failure::Usage(Failure::failed("auth.pepper_file", error).into_text()))?;
    notifier::receiver(&config).map_err(|failure| Failure::Usage(failure.into_text()))?;
    super::say(&summary(&config))
}

fn summary(config: &Config) -> String {
    let mut text = format!("{}: no faults\n", config.file);
    for route in &config.routes {
        let host = route.host.as_deref().unwrap_or("any host");
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}: {} at {} of {host}",
            route.name,
            route.dialect,
            shown_path(&route.path)
        );
    }
    if let Some(notify) = &config.notify {
        let _ = writeln!(text, "notify: POST to {}", notify.webhook.url.origin());
    }
    text
}
