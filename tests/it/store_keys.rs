//! Keys in the store, and the first start.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dragoman::auth::api_key::KeyDigest;
use dragoman::auth::keys::{Key, KeyRecord};
use dragoman::auth::scope::{Scope, Scopes};
use dragoman::clock::Timestamp;
use dragoman::command::user::{Status, UserRef};
use dragoman::command::{AccountId, Action, Id};
use dragoman::store::sqlite::{Parameters, SqliteStore};
use dragoman::store::{KeyStore, Store};

use crate::store_fixture::{ACCOUNT, Fixture, entry, hash, seal, username};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn record(name: &str, digest: u8) -> KeyRecord {
    KeyRecord {
        key: Key {
            name: name.to_owned(),
            digest: KeyDigest::from_bytes([digest; 32]),
            scopes: Scopes::new([
                Scope::parse("user:*").unwrap(),
                Scope::parse("native.add=message").unwrap(),
            ]),
            accounts: vec![ACCOUNT, AccountId::new(Id::new(44).unwrap())],
            expires_at: Some(Timestamp::from_millis(1)),
        },
        hint: "a1b2".to_owned(),
        created_at: NOW,
        revoked_at: None,
    }
}

async fn insert(store: &SqliteStore, record: KeyRecord) -> bool {
    let inserted = store.insert_key(record, entry(Action::Native)).await;
    inserted.unwrap()
}

async fn revoke(store: &SqliteStore, name: &str) -> bool {
    let revoked = store.revoke_key(name.to_owned(), NOW, entry(Action::Native));
    revoked.await.unwrap()
}

#[tokio::test]
async fn a_key_comes_back_as_it_was_put_in() {
    let fixture = Fixture::new();
    let mut unbound = record("b", 2);
    unbound.key.accounts.clear();
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
async fn records_of_keys_name_their_own_action() {
    let fixture = Fixture::new();
    insert(&fixture.store, record("a", 1)).await;
    insert(&fixture.store, record("a", 1)).await;
    revoke(&fixture.store, "a").await;
    revoke(&fixture.store, "a").await;
    let raw = fixture.raw();
    let mut statement = raw
        .prepare("SELECT action, key_id FROM audit ORDER BY id")
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let rows: Vec<(String, i64)> = rows.unwrap().map(Result::unwrap).collect();
    let expected = [("key.create".to_owned(), 1), ("key.revoke".to_owned(), 1)];
    assert_eq!(rows, expected);
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
    let other = SqliteStore::open(&fixture.path(), &Parameters::default(), seal()).unwrap();
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
