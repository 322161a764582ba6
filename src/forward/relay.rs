//! Native operations: handed to an upstream that speaks the caller's dialect, and to no other.
//!
//! They are written anew from what was decoded, under the gateway's own credentials, or the caller's where
//! the upstream judges it, and the answer comes back as it is.

use crate::auth::{Call, Context};
use crate::command::{Command, Dialect};
use crate::error::{Error, Kind};

/// Refuses a native operation at an upstream that has none like it, and says which is relayed.
pub(super) fn judge(command: &Command, context: &Context, upstream: Dialect) -> Result<(), Error> {
    let Command::Native(native) = command else {
        return Ok(());
    };
    let operation = native.operation.as_str();
    if native.dialect != upstream || !context.relays() {
        let message = format!(
            "{operation} is an operation of {} alone, and the system behind the gateway speaks {upstream}; \
             send it to the original system",
            native.dialect
        );
        return Err(Error::new(Kind::Unsupported, message));
    }
    Ok(())
}

/// Logs which operation it is, whatever becomes of it: the audit trail knows all of them as native.
pub(super) fn note(command: &Command, context: &Context, upstream: &str) {
    if let Command::Native(native) = command {
        tracing::info!(
            request.id = %context.request_id,
            upstream.name = upstream,
            call.operation = native.operation.as_str(),
            "a native operation is to be relayed"
        );
    }
}

/// Keeps the host that callers know, for an upstream that is not called by another.
pub(super) fn name_host(call: &mut Call, context: &Context, keeps_host: bool) {
    if keeps_host && matches!(call.command, Command::Native(_)) {
        call.context.host.clone_from(&context.host);
    }
}
