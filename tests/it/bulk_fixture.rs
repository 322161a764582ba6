//! Files and stores for tests of what is done in bulk.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use dragoman::command::Dialect;
use dragoman::command::text::Text;
use dragoman::store::Store;
use dragoman::store::bulk::{BulkStore, GroupRow, MemberRow, Receive, UserRow};
use dragoman::store::sqlite::{Parameters, SqliteStore};

/// The built binary in a directory, with nothing of the caller's environment.
pub(crate) fn dragoman(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dragoman"));
    command.current_dir(directory).args(arguments).env_clear();
    command
}

/// Exit code, standard output, standard error.
pub(crate) fn run(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = dragoman(directory, arguments).output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Standard output of what must succeed.
pub(crate) fn done(directory: &Path, arguments: &[&str]) -> String {
    let (code, said, errors) = run(directory, arguments);
    assert_eq!(code, 0, "{arguments:?}: {said}{errors}");
    said
}

/// Writes a file and imports it; exit code, standard output, standard error.
pub(crate) fn import(
    directory: &Path,
    noun: &str,
    name: &str,
    text: &str,
) -> (i32, String, String) {
    fs::write(directory.join(name), text).unwrap();
    run(directory, &[noun, "import", name])
}

/// The one user with that reference.
pub(crate) fn user(directory: &Path, reference: &str) -> serde_json::Value {
    serde_json::from_str(&done(directory, &["users", "get", reference])).unwrap()
}

/// The store of a directory, opened beside the command line.
pub(crate) fn open(directory: &Path) -> SqliteStore {
    SqliteStore::open(&directory.join("data/dragoman.db"), &Parameters::default()).unwrap()
}

/// A number that a statement asks the store of a directory for.
pub(crate) fn number(directory: &Path, sql: &str) -> i64 {
    let database = rusqlite::Connection::open(directory.join("data/dragoman.db")).unwrap();
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Everything that is in a store.
#[derive(Debug, PartialEq)]
pub(crate) struct Contents {
    pub(crate) users: Vec<UserRow>,
    pub(crate) groups: Vec<GroupRow>,
    pub(crate) members: Vec<MemberRow>,
}

impl Contents {
    pub(crate) async fn of(directory: &Path) -> Self {
        let store = open(directory);
        let contents = Self {
            users: store.export_users(None, Rows::new()).await.unwrap().0,
            groups: store.export_groups(None, Rows::new()).await.unwrap().0,
            members: store.export_members(None, Rows::new()).await.unwrap().0,
        };
        store.close().await.unwrap();
        contents
    }
}

/// Keeps rows as they come.
pub(crate) struct Rows<R>(pub(crate) Vec<R>);

impl<R> Rows<R> {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }
}

impl<R: Send + 'static> Receive<R> for Rows<R> {
    fn fields(&mut self, _: Vec<(Dialect, Text)>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: R) -> ControlFlow<()> {
        self.0.push(row);
        ControlFlow::Continue(())
    }
}
