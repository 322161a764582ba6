//! [`BulkStore`] on the store's own threads.

use std::sync::Arc;

use super::import::{groups, members, users};
use super::{SqliteStore, export};
use crate::command::group::GroupRef;
use crate::command::user::UserRef;
use crate::command::{AccountId, Id};
use crate::journal::Entry;
use crate::store::Answer;
use crate::store::bulk::{BulkStore, GroupRow, MemberRow, Receive, UserRow, Verdict};

impl BulkStore for SqliteStore {
    fn import_users(
        &self,
        rows: Arc<[UserRow]>,
        take_over: Option<Id>,
        entry: Entry,
    ) -> Answer<'_, (Vec<Verdict>, Option<Id>)> {
        Box::pin(
            self.writer
                .write(move |connection| users::import(connection, &rows, take_over, &entry)),
        )
    }

    fn import_groups(&self, rows: Arc<[GroupRow]>, entry: Entry) -> Answer<'_, Vec<Verdict>> {
        Box::pin(
            self.writer
                .write(move |connection| groups::import(connection, &rows, &entry)),
        )
    }

    fn import_members(&self, rows: Arc<[MemberRow]>, entry: Entry) -> Answer<'_, Vec<Verdict>> {
        Box::pin(
            self.writer
                .write(move |connection| members::import(connection, &rows, &entry)),
        )
    }

    fn export_users<T: Receive<UserRow>>(
        &self,
        account: Option<AccountId>,
        receiver: T,
    ) -> Answer<'_, T> {
        Box::pin(
            self.readers
                .read(move |connection| export::users(connection, account, receiver)),
        )
    }

    fn export_groups<T: Receive<GroupRow>>(
        &self,
        account: Option<AccountId>,
        receiver: T,
    ) -> Answer<'_, T> {
        Box::pin(
            self.readers
                .read(move |connection| export::groups(connection, account, receiver)),
        )
    }

    fn export_members<T: Receive<MemberRow>>(
        &self,
        account: Option<AccountId>,
        receiver: T,
    ) -> Answer<'_, T> {
        Box::pin(
            self.readers
                .read(move |connection| export::members(connection, account, receiver)),
        )
    }

    fn user_row(&self, account: AccountId, user: UserRef) -> Answer<'_, Option<UserRow>> {
        Box::pin(
            self.readers
                .read(move |connection| export::user(connection, account, &user)),
        )
    }

    fn group_row(&self, account: AccountId, group: GroupRef) -> Answer<'_, Option<GroupRow>> {
        Box::pin(
            self.readers
                .read(move |connection| export::group(connection, account, &group)),
        )
    }
}
