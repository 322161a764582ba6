//! `dragoman audit`, as a shell sees it.

use std::path::Path;

use tempfile::TempDir;

use crate::process::{Served, dragoman, finish};

const NONE: [i64; 0] = [];

fn run(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let (code, out, err) = finish(dragoman(directory).args(arguments));
    (code.unwrap(), out, err)
}

fn done(directory: &Path, arguments: &[&str]) -> String {
    let (code, out, err) = run(directory, arguments);
    assert_eq!(code, 0, "{err}");
    out
}

/// A store in which keys `a`, `b` and `c` were made and `b` was revoked.
fn four_records() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        done(directory.path(), &["keys", "create", "--name", name]);
    }
    done(directory.path(), &["keys", "revoke", "b"]);
    directory
}

fn raw(directory: &TempDir) -> rusqlite::Connection {
    rusqlite::Connection::open(directory.path().join("data/dragoman.db")).unwrap()
}

fn listed(directory: &TempDir, arguments: &[&str]) -> Vec<serde_json::Value> {
    let arguments: Vec<_> = ["audit", "list", "--json"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    let lines = done(directory.path(), &arguments);
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn ids(records: &[serde_json::Value]) -> Vec<i64> {
    records
        .iter()
        .map(|record| record["id"].as_i64().unwrap())
        .collect()
}

#[test]
fn records_are_listed_newest_first_and_found_by_what_they_say() {
    let directory = four_records();
    assert_eq!(ids(&listed(&directory, &[])), [4, 3, 2, 1]);
    assert_eq!(
        ids(&listed(&directory, &["--oldest", "--limit", "2"])),
        [1, 2]
    );
    assert_eq!(ids(&listed(&directory, &["--limit", "0"])), [4, 3, 2, 1]);
    assert_eq!(ids(&listed(&directory, &["--target", "key:2"])), [4, 2]);
    assert_eq!(ids(&listed(&directory, &["--action", "key.revoke"])), [4]);
    assert_eq!(
        ids(&listed(&directory, &["--principal", "command line"])),
        [4, 3, 2, 1]
    );
    assert_eq!(ids(&listed(&directory, &["--principal", "key:a"])), NONE);
    assert_eq!(ids(&listed(&directory, &["--account", "2"])), NONE);
    assert_eq!(ids(&listed(&directory, &["--since", "1h"])), [4, 3, 2, 1]);
    assert_eq!(ids(&listed(&directory, &["--until", "1h"])), NONE);
    assert_eq!(
        ids(&listed(&directory, &["--since", "2100-01-01T00:00:00Z"])),
        NONE
    );
    let revoked = &listed(&directory, &["--limit", "1"])[0];
    assert_eq!(revoked["outcome"], "done");
    assert_eq!(revoked["key"], 2);
    assert_ne!(revoked["before"], revoked["after"]);
    assert_eq!(revoked["before"].as_str().unwrap().len(), 64);
}

#[test]
fn the_table_has_a_line_for_each_record_under_its_head() {
    let directory = four_records();
    let table = done(directory.path(), &["audit", "list"]);
    let lines: Vec<_> = table.lines().collect();
    let head: Vec<_> = lines[0].split_whitespace().collect();
    assert_eq!(
        head,
        [
            "ID", "TIME", "WHO", "ACTION", "TARGET", "OUTCOME", "SOURCE", "REQUEST"
        ]
    );
    assert_eq!(lines.len(), 5);
    assert!(
        lines[1].starts_with("4 ") && lines[1].contains("key.revoke  key:2   done"),
        "{table}"
    );
}

#[test]
fn what_was_put_into_the_trail_writes_nothing_to_a_terminal() {
    let directory = four_records();
    let sql = "UPDATE audit SET principal = 'x' || char(27) || '[2J' WHERE id = 1";
    raw(&directory).execute(sql, []).unwrap();
    let table = done(directory.path(), &["audit", "list"]);
    assert!(
        !table.contains('\u{1b}') && table.contains("x\u{fffd}[2J"),
        "{table}"
    );
}

#[test]
fn a_trail_longer_than_a_page_is_listed_and_checked_whole() {
    let directory = four_records();
    let config = "[store]\nurl = 'sqlite:data/dragoman.db'\n";
    std::fs::write(directory.path().join("routes.toml"), config).unwrap();
    let sql = "WITH RECURSIVE n (i) AS (SELECT 5 UNION ALL SELECT i + 1 FROM n WHERE i < 2600)
               INSERT INTO audit (id, at, outcome, hash) SELECT i, 0, 'done', x'' FROM n";
    raw(&directory).execute(sql, []).unwrap();
    let all: Vec<_> = (1..=2600).collect();
    assert_eq!(ids(&listed(&directory, &["--oldest", "--limit", "0"])), all);
    assert_eq!(listed(&directory, &["--limit", "1500"]).len(), 1500);
    assert_eq!(
        listed(
            &directory,
            &["--limit", "1500", "--principal", "command line"]
        )
        .len(),
        4
    );
    let (code, _, err) = run(directory.path(), &["audit", "verify"]);
    assert!(code == 1 && err.contains("record 5 does not fit"), "{err}");
}

#[test]
fn a_whole_trail_prints_its_head_which_stands_after_more_was_written() {
    let directory = four_records();
    let (code, head, err) = run(directory.path(), &["audit", "verify"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("4 records"), "{err}");
    let head = head.strip_suffix('\n').unwrap();
    assert_eq!(head.len(), 64);
    done(directory.path(), &["keys", "create", "--name", "d"]);
    let later = done(directory.path(), &["audit", "verify", "--head", head]);
    assert_ne!(later.trim(), head);

    raw(&directory)
        .execute_batch(
            "DELETE FROM audit WHERE id = 5; UPDATE sqlite_sequence SET seq = 4 WHERE name = 'audit'",
        )
        .unwrap();
    done(directory.path(), &["audit", "verify", "--head", head]);
    let (code, out, err) = run(
        directory.path(),
        &["audit", "verify", "--head", later.trim()],
    );
    assert!(
        code == 1 && out.is_empty() && err.contains("the noted head"),
        "{err}"
    );
}

#[test]
fn a_broken_trail_names_its_first_broken_record() {
    let directory = four_records();
    let broken = |sql: &str, said: &str| {
        raw(&directory).execute_batch(sql).unwrap();
        let (code, out, err) = run(directory.path(), &["audit", "verify"]);
        assert!(code == 1 && out.is_empty() && err.contains(said), "{err}");
    };
    broken(
        "DELETE FROM audit WHERE id = 4",
        "record 4 and what followed it, up to 4, are missing",
    );
    broken(
        "UPDATE audit SET action = 'key.create ' WHERE id = 3",
        "record 3 does not fit",
    );
    broken("DELETE FROM audit WHERE id = 2", "record 2 is missing");
}

#[test]
fn another_pepper_is_named_as_what_may_be_wrong() {
    let directory = four_records();
    std::fs::write(directory.path().join("data/pepper"), "0".repeat(64)).unwrap();
    let (code, _, err) = run(directory.path(), &["audit", "verify"]);
    assert!(
        code == 1 && err.contains("record 1") && err.contains("pepper"),
        "{err}"
    );
}

#[test]
fn without_a_store_nothing_is_listed_nothing_verified_and_nothing_made() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(done(directory.path(), &["audit", "list", "--json"]), "");
    let (code, _, err) = run(directory.path(), &["audit", "verify"]);
    assert!(code == 1 && err.contains("there is no store"), "{err}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [
        &["list", "--since", "yesterday"][..],
        &["list", "--since", "1h", "--until", "2h"],
        &["list", "--target", "account:1"],
        &["list", "--limit", "-1"],
        &["verify", "--head", "abc"],
    ] {
        let arguments: Vec<_> = ["audit"].iter().chain(arguments).copied().collect();
        let (code, out, err) = run(directory.path(), &arguments);
        assert!(
            code == 64 && out.is_empty() && !err.is_empty(),
            "{arguments:?}: {err}"
        );
    }
}

#[test]
fn a_gateway_notes_in_its_log_where_the_trail_ends() {
    let directory = four_records();
    let head = done(directory.path(), &["audit", "verify"]);
    let (status, log) = Served::start(directory.path()).stop();
    assert!(status.success(), "{log}");
    let said = format!("\"audit.records\":4,\"audit.head\":\"{}\"", head.trim());
    // When it starts and when it has drained.
    assert_eq!(log.matches(&said).count(), 2, "{log}");
    done(
        directory.path(),
        &["audit", "verify", "--head", head.trim()],
    );
}
