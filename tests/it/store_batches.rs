//! Writes that share a transaction, and what the writer knows of users and of the trail meanwhile.

use std::time::Duration;

use dragoman::command::organization::Organization;
use dragoman::command::user::{Level, User, UserChange, UserRef};
use dragoman::command::{Action, Edit, Id};
use dragoman::store::sqlite::{Parameters, SqliteStore};
use dragoman::store::{KeyStore, Store, StoreError};

use crate::audit_fixture::{records, verify};
use crate::store_fixture::{ACCOUNT, Fixture, email, entry, extension, seal, set, text};

/// One that keeps users in memory.
async fn watched() -> Fixture {
    let fixture = Fixture::new();
    fixture.store.watch_keys(Box::new(|_| ())).await.unwrap();
    fixture
}

fn title(title: &str) -> UserChange {
    UserChange {
        title: set(title),
        ..UserChange::default()
    }
}

fn nickname(nickname: &str) -> UserChange {
    UserChange {
        nickname: set(nickname),
        ..UserChange::default()
    }
}

/// Has the writes gather for one transaction, which waits for the file meanwhile.
async fn together<T>(fixture: &Fixture, writes: impl Future<Output = T>) -> T {
    let lock = fixture.raw();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let unlock = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        lock.execute_batch("ROLLBACK").unwrap();
    };
    // The first one is on its way before others are queued.
    let first = fixture.user("first");
    let (_, done, ()) = tokio::join!(first, writes, unlock);
    done
}

/// What a user is in the file, which another store reads.
async fn stored(fixture: &Fixture, id: Id) -> Option<User> {
    let other = SqliteStore::open(&fixture.path(), &Parameters::default(), seal()).unwrap();
    other.read_user(ACCOUNT, UserRef::Id(id)).await.unwrap()
}

#[tokio::test]
async fn what_another_process_made_of_a_user_between_two_updates_stands() {
    let fixture = watched().await;
    let ann = fixture.user("ann").await;
    let other = SqliteStore::open(&fixture.path(), &Parameters::default(), seal()).unwrap();
    for number in 0..20 {
        fixture.update(ann, title("known")).await.unwrap();
        let name = format!("beside {number}");
        let beside = other.update_user(
            UserRef::Id(ann),
            nickname(&name),
            None,
            entry(Action::UpdateUser),
        );
        beside.await.unwrap();
        // Columns that are written together with the one that the other process wrote.
        fixture
            .update(ann, title(&format!("{number}")))
            .await
            .unwrap();
        let found = stored(&fixture, ann).await.unwrap();
        assert_eq!(found.nickname, Some(text(&name)));
    }
    let trail = records(&fixture.store).await;
    for pair in trail.windows(2).skip(1) {
        assert_eq!(pair[0].after, pair[1].before);
    }
    verify(&fixture.store, None).await.unwrap();
}

#[tokio::test]
async fn what_is_in_memory_after_updates_is_what_is_in_the_file() {
    let fixture = watched().await;
    let ann = fixture.user("ann").await;
    let changes = [
        UserChange {
            display_name: set("Ann  Lee"),
            email: Some(email("Ann@Example.com")),
            level: Level::new(3),
            ..UserChange::default()
        },
        UserChange {
            given_name: set("Ann"),
            family_name: set("Lee"),
            email_verified: Some(true),
            organizations: Some(vec![Organization {
                id: Id::ONE,
                role: Some(text("member")),
            }]),
            ..UserChange::default()
        },
        UserChange {
            extensions: vec![
                extension("zeta", Some("1")),
                extension("alpha", Some("2")),
                extension("zeta", Some("3")),
            ],
            ..UserChange::default()
        },
        UserChange {
            email: Some(email("ann@example.org")),
            given_name: Edit::Clear,
            extensions: vec![extension("alpha", None)],
            ..title("Dr")
        },
    ];
    for change in changes {
        fixture.update(ann, change).await.unwrap();
        assert_eq!(Some(fixture.read(ann).await), stored(&fixture, ann).await);
        // The digest after one is the one before the next.
        fixture.update(ann, nickname("Annie")).await.unwrap();
    }
    let trail = records(&fixture.store).await;
    for pair in trail.windows(2) {
        assert_eq!(pair[0].after, pair[1].before);
    }
}

#[tokio::test]
async fn a_write_that_fails_half_way_leaves_nothing_to_its_neighbours_of_the_same_user() {
    let fixture = watched().await;
    let ben = fixture.user("ben").await;
    let taken = UserChange {
        email: Some(email("ben@example.com")),
        ..title("of the one that failed")
    };
    fixture.update(ben, taken.clone()).await.unwrap();
    let ann = fixture.user("ann").await;
    let before = fixture.store.commits();
    let (left, refused, right) = together(&fixture, async {
        tokio::join!(
            fixture.update(ann, title("of the first")),
            fixture.update(ann, taken),
            fixture.update(ann, nickname("of the last")),
        )
    })
    .await;
    assert!(fixture.store.commits() - before <= 2);
    assert_eq!(left.unwrap(), Some(ann));
    assert!(matches!(refused, Err(StoreError::EmailTaken)));
    assert_eq!(right.unwrap(), Some(ann));
    let found = stored(&fixture, ann).await.unwrap();
    assert_eq!(found.title, Some(text("of the first")));
    assert_eq!(found.nickname, Some(text("of the last")));
    assert_eq!(found.email, None);
    assert_eq!(fixture.read(ann).await, found);
    verify(&fixture.store, None).await.unwrap();
}

#[tokio::test]
async fn a_user_who_is_deleted_is_not_there_for_the_next_write_of_the_same_transaction() {
    let fixture = watched().await;
    let ann = fixture.user("ann").await;
    fixture.update(ann, title("known")).await.unwrap();
    let before = fixture.store.commits();
    let (changed, deleted, late) = together(&fixture, async {
        tokio::join!(
            fixture.update(ann, nickname("for a moment")),
            fixture
                .store
                .delete_user(UserRef::Id(ann), entry(Action::DeleteUser)),
            fixture.update(ann, title("too late")),
        )
    })
    .await;
    assert!(fixture.store.commits() - before <= 2);
    assert_eq!(changed.unwrap(), Some(ann));
    assert!(deleted.unwrap().is_some());
    assert_eq!(late.unwrap(), None);
    let read = fixture.store.read_user(ACCOUNT, UserRef::Id(ann)).await;
    assert_eq!(read.unwrap(), None);
    verify(&fixture.store, None).await.unwrap();
}
