use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::{BoxFuture, pending, ready};

use super::*;
use crate::command::name::Username;
use crate::command::{AccountId, Id};
use crate::journal::event::Event;
use crate::store::StoreFuture;
use crate::store::notifications::Unsent;

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

const RETRY: Retry = Retry {
    first: Duration::from_secs(8),
    longest: Duration::from_secs(3600),
    give_up: Duration::from_secs(86_400),
};

/// A queue in memory whose next calls fail as often as is said.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Vec<(Timestamp, Notification)>>,
    settled: Mutex<Vec<Settlement>>,
    failing_takes: AtomicUsize,
    failing_settlements: AtomicUsize,
}

impl Queue {
    fn with(count: u128) -> Arc<Self> {
        let queue = Self::default();
        let waiting = (0..count).map(|number| (START, notification(number)));
        queue.waiting.lock().unwrap().extend(waiting);
        Arc::new(queue)
    }

    fn settled(&self) -> Vec<Settlement> {
        self.settled.lock().unwrap().clone()
    }
}

fn fail(left: &AtomicUsize) -> Result<(), StoreError> {
    let one = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
        left.checked_sub(1)
    });
    one.map_or(Ok(()), |_| Err(StoreError::Overloaded))
}

impl NotificationQueue for Queue {
    fn take_notification(&self, now: Timestamp, hold: Timestamp) -> StoreFuture<'_, Taken> {
        let taken = fail(&self.failing_takes).map(|()| {
            let mut waiting = self.waiting.lock().unwrap();
            let first = waiting.iter_mut().min_by_key(|(due, _)| *due);
            match first {
                Some((due, notification)) if *due <= now => {
                    *due = hold;
                    Taken::Due(Box::new(notification.clone()))
                }
                first => Taken::NothingBefore(first.map(|(due, _)| *due)),
            }
        });
        Box::pin(ready(taken))
    }

    fn settle_notification(
        &self,
        id: EventId,
        settlement: Settlement,
        _: Timestamp,
    ) -> StoreFuture<'_, ()> {
        let settled = fail(&self.failing_settlements).map(|()| {
            let mut waiting = self.waiting.lock().unwrap();
            match &settlement {
                Settlement::Later { due, .. } => {
                    for entry in waiting.iter_mut().filter(|(_, entry)| entry.id == id) {
                        entry.0 = *due;
                        entry.1.attempts += 1;
                    }
                }
                Settlement::Sent | Settlement::Failed { .. } => {
                    waiting.retain(|(_, entry)| entry.id != id);
                }
            }
            self.settled.lock().unwrap().push(settlement);
        });
        Box::pin(ready(settled))
    }

    fn notification_queued(&self) -> BoxFuture<'_, ()> {
        Box::pin(pending())
    }

    fn list_notifications(&self) -> StoreFuture<'_, Vec<Unsent>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn retry_notifications(&self, _: Option<EventId>, _: Timestamp) -> StoreFuture<'_, usize> {
        Box::pin(ready(Ok(0)))
    }

    fn forget_notifications(&self, _: Option<EventId>, _: Timestamp) -> StoreFuture<'_, usize> {
        Box::pin(ready(Ok(0)))
    }
}

/// A receiver that notes when it was asked, and answers in turn; without an answer it never ends.
#[derive(Debug, Default)]
struct Asked {
    at: Arc<Mutex<Vec<u64>>>,
    answers: Mutex<VecDeque<Delivery>>,
}

impl Receiver for Asked {
    fn deliver<'a>(&'a self, _: &'a Notification, now: Timestamp) -> BoxFuture<'a, Delivery> {
        let seconds = u64::try_from(now.as_millis() - START.as_millis()).unwrap() / 1000;
        self.at.lock().unwrap().push(seconds);
        match self.answers.lock().unwrap().pop_front() {
            Some(answer) => Box::pin(ready(answer)),
            None => Box::pin(pending()),
        }
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(15)
    }
}

