//! The store: users, groups, members, keys and the audit trail, kept durably; and what upstreams
//! have no place for.
//!
//! [`Store`] is written for two implementations, `SQLite` and `PostgreSQL`. Nothing that was
//! acknowledged is lost by a crash. Uniqueness is the database's own constraint, never
//! check-then-act. No method blocks the thread that polls it.

pub mod absent;
mod apply;
pub mod audit;
pub mod bulk;
pub mod crosswalk;
mod digest;
pub mod kept;
pub mod key_uses;
pub mod modes;
pub mod notifications;
pub mod once;
mod person_name;
mod reserved;
mod rotation;
pub mod sqlite;

use std::fmt;

use futures_util::future::BoxFuture;

use self::audit::AuditStore;
use self::crosswalk::CrosswalkStore;
use self::kept::KeptFields;
use self::notifications::NotificationQueue;
pub use self::rotation::{Rotated, Rotation};
use crate::auth::authenticate::UserDirectory;
use crate::auth::keys::{Key, KeyRecord, KeyUse};
use crate::auth::password::PasswordHash;
use crate::clock::Timestamp;
use crate::command::group::{Group, GroupChange, GroupRef};
use crate::command::member::{BanEnd, Member, MemberRole, Membership};
use crate::command::name::Username;
use crate::command::query::UserQuery;
use crate::command::user::{User, UserChange, UserRef};
use crate::command::{AccountId, Id};
use crate::error::{Error, Kind};
use crate::journal::Entry;
use crate::journal::denial::DenialLog;
use crate::journal::once::OnceLog;
use crate::outcome::UserPage;

/// What a store answers, later.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Users, groups and members by account, with an audit record in the transaction of every write.
///
/// Not found is `Ok(None)` where one thing is looked for. The password inside a change is never
/// read: its hash comes beside it. A write that was refused, or found nothing to change, leaves no
/// audit record. Where the entry of a user's write has an event, a notification is queued with it. Where it
/// is claimed, the claim is kept with it; [`StoreError::Repeated`] if its key is known.
pub trait Store:
    UserDirectory
    + KeyStore
    + AuditStore
    + DenialLog
    + OnceLog
    + KeptFields
    + CrosswalkStore
    + NotificationQueue
    + fmt::Debug
    + Send
    + Sync
    + 'static
{
    /// Makes a user. `change.username` must be there. The account comes into being with it. What
    /// the change does not mention is empty; the status is active and the level 0. A reserved name
    /// is refused as taken, here and in every change.
    fn create_user(
        &self,
        change: UserChange,
        hash: Option<PasswordHash>,
        entry: Entry,
    ) -> StoreFuture<'_, Id>;

    /// Changes a user; its id, or nothing if there is none.
    fn update_user(
        &self,
        user: UserRef,
        change: UserChange,
        hash: Option<PasswordHash>,
        entry: Entry,
    ) -> StoreFuture<'_, Option<Id>>;

    /// Removes a user and its memberships; its username, or nothing if there is none.
    fn delete_user(&self, user: UserRef, entry: Entry) -> StoreFuture<'_, Option<Username>>;

    /// Reads a user.
    fn read_user(&self, account: AccountId, user: UserRef) -> StoreFuture<'_, Option<User>>;

    /// Reads the part of the matching users that the query asks for, and counts all of them.
    fn list_users(&self, account: AccountId, query: UserQuery) -> StoreFuture<'_, UserPage>;

    /// Counts the matching users, whatever the query's offset and limit.
    fn count_users(&self, account: AccountId, query: UserQuery) -> StoreFuture<'_, u64>;

    /// Makes a group. `change.name` must be there. The account comes into being with it.
    fn create_group(
        &self,
        change: GroupChange,
        hash: Option<PasswordHash>,
        entry: Entry,
    ) -> StoreFuture<'_, Id>;

    /// Changes a group; its id, or nothing if there is none.
    fn update_group(
        &self,
        group: GroupRef,
        change: GroupChange,
        hash: Option<PasswordHash>,
        entry: Entry,
    ) -> StoreFuture<'_, Option<Id>>;

    /// Removes a group and its memberships; its id, or nothing if there is none.
    fn delete_group(&self, group: GroupRef, entry: Entry) -> StoreFuture<'_, Option<Id>>;

    /// Reads a group.
    fn read_group(&self, account: AccountId, group: GroupRef) -> StoreFuture<'_, Option<Group>>;

    /// Reads every group of the account, by id.
    fn list_groups(&self, account: AccountId) -> StoreFuture<'_, Vec<Group>>;

    /// Carries a change to a membership out. The user is looked up before the group; every change
    /// but [`MemberChange::Add`] takes a membership that stands.
    fn change_member(
        &self,
        membership: Membership,
        change: MemberChange,
        entry: Entry,
    ) -> StoreFuture<'_, ()>;

    /// Reads the members of a group, by user id.
    fn list_members(
        &self,
        account: AccountId,
        group: GroupRef,
    ) -> StoreFuture<'_, Option<Vec<Member>>>;

    /// The first key and the first administrator of a store that has neither keys nor users, in
    /// one transaction. `false` if the store is not empty. The name may be a reserved one. There is
    /// an audit record for each of the two, whatever action the entry names.
    fn bootstrap(
        &self,
        key: KeyRecord,
        username: Username,
        hash: PasswordHash,
        entry: Entry,
    ) -> StoreFuture<'_, bool>;

    /// Carries out what is queued, ends every background thread and closes the database. Calls
    /// after it fail. A store that is dropped instead does the same without waiting for it.
    fn close(&self) -> StoreFuture<'_, ()>;
}

