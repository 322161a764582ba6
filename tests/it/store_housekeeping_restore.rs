//! `dragoman store restore`: a backup in the place of the store, or the store as it was.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use dragoman::clock::Timestamp;
use dragoman::store::Store;
use dragoman::store::sqlite::backup::backup;
use dragoman::store::sqlite::restore::{RestoreError, Restored, restore};
use dragoman::store::sqlite::{Parameters, SqliteStore};
use tempfile::TempDir;

use crate::process::{Served, dragoman, finish};
use crate::store_fixture::{Fixture, files, seal, usernames};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const ASIDE: &str = "store.db.replaced-20260921T141320Z";

fn replace(file: &Path, database: &Path) -> Result<Restored, RestoreError> {
    restore(file, database, true, NOW, &mut |_, _| {})
}

/// A store with `ann` and a backup of it; the store has got `ben` since.
async fn backed_up() -> (Fixture, PathBuf) {
    let fixture = Fixture::new();
    fixture.user("ann").await;
    let file = fixture.directory.path().join("backup.db");
    backup(&fixture.path(), &file, &mut |_, _| {}).unwrap();
    fixture.user("ben").await;
    (fixture, file)
}

#[tokio::test]
async fn what_was_there_is_kept_aside_with_its_log() {
    let (fixture, file) = backed_up().await;
    // What a crash leaves: `ben` is in the log only, and the log must not meet the restored file.
    let crashed = fixture.crashed();
    let database = crashed.path().join("store.db");
    std::fs::write(crashed.path().join("store.db-shm"), "stale".repeat(1000)).unwrap();
    let mut seen = Vec::new();
    let restored = restore(&file, &database, true, NOW, &mut |done, total| {
        seen.push((done, total));
    })
    .unwrap();
    let length = std::fs::metadata(&file).unwrap().len();
    assert_eq!(seen, [(length, length)]);
    assert_eq!(restored.replaced, Some(crashed.path().join(ASIDE)));
    assert_eq!(files(crashed.path()), ["store.db", "store.db-lock", ASIDE]);
    for name in ["store.db", ASIDE] {
        let mode = std::fs::metadata(crashed.path().join(name)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o177, 0, "{name}");
    }
    assert_eq!(usernames(&database), ["ann"]);
    assert_eq!(usernames(&crashed.path().join(ASIDE)), ["ann", "ben"]);
    let store = SqliteStore::open(&database, &Parameters::default(), seal()).unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_backup_is_restored_where_no_store_was_and_stays() {
    let (fixture, file) = backed_up().await;
    let database = fixture.directory.path().join("elsewhere/new.db");
    let restored = restore(&file, &database, false, NOW, &mut |_, _| {}).unwrap();
    assert_eq!(restored.replaced, None);
    assert_eq!(usernames(&database), ["ann"]);
    assert_eq!(usernames(&file), ["ann"]);
}

/// Only root can make a store somebody else's; anybody else sees that it stays their own.
#[tokio::test]
async fn a_restored_store_belongs_to_whom_it_belonged() {
    let (fixture, file) = backed_up().await;
    fixture.store.close().await.unwrap();
    let owner = || {
        let file = std::fs::metadata(fixture.path()).unwrap();
        (file.uid(), file.gid())
    };
    let is_root = owner().0 == 0;
    if is_root {
        std::os::unix::fs::chown(fixture.path(), Some(1234), Some(4321)).unwrap();
    }
    let before = owner();
    assert_eq!(before == (1234, 4321), is_root);
    replace(&file, &fixture.path()).unwrap();
    assert_eq!(usernames(&fixture.path()), ["ann"]);
    assert_eq!(owner(), before);
}

#[tokio::test]
async fn a_store_in_use_is_not_replaced() {
    let (fixture, file) = backed_up().await;
    let refused = replace(&file, &fixture.path()).unwrap_err();
    assert!(matches!(refused, RestoreError::InUse(_)), "{refused:?}");
    assert_eq!(usernames(&fixture.path()), ["ann", "ben"]);
    fixture.store.close().await.unwrap();
    replace(&file, &fixture.path()).unwrap();
    assert_eq!(usernames(&fixture.path()), ["ann"]);
}

#[tokio::test]
async fn a_gateway_that_is_ending_is_waited_for() {
    let (fixture, file) = backed_up().await;
    let path = fixture.path();
    let restored = std::thread::spawn(move || replace(&file, &path));
    std::thread::sleep(std::time::Duration::from_millis(100));
    fixture.store.close().await.unwrap();
    restored.join().unwrap().unwrap();
    assert_eq!(usernames(&fixture.path()), ["ann"]);
}

#[tokio::test]
async fn a_store_that_another_program_reads_is_not_replaced() {
    let (fixture, file) = backed_up().await;
    fixture.store.close().await.unwrap();
    let shell = fixture.raw();
    shell.execute_batch("BEGIN; SELECT * FROM users").unwrap();
    // A log that cannot be emptied because of it.
    fixture
        .raw()
        .execute_batch("INSERT INTO accounts (id) VALUES (7)")
        .unwrap();
    let refused = replace(&file, &fixture.path()).unwrap_err();
    assert!(matches!(refused, RestoreError::InUse(_)), "{refused:?}");
    drop(shell);
    replace(&file, &fixture.path()).unwrap();
}

#[tokio::test]
async fn a_store_is_replaced_only_when_it_is_said() {
    let (fixture, file) = backed_up().await;
    fixture.store.close().await.unwrap();
    let refused = restore(&file, &fixture.path(), false, NOW, &mut |_, _| {}).unwrap_err();
    assert!(matches!(refused, RestoreError::Exists(_)), "{refused:?}");
    assert!(refused.to_string().contains("--force"));
    assert_eq!(usernames(&fixture.path()), ["ann", "ben"]);
}

#[tokio::test]
async fn what_is_no_good_backup_leaves_the_store_as_it_is() {
    let (fixture, file) = backed_up().await;
    fixture.store.close().await.unwrap();
    let before = std::fs::read(fixture.path()).unwrap();
    let good = std::fs::read(&file).unwrap();
    let raw = |sql: &str| {
        std::fs::write(&file, &good).unwrap();
        rusqlite::Connection::open(&file)
            .unwrap()
            .execute_batch(sql)
            .unwrap();
        replace(&file, &fixture.path()).unwrap_err()
    };
    let newer = raw("PRAGMA user_version = 99");
    assert!(
        matches!(newer, RestoreError::Newer { found: 99, .. }),
        "{newer:?}"
    );
    let foreign = raw("PRAGMA application_id = 1");
    assert!(matches!(foreign, RestoreError::NoStore(_)), "{foreign:?}");
    let orphan =
        raw("PRAGMA foreign_keys = OFF; INSERT INTO members (group_id, user_id) VALUES (7, 7)");
    assert!(matches!(orphan, RestoreError::Damaged { .. }), "{orphan:?}");
    for bytes in [
        b"not a database".repeat(99),
        good[..good.len() - 4096].to_vec(),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let damaged = replace(&file, &fixture.path()).unwrap_err();
        assert!(
            matches!(damaged, RestoreError::Damaged { .. }),
            "{damaged:?}"
        );
    }
    std::fs::write(&file, &good).unwrap();
    std::fs::write(fixture.directory.path().join("backup.db-wal"), "x").unwrap();
    let live = replace(&file, &fixture.path()).unwrap_err();
    assert!(matches!(live, RestoreError::Live(_)), "{live:?}");
    std::fs::remove_file(&file).unwrap();
    std::fs::remove_file(fixture.directory.path().join("backup.db-wal")).unwrap();
    let missing = replace(&file, &fixture.path()).unwrap_err();
    assert!(matches!(missing, RestoreError::File { .. }), "{missing:?}");
    assert_eq!(std::fs::read(fixture.path()).unwrap(), before);
    assert_eq!(
        files(fixture.directory.path()),
        ["store.db", "store.db-lock"]
    );
}

#[tokio::test]
async fn a_store_too_damaged_to_be_opened_is_kept_with_its_log_and_replaced() {
    let (fixture, file) = backed_up().await;
    let crashed = fixture.crashed();
    let database = crashed.path().join("store.db");
    std::fs::write(&database, "no database ".repeat(1000)).unwrap();
    let log = std::fs::read(crashed.path().join("store.db-wal")).unwrap();
    // Without its salt the log is not taken for one.
    std::fs::write(crashed.path().join("store.db-wal"), &log[8..]).unwrap();
    replace(&file, &database).unwrap();
    assert_eq!(usernames(&database), ["ann"]);
    let aside = crashed.path().join(ASIDE);
    assert!(std::fs::read(&aside).unwrap().starts_with(b"no database"));
    let kept = crashed.path().join(format!("{ASIDE}-wal"));
    assert_eq!(std::fs::read(kept).unwrap(), log[8..]);
}

/// A directory in which a key was made and the store was backed up, as an operator does it.
fn operated() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [
        &["keys", "create", "--name", "kept"][..],
        &["store", "backup", "backup.db"],
        &["keys", "create", "--name", "later"],
    ] {
        let (code, _, said) = finish(dragoman(directory.path()).args(arguments));
        assert_eq!(code, Some(0), "{said}");
    }
    directory
}

