//! D41: another program holds the database. Writes wait, and then say so; reads go on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dragoman::command::Dialect;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::process::Served;
use crate::store_calls::{Answer, Caller};

struct Fixture {
    caller: Caller,
    lock: Connection,
    _served: Served,
    _directory: TempDir,
}

/// A gateway with a user, and a connection of another program.
fn fixture(routes: &str) -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    if !routes.is_empty() {
        std::fs::write(directory.path().join("routes.toml"), routes).unwrap();
    }
    let key = Caller::key(directory.path());
    let served = Served::start(directory.path());
    let caller = Caller::new(&served.url, &key);
    let made = caller.create("ada");
    assert!(made.is_done(), "{made:?}");
    Fixture {
        caller,
        lock: Connection::open(directory.path().join("data/dragoman.db")).unwrap(),
        _served: served,
        _directory: directory,
    }
}

impl Fixture {
    /// Holds the database for a while; what a write in each dialect is told that came at once.
    fn writes_under_lock(&self, held: Duration) -> Vec<(Dialect, Answer)> {
        self.lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let start = Instant::now();
        let is_held = AtomicBool::new(true);
        let caller = &self.caller;
        thread::scope(|scope| {
            let writes = Dialect::ALL.map(|dialect| {
                let write = scope.spawn(move || caller.write(dialect, "locked"));
                (dialect, write)
            });
            let is_held = &is_held;
            let reads = scope.spawn(move || {
                let mut reads = 0;
                while is_held.load(Ordering::Relaxed) {
                    let read = caller.read();
                    assert!(
                        read.is_done() && read.took < Duration::from_secs(1),
                        "{read:?}"
                    );
                    reads += 1;
                    thread::sleep(Duration::from_millis(50));
                }
                reads
            });
            thread::sleep(held.saturating_sub(start.elapsed()));
            is_held.store(false, Ordering::Relaxed);
            assert!(reads.join().unwrap() >= held.as_secs() * 2);
            self.lock.execute_batch("ROLLBACK").unwrap();
            let answers = writes.map(|(dialect, write)| (dialect, write.join().unwrap()));
            answers.into_iter().collect()
        })
    }

    fn assert_works(&self) {
        for dialect in Dialect::ALL {
            let written = self.caller.write(dialect, "free");
            assert!(written.is_done(), "{written:?}");
            assert!(written.took < Duration::from_secs(1), "{written:?}");
        }
    }
}

#[test]
fn a_lock_of_three_seconds_is_waited_for() {
    let fixture = fixture("");
    for (_, answer) in fixture.writes_under_lock(Duration::from_secs(3)) {
        assert!(answer.is_done(), "{answer:?}");
        assert!(answer.took > Duration::from_millis(2_500), "{answer:?}");
    }
    fixture.assert_works();
}

#[test]
fn a_lock_of_ten_seconds_is_answered_in_each_dialect_after_five() {
    let fixture = fixture("");
    for (dialect, answer) in fixture.writes_under_lock(Duration::from_secs(10)) {
        answer.assert_overloaded(dialect);
        let seconds = answer.took.as_secs_f32();
        assert!((4.5..8.0).contains(&seconds), "{dialect}: {answer:?}");
    }
    fixture.assert_works();
}

#[test]
fn a_lock_that_outlasts_the_call_leaves_its_outcome_unknown_and_the_write_is_done() {
    let fixture = fixture(
        r#"
        [routes.grupo]
        dialect = "grupo"
        call_timeout = "1s"
        [routes.vision6]
        dialect = "vision6"
        call_timeout = "1s"
        [routes.b2evolution]
        dialect = "b2evolution"
        call_timeout = "1s"
        "#,
    );
    for (dialect, answer) in fixture.writes_under_lock(Duration::from_secs(3)) {
        answer.assert_unknown(dialect);
        let seconds = answer.took.as_secs_f32();
        assert!((0.9..2.0).contains(&seconds), "{dialect}: {answer:?}");
    }
    // What was queued is done by the time the next write is.
    fixture.assert_works();
    let records = "SELECT count(*) FROM audit WHERE action = 'user.update'";
    let writes: i64 = fixture
        .lock
        .query_row(records, [], |row| row.get(0))
        .unwrap();
    assert_eq!(writes, 6);
}
