//! [`BulkStore`] on the store's own threads.

use std::sync::Arc;

use super::import::{groups, members, users};
use super::{SqliteStore, export};
use crate::command::group::GroupRef;
use crate::command::user::UserRef;
use crate::command::{AccountId, Id};
use crate::journal::Entry;
use crate::store::StoreFuture;
use crate::store::bulk::{BulkStore, GroupRow, MemberRow, Receive, UserRow, Verdict};

impl BulkStore for SqliteStore {
    fn import_users(
        &self,
        rows: Arc<[UserRow]>,
        take_over: Option<Id>,
        entry: Entry,
    ) -> StoreFuture<'_, (Vec<Verdict>, Option<Id>)> {
        let draft = self.draft(entry);
        Box::pin(
            self.writer
                .write(move |connection| users::import(connection, &rows, take_over, &draft)),
        )
    }

    fn import_groups(&self, rows: Arc<[GroupRow]>, entry: Entry) -> StoreFuture<'_, Vec<Verdict>> {
        let draft = self.draft(entry);
        Box::pin(
            self.writer
                .write(move |connection| groups::import(connection, &rows, &draft)),
        )
    }

    fn import_members(
        &self,
        rows: Arc<[MemberRow]>,
        entry: Entry,
    ) -> StoreFuture<'_, Vec<Verdict>> {
        let draft = self.draft(entry);
        Box::pin(
            self.writer
                .write(move |connection| members::import(connection, &rows, &draft)),
        )
    }

    fn export_users<T: Receive<UserRow>>(
        &self,
        account: Option<AccountId>,
        receiver: T,
    ) -> StoreFuture<'_, T> {
        Box::pin(
            self.readers
                .read(move |connection| export::users(connection, account, receiver)),
        )
    }

    fn export_groups<T: Receive<GroupRow>>(
        &self,
        account: Option<AccountId>,
        receiver: T,
    ) -> StoreFuture<'_, T> {
        Box::pin(
            self.readers
                .read(move |connection| export::groups(connection, account, receiver)),
        )
    }

    fn export_members<T: Receive<MemberRow>>(
        &self,
        account: Option<AccountId>,
        receiver: T,
    ) -> StoreFuture<'_, T> {
        Box::pin(
            self.readers
                .read(move |connection| export::members(connection, account, receiver)),
        )
    }

    fn user_row(&self, account: AccountId, user: UserRef) -> StoreFuture<'_, Option<UserRow>> {
        Box::pin(
            self.readers
                .read(move |connection| export::user(connection, account, &user)),
        )
    }

    fn group_row(&self, account: AccountId, group: GroupRef) -> StoreFuture<'_, Option<GroupRow>> {
        Box::pin(
            self.readers
                .read(move |connection| export::group(connection, account, &group)),
        )
    }
}
