//! What sends notifications while `serve` runs.

use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use crate::clock::Clock;
use crate::config::Config;
use crate::notify::Sender;
use crate::notify::retry::Retry;
use crate::notify::webhook::Webhook;
use crate::server::Outcome;
use crate::store::notifications::NotificationQueue;
use crate::store::sqlite::SqliteStore;

/// Who receives notifications, if anybody does.
pub(super) fn receiver(config: &Config) -> Result<Option<(Webhook, Retry)>, Failure> {
    let Some(notify) = &config.notify else {
        return Ok(None);
    };
    let webhook = Webhook::new(notify.webhook.clone())
        .map_err(|error| Failure::failed("notify.webhook", error))?;
    Ok(Some((webhook, notify.retry)))
}

/// Sends to the receiver; where there is none, warns of what waits for one.
pub(super) async fn start(
    receiver: Option<(Webhook, Retry)>,
    store: &Arc<SqliteStore>,
    clock: &Clock,
) -> Result<Option<Notifier>, Failure> {
    let Some(receiver) = receiver else {
        warn_of_unsent(store).await?;
        return Ok(None);
    };
    Ok(Some(Notifier::start(receiver, store, clock)))
}

/// Says that something waits which nobody sends.
async fn warn_of_unsent(store: &SqliteStore) -> Result<(), Failure> {
    let unsent = store
        .list_notifications()
        .await
        .map_err(|error| Failure::failed("cannot read the queue of notifications", error))?;
    if !unsent.is_empty() {
        tracing::warn!(
            notify.unsent = unsent.len(),
            "notifications wait and nobody sends them: configure [notify.webhook], or see `dragoman notify`"
        );
    }
    Ok(())
}

/// The sender at work.
#[derive(Debug)]
pub(super) struct Notifier {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Notifier {
    /// Sends from now on what the store queues, and what it still has.
    fn start((webhook, retry): (Webhook, Retry), store: &Arc<SqliteStore>, clock: &Clock) -> Self {
        let sender = Sender::new(Arc::clone(store), Box::new(webhook), retry, clock.clone());
        let stop = CancellationToken::new();
        let task = tokio::spawn(sender.run(stop.clone()));
        Self { stop, task }
    }

    /// Lets an attempt under way end, unless the end is not to be waited for.
    pub(super) async fn finish(self, outcome: Outcome) {
        self.stop.cancel();
        match outcome {
            Outcome::Clean | Outcome::Cut { .. } => {
                if let Err(error) = self.task.await {
                    tracing::error!(error = ?error, "the sender of notifications failed");
                }
            }
            Outcome::Forced(_) => self.task.abort(),
        }
    }
}
