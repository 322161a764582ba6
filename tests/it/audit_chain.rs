//! The chain of audit records: nobody changes, removes or adds one unnoticed.

use dragoman::auth::api_key::KeyDigest;
use dragoman::auth::keys::{Key, KeyRecord};
use dragoman::auth::scope::Scopes;
use dragoman::clock::Timestamp;
use dragoman::command::{Action, Id};
use dragoman::journal::seal::Link;
use dragoman::journal::verify::Broken;
use dragoman::store::sqlite::{Parameters, SqliteStore};
use dragoman::store::{KeyStore, Store};
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rusqlite::types::Value;
use rusqlite::{Connection, params};

use crate::audit_fixture::{records, verify};
use crate::store_fixture::{Fixture, email, entry, hash, named, seal};

/// Five users, each made and changed once.
async fn ten_records() -> Fixture {
    let fixture = Fixture::new();
    for name in ["ann", "ben", "cleo", "dan", "eve"] {
        let user = fixture.user(name).await;
        fixture
            .update(user, named(&format!("{name}2")))
            .await
            .unwrap();
    }
    fixture
}

fn key(name: String, digest: u8) -> KeyRecord {
    let key = Key {
        name,
        digest: KeyDigest::from_bytes([digest; 32]),
        scopes: Scopes::default(),
        accounts: Vec::new(),
        routes: Vec::new(),
        expires_at: None,
    };
    KeyRecord::new(key, "a1b2".to_owned(), Timestamp::from_millis(1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_chain_holds_after_fifty_writers_half_of_whom_are_rolled_back() {
    let fixture = Fixture::new();
    fixture.user("taken").await;
    // What the command line does beside a gateway.
    let other = SqliteStore::open(&fixture.path(), &Parameters::default(), seal()).unwrap();
    let writers = (0..50_u8).map(async |writer| {
        for round in 0..4 {
            let mut change = named(&format!("w{writer}r{round}"));
            if writer % 2 == 0 {
                // Refused after its row was made: the address is taken from the second one on.
                change.email = Some(email("taken@example.com"));
            }
            let _ = fixture.create(change).await;
        }
    });
    let keys = (0..20_u8).map(async |number| {
        let record = key(format!("k{number}"), number);
        let made = other.insert_key(record, entry(Action::Native)).await;
        assert!(made.unwrap());
    });
    tokio::join!(join_all(writers), join_all(keys));

    let users = fixture.number("SELECT count(*) FROM users");
    assert_eq!(users, 1 + 25 * 4 + 1);
    let whole = verify(&fixture.store, None).await.unwrap();
    assert_eq!(whole.records, users + 20);
    assert_eq!(verify(&other, Some(whole.head)).await, Ok(whole));
}

/// One way to tamper with the table.
#[derive(Clone, Debug)]
enum Tampering {
    Change {
        id: i64,
        column: usize,
        value: Value,
    },
    Delete {
        id: i64,
    },
    Swap {
        one: i64,
        other: i64,
    },
    Insert {
        id: i64,
        copied: i64,
    },
    Rehash {
        id: i64,
        copied: i64,
    },
}

const COLUMNS: [&str; 18] = [
    "at",
    "principal",
    "action",
    "account_id",
    "user_id",
    "group_id",
    "key_id",
    "source",
    "route",
    "request_id",
    "outcome",
    "reason",
    "not_done",
    "password",
    "attempts",
    "before",
    "after",
    "hash",
];

fn tampering() -> impl Strategy<Value = Tampering> {
    let id = || 1_i64..=10;
    let value = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Integer),
        "[a-z.:]{0,8}".prop_map(Value::Text),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::Blob),
    ];
    prop_oneof![
        4 => (id(), 0..COLUMNS.len(), value)
            .prop_map(|(id, column, value)| Tampering::Change { id, column, value }),
        1 => id().prop_map(|id| Tampering::Delete { id }),
        1 => (id(), id()).prop_map(|(one, other)| Tampering::Swap { one, other }),
        1 => (-3_i64..20, id()).prop_map(|(id, copied)| Tampering::Insert { id, copied }),
        1 => (id(), id()).prop_map(|(id, copied)| Tampering::Rehash { id, copied }),
    ]
}

