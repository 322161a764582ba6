//! A second secret for a key in the store, and the end of the first.

use dragoman::auth::api_key::KeyDigest;
use dragoman::clock::Timestamp;
use dragoman::journal::Act;
use dragoman::store::sqlite::SqliteStore;
use dragoman::store::{KeyStore, Rotated, Rotation};

use crate::store_fixture::entry;
use crate::store_keys::{NOW, acts, after, insert, record, revoke, trail, with_key};

fn rotation(digest: u8, at: Timestamp, overlap_end: Option<Timestamp>) -> Rotation {
    Rotation {
        digest: KeyDigest::from_bytes([digest; 32]),
        hint: format!("new{digest}"),
        at,
        overlap_end,
        expires_at: None,
    }
}

async fn rotate(store: &SqliteStore, rotation: Rotation) -> Rotated {
    let rotated = store.rotate_key("a".to_owned(), rotation, entry(Act::RotateKey));
    rotated.await.unwrap()
}

#[tokio::test]
async fn a_rotated_key_has_two_secrets_until_exactly_the_end_of_the_overlap() {
    let fixture = with_key(None).await;
    let end = after(7_000);
    let rotated = rotate(&fixture.store, rotation(2, NOW, Some(end))).await;
    let expected = Rotated::Done {
        hint: "a1b2".to_owned(),
        until: end,
    };
    assert_eq!(rotated, expected);
    let fixture = fixture.reopened().await;
    let listed = fixture.store.list_keys().await.unwrap();
    let mut old = record("a", 1);
    old.key.expires_at = Some(end);
    old.replaced_at = Some(NOW);
    let mut new = record("a", 2);
    new.key.expires_at = None;
    new.hint = "new2".to_owned();
    assert_eq!(listed, [old, new]);
    assert_eq!(
        trail(&fixture),
        acts(&[("key.create", 1), ("key.rotate", 2)])
    );

    let rotated = rotate(
        &fixture.store,
        rotation(3, after(6_999), Some(after(9_000))),
    )
    .await;
    assert_eq!(rotated, Rotated::Overlapping(end));
    let rotated = rotate(&fixture.store, rotation(3, end, Some(after(9_000)))).await;
    assert!(matches!(rotated, Rotated::Done { .. }), "{rotated:?}");
}

#[tokio::test]
async fn an_overlap_prolongs_nothing() {
    let fixture = with_key(Some(after(1_000))).await;
    let rotated = rotate(&fixture.store, rotation(2, NOW, Some(after(7_000)))).await;
    assert!(
        matches!(rotated, Rotated::Done { until, .. } if until == after(1_000)),
        "{rotated:?}"
    );
    let listed = fixture.store.list_keys().await.unwrap();
    let ends: Vec<_> = listed.iter().map(|one| one.key.expires_at).collect();
    assert_eq!(ends, [Some(after(1_000)); 2]);
}

#[tokio::test]
async fn an_expired_key_needs_a_new_end() {
    let fixture = with_key(Some(NOW)).await;
    let mut rotation = rotation(2, NOW, Some(after(7_000)));
    let refused = rotate(&fixture.store, rotation.clone()).await;
    assert_eq!(refused, Rotated::Expired(NOW));
    rotation.expires_at = Some(after(9_000));
    rotate(&fixture.store, rotation).await;
    let listed = fixture.store.list_keys().await.unwrap();
    let ends: Vec<_> = listed.iter().map(|one| one.key.expires_at).collect();
    assert_eq!(ends, [Some(NOW), Some(after(9_000))]);
}

#[tokio::test]
async fn a_rotation_without_an_overlap_revokes_every_older_secret() {
    let fixture = with_key(None).await;
    rotate(&fixture.store, rotation(2, NOW, Some(after(7_000)))).await;
    let rotated = rotate(&fixture.store, rotation(3, after(5), None)).await;
    assert!(
        matches!(rotated, Rotated::Done { until, .. } if until == after(5)),
        "{rotated:?}"
    );
    let listed = fixture.store.list_keys().await.unwrap();
    let revoked: Vec<_> = listed.iter().map(|one| one.revoked_at).collect();
    assert_eq!(revoked, [Some(after(5)), Some(after(5)), None]);
    let expected = [
        ("key.create", 1),
        ("key.rotate", 2),
        ("key.revoke", 1),
        ("key.revoke", 2),
        ("key.rotate", 3),
    ];
    assert_eq!(trail(&fixture), acts(&expected));
}

#[tokio::test]
async fn a_rotation_that_fails_leaves_the_key_as_it_was() {
    let fixture = with_key(None).await;
    let before = fixture.store.list_keys().await.unwrap();
    let taken = rotation(1, NOW, Some(after(7_000)));
    let rotated = fixture
        .store
        .rotate_key("a".to_owned(), taken, entry(Act::RotateKey));
    assert!(rotated.await.is_err());
    assert_eq!(fixture.store.list_keys().await.unwrap(), before);
    let unknown = fixture.store.rotate_key(
        "b".to_owned(),
        rotation(2, NOW, None),
        entry(Act::RotateKey),
    );
    assert_eq!(unknown.await.unwrap(), Rotated::Unknown);
    assert_eq!(trail(&fixture).len(), 1);
}

#[tokio::test]
async fn a_name_in_rotation_is_taken_and_a_revoked_one_is_free() {
    let fixture = with_key(None).await;
    rotate(&fixture.store, rotation(2, NOW, Some(after(7_000)))).await;
    assert!(!insert(&fixture.store, record("a", 3)).await);
    assert!(revoke(&fixture.store, "a").await);
    assert!(insert(&fixture.store, record("a", 3)).await);
    let listed = fixture.store.list_keys().await.unwrap();
    let revoked: Vec<_> = listed.iter().map(|one| one.revoked_at).collect();
    assert_eq!(revoked, [Some(NOW), Some(NOW), None]);
}
