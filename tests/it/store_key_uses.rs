//! When keys were used, written down after the fact.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dragoman::auth::api_key::{KeyDigest, Pepper};
use dragoman::auth::keys::{KeyRing, KeyUse};
use dragoman::clock::Timestamp;
use dragoman::secret::Secret;
use dragoman::store::sqlite::{Parameters, SqliteStore};
use dragoman::store::{KeyStore, Store, key_uses};

use crate::store_fixture::Fixture;
use crate::store_keys::{NOW, after, insert, record, trail, with_key};

async fn last_used(store: &SqliteStore) -> Option<Timestamp> {
    store.list_keys().await.unwrap()[0].last_used_at
}

#[tokio::test]
async fn a_last_use_is_written_and_the_latest_stands() {
    let fixture = with_key(None).await;
    let note = |at| {
        let digest = KeyDigest::from_bytes([1; 32]);
        let unknown = KeyDigest::from_bytes([9; 32]);
        let uses = vec![
            KeyUse { digest, at },
            KeyUse {
                digest: unknown,
                at,
            },
        ];
        fixture.store.note_key_uses(uses)
    };
    for (at, stands) in [
        (after(5), after(5)),
        (after(3), after(5)),
        (after(8), after(8)),
    ] {
        note(at).await.unwrap();
        assert_eq!(last_used(&fixture.store).await, Some(stands));
    }
    assert_eq!(trail(&fixture).len(), 1, "no audit record of it");
}

/// A ring with the key `secret`, which the store has too.
async fn ring(fixture: &Fixture) -> KeyRing {
    let pepper = Pepper::new(&[7; 32]);
    let mut record = record("a", 1);
    record.key.digest = pepper.digest(&Secret::from("secret"));
    record.key.routes.clear();
    record.key.expires_at = None;
    assert!(insert(&fixture.store, record.clone()).await);
    let ring = KeyRing::new(pepper, Vec::new());
    ring.replace(vec![record.key]);
    ring
}

#[tokio::test(start_paused = true)]
async fn last_uses_are_written_once_a_minute_and_not_by_the_calls() {
    let fixture = Fixture::new();
    let ring = ring(&fixture).await;
    let before = fixture.store.commits();
    let written = || fixture.store.commits() - before;
    let noting = key_uses::keep_noting(&ring, &fixture.store);
    let calling = async {
        for second in 0..150 {
            let at = after(second * 1_000);
            assert!(ring.find(&Secret::from("secret"), None, at).is_some());
            tokio::time::sleep(Duration::from_secs(1)).await;
            // The store's threads know nothing of the paused clock.
            let started = Instant::now();
            while written() < u64::try_from(second / 61).unwrap() {
                assert!(started.elapsed() < Duration::from_secs(5), "not written");
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::select! {
        never = noting => match never {},
        () = calling => {}
    }
    assert_eq!(written(), 2);
    let used = last_used(&fixture.store).await.unwrap();
    assert!((after(119_000)..=after(123_000)).contains(&used));
    key_uses::note(&ring, &fixture.store).await.unwrap();
    assert_eq!(last_used(&fixture.store).await, Some(after(149_000)));
    key_uses::note(&ring, &fixture.store).await.unwrap();
    assert_eq!(written(), 3, "nothing new to write");
}

#[tokio::test]
async fn a_use_that_cannot_be_written_is_kept() {
    let fixture = Fixture::new();
    let ring = ring(&fixture).await;
    ring.find(&Secret::from("secret"), None, NOW).unwrap();
    fixture.store.close().await.unwrap();
    key_uses::note(&ring, &fixture.store).await.unwrap_err();
    let again = SqliteStore::open(&fixture.path(), &Parameters::default()).unwrap();
    key_uses::note(&ring, &again).await.unwrap();
    assert_eq!(last_used(&again).await, Some(NOW));
}

#[tokio::test]
async fn a_last_use_is_no_change_to_keys() {
    let fixture = with_key(None).await;
    let told = Arc::new(Mutex::new(0));
    let count = Arc::clone(&told);
    let watching = fixture
        .store
        .watch_keys(Box::new(move |_| *count.lock().unwrap() += 1));
    watching.await.unwrap();
    let digest = KeyDigest::from_bytes([1; 32]);
    let uses = vec![KeyUse { digest, at: NOW }];
    fixture.store.note_key_uses(uses).await.unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(*told.lock().unwrap(), 1);
}
