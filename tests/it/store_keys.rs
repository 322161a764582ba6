//! Keys in the store, and the first start.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dragoman::auth::api_key::KeyDigest;
use dragoman::auth::keys::{Key, KeyRecord};
use dragoman::auth::scope::{Scope, Scopes};
use dragoman::clock::Timestamp;
use dragoman::command::user::{Status, UserRef};
use dragoman::command::{AccountId, Action, Id};
use dragoman::journal::Act;
use dragoman::store::sqlite::{Parameters, SqliteStore};
use dragoman::store::{KeyStore, Store};

use crate::store_fixture::{ACCOUNT, Fixture, entry, hash, username};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(crate) fn record(name: &str, digest: u8) -> KeyRecord {
    let key = Key {
        name: name.to_owned(),
        digest: KeyDigest::from_bytes([digest; 32]),
        scopes: Scopes::new([
            Scope::parse("user:*").unwrap(),
            Scope::parse("native.add=message").unwrap(),
        ]),
        accounts: vec![ACCOUNT, AccountId::new(Id::new(44).unwrap())],
        routes: vec!["chat".to_owned(), "forum".to_owned()],
        expires_at: Some(Timestamp::from_millis(1)),
    };
    KeyRecord::new(key, "a1b2".to_owned(), NOW)
}

pub(crate) async fn insert(store: &SqliteStore, record: KeyRecord) -> bool {
    let inserted = store.insert_key(record, entry(Act::CreateKey)).await;
    inserted.unwrap()
}

pub(crate) async fn revoke(store: &SqliteStore, name: &str) -> bool {
    let revoked = store.revoke_key(name.to_owned(), NOW, entry(Act::RevokeKey));
    revoked.await.unwrap()
}

pub(crate) fn after(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + millis)
}

/// A store with one key, `a`, that expires then.
pub(crate) async fn with_key(expires_at: Option<Timestamp>) -> Fixture {
    let fixture = Fixture::new();
    let mut record = record("a", 1);
    record.key.expires_at = expires_at;
    assert!(insert(&fixture.store, record).await);
    fixture
}

/// Action and key of each record of the audit trail.
pub(crate) fn trail(fixture: &Fixture) -> Vec<(String, i64)> {
    let raw = fixture.raw();
    let sql = "SELECT action, key_id FROM audit ORDER BY id";
    let mut statement = raw.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

pub(crate) fn acts(acts: &[(&str, i64)]) -> Vec<(String, i64)> {
    acts.iter()
        .map(|(act, id)| ((*act).to_owned(), *id))
        .collect()
}

#[tokio::test]
async fn a_key_comes_back_as_it_was_put_in() {
    let fixture = Fixture::new();
    let mut unbound = record("b", 2);
    unbound.key.accounts.clear();
    unbound.key.routes.clear();
    unbound.key.expires_at = None;
    assert!(insert(&fixture.store, unbound.clone()).await);
    assert!(insert(&fixture.store, record("a", 1)).await);
    let fixture = fixture.reopened().await;
    let listed = fixture.store.list_keys().await.unwrap();
    assert_eq!(listed, [record("a", 1), unbound]);
}

#[tokio::test]
async fn a_live_name_and_any_digest_are_taken() {
    let fixture = Fixture::new();
    assert!(insert(&fixture.store, record("a", 1)).await);
    assert!(!insert(&fixture.store, record("a", 2)).await);
    assert!(!insert(&fixture.store, record("b", 1)).await);
    assert!(revoke(&fixture.store, "a").await);
    assert!(!revoke(&fixture.store, "a").await);
    assert!(!insert(&fixture.store, record("c", 1)).await);
    assert!(insert(&fixture.store, record("a", 2)).await);
    let listed = fixture.store.list_keys().await.unwrap();
    let revoked: Vec<_> = listed.iter().map(|one| one.revoked_at).collect();
    assert_eq!(revoked, [Some(NOW), None]);
}

#[tokio::test]
async fn records_of_keys_name_what_was_done_to_them() {
    let fixture = Fixture::new();
    insert(&fixture.store, record("a", 1)).await;
    insert(&fixture.store, record("a", 1)).await;
    revoke(&fixture.store, "a").await;
    revoke(&fixture.store, "a").await;
    let expected = acts(&[("key.create", 1), ("key.revoke", 1)]);
    assert_eq!(trail(&fixture), expected);
}

#[tokio::test]
async fn a_change_by_another_process_is_seen_within_a_second() {
    let fixture = Fixture::new();
    insert(&fixture.store, record("first", 1)).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let watching = fixture.store.watch_keys(Box::new(move |keys| {
        let names = keys.into_iter().map(|key| key.name).collect::<Vec<_>>();
        told.lock().unwrap().push(names);
    }));
    watching.await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [["first"]]);

    // A second store over the same file is what `dragoman keys` is.
    let other = SqliteStore::open(&fixture.path(), &Parameters::default()).unwrap();
    let last = || seen.lock().unwrap().last().unwrap().clone();
    insert(&other, record("second", 2)).await;
    wait_for(|| last() == ["first", "second"]).await;
    revoke(&other, "first").await;
    wait_for(|| last() == ["second"]).await;
    revoke(&fixture.store, "second").await;
    wait_for(|| last().is_empty()).await;

    fixture.user("ann").await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(seen.lock().unwrap().len(), 4, "users are no keys");
}

