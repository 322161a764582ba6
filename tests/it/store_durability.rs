//! What the store promises of its file: settings, commits, restarts, other processes.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dragoman::command::query::UserQuery;
use dragoman::command::{Action, Id};
use dragoman::store::sqlite::open::OpenError;
use dragoman::store::sqlite::{Parameters, SqliteStore};
use dragoman::store::{Store, StoreError};
use futures_util::future::join_all;

use crate::store_fixture::{ACCOUNT, Fixture, entry, named, seal};

fn reopen(fixture: &Fixture) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(&fixture.path(), &Parameters::default(), seal())
}

#[tokio::test]
async fn the_writer_keeps_the_settings_that_durability_rests_on() {
    let fixture = Fixture::new();
    let settings = fixture.store.writer_settings().await.unwrap();
    let expected = [
        ("journal_mode", "wal"),
        ("synchronous", "2"),
        ("fullfsync", "1"),
        ("foreign_keys", "1"),
        ("wal_autocheckpoint", "1000"),
        ("journal_size_limit", "16777216"),
        ("mmap_size", "0"),
        ("trusted_schema", "0"),
        ("busy_timeout", "5000"),
    ];
    assert_eq!(
        settings,
        expected.map(|(name, value)| (name, value.to_owned()))
    );
}

#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data/deeper/store.db");
    let store = SqliteStore::open(&path, &Parameters::default(), seal()).unwrap();
    let made = store.create_user(named("ann"), None, entry(Action::CreateUser));
    made.await.unwrap();
    let bits = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for name in ["store.db", "store.db-wal", "store.db-shm", "store.db-lock"] {
        assert_eq!(bits(path.with_file_name(name)), 0o600, "{name}");
    }
    assert_eq!(bits(path.parent().unwrap().to_owned()), 0o700);
}

#[tokio::test]
async fn calls_that_wait_together_share_a_commit() {
    let fixture = Fixture::new();
    let names: Vec<_> = (0..200).map(|number| format!("user{number}")).collect();
    let writes = join_all(names.iter().map(|name| fixture.user(name)));
    let lock = fixture.raw();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let unlock = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        lock.execute_batch("ROLLBACK").unwrap();
    };
    tokio::join!(writes, unlock);
    // The first few are on their way before the rest is queued; 64 share a commit after that.
    let commits = fixture.store.commits();
    assert!((4..=5).contains(&commits), "{commits} commits");
    assert_eq!(fixture.number("SELECT count(*) FROM users"), 200);
    assert_eq!(fixture.number("SELECT count(*) FROM audit"), 200);
}

#[tokio::test]
async fn a_failing_write_undoes_itself_and_not_its_neighbours() {
    let fixture = Fixture::new();
    fixture.user("taken").await;
    let lock = fixture.raw();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    // While the file is locked, the three gather for one transaction.
    let writes = async {
        tokio::join!(
            fixture.create(named("left")),
            fixture.create(named("taken")),
            fixture.create(named("right")),
        )
    };
    let unlock = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        lock.execute_batch("ROLLBACK").unwrap();
    };
    let ((left, taken, right), ()) = tokio::join!(writes, unlock);
    left.unwrap();
    assert!(matches!(taken, Err(StoreError::UsernameTaken)));
    right.unwrap();
    assert_eq!(fixture.number("SELECT count(*) FROM users"), 3);
}

#[tokio::test]
async fn a_queued_write_is_carried_out_though_its_caller_left() {
    let fixture = Fixture::new();
    let lock = fixture.raw();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let write = fixture.create(named("ann"));
    let left = tokio::time::timeout(Duration::from_millis(50), write).await;
    assert!(left.is_err());
    lock.execute_batch("ROLLBACK").unwrap();
    let fixture = fixture.reopened().await;
    assert_eq!(fixture.number("SELECT count(*) FROM users"), 1);
}

