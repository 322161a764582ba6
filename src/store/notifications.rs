//! Notifications that wait to be sent.

use futures_util::future::BoxFuture;

use super::StoreFuture;
use crate::clock::Timestamp;
use crate::command::email::Email;
use crate::command::name::Username;
use crate::command::{AccountId, Id};
use crate::journal::event::{Event, EventId};

/// The queue of what somebody outside is to be told.
///
/// A notification gets into it in the transaction of the write that it tells of, with the user as it
/// is after that write; no password is in it. It leaves the queue when it was sent. What became of it
/// is in the audit trail, in the transaction that settles it: `user.notify`, with the request that
/// asked for it.
pub trait NotificationQueue {
    /// Takes the notification that has been due for the longest time. Until `hold` nobody else gets
    /// it, in this process or another; then it is due again, unless it was settled.
    fn take_notification(&self, now: Timestamp, hold: Timestamp) -> StoreFuture<'_, Taken>;

    /// Says what became of a notification that was taken.
    fn settle_notification(
        &self,
        id: EventId,
        settlement: Settlement,
        now: Timestamp,
    ) -> StoreFuture<'_, ()>;

    /// Waits until another notification is in the queue. What another process puts there is not
    /// noticed.
    fn notification_queued(&self) -> BoxFuture<'_, ()>;

    /// Everything that was not sent, the oldest first.
    fn list_notifications(&self) -> StoreFuture<'_, Vec<Unsent>>;

    /// Makes what was given up due at once, as if it had never been tried. All of it, or that one;
    /// how many there were.
    fn retry_notifications(&self, id: Option<EventId>, now: Timestamp) -> StoreFuture<'_, usize>;

    /// Removes what was not sent. All of it, or that one; how many there were. What was still waiting
    /// gets its record; if it is being sent just now, it may be received all the same.
    fn forget_notifications(&self, id: Option<EventId>, now: Timestamp) -> StoreFuture<'_, usize>;
}

/// What there is to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The event; every attempt to send it has the same.
    pub id: EventId,
    /// What happened.
    pub event: Event,
    /// When.
    pub at: Timestamp,
    /// The request that made it happen.
    pub request_id: String,
    /// The user's account.
    pub account: AccountId,
    /// The user.
    pub user: Id,
    /// Its name then.
    pub username: Username,
    /// Its address then.
    pub email: Option<Email>,
    /// Its full name then.
    pub full_name: Option<String>,
    /// Since when it has been tried.
    pub queued_at: Timestamp,
    /// How often that was in vain.
    pub attempts: u32,
}

/// What there was to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// This one is to be sent.
    Due(Box<Notification>),
    /// Nothing is due before that time, if anything waits at all.
    NothingBefore(Option<Timestamp>),
}

/// What became of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It was received.
    Sent,
    /// Not that anybody knew, and it is due again then.
    Later {
        /// When.
        due: Timestamp,
        /// Why it was not, without anything secret.
        problem: String,
    },
    /// Nor then, and it is given up.
    Failed {
        /// Why, without anything secret.
        problem: String,
    },
}

/// Where a notification that was not sent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is due at some time, or is being sent.
    Waiting,
    /// It was given up.
    Failed,
}

impl State {
    /// The name in the store and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Failed => "failed",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Failed]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// A notification that was not sent, for who looks after the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// What was to be sent.
    pub notification: Notification,
    /// Where it stands.
    pub state: State,
    /// When it is due; when it was given up.
    pub due: Timestamp,
    /// Why the last attempt was in vain.
    pub problem: Option<String>,
}
