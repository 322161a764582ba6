use tempfile::TempDir;

use super::*;
use crate::clock::Timestamp;
use crate::store::sqlite::open;

struct Fixture {
    writer: Writer,
    raw: Connection,
    _directory: TempDir,
}

/// A writer, and a second connection to hold it up with.
fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let (connection, presence) = open::open(&path, Timestamp::from_millis(0)).unwrap();
    let raw = Connection::open(&path).unwrap();
    let parameters = Parameters::default();
    Fixture {
        writer: Writer::start(path, connection, Arc::new(presence), &parameters).unwrap(),
        raw,
        _directory: directory,
    }
}

fn account(id: i64) -> impl FnOnce(&Connection) -> Result<(), StoreError> + Send {
    move |connection| {
        connection.execute("INSERT INTO accounts (id) VALUES (?1)", [id])?;
        Ok(())
    }
}

fn accounts(fixture: &Fixture) -> i64 {
    let sql = "SELECT count(*) FROM accounts";
    fixture.raw.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Lets go of the lock after what runs beside it had time to queue.
async fn unlock(raw: &Connection) {
    tokio::time::sleep(Duration::from_millis(100)).await;
    raw.execute_batch("ROLLBACK").unwrap();
}

#[tokio::test]
async fn nobody_is_told_done_when_the_commit_fails() {
    let fixture = fixture();
    let writer = &fixture.writer;
    fixture.raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    // The first write goes alone at the most; the other two share a commit, which fails.
    let first = writer.write(account(1));
    let second = writer.write(account(2));
    let broken = writer.write(|connection| {
        connection.execute_batch(
            "PRAGMA defer_foreign_keys = ON;
             INSERT INTO names (account_id, key, user_id) VALUES (1, 'ghost', 99)",
        )?;
        Ok(())
    });
    let (_, second, broken, ()) = tokio::join!(first, second, broken, unlock(&fixture.raw));
    assert!(matches!(second, Err(StoreError::Database(_))), "{second:?}");
    assert!(matches!(broken, Err(StoreError::Database(_))), "{broken:?}");
    assert!(accounts(&fixture) <= 1);
    writer.write(account(3)).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_writes_until_there_is_room_again() {
    let fixture = fixture();
    let writer = &fixture.writer;
    let pages = |limit: &'static str| {
        writer.write(move |connection| {
            connection.execute_batch(&format!("PRAGMA max_page_count = {limit}"))?;
            Ok(())
        })
    };
    let large = || {
        writer.write(|connection| {
            connection.execute(
                "INSERT INTO audit (at, principal, action, account_id, request_id, outcome)
                 VALUES (0, hex(zeroblob(100000)), '', 1, '', '')",
                [],
            )?;
            Ok(())
        })
    };
    pages("1").await.unwrap();
    for _ in 0..3 {
        let refused = large().await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
    }
    assert_eq!(accounts(&fixture), 0);
    pages("100000").await.unwrap();
    large().await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_the_database_rolls_back_is_lost_for_all_in_it() {
    let fixture = fixture();
    let writer = &fixture.writer;
    fixture.raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let first = writer.write(account(1));
    let second = writer.write(account(2));
    let broken = writer.write(|connection| -> Result<(), StoreError> {
        connection.execute_batch("ROLLBACK")?;
        let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        Err(rusqlite::Error::SqliteFailure(full, None).into())
    });
    let (_, second, broken, ()) = tokio::join!(first, second, broken, unlock(&fixture.raw));
    assert!(
        matches!(second, Err(StoreError::Unavailable(_))),
        "{second:?}"
    );
    assert!(
        matches!(broken, Err(StoreError::Unavailable(_))),
        "{broken:?}"
    );
    assert!(accounts(&fixture) <= 1);
    writer.write(account(3)).await.unwrap();
}

#[tokio::test]
async fn a_write_that_panics_fails_alone() {
    let fixture = fixture();
    let writer = &fixture.writer;
    let broken = writer.write(|connection| -> Result<(), StoreError> {
        connection.execute("INSERT INTO accounts (id) VALUES (7)", [])?;
        panic!("on purpose");
    });
    let (left, broken, right) =
        tokio::join!(writer.write(account(1)), broken, writer.write(account(2)));
    left.unwrap();
    assert!(matches!(broken, Err(StoreError::Database(_))));
    right.unwrap();
    assert_eq!(accounts(&fixture), 2);
}