fn notification(number: u128) -> Notification {
    Notification {
        id: EventId::parse(&uuid::Uuid::from_u128(number).to_string()).unwrap(),
        event: Event::UserCreated,
        at: START,
        request_id: String::new(),
        account: AccountId::new(Id::ONE),
        user: Id::ONE,
        username: Username::parse("ana").unwrap(),
        email: None,
        full_name: None,
        queued_at: START,
        attempts: 0,
    }
}

fn refused(wait: Option<u64>) -> Delivery {
    Delivery::Refused {
        problem: "the receiver answered 500".to_owned(),
        wait: wait.map(Duration::from_secs),
    }
}

/// A clock that goes with the paused time, and waits that are as long as they can be.
fn clock() -> Clock {
    let began = Instant::now();
    let now = move || after(START, began.elapsed());
    Clock::set_by(now, 0xff)
}

/// Runs a sender for so long; when the receiver was asked, in seconds.
async fn run(queue: &Arc<Queue>, answers: Vec<Delivery>, seconds: u64) -> Vec<u64> {
    let receiver = Asked {
        answers: Mutex::new(answers.into()),
        ..Asked::default()
    };
    let asked = Arc::clone(&receiver.at);
    let sender = Sender::new(Arc::clone(queue), Box::new(receiver), RETRY, clock());
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let stopped = async move {
        sleep(Duration::from_secs(seconds)).await;
        stopping.cancel();
    };
    tokio::join!(sender.run(stop), stopped);
    let asked = asked.lock().unwrap();
    asked.clone()
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_down_is_asked_ever_less_and_twice_a_minute_at_most() {
    let queue = Queue::with(100);
    let asked = run(&queue, vec![refused(None); 1000], 200).await;
    assert_eq!(asked, [0, 8, 24, 54, 84, 114, 144, 174]);
}

#[tokio::test(start_paused = true)]
async fn a_success_ends_the_pauses() {
    let queue = Queue::with(4);
    let answers = vec![
        refused(None),
        Delivery::Received,
        Delivery::Received,
        Delivery::Received,
    ];
    let asked = run(&queue, [answers, vec![Delivery::Received]].concat(), 60).await;
    assert_eq!(asked, [0, 8, 8, 8, 8]);
}

#[tokio::test(start_paused = true)]
async fn nothing_at_all_is_sent_before_the_receiver_wants_it() {
    let queue = Queue::with(2);
    let asked = run(
        &queue,
        vec![refused(Some(100)), Delivery::Received, Delivery::Received],
        300,
    )
    .await;
    assert_eq!(asked, [0, 100, 100]);
}

#[tokio::test(start_paused = true)]
async fn a_notification_is_given_up_by_the_first_failure_after_its_time() {
    let queue = Queue::with(1);
    let asked = run(&queue, vec![refused(None); 1000], 3 * 86_400).await;
    assert!(
        asked
            .last()
            .is_some_and(|last| (86_400..90_001).contains(last)),
        "{asked:?}"
    );
    let problem = format!(
        "given up after {} attempts: the receiver answered 500",
        asked.len()
    );
    assert_eq!(
        queue.settled().last(),
        Some(&Settlement::Failed { problem })
    );
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_is_left_alone() {
    let queue = Queue::with(3);
    let problem = "the receiver answered 410".to_owned();
    let gone = Delivery::Gone {
        problem: problem.clone(),
    };
    assert_eq!(run(&queue, vec![gone], 100_000).await, [0]);
    assert_eq!(queue.settled(), [Settlement::Failed { problem }]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_asked_again_and_nothing_is_sent_twice_for_it() {
    let queue = Queue::with(1);
    queue.failing_takes.store(3, Ordering::SeqCst);
    queue.failing_settlements.store(5, Ordering::SeqCst);
    assert_eq!(run(&queue, vec![Delivery::Received], 60).await, [3]);
    assert_eq!(queue.settled(), [Settlement::Sent]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_has_a_few_seconds_left_once_the_sender_is_told_to_stop() {
    let queue = Queue::with(1);
    let began = Instant::now();
    assert_eq!(run(&queue, Vec::new(), 2).await, [0]);
    assert_eq!(began.elapsed(), Duration::from_secs(2) + LAST_CALL);
    assert_eq!(queue.settled(), []);
}
