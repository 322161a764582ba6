//! `dragoman health`: a probe for images without curl.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::failure::Failure;
use super::load;
use crate::server::health::probe::probe;

/// Succeeds if `/health/ready` of the admin listener says so.
pub(super) fn run(config: Option<PathBuf>, admin: Option<SocketAddr>) -> Result<(), Failure> {
    let admin = match admin {
        Some(address) => address,
        // Whatever the fault: who asks gets one of two answers.
        None => load::with_store(config, None)
            .map(|config| config.admin.listen)
            .map_err(|faults| Failure::Failed(faults.to_string()))?,
    };
    let is_ready =
        probe(admin).map_err(|error| Failure::failed("cannot tell whether it is ready", error))?;
    if is_ready {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "{admin} is not ready: it is starting, or draining, or waits for an upstream of [ready]"
    )))
}
