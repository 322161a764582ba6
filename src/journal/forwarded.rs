//! Writes that another system carried out.

use futures_util::future::BoxFuture;

use super::Entry;
use super::record::Outcome;
use crate::command::Id;

/// A write that was sent to an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// Who asked for what.
    pub entry: Entry,
    /// The user it was about, by the upstream's number, where that is known.
    pub user: Option<Id>,
    /// The group it was about, by the upstream's number, where that is known.
    pub group: Option<Id>,
    /// What became of it.
    pub outcome: Outcome,
}

impl Forwarded {
    /// The upstream says that it was done.
    pub const fn done(entry: Entry, user: Option<Id>, group: Option<Id>) -> Self {
        Self {
            entry,
            user,
            group,
            outcome: Outcome::Done,
        }
    }

    /// It may have been done.
    pub const fn unknown(entry: Entry, user: Option<Id>, group: Option<Id>) -> Self {
        Self {
            entry,
            user,
            group,
            outcome: Outcome::Unknown,
        }
    }
}

/// Where such writes are noted. The store implements it.
pub trait ForwardLog {
    /// Writes a record, and waits until it is kept. What cannot be written goes to the log: the write
    /// was done elsewhere and cannot be taken back.
    fn forwarded(&self, write: Forwarded) -> BoxFuture<'_, ()>;
}
