//! Ending a server so that no client loses a request: lame duck, stop, cut.

use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::sleep;
use tracing::{info, warn};

use super::endpoint::Endpoint;
use super::lifecycle::Stage;

/// How long a server takes to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// How long it goes on accepting and answering while health checks already report it as draining.
    /// Every answer asks its client to connect anew: `Connection: close`, for HTTP/2 a GOAWAY. Long enough
    /// is the interval at which load balancers look at `/health/ready`, and the keep-alive time of clients
    /// that never retry. Default 1 s; an interrupt from a terminal skips it.
    pub lame_duck: Duration,
    /// How long requests in flight may take after that. Default 25 s, so that both fit into the 30 s that
    /// supervisors commonly grant.
    pub deadline: Duration,
}

/// What asks a server to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, from a supervisor.
    Terminate,
    /// SIGINT, from a terminal: skips the lame-duck period.
    Interrupt,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every request was answered.
    Clean,
    /// The deadline came first.
    Cut {
        /// Connections that were dropped.
        connections: usize,
    },
    /// A second signal asked for an immediate end.
    Forced(Signal),
}

/// Asks a running server to end. The first request starts the drain, the second one ends it at once.
#[derive(Clone, Debug)]
pub struct Shutdown(UnboundedSender<Signal>);

impl Default for Drain {
    fn default() -> Self {
        Self {
            lame_duck: Duration::from_secs(1),
            deadline: Duration::from_secs(25),
        }
    }
}

impl Outcome {
    /// The exit code a process shall end with: 0 clean, 1 cut, after a second signal 128 plus its number
    /// (130 SIGINT, 143 SIGTERM) as a shell reports it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Cut { .. } => 1,
            Self::Forced(Signal::Interrupt) => 130,
            Self::Forced(Signal::Terminate) => 143,
        }
    }
}

impl Shutdown {
    pub(super) fn new(requests: UnboundedSender<Signal>) -> Self {
        Self(requests)
    }

    /// Passes a signal on. Without effect on a server that has ended.
    pub fn request(&self, signal: Signal) {
        let _ = self.0.send(signal);
    }
}

impl Drain {
    /// Waits for the first signal, then ends the endpoint. Its listener is closed afterwards.
    pub(super) async fn run(
        self,
        endpoint: &Endpoint,
        signals: &mut UnboundedReceiver<Signal>,
    ) -> Outcome {
        let first = next(signals).await;
        let outcome = tokio::select! {
            biased;
            second = next(signals) => Outcome::Forced(second),
            outcome = self.in_stages(endpoint, first) => outcome,
        };
        if outcome != Outcome::Clean {
            endpoint.cut().await;
        }
        match outcome {
            Outcome::Clean => info!("drained"),
            Outcome::Cut { connections } => warn!(connections, "drain deadline: connections cut"),
            Outcome::Forced(_) => warn!("second signal: ending at once"),
        }
        outcome
    }

    async fn in_stages(self, endpoint: &Endpoint, first: Signal) -> Outcome {
        if first == Signal::Terminate && !self.lame_duck.is_zero() {
            info!("draining: still answering, asking clients to leave");
            endpoint.lifecycle().enter(Stage::LameDuck);
            sleep(self.lame_duck).await;
        }
        info!("draining: no longer accepting, finishing what is in flight");
        endpoint.lifecycle().enter(Stage::Stopping);
        tokio::select! {
            biased;
            () = endpoint.finished() => Outcome::Clean,
            () = sleep(self.deadline) => Outcome::Cut { connections: endpoint.connections() },
        }
    }
}

/// The server keeps a sender of its own, so the channel never closes under it.
async fn next(signals: &mut UnboundedReceiver<Signal>) -> Signal {
    match signals.recv().await {
        Some(signal) => signal,
        None => std::future::pending().await,
    }
}
