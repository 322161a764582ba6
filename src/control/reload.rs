//! Asking a running gateway to read its configuration again.

use tokio::sync::{mpsc, oneshot};

use super::wire::{Refused, Reloaded};

/// What becomes of it.
pub type Answer = Result<Reloaded, Refused>;

/// Asks whoever holds the other end.
#[derive(Clone, Debug)]
pub struct Reloads(mpsc::Sender<oneshot::Sender<Answer>>);

/// What is asked, one after the other.
pub type Asked = mpsc::Receiver<oneshot::Sender<Answer>>;

impl Reloads {
    /// Both ends.
    pub fn channel() -> (Self, Asked) {
        let (ask, asked) = mpsc::channel(1);
        (Self(ask), asked)
    }

    pub(super) async fn ask(&self) -> Answer {
        let (reply, answer) = oneshot::channel();
        match self.0.send(reply).await {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(gone())),
            Err(_) => Err(gone()),
        }
    }
}

fn gone() -> Refused {
    Refused::new(503, "the gateway is about to end")
}