#[tokio::test]
async fn a_full_queue_refuses_instead_of_waiting() {
    let fixture = Arc::new(Fixture::with(&Parameters {
        write_queue: 2,
        ..Parameters::default()
    }));
    let lock = fixture.raw();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writes: Vec<_> = (0..100)
        .map(|number| {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move { fixture.create(named(&format!("user{number}"))).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    lock.execute_batch("ROLLBACK").unwrap();
    let (mut done, mut refused) = (0, 0);
    for write in writes {
        match write.await.unwrap() {
            Ok(_) => done += 1,
            Err(error) => {
                assert!(matches!(error, StoreError::Overloaded), "{error:?}");
                refused += 1;
            }
        }
    }
    assert!(done >= 2 && refused > 0, "{done} done, {refused} refused");
    assert_eq!(fixture.number("SELECT count(*) FROM users"), done);
}

#[tokio::test]
async fn a_lock_of_two_seconds_is_waited_for_and_reads_go_on() {
    let fixture = Fixture::new();
    let ann = fixture.user("ann").await;
    let lock = fixture.raw();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let start = Instant::now();
    let reads = async {
        while start.elapsed() < Duration::from_secs(2) {
            let before = Instant::now();
            fixture.read(ann).await;
            assert!(before.elapsed() < Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        lock.execute_batch("ROLLBACK").unwrap();
    };
    let (written, ()) = tokio::join!(fixture.create(named("ben")), reads);
    written.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(2));
}

#[tokio::test]
async fn a_lock_that_stays_makes_the_store_unavailable_for_as_long() {
    let fixture = Fixture::new();
    let lock = fixture.raw();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let refused = fixture.create(named("ann")).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    lock.execute_batch("ROLLBACK").unwrap();
    fixture.user("ann").await;
}

#[tokio::test]
async fn a_dropped_store_finishes_what_was_queued() {
    let Fixture { store, directory } = Fixture::new();
    let lock = rusqlite::Connection::open(directory.path().join("store.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let write = store.create_user(named("ann"), None, entry(Action::CreateUser));
    tokio::time::timeout(Duration::from_millis(20), write)
        .await
        .unwrap_err();
    drop(store);
    lock.execute_batch("ROLLBACK").unwrap();
    let count = || -> i64 {
        lock.query_row("SELECT count(*) FROM users", [], |row| row.get(0))
            .unwrap()
    };
    let start = Instant::now();
    while count() == 0 {
        assert!(start.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_closed_store_leaves_one_whole_file_and_refuses_calls() {
    let fixture = Fixture::new();
    fixture.user("ann").await;
    fixture.store.close().await.unwrap();
    fixture.store.close().await.unwrap();
    assert!(!fixture.path().with_file_name("store.db-wal").exists());
    assert!(fixture.create(named("ben")).await.is_err());
    let read = fixture
        .store
        .list_users(ACCOUNT, UserQuery::default())
        .await;
    assert!(read.is_err());
    let store = reopen(&fixture).unwrap();
    let page = store
        .list_users(ACCOUNT, UserQuery::default())
        .await
        .unwrap();
    assert_eq!(page.users[0].id, Id::ONE);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let fixture = Fixture::new();
    fixture.store.close().await.unwrap();
    fixture
        .raw()
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    let error = reopen(&fixture).unwrap_err();
    assert!(matches!(error, OpenError::NewerSchema { found: 99, .. }));
    assert!(error.to_string().contains("run a newer version"));
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.db");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("CREATE TABLE theirs (x)").unwrap();
    let error = SqliteStore::open(&path, &Parameters::default(), seal()).unwrap_err();
    assert!(matches!(error, OpenError::Foreign));
    let sql = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = raw.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.txt");
    let notes = "not a database, ".repeat(100);
    std::fs::write(&path, &notes).unwrap();
    let error = SqliteStore::open(&path, &Parameters::default(), seal()).unwrap_err();
    assert!(matches!(error, OpenError::NoDatabase(_)), "{error:?}");
    let said = error.to_string();
    assert!(said.contains("choose another path"), "{said}");
    assert!(said.contains("dragoman store restore --force"), "{said}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), notes);
}

#[tokio::test]
async fn damage_is_found_after_an_unclean_stop() {
    let fixture = Fixture::new();
    for number in 0..50 {
        fixture.user(&format!("user{number}")).await;
    }
    fixture.store.close().await.unwrap();
    // An index that lacks an entry, and a log left over as if nobody had closed the file.
    let raw = fixture.raw();
    raw.execute_batch(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE INDEX users_of_account ON users (level)'
         WHERE name = 'users_of_account';",
    )
    .unwrap();
    drop(raw);
    reopen(&fixture).unwrap().close().await.unwrap();
    std::fs::write(fixture.path().with_file_name("store.db-wal"), [0; 32]).unwrap();
    let error = reopen(&fixture).unwrap_err();
    assert!(matches!(error, OpenError::Damaged(_)), "{error:?}");
}
