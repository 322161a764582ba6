//! The dialects' own attributes of users and groups.

use rusqlite::{Connection, params};

use super::columns::Columns;
use super::names::Owner;
use crate::command::Dialect;
use crate::command::extension::Extension;
use crate::store::StoreError;

/// Reads all attributes of a user or group, sorted by dialect and field.
pub(super) fn read(connection: &Connection, owner: Owner) -> Result<Vec<Extension>, StoreError> {
    let (sql, id) = match owner {
        Owner::User(id) => (
            "SELECT dialect, field, value FROM user_extensions WHERE user_id = ?1",
            id,
        ),
        Owner::Group(id) => (
            "SELECT dialect, field, value FROM group_extensions WHERE group_id = ?1",
            id,
        ),
    };
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_and_then([id.value()], |row| extension(Columns(row)))?;
    let mut extensions = rows.collect::<Result<Vec<_>, _>>()?;
    extensions.sort();
    Ok(extensions)
}

/// Replaces all attributes of a user or group.
pub(super) fn write(
    connection: &Connection,
    owner: Owner,
    extensions: &[Extension],
) -> Result<(), StoreError> {
    let (delete, insert, id) = match owner {
        Owner::User(id) => (
            "DELETE FROM user_extensions WHERE user_id = ?1",
            "INSERT INTO user_extensions (user_id, dialect, field, value) VALUES (?1, ?2, ?3, ?4)",
            id,
        ),
        Owner::Group(id) => (
            "DELETE FROM group_extensions WHERE group_id = ?1",
            "INSERT INTO group_extensions (group_id, dialect, field, value) VALUES (?1, ?2, ?3, ?4)",
            id,
        ),
    };
    connection.prepare_cached(delete)?.execute([id.value()])?;
    let mut insert = connection.prepare_cached(insert)?;
    for extension in extensions {
        insert.execute(params![
            id.value(),
            extension.dialect.name(),
            extension.field.as_str(),
            extension.value.as_str(),
        ])?;
    }
    Ok(())
}

fn extension(columns: Columns<'_>) -> Result<Extension, StoreError> {
    let text = |value: String| crate::command::text::Text::parse(value).ok();
    Ok(Extension {
        dialect: columns.required("dialect", |name: String| Dialect::from_name(&name))?,
        field: columns.required("field", text)?,
        value: columns.required("value", text)?,
    })
}
