//! Who may sign in, for authentication.

use futures_util::future::BoxFuture;

use super::{SqliteStore, users, users_read};
use crate::auth::authenticate::{Login, UserDirectory};
use crate::auth::password::PasswordHash;
use crate::command::{AccountId, Id};
use crate::error::Error;
use crate::journal::Entry;

impl UserDirectory for SqliteStore {
    fn find_login(
        &self,
        account: AccountId,
        login: String,
    ) -> BoxFuture<'_, Result<Option<Login>, Error>> {
        let found = self
            .readers
            .read(move |connection| users_read::login(connection, account, &login));
        Box::pin(async { found.await.map_err(Error::from) })
    }

    fn find_login_by_id(
        &self,
        account: AccountId,
        id: Id,
    ) -> BoxFuture<'_, Result<Option<Login>, Error>> {
        let found = self
            .readers
            .read(move |connection| users_read::login_by_id(connection, account, id));
        Box::pin(async { found.await.map_err(Error::from) })
    }

    fn renew_hash(
        &self,
        id: Id,
        old: PasswordHash,
        new: PasswordHash,
        entry: Entry,
    ) -> BoxFuture<'_, Result<bool, Error>> {
        let draft = self.draft(entry);
        let renewed = self
            .writer
            .write(move |connection| users::renew_hash(connection, id, &old, &new, &draft));
        Box::pin(async { renewed.await.map_err(Error::from) })
    }
}
