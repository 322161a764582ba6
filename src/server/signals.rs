//! SIGTERM and SIGINT, which end a server, and SIGHUP, which does not.

use std::io;

use tokio::signal::unix::{self, SignalKind, signal};
use tokio::task::JoinHandle;

use super::drain::{Shutdown, Signal};

/// Every SIGHUP of the process from the moment this is made.
#[derive(Debug)]
pub struct Hangups(unix::Signal);

impl Hangups {
    /// Must be called within a Tokio runtime.
    pub fn watch() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Waits for the next one; several that nobody waited for are one.
    pub async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            // None will come any more.
            std::future::pending::<()>().await;
        }
    }
}

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
