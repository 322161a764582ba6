//! The log that is written before the database stays short, whoever reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dragoman::store::sqlite::Parameters;
use dragoman::store::{Store, StoreError};

use crate::store_fixture::{ACCOUNT, Fixture, extension, named};

/// The log may have a megabyte, and a break between readers is waited for from 64 KiB on.
const LIMIT: u64 = 1 << 20;

fn fixture() -> Fixture {
    Fixture::with(&Parameters {
        log_bytes: LIMIT,
        ..Parameters::default()
    })
}

fn log_bytes(fixture: &Fixture) -> u64 {
    let log = fixture.path().with_file_name("store.db-wal");
    std::fs::metadata(log).unwrap().len()
}

/// Writes about 40 KiB.
async fn write(fixture: &Fixture, name: &str) -> Result<(), StoreError> {
    let mut change = named(name);
    change.extensions = vec![extension("custom_field_1", Some(&"x".repeat(32 * 1024)))];
    fixture.create(change).await.map(drop)
}

#[tokio::test]
async fn a_reader_that_does_not_end_stops_writes_and_nothing_else() {
    let fixture = fixture();
    fixture.user("ann").await;
    let reader = fixture.raw();
    reader.execute_batch("BEGIN; SELECT * FROM users").unwrap();
    let mut written = 0;
    let refused = loop {
        match write(&fixture, &format!("user{written}")).await {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 100, "{} bytes", log_bytes(&fixture));
    };
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    assert!(written > 5, "only {written} writes");
    for number in 0..50 {
        write(&fixture, &format!("late{number}")).await.unwrap_err();
    }
    // The transaction that passed the limit is the last.
    assert!(log_bytes(&fixture) < LIMIT + 128 * 1024);
    let page = fixture.store.list_groups(ACCOUNT).await;
    assert!(page.unwrap().is_empty());

    drop(reader);
    let start = Instant::now();
    while write(&fixture, "after").await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(3));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(log_bytes(&fixture) < LIMIT / 8);
    let users = fixture.number("SELECT count(*) FROM users");
    assert_eq!(users, written + 2);
}

#[tokio::test]
async fn readers_that_never_leave_a_break_do_not_let_the_log_grow() {
    let fixture = fixture();
    fixture.user("ann").await;
    // Of the two readers one is always in a transaction, so that the log is never out of use
    // unless somebody waits for the older of them.
    let (one, two) = (fixture.raw(), fixture.raw());
    let begin = "BEGIN; SELECT * FROM users";
    one.execute_batch(begin).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let is_done = Arc::clone(&done);
    let relay = tokio::task::spawn_blocking(move || {
        let (mut older, mut younger) = (one, two);
        while !is_done.load(Ordering::Relaxed) {
            younger.execute_batch(begin).unwrap();
            older.execute_batch("ROLLBACK").unwrap();
            (older, younger) = (younger, older);
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let mut longest = 0;
    for number in 0..100 {
        write(&fixture, &format!("user{number}")).await.unwrap();
        longest = log_bytes(&fixture).max(longest);
    }
    done.store(true, Ordering::Relaxed);
    relay.await.unwrap();
    // Without anybody waiting for a break, it has all that was written, four megabytes.
    assert!(longest < LIMIT, "{longest}");
}
