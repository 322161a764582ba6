//! The queue of notifications: what gets in, who takes it, and what the audit trail says.

use dragoman::clock::{Clock, Timestamp};
use dragoman::command::user::{UserChange, UserRef};
use dragoman::command::{Action, Id};
use dragoman::journal::Entry;
use dragoman::journal::event::{Event, EventId};
use dragoman::store::notifications::{Notification, NotificationQueue, Settlement, State, Taken};
use dragoman::store::sqlite::{Parameters, SqliteStore};
use dragoman::store::{Store, StoreError};

use crate::audit_fixture::verify;
use crate::store_fixture::{Fixture, email, entry, named, seal, set};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn later(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + millis)
}

/// An entry that promises a notification.
fn promising(action: Action) -> Entry {
    Entry {
        event: Some(EventId::new(&Clock::system())),
        ..entry(action)
    }
}

async fn create(fixture: &Fixture, change: UserChange) -> Result<Id, StoreError> {
    let entry = promising(Action::CreateUser);
    fixture.store.create_user(change, None, entry).await
}

async fn take(store: &SqliteStore, now: Timestamp, hold: Timestamp) -> Option<Notification> {
    match store.take_notification(now, hold).await.unwrap() {
        Taken::Due(notification) => Some(*notification),
        Taken::NothingBefore(_) => None,
    }
}

#[tokio::test]
async fn a_write_and_what_it_promises_are_one() {
    let fixture = Fixture::new();
    let change = UserChange {
        email: Some(email("ann@example.com")),
        given_name: set("Ann"),
        family_name: set("Lee"),
        ..named("ann")
    };
    let promise = promising(Action::CreateUser);
    let event = promise.event;
    let ann = fixture
        .store
        .create_user(change, None, promise)
        .await
        .unwrap();
    // Neither is there where the write is refused, or finds nobody.
    let taken = create(&fixture, named("ann")).await;
    assert!(matches!(taken, Err(StoreError::UsernameTaken)), "{taken:?}");
    let nobody = UserRef::Id(Id::new(999).unwrap());
    let update = promising(Action::UpdateUser);
    let updated = fixture
        .store
        .update_user(nobody, named("bob"), None, update)
        .await;
    assert_eq!(updated.unwrap(), None);
    // And a write that promises nothing queues nothing.
    fixture.user("carl").await;

    let unsent = fixture.store.list_notifications().await.unwrap();
    let [only] = unsent.as_slice() else {
        panic!("{unsent:?}");
    };
    let at = entry(Action::CreateUser).at;
    assert_eq!(
        (only.state, only.due, &only.problem),
        (State::Waiting, at, &None)
    );
    let notification = &only.notification;
    assert_eq!(Some(notification.id), event);
    assert_eq!(
        (notification.event, notification.user),
        (Event::UserCreated, ann)
    );
    assert_eq!(notification.email, Some(email("ann@example.com")));
    assert_eq!(notification.full_name.as_deref(), Some("Ann Lee"));
    assert_eq!(notification.request_id, "0193-request");

    // What is durable is durable as a whole.
    let crashed = fixture.crashed();
    let path = crashed.path().join("store.db");
    let reopened = SqliteStore::open(&path, &Parameters::default(), seal()).unwrap();
    assert_eq!(reopened.list_notifications().await.unwrap(), unsent);
}

#[tokio::test]
async fn what_one_process_has_taken_no_other_takes_until_its_hold_ends() {
    let fixture = Fixture::new();
    for name in ["ann", "bob"] {
        create(&fixture, named(name)).await.unwrap();
    }
    let other = SqliteStore::open(&fixture.path(), &Parameters::default(), seal()).unwrap();
    let first = take(&fixture.store, NOW, later(10)).await.unwrap();
    assert_eq!(first.username.as_str(), "ann");
    let second = take(&other, NOW, later(20)).await.unwrap();
    assert_eq!(second.username.as_str(), "bob");
    let nothing = other.take_notification(later(9), later(99)).await.unwrap();
    assert_eq!(nothing, Taken::NothingBefore(Some(later(10))));
    let again = take(&other, later(10), later(99)).await.unwrap();
    assert_eq!(again.id, first.id);
}

