//! The ids of users and groups in the systems they came from.

use rusqlite::{Connection, params};

use super::columns::Columns;
use super::failure::violates;
use super::names::Owner;
use crate::command::{AccountId, Dialect};
use crate::store::StoreError;
use crate::store::bulk::{OtherIds, Verdict};

/// Reads all of them.
pub(super) fn read(connection: &Connection, owner: Owner) -> Result<OtherIds, StoreError> {
    let (sql, id) = match owner {
        Owner::User(id) => (
            "SELECT dialect, other_id FROM user_other_ids WHERE user_id = ?1",
            id,
        ),
        Owner::Group(id) => (
            "SELECT dialect, other_id FROM group_other_ids WHERE group_id = ?1",
            id,
        ),
    };
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_and_then([id.value()], |row| {
        let columns = Columns(row);
        let dialect = columns.required("dialect", |name: String| Dialect::from_name(&name))?;
        Ok((dialect, columns.id("other_id")?))
    })?;
    rows.collect()
}

/// Adds them to an owner that has none; a refusal if one of them means somebody else.
pub(super) fn insert(
    connection: &Connection,
    account: AccountId,
    owner: Owner,
    other_ids: &OtherIds,
) -> Result<Option<Verdict>, StoreError> {
    let (sql, unique, id) = match owner {
        Owner::User(id) => (
            "INSERT INTO user_other_ids (user_id, dialect, account_id, other_id)
             VALUES (?1, ?2, ?3, ?4)",
            "user_other_ids.other_id",
            id,
        ),
        Owner::Group(id) => (
            "INSERT INTO group_other_ids (group_id, dialect, account_id, other_id)
             VALUES (?1, ?2, ?3, ?4)",
            "group_other_ids.other_id",
            id,
        ),
    };
    for (dialect, other_id) in other_ids {
        let account = account.id().value();
        let inserted = connection.prepare_cached(sql)?.execute(params![
            id.value(),
            dialect.name(),
            account,
            other_id.value()
        ]);
        match inserted {
            Ok(_) => {}
            Err(error) if violates(&error, unique) => {
                let field = match dialect {
                    Dialect::Grupo => "id.grupo",
                    Dialect::Vision6 => "id.vision6",
                    Dialect::B2evolution => "id.b2evolution",
                };
                let reason = "is taken by another one; change one of them";
                return Ok(Some(Verdict::refused(field, reason)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}
