//! What the open transaction made of users.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use super::{KnownUser, Moment, Recent};
use crate::command::{AccountId, Id};

/// Users as the one transaction that writes sees them. Nobody else does before it is committed.
///
/// What is remembered of a user is right in it, since nobody else writes meanwhile, unless it was
/// changed by the transaction itself: those users are here.
pub(in crate::store::sqlite) struct Changes {
    recent: Recent,
    began: Cell<Moment>,
    /// What became of them; nothing where only the file knows.
    users: RefCell<HashMap<Id, Option<Arc<KnownUser>>>>,
}

impl Changes {
    /// None so far.
    pub(in crate::store::sqlite) fn new(recent: Recent) -> Self {
        Self {
            began: Cell::new(recent.moment()),
            recent,
            users: RefCell::default(),
        }
    }

    /// A transaction has begun; whether the last commit was of this connection too.
    pub(in crate::store::sqlite) fn begin(&self, is_ours: bool) {
        if !is_ours {
            self.recent.forget_all();
        }
        self.began.set(self.recent.moment());
    }

    /// What is known of a user.
    pub(in crate::store::sqlite) fn find(
        &self,
        account: AccountId,
        id: Id,
    ) -> Option<Arc<KnownUser>> {
        let changed = self.users.borrow().get(&id).cloned();
        let known = changed.unwrap_or_else(|| self.recent.known(id))?;
        (known.user().account == account).then_some(known)
    }

    /// The user is written, or gone.
    pub(in crate::store::sqlite) fn forget(&self, id: Id) {
        self.users.borrow_mut().insert(id, None);
    }

    /// What was written of a user as a whole.
    pub(in crate::store::sqlite) fn keep(&self, user: Arc<KnownUser>) {
        self.users.borrow_mut().insert(user.user().id, Some(user));
    }

    /// A part of the transaction is undone; of those that it changed only the file knows.
    pub(in crate::store::sqlite) fn doubt(&self) {
        let mut users = self.users.borrow_mut();
        users.values_mut().for_each(|user| *user = None);
    }

    /// The transaction is undone.
    pub(in crate::store::sqlite) fn roll_back(&self) {
        self.users.borrow_mut().clear();
        // If only its end failed, it may be that it is in the file.
        self.recent.forget_all();
    }

    /// The transaction is durable, and nobody has been told.
    pub(in crate::store::sqlite) fn commit(&self) {
        let mut users = self.users.borrow_mut();
        if !users.is_empty() {
            self.recent.replace(self.began.get(), users.drain());
        }
    }
}
