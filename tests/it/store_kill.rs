//! `kill -9` under eight writers: nothing that was acknowledged is lost, nothing is half done.
//!
//! `tests/soak/kill` runs it for a thousand cycles, and `tests/soak/power-cut` cuts the power of the
//! writing process below.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dragoman::command::Action;
use dragoman::store::Store;
use dragoman::store::sqlite::{Parameters, SqliteStore};
use rand::RngExt;

use crate::store_fixture::{email, entry, extension, named};

const CYCLES: u32 = 50;
const WRITERS: u32 = 8;
const STORE: &str = "DRAGOMAN_TEST_KILLED_STORE";
const CYCLE: &str = "DRAGOMAN_TEST_KILLED_CYCLE";
const PROMISED: &str = "DRAGOMAN_TEST_KILLED_PROMISED";

/// The process that is killed: the test below starts it. It prints each name it was promised.
#[test]
#[ignore = "a process of the test below, not a test"]
#[expect(
    clippy::disallowed_methods,
    reason = "how the test below tells it what to do"
)]
fn writes_until_it_is_killed() {
    let Ok(path) = std::env::var(STORE) else {
        return;
    };
    let cycle = std::env::var(CYCLE).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let store = Arc::new(SqliteStore::open(Path::new(&path), &Parameters::default()).unwrap());
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| runtime.spawn(write(Arc::clone(&store), format!("c{cycle}w{writer}"))))
        .collect();
    for writer in writers {
        runtime.block_on(writer).unwrap();
    }
}

async fn write(store: Arc<SqliteStore>, prefix: String) {
    for number in 0_u32.. {
        let name = format!("{prefix}n{number}");
        let mut change = named(&name);
        change.email = Some(email(&format!("{name}@example.com")));
        change.extensions = vec![extension("custom_field_1", Some(&name))];
        let created = store.create_user(change, None, entry(Action::CreateUser));
        created.await.unwrap();
        // One write call a line, so that a kill cannot leave half of one that counts.
        std::io::stdout()
            .lock()
            .write_all(format!("acknowledged {name}\n").as_bytes())
            .unwrap();
    }
}

/// Runs the process above for a short while and returns what it was promised.
fn killed_run(path: &Path, cycle: u32) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store_kill::writes_until_it_is_killed"])
        .args(["--ignored", "--nocapture", "--test-threads=1"])
        .env(STORE, path)
        .env(CYCLE, cycle.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The time counts from the first promise: before that there is nothing to lose.
    let promised = |line: String| Some(line.split_once("acknowledged ")?.1.to_owned());
    let mut names = vec![
        lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(promised)
            .unwrap(),
    ];
    std::thread::sleep(Duration::from_millis(rand::rng().random_range(20..150)));
    child.kill().unwrap();
    let rest = lines.map_while(Result::ok);
    names.extend(rest.filter(|line| !line.is_empty()).filter_map(promised));
    child.wait().unwrap();
    names
}

/// The other process of `tests/soak/power-cut`: it is given what was promised, a name a line.
#[test]
#[ignore = "a process of tests/soak/power-cut, not a test"]
#[expect(
    clippy::disallowed_methods,
    reason = "how the script tells it what to look for"
)]
fn finds_all_that_was_promised() {
    let (Ok(path), Ok(promised)) = (std::env::var(STORE), std::env::var(PROMISED)) else {
        return;
    };
    let promised = std::fs::read_to_string(promised).unwrap();
    let promised: Vec<_> = promised.lines().map(str::to_owned).collect();
    reopened(Path::new(&path), &promised);
    println!("found {}", promised.len());
}

/// Opens the store as at a start, and looks for what was promised.
fn reopened(path: &Path, promised: &[String]) {
    let start = Instant::now();
    let store = SqliteStore::open(path, &Parameters::default()).unwrap();
    assert!(start.elapsed() < Duration::from_secs(2));
    check(path, promised);
    drop(store);
}

#[test]
fn no_acknowledged_write_is_lost_when_the_process_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let mut promised = Vec::new();
    for cycle in 0..CYCLES {
        promised.extend(killed_run(&path, cycle));
        reopened(&path, &promised);
    }
    assert!(promised.len() > 200, "only {} writes", promised.len());
    println!("{CYCLES} cycles, {} acknowledged writes", promised.len());
}

fn check(path: &Path, promised: &[String]) {
    let raw = rusqlite::Connection::open(path).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = raw.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let whole: HashSet<_> = texts(
        "SELECT username FROM users AS u
         WHERE email = username || '@example.com'
           AND EXISTS (SELECT 1 FROM names AS n WHERE n.user_id = u.id AND n.key = u.username_key)
           AND EXISTS (SELECT 1 FROM user_extensions AS e
                       WHERE e.user_id = u.id AND e.value = u.username)
           AND u.id IN (SELECT user_id FROM audit WHERE action = 'user.create'
                        GROUP BY user_id HAVING count(*) = 1)",
    )
    .into_iter()
    .collect();
    for name in promised {
        assert!(whole.contains(name), "{name} was acknowledged and is lost");
    }
    let number = |sql: &str| -> isize { raw.query_row(sql, [], |row| row.get(0)).unwrap() };
    for table in ["users", "names", "user_extensions", "audit"] {
        let rows = number(&format!("SELECT count(*) FROM {table}"));
        assert_eq!(
            rows,
            isize::try_from(whole.len()).unwrap(),
            "a half-applied command in {table}"
        );
    }
    assert_eq!(texts("PRAGMA integrity_check"), ["ok"]);
}