#[tokio::test]
async fn a_queued_notification_is_heard_of_and_one_of_the_past_is_not_missed() {
    let fixture = Fixture::new();
    create(&fixture, named("ann")).await.unwrap();
    fixture.store.notification_queued().await;
    let heard = fixture.store.notification_queued();
    fixture.user("bob").await;
    let silence = std::time::Duration::from_millis(50);
    assert!(tokio::time::timeout(silence, heard).await.is_err());
}

#[tokio::test]
async fn what_becomes_of_a_notification_is_settled_with_its_record() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    create(&fixture, named("ann")).await.unwrap();
    let ann = take(store, NOW, later(1)).await.unwrap();
    let problem = || "the receiver answered 500".to_owned();
    let postponed = Settlement::Later {
        due: later(50),
        problem: problem(),
    };
    store
        .settle_notification(ann.id, postponed, NOW)
        .await
        .unwrap();
    assert_eq!(take(store, later(49), later(99)).await, None);
    let again = take(store, later(50), later(99)).await.unwrap();
    assert_eq!(again.attempts, 1);

    let failed = Settlement::Failed { problem: problem() };
    store
        .settle_notification(ann.id, failed, later(60))
        .await
        .unwrap();
    assert_eq!(take(store, later(1_000_000), later(9_999_999)).await, None);
    let unsent = store.list_notifications().await.unwrap();
    assert_eq!((unsent[0].state, unsent[0].due), (State::Failed, later(60)));
    assert_eq!(unsent[0].problem, Some(problem()));

    assert_eq!(store.retry_notifications(None, later(70)).await.unwrap(), 1);
    let retried = take(store, later(70), later(99)).await.unwrap();
    assert_eq!((retried.attempts, retried.queued_at), (0, later(70)));
    assert_eq!(retried.at, ann.at, "what happened does not change");
    store
        .settle_notification(ann.id, Settlement::Sent, later(80))
        .await
        .unwrap();
    assert_eq!(store.list_notifications().await.unwrap(), []);
    // Whoever comes late has nothing more to say.
    store
        .settle_notification(ann.id, Settlement::Sent, later(90))
        .await
        .unwrap();

    assert_eq!(
        records(&fixture),
        [
            ("notifier", "failed", Some("the receiver answered 500")),
            ("notifier", "done", None)
        ]
        .map(owned)
    );
    verify(store, None).await.unwrap();
}

#[tokio::test]
async fn only_what_still_waited_is_audited_when_it_is_forgotten() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    for name in ["ann", "bob"] {
        create(&fixture, named(name)).await.unwrap();
    }
    let ann = take(store, NOW, later(1)).await.unwrap();
    let problem = "the receiver answered 410".to_owned();
    let failed = Settlement::Failed { problem };
    store
        .settle_notification(ann.id, failed, NOW)
        .await
        .unwrap();
    let unknown = Some(EventId::new(&Clock::system()));
    assert_eq!(store.forget_notifications(unknown, NOW).await.unwrap(), 0);
    assert_eq!(store.retry_notifications(unknown, NOW).await.unwrap(), 0);
    assert_eq!(store.forget_notifications(None, NOW).await.unwrap(), 2);
    assert_eq!(store.list_notifications().await.unwrap(), []);
    assert_eq!(
        records(&fixture),
        [
            ("notifier", "failed", Some("the receiver answered 410")),
            ("command line", "failed", Some("it was forgotten"))
        ]
        .map(owned)
    );
}

fn owned(record: (&str, &str, Option<&str>)) -> (String, String, Option<String>) {
    let (principal, outcome, reason) = record;
    (
        principal.to_owned(),
        outcome.to_owned(),
        reason.map(str::to_owned),
    )
}

/// Principal, outcome and reason of each `user.notify`.
fn records(fixture: &Fixture) -> Vec<(String, String, Option<String>)> {
    let raw = fixture.raw();
    let sql =
        "SELECT principal, outcome, reason FROM audit WHERE action = 'user.notify' ORDER BY id";
    let mut statement = raw.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.unwrap().map(Result::unwrap).collect()
}