/// Tampers; whether the database let it.
fn tamper(raw: &Connection, tampering: &Tampering) -> bool {
    let columns = COLUMNS.join(", ");
    let done = match tampering {
        Tampering::Change { id, column, value } => {
            let sql = format!("UPDATE audit SET {} = ?2 WHERE id = ?1", COLUMNS[*column]);
            raw.execute(&sql, params![id, value])
        }
        Tampering::Delete { id } => raw.execute("DELETE FROM audit WHERE id = ?1", [id]),
        Tampering::Swap { one, other } => raw
            .execute("UPDATE audit SET id = -1 WHERE id = ?1", [one])
            .and_then(|_| raw.execute("UPDATE audit SET id = ?1 WHERE id = ?2", [one, other]))
            .and_then(|_| raw.execute("UPDATE audit SET id = ?1 WHERE id = -1", [other])),
        Tampering::Insert { id, copied } => {
            let sql = format!(
                "INSERT INTO audit (id, {columns}) SELECT ?1, {columns} FROM audit WHERE id = ?2"
            );
            raw.execute(&sql, [id, copied])
        }
        Tampering::Rehash { id, copied } => raw.execute(
            "UPDATE audit SET hash = (SELECT hash FROM audit WHERE id = ?2) WHERE id = ?1",
            [id, copied],
        ),
    };
    done.is_ok()
}

#[test]
fn every_record_that_is_changed_removed_put_in_or_swapped_is_found() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let fixture = runtime.block_on(ten_records());
    let before = runtime.block_on(records(&fixture.store));
    let raw = fixture.raw();
    let mut found = 0;
    let tried = TestRunner::default().run(&tampering(), |tampering| {
        raw.execute_batch("CREATE TEMP TABLE kept AS SELECT * FROM audit")
            .unwrap();
        let count: i64 = raw
            .query_row(
                "SELECT seq FROM sqlite_sequence WHERE name = 'audit'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        tamper(&raw, &tampering);
        let after = runtime.block_on(records(&fixture.store));
        let verified = runtime.block_on(verify(&fixture.store, None));
        raw.execute_batch(
            "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; DROP TABLE kept",
        )
        .unwrap();
        raw.execute(
            "UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'audit'",
            [count],
        )
        .unwrap();
        prop_assert_eq!(verified.is_ok(), after == before, "{:?}", verified);
        Ok(())
    });
    tried.unwrap();
    // The first broken record is named.
    for id in 1..=10 {
        raw.execute(
            "UPDATE audit SET principal = principal || 'x' WHERE id = ?1",
            [id],
        )
        .unwrap();
        assert_eq!(
            runtime.block_on(verify(&fixture.store, None)),
            Err(Broken::Link { id })
        );
        raw.execute(
            "UPDATE audit SET principal = 'key:test' WHERE id = ?1",
            [id],
        )
        .unwrap();
        found += 1;
    }
    assert_eq!(found, 10);
    runtime.block_on(verify(&fixture.store, None)).unwrap();
}

#[tokio::test]
async fn an_end_that_is_cut_off_is_found_even_after_more_was_written() {
    let fixture = ten_records().await;
    let raw = fixture.raw();
    raw.execute("DELETE FROM audit WHERE id > 7", []).unwrap();
    let end = Broken::End {
        last: 7,
        written: 10,
    };
    assert_eq!(verify(&fixture.store, None).await, Err(end));
    fixture.user("fay").await;
    let gap = Broken::Number {
        expected: 8,
        found: 11,
    };
    assert_eq!(verify(&fixture.store, None).await, Err(gap));
}

#[tokio::test]
async fn a_head_that_was_noted_shows_that_the_end_was_cut_off_with_the_count() {
    let fixture = ten_records().await;
    let early = verify(&fixture.store, None).await.unwrap().head;
    fixture.user("fay").await;
    let late = verify(&fixture.store, Some(early)).await.unwrap().head;
    assert_ne!(early, late);
    let raw = fixture.raw();
    raw.execute_batch(
        "DELETE FROM audit WHERE id > 10;
         UPDATE sqlite_sequence SET seq = 10 WHERE name = 'audit'",
    )
    .unwrap();
    verify(&fixture.store, None).await.unwrap();
    verify(&fixture.store, Some(early)).await.unwrap();
    assert_eq!(
        verify(&fixture.store, Some(late)).await,
        Err(Broken::Head { last: 10 })
    );
}