fn shell(directory: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let (code, out, said) = finish(
        dragoman(directory)
            .args(["store", "restore"])
            .args(arguments),
    );
    assert_eq!(out, "");
    (code, said)
}

#[test]
fn the_command_refuses_beside_a_running_gateway_and_works_after_it() {
    let directory = operated();
    let served = Served::start(directory.path());
    let (code, said) = shell(directory.path(), &["--force", "backup.db"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("is in use: stop the gateway"), "{said}");
    served.stop();
    let (code, said) = shell(directory.path(), &["backup.db"]);
    assert!(
        code == Some(1) && said.contains("--force replaces it"),
        "{said}"
    );
    let (code, said) = shell(directory.path(), &["--force", "backup.db"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("dragoman.db.replaced-2"), "{said}");
    assert!(
        said.contains("data/pepper is the pepper they were made under"),
        "{said}"
    );
    let (_, listed, _) = finish(dragoman(directory.path()).args(["keys", "list"]));
    assert!(
        listed.contains("kept") && !listed.contains("later"),
        "{listed}"
    );
}

#[test]
fn the_command_says_that_the_pepper_is_missing() {
    let directory = operated();
    std::fs::remove_dir_all(directory.path().join("data")).unwrap();
    let (code, said) = shell(directory.path(), &["backup.db"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("data/pepper, is missing"), "{said}");
}
