//! Who is who at upstreams: what their look-ups answered, and numbers that were imported.

use super::StoreFuture;
use crate::clock::Timestamp;
use crate::command::name::name_key;
use crate::command::user::UserRef;
use crate::command::{AccountId, Dialect, Id};
use crate::journal::Entry;

/// At most so many pairs are kept, of all upstreams: each is in memory several times.
pub const MOST_PAIRS: usize = 200_000;

/// A number of a caller's own, and the one that the same user has at an upstream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The upstream, by its name in the configuration.
    pub upstream: String,
    /// Whose callers have numbers of their own.
    pub dialect: Dialect,
    /// What they call the user by.
    pub own: Id,
    /// What the upstream calls it by.
    pub there: Id,
}

/// By what a user is named, in the form by which two names are the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// What it is.
    pub kind: NameKind,
    /// Its text.
    pub key: String,
}

/// What a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// A username.
    Username,
    /// An e-mail address.
    Email,
    /// Either, the username first.
    UsernameOrEmail,
}

impl NameKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Username, Self::Email, Self::UsernameOrEmail];

    /// The word in the store and in lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
            Self::UsernameOrEmail => "username_or_email",
        }
    }

    /// The kind of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Name {
    /// The name in a reference; nothing where it is a number.
    pub fn of(user: &UserRef) -> Option<Self> {
        let (kind, key) = match user {
            UserRef::Id(_) => return None,
            UserRef::Username(name) => (NameKind::Username, name.key()),
            UserRef::Email(email) => (NameKind::Email, email.key()),
            UserRef::UsernameOrEmail(name) => (NameKind::UsernameOrEmail, name.key()),
        };
        Some(Self { kind, key })
    }
}

/// The form by which two names are the same, of a name of either kind.
pub fn key(name: &str) -> String {
    name_key(name)
}

/// Somebody at an upstream, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Named {
    /// The account that the upstream was asked in, where there was one.
    pub account: Option<AccountId>,
    /// The name.
    pub name: Name,
}

/// The number that a look-up answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The user's number at the upstream.
    pub there: Id,
    /// Until when it is believed.
    pub until: Timestamp,
}

/// A line of the crosswalk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A pair that was imported. It stays.
    Imported(Pair),
    /// What a look-up at an upstream answered.
    Remembered {
        /// The upstream.
        upstream: String,
        /// Who.
        named: Named,
        /// Its number there.
        found: Found,
    },
}

/// What is to be forgotten of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All that look-ups answered.
    Remembered,
    /// What look-ups answered of the users of that name.
    Name(String),
    /// The pair of an own number.
    Pair(Dialect, Id),
    /// Everything, pairs too.
    All,
}

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// So many pairs are new. The others were there.
    New(usize),
    /// None was taken: this one contradicts another of the file or one that is kept.
    Contradicts(Pair),
    /// None was taken: there would be more than [`MOST_PAIRS`].
    TooMany,
}

/// Where look-ups are remembered beyond the life of a process. Nobody waits for what is noted; if that
/// fails, the log says so, and the upstream is asked again later.
pub trait CrosswalkStore {
    /// Whether anything is kept at all.
    fn keeps_crosswalk(&self) -> bool;

    /// What the last look-up of the name answered, if that is still to be believed.
    fn recall(
        &self,
        upstream: String,
        named: Named,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<Found>>;

    /// Notes what a look-up answered, in the place of what it answered before.
    fn remember(&self, upstream: String, named: Named, found: Found, now: Timestamp);

    /// Forgets a name, and every name of a user by its number.
    fn forget_user(&self, upstream: String, named: Option<Named>, there: Option<Id>);
}

/// The crosswalk as the command line manages it.
pub trait CrosswalkAdmin {
    /// The whole crosswalk: pairs first, by upstream, then what look-ups answered and is believed.
    fn list_crosswalk(&self, now: Timestamp) -> StoreFuture<'_, Vec<Line>>;

    /// Keeps all pairs or none. A pair that is there already is no fault.
    fn import_pairs(&self, pairs: Vec<Pair>, entry: Entry) -> StoreFuture<'_, Imported>;

    /// The pairs that follow from the ids elsewhere that were imported with users of the store: what
    /// each has in the dialect of callers, and in the one of the upstream.
    fn pairs_of_users(
        &self,
        upstream: String,
        own: Dialect,
        there: Dialect,
    ) -> StoreFuture<'_, Vec<Pair>>;

    /// Forgets; how much it was.
    fn forget_crosswalk(
        &self,
        upstream: String,
        which: Which,
        entry: Entry,
    ) -> StoreFuture<'_, usize>;

    /// Calls `changed` with every pair before the answer comes, and again within a second of any
    /// import and of anything that the command line forgot. It is called on a thread of its own and
    /// may block.
    fn watch_pairs(&self, changed: Box<dyn Fn(Vec<Pair>) + Send + Sync>) -> StoreFuture<'_, ()>;
}
