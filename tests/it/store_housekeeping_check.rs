//! `dragoman store check`: every fault is found, and looking changes nothing.

use std::path::Path;

use dragoman::store::sqlite::check::check;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Served, dragoman, finish};
use crate::store_fixture::Fixture;

/// A directory with a store that has a key.
fn operated() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (code, ..) = finish(dragoman(directory.path()).args(["keys", "create", "--name", "a"]));
    assert_eq!(code, Some(0));
    directory
}

fn shell(directory: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    finish(dragoman(directory).args(["store", "check"]).args(arguments))
}

fn faults(directory: &Path) -> (Option<i32>, Value) {
    let (code, out, _) = shell(directory, &["--json"]);
    let mut report: Value = serde_json::from_str(&out).unwrap();
    (code, report["faults"].take())
}

fn change(directory: &Path, sql: &str) {
    let raw = rusqlite::Connection::open(directory.join("data/dragoman.db")).unwrap();
    raw.execute_batch(sql).unwrap();
}

#[test]
fn a_store_without_faults_is_shown_with_its_state_while_it_is_in_use() {
    let directory = operated();
    let served = Served::start(directory.path());
    let (code, out, said) = shell(directory.path(), &["--json"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["faults"], json!([]));
    assert_eq!(report["schema"], report["known_schema"]);
    assert_eq!(report["pepper"], "present");
    assert_eq!(report["page_bytes"], 4096);
    assert_eq!(report["sqlite"], rusqlite::version());
    assert!(report["pages"].as_u64().unwrap() > 10);
    assert!(report["free_pages"].is_u64());
    let log = directory.path().join("data/dragoman.db-wal");
    assert_eq!(report["log_bytes"], std::fs::metadata(log).unwrap().len());
    let database = directory.path().join("data/dragoman.db");
    assert_eq!(report["database"], database.to_str().unwrap());

    let (code, out, said) = shell(directory.path(), &[]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(
        out.contains("no faults") && out.contains("pepper      present"),
        "{out}"
    );
    served.stop();
}

#[test]
fn rows_that_refer_to_nothing_are_a_fault() {
    let directory = operated();
    change(
        directory.path(),
        "PRAGMA foreign_keys = OFF; INSERT INTO members (group_id, user_id) VALUES (7, 7)",
    );
    let (code, faults) = faults(directory.path());
    assert_eq!(code, Some(1));
    let fault = |parent| format!("a row of members refers to a row of {parent} that is not there");
    let mut found: Vec<_> = faults.as_array().unwrap().clone();
    found.sort_by_key(ToString::to_string);
    assert_eq!(found, [json!(fault("groups")), json!(fault("users"))]);
    let (code, _, said) = shell(directory.path(), &[]);
    assert_eq!(code, Some(1));
    assert!(said.contains("refers to a row of users"), "{said}");
    assert!(
        said.ends_with("dragoman: the store has 2 faults\n"),
        "{said}"
    );
}

#[test]
fn an_index_that_lacks_a_row_is_a_fault() {
    let directory = operated();
    change(
        directory.path(),
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE UNIQUE INDEX keys_live_name ON keys (hint)
                                         WHERE revoked_at IS NULL'
         WHERE name = 'keys_live_name'",
    );
    let (code, faults) = faults(directory.path());
    assert_eq!(code, Some(1));
    assert!(faults.to_string().contains("keys_live_name"), "{faults}");
}

#[test]
fn what_is_no_store_or_a_newer_one_is_a_fault() {
    let directory = operated();
    change(directory.path(), "PRAGMA user_version = 99");
    let (code, newer) = faults(directory.path());
    assert_eq!(code, Some(1));
    assert!(
        newer.to_string().contains("the store has schema 99"),
        "{newer}"
    );
    change(directory.path(), "PRAGMA application_id = 1");
    let (_, foreign) = faults(directory.path());
    assert_eq!(foreign, json!(["the file is no store of this program"]));
    let database = directory.path().join("data/dragoman.db");
    std::fs::write(database, "no database ".repeat(1000)).unwrap();
    let (code, none) = faults(directory.path());
    assert_eq!(code, Some(1));
    assert!(none.to_string().contains("not a database"), "{none}");
}

#[test]
fn a_pepper_that_is_lost_or_no_pepper_is_a_fault() {
    let directory = operated();
    let pepper = directory.path().join("data/pepper");
    std::fs::write(&pepper, "not hexadecimal").unwrap();
    let (code, unusable) = faults(directory.path());
    assert_eq!(code, Some(1));
    assert!(
        unusable.to_string().contains("holds no pepper"),
        "{unusable}"
    );
    std::fs::remove_file(&pepper).unwrap();
    let (code, lost) = faults(directory.path());
    assert_eq!(code, Some(1));
    assert!(lost.to_string().contains("is lost"), "{lost}");
    assert!(!pepper.exists());
}

#[test]
fn looking_for_a_store_makes_none() {
    let directory = tempfile::tempdir().unwrap();
    let (code, out, said) = shell(directory.path(), &[]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(
        said.contains("cannot use") && said.contains("dragoman.db"),
        "{said}"
    );
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn looking_after_a_crash_leaves_the_log() {
    let fixture = Fixture::new();
    fixture.user("ann").await;
    let crashed = fixture.crashed();
    let log = || std::fs::read(crashed.path().join("store.db-wal")).unwrap();
    let before = log();
    let report = check(&crashed.path().join("store.db")).unwrap();
    assert_eq!(report.faults(), [""; 0]);
    assert_eq!(report.log_bytes, u64::try_from(before.len()).unwrap());
    assert_eq!(log(), before);
}
