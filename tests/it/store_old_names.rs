//! A store of the fourth schema, whose version took a username that is another's address.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use dragoman::command::name::Username;
use dragoman::command::user::{UserChange, UserRef};
use dragoman::command::{Action, Id};
use dragoman::store::sqlite::check::check;
use dragoman::store::sqlite::{Parameters, SqliteStore};
use dragoman::store::{KeyStore, Store, StoreError};
use rusqlite::Connection;

use crate::process::Served;
use crate::store_fixture::{ACCOUNT, Fixture, email, entry, named, seal, set};

const MIGRATIONS: [&str; 4] = [
    include_str!("../../src/store/sqlite/migrations/0001_users_groups_keys_audit.sql"),
    include_str!("../../src/store/sqlite/migrations/0002_key_routes_rotation_last_use.sql"),
    include_str!("../../src/store/sqlite/migrations/0003_other_ids.sql"),
    include_str!("../../src/store/sqlite/migrations/0004_audit_chain.sql"),
];

/// As the version of that schema wrote them. User 2 has the address of user 1 as its username, user
/// 3 that of user 4 in another normal form, user 5 its own, and user 6 a name that is refused today.
const ROWS: &str = "
    PRAGMA user_version = 4;
    PRAGMA application_id = 0x4452474d;
    INSERT INTO accounts (id) VALUES (1);
    INSERT INTO users (id, account_id, username, username_key, email, email_key) VALUES
        (1, 1, 'victim', 'victim', 'Victim@example.com', 'victim@example.com'),
        (2, 1, 'victim@example.com', 'victim@example.com', NULL, NULL),
        (3, 1, 'ZOË@example.com', 'zoë@example.com', NULL, NULL),
        (4, 1, 'zoe', 'zoe', 'zoe' || char(776) || '@example.com', 'zoe' || char(776) || '@example.com'),
        (5, 1, 'own@example.com', 'own@example.com', 'own@example.com', 'own@example.com'),
        (6, 1, 'ann ' || char(8203), 'ann ' || char(8203),
         'a' || char(160) || 'b@example.com', 'a' || char(160) || 'b@example.com');
    INSERT INTO names (account_id, key, user_id) SELECT account_id, username_key, id FROM users;
    INSERT INTO keys (name, digest, hint, scopes, accounts, routes, created_at) VALUES
        ('a', zeroblob(32), 'a1b2', 'member:delete member:read member:write user:read', '', '', 7),
        ('b', x'01' || zeroblob(31), 'a1b2', 'member:read', '', '', 7);
";

fn write_old(path: &Path) {
    let raw = Connection::open(path).unwrap();
    for migration in MIGRATIONS {
        raw.execute_batch(migration).unwrap();
    }
    raw.execute_batch(&ROWS.replace("x'01' || zeroblob(31)", &format!("x'{}'", "01".repeat(32))))
        .unwrap();
}

fn old() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    write_old(&path);
    let store = SqliteStore::open(&path, &Parameters::default(), seal()).unwrap();
    Fixture { store, directory }
}

fn id(number: i64) -> Id {
    Id::new(number).unwrap()
}

fn conflicts(fixture: &Fixture) -> Vec<String> {
    let mut faults = check(&fixture.path()).unwrap().faults();
    faults.sort();
    faults
}

#[tokio::test]
async fn names_that_are_addresses_of_others_stay_and_are_reported_until_they_are_changed() {
    let fixture = old();
    let said = conflicts(&fixture);
    assert_eq!(said.len(), 2, "{said:?}");
    for (said, pair) in said.iter().zip([(2, 1), (3, 4)]) {
        let expected = format!(
            "the username of user {} is the e-mail address of user {}: ",
            pair.0, pair.1
        );
        assert!(said.starts_with(&expected), "{said}");
        assert!(!said.contains('@'), "no address is shown: {said}");
    }
    fixture.update(id(2), named("second")).await.unwrap();
    let change = UserChange {
        email: Some(email("other@example.com")),
        ..UserChange::default()
    };
    fixture.update(id(4), change).await.unwrap();
    assert_eq!(conflicts(&fixture), [""; 0]);
}

#[test]
fn the_log_says_once_that_there_are_such_names() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    std::fs::create_dir(&data).unwrap();
    write_old(&data.join("dragoman.db"));
    let pepper = data.join("pepper");
    std::fs::write(&pepper, "07".repeat(32)).unwrap();
    std::fs::set_permissions(&pepper, Permissions::from_mode(0o600)).unwrap();
    for expected in [1, 0] {
        let (status, log) = Served::start(directory.path()).stop();
        assert!(status.success(), "{log}");
        let lines = log
            .lines()
            .filter(|line| line.contains("dragoman store check"));
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines.len(), expected, "{log}");
        assert!(lines.iter().all(|line| line.contains("WARN")), "{log}");
    }
}

#[tokio::test]
async fn a_username_of_before_goes_before_the_address_of_another() {
    let fixture = old();
    let either = || UserRef::UsernameOrEmail(Username::parse("victim@example.com").unwrap());
    let found = fixture.store.read_user(ACCOUNT, either()).await.unwrap();
    assert_eq!(found.unwrap().id, id(2));
    fixture.update(id(2), named("second")).await.unwrap();
    let found = fixture.store.read_user(ACCOUNT, either()).await.unwrap();
    assert_eq!(found.unwrap().id, id(1));
}

#[tokio::test]
async fn who_is_in_conflict_can_be_changed_otherwise_and_cannot_come_back() {
    let fixture = old();
    for number in [1, 2, 3, 4] {
        let change = UserChange {
            phone: set("07"),
            ..UserChange::default()
        };
        fixture.update(id(number), change).await.unwrap();
    }
    fixture.update(id(2), named("second")).await.unwrap();
    let back = fixture.update(id(2), named("victim@example.com")).await;
    assert!(matches!(back, Err(StoreError::UsernameTaken)), "{back:?}");
    let new = fixture.create(named("zoe\u{308}@example.com")).await;
    assert!(matches!(new, Err(StoreError::UsernameTaken)), "{new:?}");
}

#[tokio::test]
async fn a_name_that_is_refused_today_is_read_found_and_changed() {
    let fixture = old();
    let odd = fixture.read(id(6)).await;
    assert_eq!(odd.username.as_str(), "ann \u{200b}");
    assert_eq!(odd.email.unwrap().as_str(), "a\u{a0}b@example.com");
    let by_name = UserRef::UsernameOrEmail(Username::from_stored("ANN \u{200b}".to_owned()));
    let found = fixture.store.read_user(ACCOUNT, by_name).await.unwrap();
    assert_eq!(found.unwrap().id, id(6));
    let change = UserChange {
        username: Username::parse("ann"),
        email: Some(email("ann@example.com")),
        ..UserChange::default()
    };
    let update =
        fixture
            .store
            .update_user(UserRef::Id(id(6)), change, None, entry(Action::UpdateUser));
    update.await.unwrap();
    assert_eq!(fixture.read(id(6)).await.username.as_str(), "ann");
}

#[tokio::test]
async fn scopes_that_guarded_nothing_are_taken_from_stored_keys() {
    let fixture = old();
    let keys = fixture.store.list_keys().await.unwrap();
    let scopes: Vec<_> = keys.iter().map(|key| key.key.scopes.to_string()).collect();
    assert_eq!(scopes, ["member:write user:read", ""]);
}
