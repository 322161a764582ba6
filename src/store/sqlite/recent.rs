//! The users that were read last, in memory.
//!
//! What is here is what the file says: a write takes its user out before it is answered, and a
//! [`Watch`](super::watch) on the file empties it after commits, since they may be of another process.
//! Nothing is kept while nobody watches.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex};

use super::writer::lock;
use crate::command::user::User;
use crate::command::{AccountId, Id};

/// How many bytes the texts of a user that is kept may have together. Those with more are few.
const TEXTS: usize = 4096;

/// A bounded number of users by id. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    /// How many there are at most.
    capacity: usize,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    is_watched: bool,
    /// Goes up whenever something here may have become wrong.
    changes: u64,
    users: HashMap<Id, Arc<User>>,
}

/// A moment before a read began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(u64);

impl Recent {
    /// Room for so many users; none at all is no memory.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            kept: Arc::default(),
        }
    }

    /// The user of that id in the account.
    pub(super) fn find(&self, account: AccountId, id: Id) -> Option<User> {
        let user = lock(&self.kept).users.get(&id).map(Arc::clone)?;
        (user.account == account).then(|| User::clone(&user))
    }

    /// To be asked for before the read whose result is to be kept.
    pub(super) fn moment(&self) -> Moment {
        Moment(lock(&self.kept).changes)
    }

    /// Keeps what was read, unless something has changed since. When there is no room it starts
    /// anew: whoever is asked for often is back at once, and there is no order to be kept.
    pub(super) fn keep(&self, since: Moment, user: &User) {
        if self.capacity == 0 || texts(user) > TEXTS {
            return;
        }
        let user = Arc::new(user.clone());
        let mut kept = lock(&self.kept);
        if !kept.is_watched || kept.changes != since.0 {
            return;
        }
        let before = if kept.users.len() < self.capacity {
            HashMap::new()
        } else {
            mem::take(&mut kept.users)
        };
        kept.users.insert(user.id, user);
        // Freeing many takes a while, and others wait for the lock.
        drop(kept);
        drop(before);
    }

    /// The user has changed, and the change is committed.
    pub(super) fn forget(&self, id: Id) {
        let mut kept = lock(&self.kept);
        kept.changes += 1;
        kept.users.remove(&id);
    }

    /// Something has changed, and it is not known what.
    pub(super) fn forget_all(&self) {
        self.restart(|_| ());
    }

    /// From now on somebody tells of changes by other processes, or nobody does any more.
    pub(super) fn watched(&self, is_watched: bool) {
        // Under one lock: what is kept in between would stay, and nobody would take it out.
        self.restart(|kept| kept.is_watched = is_watched);
    }

    /// Empties it, and changes the rest in the same moment.
    fn restart(&self, change: impl FnOnce(&mut Kept)) {
        let mut kept = lock(&self.kept);
        kept.changes += 1;
        change(&mut kept);
        let users = mem::take(&mut kept.users);
        drop(kept);
        // Freeing many takes a while, and others wait for the lock.
        drop(users);
    }
}

/// How many bytes the texts have that callers choose the length of.
fn texts(user: &User) -> usize {
    let own = [
        &user.display_name,
        &user.given_name,
        &user.family_name,
        &user.nickname,
        &user.gender,
        &user.locale,
        &user.phone,
        &user.mobile,
        &user.fax,
        &user.title,
        &user.picture_url,
    ];
    let own = own.into_iter().flatten().map(|text| text.as_str().len());
    let roles = user.organizations.iter();
    let roles = roles.map(|it| 16 + it.role.as_ref().map_or(0, |role| role.as_str().len()));
    let extensions = user.extensions.iter();
    let extensions = extensions.map(|it| 64 + it.field.as_str().len() + it.value.as_str().len());
    own.chain(roles).chain(extensions).sum()
}

#[cfg(test)]
mod tests;
