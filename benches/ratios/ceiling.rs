//! What the disk takes of updates at all: a writer with nothing around it, 64 updates a commit.
//!
//! [`Ceiling::of`] is what the gateway is judged by. It leaves behind the very rows that the gateway
//! leaves: in a copy of the gateway's own store, with its columns, indexes and triggers, it writes
//! the same columns of the user and a record as long as the gateway's, as durably. Everything is
//! ready beforehand: it reads nothing, decides nothing, digests nothing and answers nobody.
//!
//! [`Ceiling::of_plain_tables`] does the same with the least tables that could hold a change and a
//! note of it. It says what the gateway's schema costs, and is not judged.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, Params, params, params_from_iter};

use super::callers::Calls;

/// How many updates share a commit, as at most in the gateway.
const BATCH: u32 = 64;

const UPDATE: &str = "UPDATE users SET display_name = ?2, display_key = ?3, given_key = ?4,
                          family_key = ?5 WHERE id = ?1";

const PLAIN_TABLES: &str = "
    CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT, name TEXT, email TEXT);
    CREATE TABLE records (id INTEGER PRIMARY KEY, at INTEGER, principal TEXT, action TEXT,
                          user INTEGER, request TEXT, before BLOB, after BLOB, hash BLOB);";

/// A writer of updates that are numbered.
pub(crate) struct Ceiling {
    connection: Connection,
    next: u32,
    rows: Rows,
}

/// What an update leaves behind.
enum Rows {
    /// What the gateway does, its record being like this one, whose number is the first column.
    Same { insert: String, record: Vec<Value> },
    /// A name, and a note of it.
    Plain,
}

impl Ceiling {
    /// Over a copy of a store that a gateway has open and has done an update in.
    pub(crate) fn of(store: &Path, directory: &Path) -> Self {
        let copy = directory.join("ceiling.db");
        let original = open(store);
        let copied = original.execute("VACUUM INTO ?1", [copy.to_str()]);
        copied.expect("a copy of the store");
        drop(original);
        let connection = open(&copy);
        let (names, record) = last_record(&connection);
        let places: Vec<_> = (1..=names.len()).map(|place| format!("?{place}")).collect();
        let insert = format!(
            "INSERT INTO audit ({}) VALUES ({})",
            names.join(", "),
            places.join(", ")
        );
        Self {
            connection,
            next: 0,
            rows: Rows::Same { insert, record },
        }
    }

    /// Over a database of its own.
    pub(crate) fn of_plain_tables(directory: &Path, users: u32) -> Self {
        let connection = open(&directory.join("plain.db"));
        connection
            .execute_batch(PLAIN_TABLES)
            .expect("the plain tables");
        let mut writer = Self {
            connection,
            next: 0,
            rows: Rows::Plain,
        };
        writer.batch(1..=users, |connection, _, id| {
            connection.execute(
                "INSERT INTO users VALUES (?1, 'user' || ?1, 'User ' || ?1, ?1 || '@example.com')",
                [id],
            )
        });
        writer
    }

    /// Does updates for a time, each of the user that it is told for its number.
    pub(crate) fn write_for(&mut self, time: Duration, user: impl Fn(u32) -> u32) -> Calls {
        let (began, before) = (Instant::now(), self.next);
        while began.elapsed() < time {
            let first = self.next;
            self.next += BATCH;
            self.batch(first..self.next, |connection, rows, number| {
                update(connection, rows, user(number), number)
            });
        }
        Calls {
            number: self.next - before,
            took: began.elapsed(),
        }
    }

    /// Does one update.
    ///
    /// # Panics
    ///
    /// If the user is not what the gateway makes of it by the same update.
    pub(crate) fn check(&mut self, store: &Path, user: u32, number: u32) {
        self.batch([number], |connection, rows, number| {
            update(connection, rows, user, number)
        });
        let row = |connection: &Connection| {
            let (_, row) = last(connection, "SELECT * FROM users WHERE id = ?1", [user]);
            row
        };
        assert_eq!(row(&self.connection), row(&open(store)));
    }

    fn batch(
        &mut self,
        numbers: impl IntoIterator<Item = u32>,
        work: impl Fn(&Connection, &mut Rows, u32) -> rusqlite::Result<usize>,
    ) {
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE");
        begun.expect("a transaction");
        for number in numbers {
            let written = work(&self.connection, &mut self.rows, number).expect("a write");
            assert_eq!(written, 1);
        }
        self.connection.execute_batch("COMMIT").expect("a commit");
    }
}

fn update(
    connection: &Connection,
    rows: &mut Rows,
    user: u32,
    number: u32,
) -> rusqlite::Result<usize> {
    match rows {
        Rows::Same { insert, record } => {
            if let Some(Value::Integer(number)) = record.first_mut() {
                *number += 1;
            }
            connection
                .prepare_cached(insert)?
                .execute(params_from_iter(record.iter()))?;
            let given = format!("user {user} as of");
            let name = format!("User {user} as of {number}");
            let key = format!("{given} {number}");
            connection.prepare_cached(UPDATE)?.execute(params![
                user,
                name,
                key,
                given,
                number.to_string()
            ])
        }
        Rows::Plain => {
            let digest = [7_u8; 32];
            connection
                .prepare_cached(
                    "INSERT INTO records (at, principal, action, user, request, before, after, hash)
                     VALUES (?1, 'key:bench', 'update_user', ?2, ?3, ?4, ?4, ?4)",
                )?
                .execute(params![
                    1_790_000_000_000_i64 + i64::from(number),
                    user,
                    "01a0c450-6c00-7bab-abab-abababababab",
                    digest
                ])?;
            connection
                .prepare_cached("UPDATE users SET name = ?2 WHERE id = ?1")?
                .execute(params![user, format!("User {user} as of {number}")])
        }
    }
}

/// With the settings that make a commit durable, as the gateway's writer has them.
fn open(file: &Path) -> Connection {
    let connection = Connection::open(file).expect("a database");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
        )
        .expect("the settings of the database");
    connection
}

fn last_record(connection: &Connection) -> (Vec<String>, Vec<Value>) {
    last(
        connection,
        "SELECT * FROM audit WHERE action = 'user.update' ORDER BY id DESC LIMIT 1",
        [],
    )
}

/// The names and values of the one row that there is.
fn last(connection: &Connection, sql: &str, key: impl Params) -> (Vec<String>, Vec<Value>) {
    let mut statement = connection.prepare(sql).expect("a statement");
    let names = statement.column_names().map(str::to_owned);
    let names: Vec<_> = names.collect();
    let row = statement.query_row(key, |row| {
        (0..names.len()).map(|column| row.get(column)).collect()
    });
    (names, row.expect("a row"))
}
