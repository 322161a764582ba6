//! Asking a running gateway for its routes, and giving one of them another mode.

use tokio::sync::{mpsc, oneshot};

use super::wire::{ModeSet, Refused, RouteLine, SetMode};

/// What is asked.
#[derive(Debug)]
pub enum Question {
    /// All routes.
    List(oneshot::Sender<Vec<RouteLine>>),
    /// Another mode for one of them.
    SetMode(SetMode, oneshot::Sender<Result<ModeSet, Refused>>),
}

/// Asks whoever holds the other end.
#[derive(Clone, Debug)]
pub struct Routes(mpsc::Sender<Question>);

/// What is asked, one after the other.
pub type Asked = mpsc::Receiver<Question>;

impl Routes {
    /// Both ends.
    pub fn channel() -> (Self, Asked) {
        let (ask, asked) = mpsc::channel(1);
        (Self(ask), asked)
    }

    pub(super) async fn list(&self) -> Result<Vec<RouteLine>, Refused> {
        let (reply, answer) = oneshot::channel();
        self.ask(Question::List(reply)).await?;
        answer.await.map_err(|_| gone())
    }

    pub(super) async fn set_mode(&self, asked: SetMode) -> Result<ModeSet, Refused> {
        let (reply, answer) = oneshot::channel();
        self.ask(Question::SetMode(asked, reply)).await?;
        answer.await.map_err(|_| gone())?
    }

    async fn ask(&self, question: Question) -> Result<(), Refused> {
        self.0.send(question).await.map_err(|_| gone())
    }
}

fn gone() -> Refused {
    Refused::new(503, "the gateway is about to end")
}
