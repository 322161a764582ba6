//! One notification after another, from the queue to the receiver.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::retry::{Retry, after};
use super::{Delivery, Receiver};
use crate::clock::{Clock, Timestamp};
use crate::journal::event::EventId;
use crate::store::StoreError;
use crate::store::notifications::{Notification, NotificationQueue, Settlement, Taken};

/// How often the queue is looked at although nothing new was heard of: another process may have put
/// something there. Also the longest pause of all notifications after failures.
const LOOK: Duration = Duration::from_secs(30);

/// How long an attempt may go on after the sender was told to stop.
const LAST_CALL: Duration = Duration::from_secs(5);

/// The wait before the store is asked again after it failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How much longer than the receiver's patience a notification is held, for the store to take note.
const SLACK: Duration = Duration::from_secs(10);

/// Sends what the store queues, in the order in which it is due, one at a time.
///
/// A notification that fails is due again after a wait of its own, which doubles. All others pause
/// after it too, for longer with each further failure in a row but for half a minute at most, or for
/// as long as the receiver asks. So a receiver that is down sees few attempts however much waits, and
/// one notification that is never taken does not hold up the others.
#[derive(Debug)]
pub struct Sender<Q> {
    queue: Arc<Q>,
    receiver: Box<dyn Receiver>,
    retry: Retry,
    clock: Clock,
}

/// What is left to do after an attempt.
enum Next {
    /// Another notification, after a pause.
    Another(Duration),
    /// Nothing, until somebody looks after the receiver.
    Nothing,
}

impl<Q: NotificationQueue> Sender<Q> {
    /// Sends from `queue` to `receiver`.
    pub fn new(queue: Arc<Q>, receiver: Box<dyn Receiver>, retry: Retry, clock: Clock) -> Self {
        Self {
            queue,
            receiver,
            retry,
            clock,
        }
    }

    /// Sends until it is told to stop. An attempt that is under way then has a few seconds left;
    /// what was not sent stays in the queue.
    pub async fn run(self, stop: CancellationToken) {
        let mut failures = 0;
        let mut is_store_down = false;
        while !stop.is_cancelled() {
            let pause = match self.take().await {
                Ok(Taken::Due(notification)) => {
                    is_store_down = false;
                    let Some(delivery) = self.attempt(&notification, &stop).await else {
                        tracing::warn!(notify.id = %notification.id, "stopped while a notification was sent");
                        return;
                    };
                    match self
                        .conclude(&notification, delivery, &mut failures, &stop)
                        .await
                    {
                        Next::Another(pause) => pause,
                        Next::Nothing => return stop.cancelled().await,
                    }
                }
                Ok(Taken::NothingBefore(due)) => {
                    is_store_down = false;
                    self.wait_for_work(due, &stop).await;
                    Duration::ZERO
                }
                Err(error) => {
                    if !is_store_down {
                        tracing::error!(error = ?error, "the queue of notifications cannot be read");
                    }
                    is_store_down = true;
                    STORE_PAUSE
                }
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn take(&self) -> Result<Taken, StoreError> {
        let now = self.clock.now();
        let hold = after(now, self.receiver.patience() + SLACK);
        self.queue.take_notification(now, hold).await
    }

    async fn wait_for_work(&self, due: Option<Timestamp>, stop: &CancellationToken) {
        let now = self.clock.now().as_millis();
        let ahead = due.map(|due| due.as_millis().saturating_sub(now));
        let ahead = ahead.and_then(|millis| u64::try_from(millis).ok());
        let wait = ahead.map_or(LOOK, |millis| Duration::from_millis(millis).min(LOOK));
        tokio::select! {
            () = sleep(wait) => {}
            () = self.queue.notification_queued() => {}
            () = stop.cancelled() => {}
        }
    }

    /// One attempt; nothing if it was cut off.
    async fn attempt(
        &self,
        notification: &Notification,
        stop: &CancellationToken,
    ) -> Option<Delivery> {
        let mut delivery = pin!(self.receiver.deliver(notification, self.clock.now()));
        tokio::select! {
            delivery = &mut delivery => return Some(delivery),
            () = stop.cancelled() => {}
        }
        timeout(LAST_CALL, delivery).await.ok()
    }

    async fn conclude(
        &self,
        notification: &Notification,
        delivery: Delivery,
        failures: &mut u32,
        stop: &CancellationToken,
    ) -> Next {
        let id = notification.id;
        let attempts = notification.attempts.saturating_add(1);
        let now = self.clock.now();
        match delivery {
            Delivery::Received => {
                *failures = 0;
                self.settle(id, Settlement::Sent, stop).await;
                tracing::info!(
                    notify.id = %id,
                    notify.event = notification.event.name(),
                    notify.attempts = attempts,
                    request.id = notification.request_id,
                    "notification sent"
                );
                Next::Another(Duration::ZERO)
            }
            Delivery::Gone { problem } => {
                self.give_up(notification, problem, stop).await;
                tracing::error!(
                    "no more notifications are sent until the next start: the receiver wants none"
                );
                Next::Nothing
            }
            Delivery::Refused { problem, wait } => {
                *failures = failures.saturating_add(1);
                let pause = self.retry.wait(*failures, None, &self.clock).min(LOOK);
                let pause = pause.max(self.retry.asked(wait));
                if self.retry.is_over(notification, now) {
                    let problem = format!("given up after {attempts} attempts: {problem}");
                    self.give_up(notification, problem, stop).await;
                    return Next::Another(pause);
                }
                let own_wait = self.retry.wait(attempts, wait, &self.clock);
                tracing::warn!(
                    notify.id = %id,
                    notify.attempts = attempts,
                    notify.problem = problem,
                    notify.wait_ms = u64::try_from(own_wait.as_millis()).unwrap_or(u64::MAX),
                    "notification not sent; it will be tried again"
                );
                let due = after(now, own_wait);
                self.settle(id, Settlement::Later { due, problem }, stop)
                    .await;
                Next::Another(pause)
            }
        }
    }

    async fn give_up(
        &self,
        notification: &Notification,
        problem: String,
        stop: &CancellationToken,
    ) {
        tracing::error!(
            notify.id = %notification.id,
            notify.problem = problem,
            request.id = notification.request_id,
            "notification given up; `dragoman notify retry` has it tried again"
        );
        self.settle(notification.id, Settlement::Failed { problem }, stop)
            .await;
    }

    /// Has the store take note, trying for as long as nobody else could take the notification.
    async fn settle(&self, id: EventId, settlement: Settlement, stop: &CancellationToken) {
        let began = Instant::now();
        loop {
            let settled = self
                .queue
                .settle_notification(id, settlement.clone(), self.clock.now());
            let Err(error) = settled.await else {
                return;
            };
            if began.elapsed() + STORE_PAUSE > SLACK || stop.is_cancelled() {
                tracing::error!(
                    notify.id = %id,
                    error = ?error,
                    "what became of a notification could not be written down"
                );
                return;
            }
            sleep(STORE_PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests;
