//! A store in a directory that goes away with the test, and short ways to fill it.

use std::path::{Path, PathBuf};

use dragoman::auth::api_key::Pepper;
use dragoman::auth::password::PasswordHash;
use dragoman::clock::Timestamp;
use dragoman::command::email::Email;
use dragoman::command::extension::ExtensionEdit;
use dragoman::command::group::GroupRef;
use dragoman::command::name::{Slug, Username};
use dragoman::command::text::Text;
use dragoman::command::user::{User, UserChange, UserRef};
use dragoman::command::{AccountId, Action, Dialect, Edit, Id};
use dragoman::journal::seal::Seal;
use dragoman::journal::{Act, Entry};
use dragoman::store::sqlite::{Parameters, SqliteStore};
use dragoman::store::{Store, StoreError};
use tempfile::TempDir;

/// The account that tests act in.
pub(crate) const ACCOUNT: AccountId = AccountId::new(Id::ONE);

/// A store and the directory it is in.
pub(crate) struct Fixture {
    pub(crate) store: SqliteStore,
    pub(crate) directory: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(&Parameters::default())
    }

    pub(crate) fn with(parameters: &Parameters) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store =
            SqliteStore::open(&directory.path().join("store.db"), parameters, seal()).unwrap();
        Self { store, directory }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("store.db")
    }

    /// A second directory with the files as a crash would leave them at this moment.
    pub(crate) fn crashed(&self) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for name in ["store.db", "store.db-wal"] {
            let copy = directory.path().join(name);
            std::fs::copy(self.directory.path().join(name), copy).unwrap();
        }
        directory
    }

    /// The file as another program sees it.
    pub(crate) fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }

    /// A number that a statement asks for.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.raw().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Closes the store and opens it again.
    pub(crate) async fn reopened(self) -> Self {
        self.store.close().await.unwrap();
        let store = SqliteStore::open(&self.path(), &Parameters::default(), seal()).unwrap();
        Self { store, ..self }
    }

    pub(crate) async fn create(&self, change: UserChange) -> Result<Id, StoreError> {
        self.store
            .create_user(change, None, entry(Action::CreateUser))
            .await
    }

    pub(crate) async fn user(&self, name: &str) -> Id {
        self.create(named(name)).await.unwrap()
    }

    pub(crate) async fn update(
        &self,
        id: Id,
        change: UserChange,
    ) -> Result<Option<Id>, StoreError> {
        self.store
            .update_user(UserRef::Id(id), change, None, entry(Action::UpdateUser))
            .await
    }

    pub(crate) async fn read(&self, id: Id) -> User {
        let user = self.store.read_user(ACCOUNT, UserRef::Id(id)).await;
        user.unwrap().unwrap()
    }
}

/// What every store of the tests is sealed with.
pub(crate) fn seal() -> Seal {
    Pepper::new(&[7; 32]).seal()
}

pub(crate) fn entry(action: impl Into<Act>) -> Entry {
    entry_in(ACCOUNT, action)
}

pub(crate) fn entry_in(account: AccountId, action: impl Into<Act>) -> Entry {
    Entry {
        at: Timestamp::from_millis(1_700_000_000_123),
        principal: "key:test".to_owned(),
        action: action.into(),
        account,
        source: Some([192, 0, 2, 7].into()),
        route: None,
        request_id: "0193-request".to_owned(),
        not_done: None,
        event: None,
        tries: None,
        once: None,
    }
}

/// A change with nothing but a username.
pub(crate) fn named(name: &str) -> UserChange {
    UserChange {
        username: Some(username(name)),
        ..UserChange::default()
    }
}

pub(crate) fn username(name: &str) -> Username {
    Username::parse(name).unwrap()
}

pub(crate) fn email(address: &str) -> Email {
    Email::parse(address).unwrap()
}

pub(crate) fn text(value: &str) -> Text {
    Text::parse(value).unwrap()
}

pub(crate) fn set(value: &str) -> Edit<Text> {
    Edit::Set(text(value))
}

pub(crate) fn slug(value: &str) -> GroupRef {
    GroupRef::Slug(Slug::parse(value).unwrap())
}

pub(crate) fn hash(phc: &str) -> PasswordHash {
    PasswordHash::from_stored(phc.to_owned())
}

pub(crate) fn extension(field: &str, value: Option<&str>) -> ExtensionEdit {
    ExtensionEdit {
        dialect: Dialect::Grupo,
        field: text(field),
        value: value.map(text),
    }
}

/// The names of the users in a file, whatever else is beside it.
pub(crate) fn usernames(path: &Path) -> Vec<String> {
    let raw = rusqlite::Connection::open(path).unwrap();
    let mut statement = raw
        .prepare("SELECT username FROM users ORDER BY id")
        .unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

/// The names of the files in a directory, sorted.
pub(crate) fn files(directory: &Path) -> Vec<String> {
    let files = directory.read_dir().unwrap();
    let mut names: Vec<_> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
