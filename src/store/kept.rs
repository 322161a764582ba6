//! Fields of an upstream's users that the upstream has no place for, or takes and does not show.
//!
//! They have nothing to do with the store's own users, whose numbers are others.

use super::StoreFuture;
use crate::command::user::User;
use crate::command::{AccountId, Dialect, Id};
use crate::journal::Entry;
use crate::journal::forwarded::{ForwardLog, Forwarded};

/// Users of an upstream, by its own numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm {
    /// The upstream's name in the configuration.
    pub upstream: String,
    /// The account, where the upstream's dialect has accounts.
    pub account: Option<AccountId>,
}

/// What becomes of what is kept of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptChange {
    /// Whose user.
    pub realm: Realm,
    /// Which one.
    pub user: Id,
    /// Whether everything that was kept before goes first: the user is new, or gone.
    pub anew: bool,
    /// What becomes of single fields.
    pub edits: Vec<KeptEdit>,
}

/// What becomes of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEdit {
    /// Its name, as [`crate::command::field::Field`] writes it.
    pub field: String,
    /// What is known of it from now on.
    pub value: Kept,
}

/// What is known of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing.
    Unknown,
    /// That it is empty.
    Empty,
    /// Its value.
    Value(String),
}

/// A field that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptField {
    /// Whose.
    pub user: Id,
    /// Its name.
    pub field: String,
    /// Its value; nothing where it is known to be empty.
    pub value: Option<String>,
}

/// Where such fields are kept, and the writes of upstreams noted. The store implements it.
pub trait KeptFields: ForwardLog {
    /// Changes what is kept of a user and notes the write that it comes from, in one transaction.
    fn keep(&self, change: KeptChange, write: Forwarded) -> StoreFuture<'_, ()>;

    /// Forgets what is known of these fields of a user.
    fn doubt(&self, realm: Realm, user: Id, fields: Vec<String>) -> StoreFuture<'_, ()>;

    /// Everything that is kept of these users.
    fn kept(&self, realm: Realm, users: Vec<Id>) -> StoreFuture<'_, Vec<KeptField>>;
}

/// Kept fields as the command line manages them.
pub trait KeptAdmin {
    /// Users of the store who have an id in a system of that dialect, with that id and in its order:
    /// so many of those after the one that is named, or of all.
    fn users_known_there(
        &self,
        account: AccountId,
        there: Dialect,
        after: Option<Id>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<(Id, User)>>;

    /// How many users of the store have no id in a system of that dialect.
    fn count_unknown_there(&self, account: AccountId, there: Dialect) -> StoreFuture<'_, u64>;

    /// Keeps those fields of which nothing is known yet, in one transaction; how many they are.
    fn keep_new(
        &self,
        realm: Realm,
        fields: Vec<KeptField>,
        entry: Entry,
    ) -> StoreFuture<'_, usize>;
}
