//! Users, groups and members in bulk: whole rows in, whole rows out.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::StoreFuture;
use crate::auth::password::PasswordHash;
use crate::command::group::{Group, GroupRef};
use crate::command::member::Member;
use crate::command::text::Text;
use crate::command::user::{User, UserRef};
use crate::command::{AccountId, Dialect, Id};
use crate::journal::Entry;

/// The ids that the same user or group has in the systems it came from.
pub type OtherIds = BTreeMap<Dialect, Id>;

/// A user with everything that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// Whether the user is to have `user.id`, or the next free one.
    pub keeps_id: bool,
    /// Its attributes.
    pub user: User,
    /// The hash of its password.
    pub hash: Option<PasswordHash>,
    /// Its ids elsewhere.
    pub other_ids: OtherIds,
}

/// A group with everything that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// Its account.
    pub account: AccountId,
    /// Whether the group is to have `group.id`, or the next free one.
    pub keeps_id: bool,
    /// Its attributes.
    pub group: Group,
    /// The hash of the password for joining.
    pub hash: Option<PasswordHash>,
    /// Its ids elsewhere.
    pub other_ids: OtherIds,
}

/// A membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// The account of both.
    pub account: AccountId,
    /// Who is in what.
    pub member: Member,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is stored.
    Imported,
    /// It is stored, in the place of the user that was to be taken over.
    TookOver,
    /// It was stored already, in all that the row says.
    Unchanged,
    /// It is not stored.
    Refused {
        /// The column at fault.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl Verdict {
    /// A row that is not stored.
    pub(super) fn refused(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Refused {
            field,
            reason: reason.into(),
        }
    }
}

/// Takes an export, on a thread of the store; it may block. Breaking ends the export.
pub trait Receive<R>: Send + 'static {
    /// Comes first: every extension attribute that occurs, in order.
    fn fields(&mut self, fields: Vec<(Dialect, Text)>) -> ControlFlow<()>;

    /// Comes once a row, by id.
    fn row(&mut self, row: R) -> ControlFlow<()>;
}

/// Import and export.
///
/// The rows of one import are one transaction, with an audit record for each that is stored; the
/// entry's action and account are not looked at. A row that is refused takes no other with it.
/// A row that is stored already is unchanged if the store agrees with all that the row says: of
/// passwords and other ids it may say nothing, and a hash of another system that was replaced at a
/// sign-in since counts as agreed with. Reserved names are not refused, since export gives them.
///
/// One export is one state of the store, however long it takes.
pub trait BulkStore {
    /// Stores users. The first row that has the id or the username of the user `take_over`
    /// replaces that user with all that belongs to it; what is left to be taken over comes back.
    fn import_users(
        &self,
        rows: Arc<[UserRow]>,
        take_over: Option<Id>,
        entry: Entry,
    ) -> StoreFuture<'_, (Vec<Verdict>, Option<Id>)>;

    /// Stores groups.
    fn import_groups(&self, rows: Arc<[GroupRow]>, entry: Entry) -> StoreFuture<'_, Vec<Verdict>>;

    /// Stores memberships of users and groups that are there.
    fn import_members(&self, rows: Arc<[MemberRow]>, entry: Entry)
    -> StoreFuture<'_, Vec<Verdict>>;

    /// Gives every user of the account, or of all, to the receiver, and the receiver back.
    fn export_users<T: Receive<UserRow>>(
        &self,
        account: Option<AccountId>,
        receiver: T,
    ) -> StoreFuture<'_, T>;

    /// Gives every group of the account, or of all, to the receiver, and the receiver back.
    fn export_groups<T: Receive<GroupRow>>(
        &self,
        account: Option<AccountId>,
        receiver: T,
    ) -> StoreFuture<'_, T>;

    /// Gives every membership of the account, or of all, to the receiver, and the receiver back.
    fn export_members<T: Receive<MemberRow>>(
        &self,
        account: Option<AccountId>,
        receiver: T,
    ) -> StoreFuture<'_, T>;

    /// One user with everything that is kept of it.
    fn user_row(&self, account: AccountId, user: UserRef) -> StoreFuture<'_, Option<UserRow>>;

    /// One group with everything that is kept of it.
    fn group_row(&self, account: AccountId, group: GroupRef) -> StoreFuture<'_, Option<GroupRow>>;
}
