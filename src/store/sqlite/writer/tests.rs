use tempfile::TempDir;

use super::*;
use crate::auth::api_key::Pepper;
use crate::clock::Timestamp;
use crate::journal::record::{Outcome, Record};
use crate::journal::verify::Verifier;
use crate::store::sqlite::{audit, open};

struct Fixture {
    writer: Writer,
    raw: Connection,
    _directory: TempDir,
}

/// A writer, and a second connection to hold it up with.
fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let seal = Pepper::new(&[7; 32]).seal();
    let (connection, presence) = open::open(&path, Timestamp::from_millis(0), &seal).unwrap();
    let raw = Connection::open(&path).unwrap();
    let parameters = Parameters::default();
    let recent = Recent::new(parameters.cached_users);
    Fixture {
        writer: Writer::start(path, connection, recent, Arc::new(presence), &parameters).unwrap(),
        raw,
        _directory: directory,
    }
}

fn account(id: i64) -> impl FnOnce(&WriteConnection) -> Result<(), StoreError> + Send {
    move |connection| {
        connection.execute("INSERT INTO accounts (id) VALUES (?1)", [id])?;
        Ok(())
    }
}

/// Fails after it has changed something.
fn half_done(id: i64) -> impl FnOnce(&WriteConnection) -> Result<(), StoreError> + Send {
    move |connection| {
        account(id)(connection)?;
        Err(StoreError::UsernameTaken)
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
                "INSERT INTO keys (name, digest, hint, scopes, accounts, created_at)
                 VALUES (hex(zeroblob(100000)), x'', '', '', '', 0)",
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

#[tokio::test]
async fn a_write_that_cannot_be_undone_alone_fails_alone_if_it_changed_nothing() {
    let fixture = fixture();
    let writer = &fixture.writer;
    fixture.raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = writer.write_as(Undo::WithAll, |_| -> Result<(), _> {
        Err(StoreError::UsernameTaken)
    });
    let (first, refused, right, ()) = tokio::join!(
        writer.write(account(1)),
        refused,
        writer.write_as(Undo::WithAll, account(2)),
        unlock(&fixture.raw)
    );
    first.unwrap();
    assert!(matches!(refused, Err(StoreError::UsernameTaken)));
    right.unwrap();
    assert_eq!(accounts(&fixture), 2);
}

#[tokio::test]
async fn a_write_that_cannot_be_undone_alone_takes_all_with_it_when_it_fails_half_way() {
    let fixture = fixture();
    let writer = &fixture.writer;
    fixture.raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (_, left, broken, right, ()) = tokio::join!(
        writer.write(account(1)),
        writer.write(account(2)),
        writer.write_as(Undo::WithAll, half_done(3)),
        writer.write(account(4)),
        unlock(&fixture.raw)
    );
    for lost in [left, broken, right] {
        assert!(matches!(lost, Err(StoreError::Database(_))), "{lost:?}");
    }
    assert!(accounts(&fixture) <= 1);
    writer.write(account(5)).await.unwrap();
}

#[tokio::test]
async fn the_end_of_the_trail_that_a_lost_transaction_wrote_is_not_linked_to() {
    let fixture = fixture();
    let writer = &fixture.writer;
    let seal = Arc::new(Pepper::new(&[7; 32]).seal());
    let record = || {
        let seal = Arc::clone(&seal);
        move |connection: &WriteConnection| {
            let record = Record::bare(Timestamp::from_millis(1), Outcome::Done);
            audit::append(connection, &seal, record)
        }
    };
    writer.write(record()).await.unwrap();
    for undo in [Undo::Alone, Undo::WithAll] {
        let record = record();
        let lost = writer.write_as(undo, move |connection: &WriteConnection| {
            record(connection)?;
            Err::<(), _>(StoreError::UsernameTaken)
        });
        lost.await.unwrap_err();
    }
    writer.write(record()).await.unwrap();
    let mut verifier = Verifier::new(Pepper::new(&[7; 32]).seal(), None);
    let mut select = fixture.raw.prepare("SELECT id, hash FROM audit").unwrap();
    let rows = select.query_map([], |row| {
        Ok(Record {
            id: row.get(0)?,
            hash: row.get(1)?,
            ..Record::bare(Timestamp::from_millis(1), Outcome::Done)
        })
    });
    for record in rows.unwrap() {
        verifier.check(&record.unwrap()).unwrap();
    }
    assert_eq!(verifier.finish(2).unwrap().records, 2);
}

#[tokio::test]
async fn all_are_answered_though_the_runtime_of_the_first_is_gone() {
    let fixture = fixture();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let writer = Arc::new(fixture.writer);
    let first = Arc::clone(&writer);
    let begun = thread::spawn(move || runtime().block_on(first.write(account(1))));
    begun.join().unwrap().unwrap();
    fixture.raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (left, middle, right, ()) = tokio::join!(
        writer.write(account(2)),
        writer.write(account(3)),
        writer.write(account(4)),
        unlock(&fixture.raw)
    );
    left.and(middle).and(right).unwrap();
}
