//! Panics as log lines.

use std::panic::{PanicHookInfo, set_hook};

/// Has every panic logged as one line, like everything else, instead of printed as text.
pub(super) fn log() {
    set_hook(Box::new(log_one));
}

/// Where it was, and why if that is a text of the program's own. A text that was put together may
/// hold what a caller sent, a secret too.
fn log_one(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    tracing::error!(
        panic.at = panic.location().map(tracing::field::display),
        panic.message = panic.payload().downcast_ref::<&'static str>(),
        panic.thread = thread.name(),
        "panicked"
    );
}
