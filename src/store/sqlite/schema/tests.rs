use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::store::sqlite::restore::restore;

const SECOND: &str = "ALTER TABLE accounts ADD COLUMN note TEXT;
                      UPDATE accounts SET note = 'seen';";
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

struct Fixture {
    path: PathBuf,
    _directory: TempDir,
}

/// A store of schema 1 with an account in it.
fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    std::fs::write(&path, "").unwrap();
    let fixture = Fixture {
        path,
        _directory: directory,
    };
    fixture.migrate(&MIGRATIONS[..1]).unwrap();
    let connection = connect::writer(&fixture.path).unwrap();
    connection
        .execute_batch("INSERT INTO accounts (id) VALUES (7)")
        .unwrap();
    fixture
}

impl Fixture {
    fn migrate(&self, migrations: &[&str]) -> Result<(), OpenError> {
        let mut connection = connect::writer(&self.path).unwrap();
        apply(migrations, &mut connection, &self.path, NOW)
    }

    fn backups(&self) -> Vec<PathBuf> {
        let files = self.path.parent().unwrap().read_dir().unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.retain(|file| file.to_str().unwrap().contains(".db.schema-"));
        files
    }
}

#[test]
fn a_store_is_copied_before_its_schema_is_changed() {
    let fixture = fixture();
    assert_eq!(fixture.backups(), [""; 0].map(PathBuf::from));
    // Someone reads and the last write is in the log only, as when a new version takes over.
    let reader = connect::reader(&fixture.path).unwrap();
    reader
        .execute_batch("BEGIN; SELECT * FROM accounts")
        .unwrap();
    fixture.migrate(&[MIGRATIONS[0], SECOND]).unwrap();

    let expected = beside(&fixture.path, ".schema-1-20260921T141320Z");
    assert_eq!(fixture.backups(), std::slice::from_ref(&expected));
    let mode = std::fs::metadata(&expected).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let copy = connect::plain(&expected).unwrap();
    assert_eq!(identify(&copy).unwrap(), Identity::Store(1));
    let row = |connection: &Connection, sql: &str| -> String {
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(row(&copy, "SELECT CAST(id AS TEXT) FROM accounts"), "7");
    let now = connect::reader(&fixture.path).unwrap();
    assert_eq!(identify(&now).unwrap(), Identity::Store(2));
    assert_eq!(row(&now, "SELECT note FROM accounts"), "seen");
}

#[test]
fn a_new_store_and_one_that_is_up_to_date_are_not_copied() {
    let fixture = fixture();
    fixture.migrate(&MIGRATIONS[..1]).unwrap();
    assert_eq!(fixture.backups(), [""; 0].map(PathBuf::from));
}

#[test]
fn an_older_version_names_the_copy_that_it_can_go_back_to() {
    let fixture = fixture();
    let older = &MIGRATIONS[..1];
    fixture.migrate(&[MIGRATIONS[0], SECOND]).unwrap();
    // Neither of these is a copy that this version could use.
    for other in [
        ".schema-2-20270101T000000Z",
        ".schema-1-20270101T000000Z.partial-9",
    ] {
        std::fs::write(beside(&fixture.path, other), "").unwrap();
    }
    let refused = fixture.migrate(older).unwrap_err();
    let said = refused.to_string();
    let OpenError::NewerSchema {
        found: 2,
        known: 1,
        backup: Some(backup),
    } = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(backup, beside(&fixture.path, ".schema-1-20260921T141320Z"));
    let command = format!("dragoman store restore --force {}", backup.display());
    assert!(said.contains(&command), "{said}");

    restore(&backup, &fixture.path, true, NOW, &mut |_, _| {}).unwrap();
    fixture.migrate(older).unwrap();
}

#[test]
fn a_schema_that_cannot_be_changed_stays_and_leaves_no_copy() {
    let fixture = fixture();
    let failed = fixture.migrate(&[MIGRATIONS[0], SECOND, "DROP TABLE nothing"]);
    assert!(matches!(failed, Err(OpenError::Sqlite(_))), "{failed:?}");
    assert_eq!(fixture.backups(), [""; 0].map(PathBuf::from));
    fixture.migrate(&MIGRATIONS[..1]).unwrap();
}

#[test]
fn a_schema_is_not_changed_without_a_copy() {
    let fixture = fixture();
    let taken = beside(&fixture.path, ".schema-1-20260921T141320Z");
    std::fs::write(&taken, "something else").unwrap();
    let failed = fixture.migrate(&[MIGRATIONS[0], SECOND]).unwrap_err();
    assert!(matches!(failed, OpenError::Backup(_)), "{failed:?}");
    assert_eq!(std::fs::read(&taken).unwrap(), b"something else");
    fixture.migrate(&MIGRATIONS[..1]).unwrap();
}
