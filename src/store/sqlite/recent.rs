//! The users that were read last, in memory.
//!
//! What is here is what the file says: a commit puts in what it made of its users before anybody is
//! answered, and after commits, since they may be of another process, a [`Watch`](super::watch) on the
//! file keeps readers from what was there before. The one thread that writes knows which commits are its
//! own, and goes on with what it knows ([`Changes`]). Nothing is kept while nobody watches.

mod changes;

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, OnceLock};

pub(super) use self::changes::Changes;
use super::writer::lock;
use crate::command::user::User;
use crate::command::{AccountId, Id};
use crate::journal::seal::Digest;

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
    /// What readers may have was kept at that number of changes or later.
    readable_from: u64,
    users: HashMap<Id, (u64, Arc<KnownUser>)>,
}

/// A moment before a read or a transaction began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(u64);

/// A user as it is stored, and its digest once somebody asked for that.
#[derive(Debug)]
pub(super) struct KnownUser {
    user: User,
    digest: OnceLock<Digest>,
}

impl KnownUser {
    /// One that was read or written.
    pub(super) fn new(user: User) -> Arc<Self> {
        Arc::new(Self {
            user,
            digest: OnceLock::new(),
        })
    }

    /// The user.
    pub(super) fn user(&self) -> &User {
        &self.user
    }

    /// Its digest, which is always computed in the same way.
    pub(super) fn digest(&self, compute: impl FnOnce(&User) -> Digest) -> Digest {
        *self.digest.get_or_init(|| compute(&self.user))
    }
}

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
        let known = {
            let kept = lock(&self.kept);
            let (kept_at, user) = kept.users.get(&id)?;
            (*kept_at >= kept.readable_from).then(|| Arc::clone(user))?
        };
        (known.user.account == account).then(|| known.user.clone())
    }

    /// The user of that id, for the one thread that writes.
    fn known(&self, id: Id) -> Option<Arc<KnownUser>> {
        let kept = lock(&self.kept);
        kept.users.get(&id).map(|(_, user)| Arc::clone(user))
    }

    /// To be asked for before the read whose result is to be kept.
    pub(super) fn moment(&self) -> Moment {
        Moment(lock(&self.kept).changes)
    }

    /// Keeps what was read, unless something has changed since.
    pub(super) fn keep(&self, since: Moment, user: &User) {
        if !self.has_room_for(user) {
            return;
        }
        let user = KnownUser::new(user.clone());
        let mut kept = lock(&self.kept);
        if !kept.is_of(since) {
            return;
        }
        let before = kept.insert(user, self.capacity);
        // Freeing many takes a while, and others wait for the lock.
        drop(kept);
        drop(before);
    }

    /// What a commit made of users, each with nothing where it is not known. If something else has
    /// changed since its transaction began, it is not known of any.
    fn replace(&self, since: Moment, users: impl Iterator<Item = (Id, Option<Arc<KnownUser>>)>) {
        let mut kept = lock(&self.kept);
        let is_known = kept.is_of(since);
        kept.changes += 1;
        let mut before = Vec::new();
        for (id, user) in users {
            match user.filter(|user| is_known && self.has_room_for(&user.user)) {
                Some(user) => before.extend(kept.insert(user, self.capacity)),
                None => drop(kept.users.remove(&id)),
            }
        }
        drop(kept);
        drop(before);
    }

    fn has_room_for(&self, user: &User) -> bool {
        self.capacity > 0 && texts(user) <= TEXTS
    }

    /// Something was committed, and whoever saw it does not know what and by whom.
    pub(super) fn committed(&self) {
        let mut kept = lock(&self.kept);
        kept.changes += 1;
        kept.readable_from = kept.changes;
    }

    /// Another process has changed something, and it is not known what.
    fn forget_all(&self) {
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

impl Kept {
    /// Whether what was known at that moment still is, and will be for as long as it is kept.
    fn is_of(&self, moment: Moment) -> bool {
        self.is_watched && self.changes == moment.0
    }

    /// When there is no room it starts anew: whoever is asked for often is back at once, and there is
    /// no order to be kept. Those who were there come back, to be freed.
    fn insert(
        &mut self,
        user: Arc<KnownUser>,
        capacity: usize,
    ) -> Option<HashMap<Id, (u64, Arc<KnownUser>)>> {
        let id = user.user.id;
        let is_full = self.users.len() >= capacity && !self.users.contains_key(&id);
        let before = is_full.then(|| mem::take(&mut self.users));
        self.users.insert(id, (self.changes, user));
        before
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