/// API keys, as the command line manages them.
///
/// A key that has expired keeps its name until it is revoked. A key has two secrets while it is
/// rotated, each a [`KeyRecord`] of its own.
pub trait KeyStore {
    /// Every key, revoked and expired ones too, by name and then in the order they were made.
    fn list_keys(&self) -> StoreFuture<'_, Vec<KeyRecord>>;

    /// Adds a key; `false` if its name is taken by a live one or its digest by any.
    fn insert_key(&self, key: KeyRecord, entry: Entry) -> StoreFuture<'_, bool>;

    /// Ends a key from now on, with every secret it has; `false` if no live key has the name.
    fn revoke_key(&self, name: String, at: Timestamp, entry: Entry) -> StoreFuture<'_, bool>;

    /// Gives a key another secret. Secrets that are revoked for it get audit records of their own.
    fn rotate_key(
        &self,
        name: String,
        rotation: Rotation,
        entry: Entry,
    ) -> StoreFuture<'_, Rotated>;

    /// Writes down when keys were used. No audit record says so.
    fn note_key_uses(&self, uses: Vec<KeyUse>) -> StoreFuture<'_, ()>;

    /// Calls `changed` with every key that is not revoked before the answer comes, and again
    /// within a second of any change to keys by any process, until the store is closed or dropped.
    /// It is called on a thread of its own and may block. Expiry is for the callee to judge.
    fn watch_keys(&self, changed: Box<dyn Fn(Vec<Key>) + Send + Sync>) -> StoreFuture<'_, ()>;
}

/// What happens to a membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// It begins; if it stands already, only a role that is given is set.
    Add(Option<MemberRole>),
    /// It ends.
    Remove,
    /// It gets a role.
    SetRole(MemberRole),
    /// It is banned.
    Ban(BanEnd),
    /// The ban is lifted.
    Unban,
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another user or group has the name, or it is reserved.
    #[error("the username is taken")]
    UsernameTaken,
    /// Another user or group has the slug, or it is reserved.
    #[error("the slug is taken")]
    SlugTaken,
    /// Another user has the address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// No such user.
    #[error("no such user")]
    UserNotFound,
    /// No such group.
    #[error("no such group")]
    GroupNotFound,
    /// No such membership.
    #[error("no such membership")]
    NotAMember,
    /// The search has more conditions or values than the store takes.
    #[error("the search has too many conditions or values")]
    SearchTooLong,
    /// The same call was carried out already, or is; or another one with its idempotency key.
    #[error("the call was made before")]
    Repeated,
    /// Too much is waiting already.
    #[error("the store's queue is full")]
    Overloaded,
    /// The database cannot be written just now: another process holds it, or the disk is full.
    #[error("the database cannot be written just now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database failed.
    #[error("the database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::UsernameTaken => Kind::UsernameTaken.into(),
            StoreError::SlugTaken => Kind::SlugTaken.into(),
            StoreError::EmailTaken => Kind::EmailTaken.into(),
            StoreError::UserNotFound => Kind::UserNotFound.into(),
            StoreError::GroupNotFound => Kind::GroupNotFound.into(),
            StoreError::NotAMember => Kind::NotAMember.into(),
            StoreError::SearchTooLong => Self::new(
                Kind::BadSearch,
                "the search has too many conditions or values; ask for less at once",
            ),
            StoreError::Repeated => Kind::InProgress.into(),
            StoreError::Overloaded => Kind::Overloaded.into(),
            StoreError::Unavailable(_) => Self::from(Kind::Overloaded).caused_by(error),
            StoreError::Database(_) => Self::internal(error),
        }
    }
}
