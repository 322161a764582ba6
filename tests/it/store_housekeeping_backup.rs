//! `dragoman store backup`: a copy that is whole, or none.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use dragoman::store::Store;
use dragoman::store::sqlite::backup::{BackupError, backup};
use dragoman::store::sqlite::open::OpenError;
use dragoman::store::sqlite::{Parameters, SqliteStore};

use crate::process::{Served, dragoman, finish};
use crate::store_fixture::{Fixture, extension, files, named, usernames};

/// A user that takes a hundred pages.
async fn large_user(fixture: &Fixture, name: &str) {
    let mut change = named(name);
    let value = "x".repeat(40 * 1024);
    let field = |number| extension(&format!("custom_field_{number}"), Some(&value));
    change.extensions = (0..10).map(field).collect();
    fixture.create(change).await.unwrap();
}

#[test]
fn a_backup_is_of_one_moment_though_the_store_is_written_meanwhile() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fixture = Fixture::new();
    for name in ["ann", "ben", "cid", "dan", "eve"] {
        runtime.block_on(large_user(&fixture, name));
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("backup.db");
    let mut steps = Vec::new();
    let contents = backup(&fixture.path(), &file, &mut |done, total| {
        runtime.block_on(large_user(&fixture, &format!("late{}", steps.len())));
        steps.push((done, total));
    })
    .unwrap();

    assert!(steps.len() > 2 && steps.is_sorted(), "{steps:?}");
    assert_eq!(*steps.last().unwrap(), (contents.pages, contents.pages));
    let now = usernames(&fixture.path());
    assert_eq!(now.len(), 5 + steps.len());
    assert_eq!(usernames(&file), now[..5]);
    let store = SqliteStore::open(&file, &Parameters::default()).unwrap();
    runtime.block_on(store.close()).unwrap();
}

#[tokio::test]
async fn a_backup_is_one_file_for_its_owner() {
    let fixture = Fixture::new();
    fixture.user("ann").await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("backup.db");
    backup(&fixture.path(), &file, &mut |_, _| {}).unwrap();
    assert_eq!(files(directory.path()), ["backup.db"]);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Neither written nor read through a log: it can be opened where nothing can be written.
    assert_eq!(std::fs::read(&file).unwrap()[18..20], [1, 1]);
}

#[tokio::test]
async fn a_backup_replaces_nothing() {
    let fixture = Fixture::new();
    let before = std::fs::read(fixture.path()).unwrap();
    let refused = backup(&fixture.path(), &fixture.path(), &mut |_, _| {}).unwrap_err();
    assert!(matches!(refused, BackupError::Exists(_)), "{refused:?}");
    assert_eq!(std::fs::read(fixture.path()).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_store_gives_no_backup() {
    let fixture = Fixture::new();
    large_user(&fixture, "ann").await;
    fixture.store.close().await.unwrap();
    let mut bytes = std::fs::read(fixture.path()).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xff);
    std::fs::write(fixture.path(), bytes).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("backup.db");
    let refused = backup(&fixture.path(), &file, &mut |_, _| {}).unwrap_err();
    assert!(matches!(refused, BackupError::Damaged(_)), "{refused:?}");
    assert_eq!(files(directory.path()), [""; 0]);
}

#[test]
fn what_is_no_store_gives_no_backup() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let copy = |from: &str| backup(&path(from), &path("backup.db"), &mut |_, _| {}).unwrap_err();
    let missing = copy("missing.db");
    assert!(matches!(missing, BackupError::NoStore(_)), "{missing:?}");
    std::fs::write(path("empty.db"), "").unwrap();
    let empty = copy("empty.db");
    assert!(matches!(empty, BackupError::NoStore(_)), "{empty:?}");
    let raw = rusqlite::Connection::open(path("other.db")).unwrap();
    raw.execute_batch("CREATE TABLE theirs (x)").unwrap();
    let BackupError::Store(foreign) = copy("other.db") else {
        panic!("the database of another program was copied");
    };
    assert!(matches!(*foreign, OpenError::Foreign), "{foreign:?}");
    assert!(!path("backup.db").exists() && !path("missing.db").exists());
}

#[tokio::test]
async fn a_backup_after_a_crash_has_what_is_in_the_log_and_leaves_the_log() {
    let fixture = Fixture::new();
    fixture.user("ann").await;
    let crashed = fixture.crashed();
    let database = crashed.path().join("store.db");
    let log = || std::fs::read(crashed.path().join("store.db-wal")).unwrap();
    let before = log();
    let file = crashed.path().join("backup.db");
    backup(&database, &file, &mut |_, _| {}).unwrap();
    assert_eq!(usernames(&file), ["ann"]);
    // The next start checks the file because of it.
    assert_eq!(log(), before);
}

fn shell(directory: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    finish(
        dragoman(directory)
            .args(["store", "backup"])
            .args(arguments),
    )
}

#[test]
fn the_command_copies_a_store_in_use_and_says_what_is_not_in_the_copy() {
    let directory = tempfile::tempdir().unwrap();
    let served = Served::start(directory.path());
    let (code, key, _) = finish(dragoman(directory.path()).args(["keys", "create", "--name", "a"]));
    assert_eq!(code, Some(0));
    let (code, out, said) = shell(directory.path(), &["backup.db"]);
    assert_eq!((code, out.as_str()), (Some(0), ""), "{said}");
    assert!(said.contains("backup.db is a backup of"), "{said}");
    assert!(said.contains("data/pepper, is not in it"), "{said}");
    assert!(
        !said.contains('\r'),
        "progress where no terminal is: {said:?}"
    );
    let bytes = std::fs::read(directory.path().join("backup.db")).unwrap();
    let pepper = std::fs::read_to_string(directory.path().join("data/pepper")).unwrap();
    for secret in [key.trim(), pepper.trim()] {
        let mut windows = bytes.windows(secret.len());
        assert!(!windows.any(|window| window == secret.as_bytes()));
    }
    served.stop();
}

#[test]
fn the_command_fails_without_leaving_anything() {
    let directory = tempfile::tempdir().unwrap();
    let (code, _, said) = shell(directory.path(), &["backup.db"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("there is no store") && said.contains("data/dragoman.db"),
        "{said}"
    );
    assert_eq!(files(directory.path()), [""; 0]);
    finish(dragoman(directory.path()).args(["keys", "create", "--name", "a"]));
    let (code, _, said) = shell(directory.path(), &["nowhere/backup.db"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("nowhere/backup.db: check that its directory exists"),
        "{said}"
    );
    assert_eq!(files(directory.path()), ["data"]);
}

#[test]
fn a_terminal_is_shown_how_far_the_copy_is() {
    let directory = tempfile::tempdir().unwrap();
    finish(dragoman(directory.path()).args(["keys", "create", "--name", "a"]));
    let backup = format!("{} store backup backup.db", env!("CARGO_BIN_EXE_dragoman"));
    let mut terminal = Command::new("script");
    terminal
        .args(["--quiet", "--return", "--command", &backup, "/dev/null"])
        .current_dir(directory.path());
    let (code, shown, _) = finish(&mut terminal);
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("\rcopied 100 %, checking\r\x1b[K"),
        "{shown:?}"
    );
}
