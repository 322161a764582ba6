//! Asking a running gateway from a subcommand.

use std::path::Path;

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::failure::Failure;
use crate::control::client::{AskError, ask};

/// Asks the gateway whose control socket that is. What it finds wrong with the configuration counts as
/// if it had been found here.
pub(super) fn gateway<T: DeserializeOwned>(
    socket: &Path,
    method: Method,
    target: &str,
    body: &impl Serialize,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot start the runtime", error))?;
    runtime
        .block_on(ask::<T>(socket, method, target, body))
        .map_err(|error| match error {
            AskError::Refused(refused) if refused.status == 422 => Failure::Usage(refused.error),
            AskError::Refused(refused) => Failure::Failed(refused.error),
            AskError::Unreachable { .. } | AskError::Foreign(_) => {
                Failure::failed("cannot ask the gateway", error)
            }
        })
}
