//! The canary: credentials that occur nowhere else go in at every door of every dialect, well and
//! badly wrapped, while everything is logged; afterwards nothing that Dragoman wrote has them.

mod requests;

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::clients::Gateway;
use crate::wire::Wire;

/// A password that is stored, as a hash.
const PASSWORD: &str = "CanaryPassword3f9c1e77ab";
/// A password that is wrong wherever it is sent.
const WRONG_PASSWORD: &str = "CanaryWrong5d20b8846c";
/// A key that nobody has.
const WRONG_KEY: &str = "canary0wrong0key0canary0wrong0key0canary0wrong0key0canary0wrong0";
/// A key from the environment.
const STATIC_KEY: &str = "canary1static1key1canary1static1key1canary1static1key1canary1sta";
/// A key in a place that is not meant for one.
const MISPLACED: &str = "canaryMisplaced0canaryMisplaced0canaryMisplaced0canaryMisplaced0";

#[test]
fn a_credential_sent_anywhere_is_nowhere_in_what_is_written() {
    let gateway = start();
    let id = gateway.add_user("ana");
    let mut wire = Wire::open(&gateway.served.url);
    let mut sent = 0;
    for bytes in requests::recorded(&gateway.key) {
        wire.exchange(&bytes);
        sent += 1;
    }
    for bytes in requests::passwords(&gateway.key, id)
        .into_iter()
        .chain(requests::broken(&gateway.key))
    {
        wire.exchange(&bytes);
        sent += 1;
    }
    assert!(sent > 400, "{sent} requests");

    let canaries = canaries(
        &gateway.key,
        &[PASSWORD, WRONG_PASSWORD, WRONG_KEY, STATIC_KEY],
    );
    assert_absent_from_files(gateway.directory.path(), &canaries);
    let Gateway {
        served, directory, ..
    } = gateway;
    let (status, output, log) = served.stop_and_tell();
    assert!(status.success(), "{status}");
    assert!(
        log.lines().count() > sent,
        "everything is logged: {} lines",
        log.lines().count()
    );
    assert_absent("standard output", output.as_bytes(), &canaries);
    assert_absent("standard error", log.as_bytes(), &canaries);
    assert_absent_from_files(directory.path(), &canaries);
    println!(
        "{sent} requests, {} lines of log, {} canaries: 0 hits",
        log.lines().count(),
        canaries.len()
    );
}

#[test]
fn a_secret_in_the_wrong_field_is_not_repeated_in_the_log_or_in_the_audit_trail() {
    let gateway = start();
    let id = gateway.add_user("ana");
    let mut wire = Wire::open(&gateway.served.url);
    for bytes in requests::misplaced(&gateway.key, id) {
        wire.exchange(&bytes);
    }
    let database = gateway.directory.path().join("data/dragoman.db");
    let audit = audit(&database);
    assert!(audit.len() > 100, "there is an audit trail: {audit}");
    assert_absent(
        "the audit trail",
        audit.as_bytes(),
        &canaries(MISPLACED, &[]),
    );
    let (_, output, log) = gateway.served.stop_and_tell();
    assert!(log.contains("call refused"), "{log}");
    assert_absent(
        "standard output",
        output.as_bytes(),
        &canaries(MISPLACED, &[]),
    );
    assert_absent("standard error", log.as_bytes(), &canaries(MISPLACED, &[]));
}

fn start() -> Gateway {
    let scopes = [
        "user:*",
        "user.role",
        "user.level",
        "group:*",
        "member:*",
        "native.login",
    ];
    Gateway::start_with(&scopes, |serve| {
        serve.env("DRAGOMAN__LOG__FILTER", "trace");
        serve.env("DRAGOMAN__KEYS__CANARY__VALUE", STATIC_KEY);
    })
}

/// What is looked for: each secret, alone and in the Basic pairs that were sent.
fn canaries(key: &str, others: &[&str]) -> Vec<String> {
    let secrets = [&[key], others].concat();
    let pairs = secrets
        .iter()
        .flat_map(|secret| LOGINS.map(|login| basic(login, secret)));
    secrets
        .iter()
        .map(ToString::to_string)
        .chain(pairs)
        .collect()
}

const LOGINS: [&str; 3] = ["client", "ana", "admin"];

fn basic(login: &str, password: &str) -> String {
    STANDARD.encode(format!("{login}:{password}"))
}

fn assert_absent(what: &str, written: &[u8], canaries: &[String]) {
    for canary in canaries {
        let found = memchr::memmem::find(written, canary.as_bytes());
        let around = found.map(|at| {
            let (start, end) = (at.saturating_sub(200), written.len().min(at + 200));
            String::from_utf8_lossy(&written[start..end]).into_owned()
        });
        assert_eq!(around, None, "{canary} is in {what}");
    }
}

/// The database, its write-ahead log, and everything else that lies beside them.
fn assert_absent_from_files(directory: &Path, canaries: &[String]) {
    let mut files = 0;
    for entry in fs::read_dir(directory.join("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            assert_absent(
                &path.display().to_string(),
                &fs::read(&path).unwrap(),
                canaries,
            );
            files += 1;
        }
    }
    assert!(files > 0, "there is a database in {}", directory.display());
}

/// Every column of every audit record.
fn audit(database: &Path) -> String {
    let store = rusqlite::Connection::open(database).unwrap();
    let mut statement = store.prepare("SELECT * FROM audit").unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut values: Vec<String> = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        for column in 0..columns {
            let value: rusqlite::types::Value = row.get(column).unwrap();
            values.push(format!("{value:?}"));
        }
    }
    values.join(" ")
}
