//! SIGTERM and SIGINT.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::drain::{Shutdown, Signal};

/// Passes every SIGTERM and SIGINT of the process on, from now until the returned task is aborted.
///
/// From the moment this returns neither signal ends the process by itself any more. Must be called within
/// a Tokio runtime.
pub fn watch(shutdown: Shutdown) -> io::Result<JoinHandle<()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::spawn(async move {
        loop {
            tokio::select! {
                Some(()) = terminate.recv() => shutdown.request(Signal::Terminate),
                Some(()) = interrupt.recv() => shutdown.request(Signal::Interrupt),
                else => return,
            }
        }
    }))
}
