//! Fields that are kept of an upstream's users.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::audit::{append, forwarded_record};
use super::columns::Columns;
use super::{SqliteStore, users_read};
use crate::command::user::User;
use crate::command::{AccountId, Dialect, Id};
use crate::journal::Entry;
use crate::journal::forwarded::Forwarded;
use crate::journal::record::{Outcome, Record};
use crate::store::kept::{Kept, KeptAdmin, KeptChange, KeptEdit, KeptField, KeptFields, Realm};
use crate::store::{StoreError, StoreFuture};

/// The account of upstreams that have none. Accounts begin with 1.
const NO_ACCOUNT: i64 = 0;

impl KeptFields for SqliteStore {
    fn keep(&self, change: KeptChange, write: Forwarded) -> StoreFuture<'_, ()> {
        let seal = Arc::clone(&self.seal);
        Box::pin(self.writer.write(move |connection| {
            write_change(connection, &change)?;
            append(connection, &seal, forwarded_record(&write))
        }))
    }

    fn doubt(&self, realm: Realm, user: Id, fields: Vec<String>) -> StoreFuture<'_, ()> {
        let edits = fields.into_iter().map(|field| KeptEdit {
            field,
            value: Kept::Unknown,
        });
        let change = KeptChange {
            realm,
            user,
            anew: false,
            edits: edits.collect(),
        };
        Box::pin(
            self.writer
                .write(move |connection| write_change(connection, &change)),
        )
    }

    fn kept(&self, realm: Realm, users: Vec<Id>) -> StoreFuture<'_, Vec<KeptField>> {
        Box::pin(
            self.readers
                .read(move |connection| read(connection, &realm, &users)),
        )
    }
}

impl KeptAdmin for SqliteStore {
    fn users_known_there(
        &self,
        account: AccountId,
        there: Dialect,
        after: Option<Id>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<(Id, User)>> {
        Box::pin(
            self.readers
                .read(move |connection| users(connection, account, there, after, limit)),
        )
    }

    fn count_unknown_there(&self, account: AccountId, there: Dialect) -> StoreFuture<'_, u64> {
        Box::pin(self.readers.read(move |connection| {
            let count: i64 = connection.query_row(
                "SELECT count(*) FROM users WHERE account_id = ?1 AND NOT EXISTS
                 (SELECT 1 FROM user_other_ids WHERE user_id = users.id AND dialect = ?2)",
                params![account.id().value(), there.name()],
                |row| row.get(0),
            )?;
            Ok(u64::try_from(count).unwrap_or_default())
        }))
    }

    fn keep_new(
        &self,
        realm: Realm,
        fields: Vec<KeptField>,
        entry: Entry,
    ) -> StoreFuture<'_, usize> {
        let seal = Arc::clone(&self.seal);
        Box::pin(self.writer.write(move |connection| {
            let new = insert_new(connection, &realm, &fields)?;
            if new > 0 {
                let record = Record {
                    attempts: i64::try_from(new).ok(),
                    reason: Some(realm.upstream.clone()),
                    ..Record::of(&entry, Outcome::Done)
                };
                append(connection, &seal, record)?;
            }
            Ok(new)
        }))
    }
}

fn users(
    connection: &Connection,
    account: AccountId,
    there: Dialect,
    after: Option<Id>,
    limit: u32,
) -> Result<Vec<(Id, User)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT users.*, other_id FROM user_other_ids JOIN users ON users.id = user_id
         WHERE user_other_ids.account_id = ?1 AND dialect = ?2 AND other_id > ?3
         ORDER BY other_id LIMIT ?4",
    )?;
    let after = after.map_or(0, Id::value);
    let rows = statement.query_and_then(
        params![account.id().value(), there.name(), after, limit],
        |row| {
            let columns = Columns(row);
            let user = users_read::complete(connection, users_read::parse(columns)?)?;
            Ok((columns.id("other_id")?, user))
        },
    )?;
    rows.collect()
}

fn insert_new(
    connection: &Connection,
    realm: &Realm,
    fields: &[KeptField],
) -> Result<usize, StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO kept_user_fields (upstream, account_id, user_id, field, value)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
    )?;
    let account = number(realm.account);
    let mut new = 0;
    for KeptField { user, field, value } in fields {
        new += insert.execute(params![realm.upstream, account, user.value(), field, value])?;
    }
    Ok(new)
}

fn write_change(connection: &Connection, change: &KeptChange) -> Result<(), StoreError> {
    let KeptChange {
        realm,
        user,
        anew,
        edits,
    } = change;
    let (upstream, account, user) = (&realm.upstream, number(realm.account), user.value());
    if *anew {
        connection
            .prepare_cached(
                "DELETE FROM kept_user_fields
                 WHERE upstream = ?1 AND account_id = ?2 AND user_id = ?3",
            )?
            .execute(params![upstream, account, user])?;
    }
    for KeptEdit { field, value } in edits {
        let value = match value {
            Kept::Unknown => {
                connection
                    .prepare_cached(
                        "DELETE FROM kept_user_fields
                         WHERE upstream = ?1 AND account_id = ?2 AND user_id = ?3 AND field = ?4",
                    )?
                    .execute(params![upstream, account, user, field])?;
                continue;
            }
            Kept::Empty => None,
            Kept::Value(value) => Some(value),
        };
        connection
            .prepare_cached(
                "INSERT INTO kept_user_fields (upstream, account_id, user_id, field, value)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET value = excluded.value",
            )?
            .execute(params![upstream, account, user, field, value])?;
    }
    Ok(())
}

fn read(
    connection: &Connection,
    realm: &Realm,
    users: &[Id],
) -> Result<Vec<KeptField>, StoreError> {
    let numbers: Vec<_> = users.iter().map(Id::to_string).collect();
    // One parameter, since a page may have more users than a statement may have parameters.
    let numbers = format!("[{}]", numbers.join(","));
    let mut statement = connection.prepare_cached(
        "SELECT user_id, field, value FROM kept_user_fields
         WHERE upstream = ?1 AND account_id = ?2
           AND user_id IN (SELECT value FROM json_each(?3))
         ORDER BY user_id, field",
    )?;
    let rows = statement.query_and_then(
        params![realm.upstream, number(realm.account), numbers],
        |row| {
            let columns = Columns(row);
            Ok(KeptField {
                user: columns.id("user_id")?,
                field: columns.required("field", Some::<String>)?,
                value: columns.parse("value", Some::<String>)?,
            })
        },
    )?;
    rows.collect()
}

fn number(account: Option<AccountId>) -> i64 {
    account.map_or(NO_ACCOUNT, |account| account.id().value())
}
