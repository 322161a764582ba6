//! Fields that are kept of an upstream's users.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::SqliteStore;
use super::audit::{append, forwarded_record};
use super::columns::Columns;
use crate::command::{AccountId, Id};
use crate::journal::forwarded::Forwarded;
use crate::store::kept::{Kept, KeptChange, KeptEdit, KeptField, KeptFields, Realm};
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
