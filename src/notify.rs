//! Telling somebody outside of a user: what Vision6's `email_user` asks for.
//!
//! The store queues a notification in the transaction of the write that asks for it; a [`Sender`]
//! hands one after another to the [`Receiver`] and settles it in the store, with an audit record.
//! Nothing promised is lost by a crash, and nothing is sent again that is known to be received. What
//! nobody knows of, because the answer was lost or the process ended between the answer and the
//! store's sync, is sent again under the same id, by which a receiver drops what it has.
//!
//! No password is ever sent: the store has none, only hashes.

mod payload;
pub mod retry;
pub mod sender;
pub mod signature;
pub mod url;
pub mod webhook;

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;

pub use self::sender::Sender;
use crate::clock::Timestamp;
use crate::store::notifications::Notification;

/// Where notifications go. It drops an event that it has already.
pub trait Receiver: fmt::Debug + Send + Sync {
    /// Tries once to deliver a notification, and ends by itself within [`Receiver::patience`].
    fn deliver<'a>(
        &'a self,
        notification: &'a Notification,
        now: Timestamp,
    ) -> BoxFuture<'a, Delivery>;

    /// How long a delivery takes at most.
    fn patience(&self) -> Duration;
}

/// What became of one attempt. Problems are short sentences without anything secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It was received.
    Received,
    /// It was not, or nobody knows; another attempt may do better.
    Refused {
        /// Why.
        problem: String,
        /// The least time until then, as the receiver asked for it.
        wait: Option<Duration>,
    },
    /// The receiver wants nothing any more.
    Gone {
        /// How it said so.
        problem: String,
    },
}