#[tokio::test]
async fn an_empty_trail_is_whole_and_begins_at_the_start() {
    let fixture = Fixture::new();
    let whole = verify(&fixture.store, None).await.unwrap();
    assert_eq!((whole.records, whole.head), (0, Link::START));
    fixture.user("ann").await;
    verify(&fixture.store, Some(whole.head)).await.unwrap();
}

#[tokio::test]
async fn a_digest_tells_whether_a_user_is_as_it_was_left_and_nothing_of_its_password() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let ann = fixture.user("ann").await;
    let mut change = named("ann");
    change.email = Some(email("ann@example.com"));
    fixture.update(ann, change).await.unwrap();
    let secret = Some(hash("$argon2id$one"));
    let update = |id| dragoman::command::user::UserRef::Id(id);
    let changed = store.update_user(update(ann), named("ann"), secret, entry(Action::UpdateUser));
    changed.await.unwrap();
    let gone = store.delete_user(update(ann), entry(Action::DeleteUser));
    gone.await.unwrap();

    let trail = records(store).await;
    let [made, mailed, passed, gone] = trail.as_slice() else {
        panic!("{trail:?}");
    };
    assert_eq!((&made.before, &gone.after), (&None, &None));
    assert!(made.after.is_some());
    assert_eq!(made.after, mailed.before);
    assert_ne!(mailed.before, mailed.after);
    assert_eq!(mailed.after, passed.before);
    assert_eq!(passed.before, passed.after);
    assert_eq!(passed.after, gone.before);
    assert_eq!(passed.password.as_deref(), Some("changed"));
    assert_eq!((&made.password, &mailed.password), (&None, &None));
}

#[tokio::test]
async fn two_keys_have_digests_of_their_own_and_a_revoked_one_another() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    for number in [1, 2] {
        let record = key(format!("k{number}"), number);
        assert!(
            store
                .insert_key(record, entry(Action::Native))
                .await
                .unwrap()
        );
    }
    let at = Timestamp::from_millis(5);
    let revoked = store.revoke_key("k1".to_owned(), at, entry(Action::Native));
    assert!(revoked.await.unwrap());
    let trail = records(store).await;
    assert_eq!(trail[0].after, trail[2].before);
    assert_ne!(trail[2].before, trail[2].after);
    assert_ne!(trail[0].after, trail[1].after);
    assert_eq!(trail[2].key, Some(1));
    let listed = store.list_keys().await.unwrap();
    assert_eq!(listed[0].revoked_at, Some(at));
}

#[tokio::test]
async fn a_trail_of_the_first_schema_is_sealed_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch(include_str!(
        "../../src/store/sqlite/migrations/0001_users_groups_keys_audit.sql"
    ))
    .unwrap();
    raw.execute_batch(
        "PRAGMA user_version = 1; PRAGMA application_id = 0x4452474d;
         INSERT INTO audit (at, principal, action, account_id, user_id, request_id, outcome)
         VALUES (7, 'key:a', 'user.create', 1, 1, 'r1', 'done'),
                (8, 'key:b', 'user.delete', 1, 1, 'r2', 'done')",
    )
    .unwrap();
    drop(raw);
    let store = SqliteStore::open(&path, &Parameters::default(), seal()).unwrap();
    assert_eq!(verify(&store, None).await.unwrap().records, 3);
    let trail = records(&store).await;
    assert_eq!(trail[1].principal.as_deref(), Some("key:b"));
    assert_eq!(trail[1].user, Some(Id::ONE.value()));
    assert_eq!(trail[2].action.as_deref(), Some("audit.seal"));
    assert_eq!(trail[2].attempts, Some(2));
    store.close().await.unwrap();
    // Once only.
    let store = SqliteStore::open(&path, &Parameters::default(), seal()).unwrap();
    assert_eq!(verify(&store, None).await.unwrap().records, 3);
}
