//! What is in a database file: of which program, of which schema, and whether it is sound.

use rusqlite::{Connection, ErrorCode};

use super::schema::{self, Identity};

/// What a look through a whole file found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The number of its schema; nothing if it is no store of this program, or cannot be read.
    pub schema: Option<i64>,
    /// How many pages it has.
    pub pages: u64,
    /// How many of them are unused and will be used again.
    pub free_pages: u64,
    /// How many bytes a page has.
    pub page_bytes: u64,
    /// What is broken, one sentence each, the first hundred.
    pub damage: Vec<String>,
    /// Usernames that are the e-mail address of another user, one sentence each, the first hundred.
    /// Versions before schema 5 took them.
    pub ambiguities: Vec<String>,
}

impl Contents {
    /// Reads the whole file, in one transaction.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        look_through(connection).or_else(|error| {
            Ok(Self {
                damage: as_damage(error)?,
                ..Self::default()
            })
        })
    }
}

fn look_through(connection: &Connection) -> rusqlite::Result<Contents> {
    let transaction = connection.unchecked_transaction()?;
    let number = |pragma| {
        let value = transaction.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))?;
        Ok::<_, rusqlite::Error>(value.unsigned_abs())
    };
    let schema = match schema::identify(&transaction)? {
        Identity::Store(schema) => Some(schema),
        Identity::Empty | Identity::Foreign => None,
    };
    let mut damage = broken_pages(&transaction).or_else(as_damage)?;
    // Rows of a broken file say nothing about what they refer to.
    if damage.is_empty() {
        damage = orphans(&transaction).or_else(as_damage)?;
    }
    let mut ambiguities = Vec::new();
    if damage.is_empty() && schema.is_some_and(|schema| schema >= schema::EMAIL_NAMES) {
        ambiguities = ambiguous_names(&transaction)?;
    }
    Ok(Contents {
        schema,
        pages: number("page_count")?,
        free_pages: number("freelist_count")?,
        page_bytes: number("page_size")?,
        damage,
        ambiguities,
    })
}

/// Whether an error says that the file is broken, or none of `SQLite`'s.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

fn as_damage(error: rusqlite::Error) -> rusqlite::Result<Vec<String>> {
    if is_damage(&error) {
        return Ok(vec![error.to_string()]);
    }
    Err(error)
}

fn broken_pages(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut check = connection.prepare("PRAGMA integrity_check(100)")?;
    let found = check.query_map([], |row| row.get(0))?;
    let mut found = found.collect::<rusqlite::Result<Vec<String>>>()?;
    found.retain(|line| line != "ok");
    Ok(found)
}

/// Rows that refer to a row that is not there.
fn orphans(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut check = connection.prepare(
        r#"SELECT format('a row of %s refers to a row of %s that is not there', "table", parent)
           FROM pragma_foreign_key_check LIMIT 100"#,
    )?;
    let found = check.query_map([], |row| row.get(0))?;
    found.collect()
}

/// Usernames that are the e-mail address of another user. The store is of schema 5 or later.
pub(super) fn ambiguous_names(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut check = connection.prepare(
        "SELECT format('the username of user %d is the e-mail address of user %d: change one of them, since'
                       || ' calls that name either mean the first', names.user_id, users.id)
         FROM names JOIN users
           ON users.account_id = names.account_id AND users.id <> names.user_id
          AND names.key IN (users.email_key, users.email_name)
         LIMIT 100",
    )?;
    let found = check.query_map([], |row| row.get(0))?;
    found.collect()
}
