//! Fields of an upstream's users that are kept in the store.

use dragoman::clock::Timestamp;
use dragoman::command::{AccountId, Action, Id};
use dragoman::journal::forwarded::Forwarded;
use dragoman::store::kept::{Kept, KeptChange, KeptEdit, KeptField, KeptFields, Realm};
use dragoman::store::sqlite::backup::backup;
use dragoman::store::sqlite::restore::restore;
use dragoman::store::sqlite::{Parameters, SqliteStore};
use dragoman::store::{Store, StoreError};

use crate::store_fixture::{ACCOUNT, Fixture, entry, seal};

fn id(number: i64) -> Id {
    Id::new(number).unwrap()
}

fn realm(upstream: &str, account: Option<AccountId>) -> Realm {
    Realm {
        upstream: upstream.to_owned(),
        account,
    }
}

fn change(user: i64, anew: bool, edits: &[(&str, Kept)]) -> KeptChange {
    let edits = edits.iter().map(|(field, value)| KeptEdit {
        field: (*field).to_owned(),
        value: value.clone(),
    });
    KeptChange {
        realm: realm("blog", None),
        user: id(user),
        anew,
        edits: edits.collect(),
    }
}

fn value(text: &str) -> Kept {
    Kept::Value(text.to_owned())
}

async fn keep(fixture: &Fixture, change: KeptChange) {
    let write = Forwarded::done(entry(Action::UpdateUser), Some(change.user), None);
    fixture.store.keep(change, write).await.unwrap();
}

async fn kept(store: &SqliteStore, realm: Realm, users: &[i64]) -> Vec<(i64, String, String)> {
    let users = users.iter().map(|user| id(*user)).collect();
    let kept = store.kept(realm, users).await.unwrap().into_iter();
    kept.map(|KeptField { user, field, value }| {
        (user.value(), field, value.unwrap_or_else(|| "-".to_owned()))
    })
    .collect()
}

fn row(user: i64, field: &str, value: &str) -> (i64, String, String) {
    (user, field.to_owned(), value.to_owned())
}

#[tokio::test]
async fn a_field_is_kept_replaced_known_to_be_empty_and_forgotten() {
    let fixture = Fixture::new();
    let all = || kept(&fixture.store, realm("blog", None), &[5]);
    let first = [("phone", value("1")), ("title", value("Analyst"))];
    keep(&fixture, change(5, false, &first)).await;
    let second = [("phone", value("2")), ("nickname", Kept::Empty)];
    keep(&fixture, change(5, false, &second)).await;
    assert_eq!(
        all().await,
        [
            row(5, "nickname", "-"),
            row(5, "phone", "2"),
            row(5, "title", "Analyst")
        ]
    );
    keep(&fixture, change(5, false, &[("phone", Kept::Unknown)])).await;
    assert_eq!(all().await.len(), 2);
    keep(&fixture, change(5, true, &[("fax", value("3"))])).await;
    assert_eq!(all().await, [row(5, "fax", "3")]);
    keep(&fixture, change(5, true, &[])).await;
    assert_eq!(all().await, []);
    let records = fixture.number("SELECT count(*) FROM audit WHERE action = 'user.update'");
    assert_eq!(records, 5);
}

#[tokio::test]
async fn upstreams_accounts_and_users_do_not_see_each_others_fields() {
    let fixture = Fixture::new();
    let own = fixture.user("ada").await;
    let number = own.value();
    keep(&fixture, change(number, false, &[("phone", value("1"))])).await;
    let in_account = KeptChange {
        realm: realm("crm", Some(ACCOUNT)),
        ..change(number, false, &[("phone", value("2"))])
    };
    keep(&fixture, in_account).await;
    let in_other = KeptChange {
        realm: realm("crm", Some(AccountId::new(id(2)))),
        ..change(number, false, &[("phone", value("3"))])
    };
    keep(&fixture, in_other).await;

    let own_number = [number];
    let of = |upstream, account| kept(&fixture.store, realm(upstream, account), &own_number);
    assert_eq!(of("blog", None).await, [row(number, "phone", "1")]);
    assert_eq!(of("crm", Some(ACCOUNT)).await, [row(number, "phone", "2")]);
    assert_eq!(of("crm", None).await, []);
    assert!(
        kept(&fixture.store, realm("blog", None), &[number + 1])
            .await
            .is_empty()
    );
    // The store's own user of that number is somebody else.
    assert_eq!(fixture.read(own).await.phone, None);
    let user = dragoman::command::user::UserRef::Id(own);
    let deleted = fixture.store.delete_user(user, entry(Action::DeleteUser));
    deleted.await.unwrap().unwrap();
    assert_eq!(of("blog", None).await, [row(number, "phone", "1")]);
}

#[tokio::test]
async fn a_page_may_have_more_users_than_a_statement_has_parameters() {
    let fixture = Fixture::new();
    keep(&fixture, change(39_999, false, &[("phone", value("1"))])).await;
    let users: Vec<_> = (1..=40_000).collect();
    let found = kept(&fixture.store, realm("blog", None), &users).await;
    assert_eq!(found, [row(39_999, "phone", "1")]);
}

#[tokio::test]
async fn what_cannot_be_kept_leaves_no_record_of_having_been() {
    let fixture = Fixture::new();
    fixture.store.close().await.unwrap();
    let write = Forwarded::done(entry(Action::UpdateUser), Some(id(5)), None);
    let refused = fixture
        .store
        .keep(change(5, false, &[("phone", value("1"))]), write)
        .await;
    assert!(
        matches!(refused, Err(StoreError::Database(_))),
        "{refused:?}"
    );
    assert_eq!(fixture.number("SELECT count(*) FROM audit"), 0);
}

#[tokio::test]
async fn kept_fields_are_in_a_backup_and_come_back_with_it() {
    let fixture = Fixture::new();
    keep(&fixture, change(5, false, &[("title", value("Analyst"))])).await;
    let copy = fixture.directory.path().join("copy.db");
    backup(&fixture.path(), &copy, &mut |_, _| {}).unwrap();
    let database = fixture.directory.path().join("restored.db");
    let now = Timestamp::from_millis(1_700_000_000_000);
    restore(&copy, &database, false, now, &mut |_, _| {}).unwrap();
    let store = SqliteStore::open(&database, &Parameters::default(), seal()).unwrap();
    let found = kept(&store, realm("blog", None), &[5]).await;
    assert_eq!(found, [row(5, "title", "Analyst")]);
}
