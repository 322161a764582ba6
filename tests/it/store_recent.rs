//! Users that were read are kept in memory, and are never older than what was acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dragoman::command::text::Text;
use dragoman::command::user::{UserChange, UserRef};
use dragoman::command::{Action, Edit, Id};
use dragoman::store::sqlite::Parameters;
use dragoman::store::{KeyStore, Store};

use crate::store_fixture::{ACCOUNT, Fixture, entry};

async fn title(fixture: &Fixture, id: Id) -> Option<String> {
    let user = fixture.store.read_user(ACCOUNT, UserRef::Id(id)).await;
    let title = user.unwrap().unwrap().title;
    title.map(|title| title.as_str().to_owned())
}

async fn set_title(fixture: &Fixture, id: Id, title: &str) {
    let change = UserChange {
        title: Edit::Set(Text::parse(title).unwrap()),
        ..UserChange::default()
    };
    let entry = entry(Action::UpdateUser);
    let updated = fixture
        .store
        .update_user(UserRef::Id(id), change, None, entry);
    assert_eq!(updated.await.unwrap(), Some(id));
}

/// As another process would, past the store.
fn set_title_beside(fixture: &Fixture, title: &str) {
    let changed = fixture
        .raw()
        .execute("UPDATE users SET title = ?1", [title]);
    assert_eq!(changed.unwrap(), 1);
}

async fn watched(parameters: &Parameters) -> Fixture {
    let fixture = Fixture::with(parameters);
    fixture.store.watch_keys(Box::new(|_| ())).await.unwrap();
    fixture
}

#[tokio::test]
async fn a_user_is_read_from_memory_and_a_write_of_another_process_within_a_second() {
    let fixture = watched(&Parameters::default()).await;
    let ann = fixture.user("Ann").await;
    let mut from_memory = 0;
    for number in 0..10 {
        // The watch may look in between, once in a quarter of a second.
        title(&fixture, ann).await;
        let new = format!("Title {number}");
        set_title_beside(&fixture, &new);
        from_memory += u32::from(title(&fixture, ann).await.as_ref() != Some(&new));
        let deadline = Instant::now() + Duration::from_secs(1);
        while title(&fixture, ann).await.as_ref() != Some(&new) {
            assert!(Instant::now() < deadline, "{new} is not read");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert!(from_memory > 0, "nothing was read from memory");
}

#[tokio::test]
async fn without_a_memory_or_a_watch_every_read_is_of_the_file() {
    let none = Parameters {
        cached_users: 0,
        ..Parameters::default()
    };
    for fixture in [watched(&none).await, Fixture::new()] {
        let ann = fixture.user("Ann").await;
        for number in 0..20 {
            title(&fixture, ann).await;
            let new = format!("Title {number}");
            set_title_beside(&fixture, &new);
            assert_eq!(title(&fixture, ann).await, Some(new));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_wrote_reads_what_it_wrote_whoever_else_reads() {
    let fixture = Arc::new(watched(&Parameters::default()).await);
    let ann = fixture.user("Ann").await;
    let over = Arc::new(AtomicBool::new(false));
    let others: Vec<_> = (0..4)
        .map(|_| {
            let (fixture, over) = (Arc::clone(&fixture), Arc::clone(&over));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    title(&fixture, ann).await;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for number in 0..500 {
        let new = format!("Title {number}");
        set_title(&fixture, ann, &new).await;
        assert_eq!(title(&fixture, ann).await, Some(new));
    }
    over.store(true, Ordering::Relaxed);
    for other in others {
        other.await.unwrap();
    }
}

#[tokio::test]
async fn a_user_who_was_deleted_is_gone_from_memory_too() {
    let fixture = watched(&Parameters::default()).await;
    for by_name in [true, false] {
        let ann = fixture.user("Ann").await;
        title(&fixture, ann).await;
        let user = if by_name {
            UserRef::Username(dragoman::command::name::Username::parse("ann").unwrap())
        } else {
            UserRef::Id(ann)
        };
        let deleted = fixture.store.delete_user(user, entry(Action::DeleteUser));
        assert!(deleted.await.unwrap().is_some());
        let found = fixture.store.read_user(ACCOUNT, UserRef::Id(ann)).await;
        assert_eq!(found.unwrap(), None);
    }
}