async fn wait_for(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < Duration::from_secs(1),
            "not within a second"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_empty_store_gets_its_first_key_and_administrator_once() {
    let fixture = Fixture::new();
    let bootstrap = |digest| {
        let name = username("admin");
        let entry = entry(Action::CreateUser);
        fixture
            .store
            .bootstrap(record("first", digest), name, hash("$admin"), entry)
    };
    assert!(bootstrap(1).await.unwrap());
    assert!(!bootstrap(2).await.unwrap());
    let admin = UserRef::Username(username("admin"));
    let admin = fixture.store.read_user(ACCOUNT, admin).await;
    let admin = admin.unwrap().unwrap();
    assert!(admin.role.unwrap().is_administrator());
    assert_eq!(admin.status, Status::Active);
    assert_eq!(fixture.store.list_keys().await.unwrap().len(), 1);
    assert_eq!(fixture.number("SELECT count(*) FROM audit"), 2);
}

#[tokio::test]
async fn a_store_with_a_key_or_a_user_is_not_empty() {
    let bootstrap = |fixture: Fixture| async move {
        let name = username("admin");
        let entry = entry(Action::CreateUser);
        let key = record("first", 1);
        let made = fixture.store.bootstrap(key, name, hash("$"), entry).await;
        (made.unwrap(), fixture.number("SELECT count(*) FROM audit"))
    };
    let with_user = Fixture::new();
    with_user.user("ann").await;
    assert_eq!(bootstrap(with_user).await, (false, 1));
    let with_key = Fixture::new();
    insert(&with_key.store, record("any", 9)).await;
    assert_eq!(bootstrap(with_key).await, (false, 1));
}

#[tokio::test]
async fn a_closed_store_watches_nothing() {
    let fixture = Fixture::new();
    fixture.store.close().await.unwrap();
    let watching = fixture.store.watch_keys(Box::new(|_| {})).await;
    assert!(watching.is_err());
    assert!(fixture.store.list_keys().await.is_err());
}

#[tokio::test]
async fn keys_of_the_first_schema_work_on_every_route_and_were_never_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let raw = rusqlite::Connection::open(&path).unwrap();
    let first = include_str!("../../src/store/sqlite/migrations/0001_users_groups_keys_audit.sql");
    raw.execute_batch(first).unwrap();
    raw.execute_batch(
        "PRAGMA user_version = 1;
         PRAGMA application_id = 0x4452474d;
         INSERT INTO keys (name, digest, hint, scopes, accounts, expires_at, created_at, revoked_at)
         VALUES ('a', zeroblob(32), 'a1b2', 'user:*', '1', NULL, 1700000000000, NULL)",
    )
    .unwrap();
    drop(raw);
    let store = SqliteStore::open(&path, &Parameters::default()).unwrap();
    let key = Key {
        name: "a".to_owned(),
        digest: KeyDigest::from_bytes([0; 32]),
        scopes: Scopes::new([Scope::parse("user:*").unwrap()]),
        accounts: vec![ACCOUNT],
        routes: Vec::new(),
        expires_at: None,
    };
    let expected = KeyRecord::new(key, "a1b2".to_owned(), NOW);
    assert_eq!(store.list_keys().await.unwrap(), [expected]);
    assert!(!insert(&store, record("a", 2)).await, "its name is taken");
}
