//! What is unique in the store, and that the database itself sees to it.

use std::sync::Arc;

use dragoman::command::group::GroupChange;
use dragoman::command::name::Slug;
use dragoman::command::user::{UserChange, UserRef};
use dragoman::command::{AccountId, Action, Id};
use dragoman::store::sqlite::Parameters;
use dragoman::store::{Store, StoreError};

use crate::store_fixture::{Fixture, email, entry, entry_in, named, seal, text};

fn group(name: &str, slug: &str) -> GroupChange {
    GroupChange {
        name: Some(text(name)),
        slug: Slug::parse(slug),
        ..GroupChange::default()
    }
}

#[tokio::test]
async fn of_fifty_users_who_want_one_name_one_gets_it() {
    let fixture = Arc::new(Fixture::new());
    let tries: Vec<_> = (0..50)
        .map(|number| {
            let fixture = Arc::clone(&fixture);
            let name = if number % 2 == 0 { "Winner" } else { "wINNER" };
            tokio::spawn(async move { fixture.create(named(name)).await })
        })
        .collect();
    let mut winners = 0;
    for one in tries {
        match one.await.unwrap() {
            Ok(_) => winners += 1,
            Err(error) => assert!(matches!(error, StoreError::UsernameTaken), "{error:?}"),
        }
    }
    assert_eq!(winners, 1);
    assert_eq!(fixture.number("SELECT count(*) FROM users"), 1);
    assert_eq!(fixture.number("SELECT count(*) FROM audit"), 1);
}

#[tokio::test]
async fn names_that_look_the_same_are_the_same() {
    let fixture = Fixture::new();
    fixture.user("Zoë").await;
    let refused = fixture.create(named("zoe\u{308}")).await;
    assert!(matches!(refused, Err(StoreError::UsernameTaken)));
}

#[tokio::test]
async fn usernames_and_slugs_share_one_name_space() {
    let fixture = Fixture::new();
    fixture.user("board").await;
    let create = |slug| {
        let entry = entry(Action::CreateGroup);
        fixture.store.create_group(group("A", slug), None, entry)
    };
    assert!(matches!(create("BOARD").await, Err(StoreError::SlugTaken)));
    create("club").await.unwrap();
    assert!(matches!(create("Club").await, Err(StoreError::SlugTaken)));
    let refused = fixture.create(named("club")).await;
    assert!(matches!(refused, Err(StoreError::UsernameTaken)));
    assert_eq!(fixture.number("SELECT count(*) FROM groups"), 1);
}

#[tokio::test]
async fn a_name_is_free_again_when_its_owner_changes_it_or_goes() {
    let fixture = Fixture::new();
    let ann = fixture.user("ann").await;
    fixture.update(ann, named("anna")).await.unwrap();
    let second = fixture.user("ANN").await;
    let back = fixture.update(ann, named("ann")).await;
    assert!(matches!(back, Err(StoreError::UsernameTaken)));
    let gone = fixture
        .store
        .delete_user(UserRef::Id(second), entry(Action::DeleteUser));
    gone.await.unwrap();
    fixture.update(ann, named("ann")).await.unwrap();
    assert_eq!(fixture.read(ann).await.username.as_str(), "ann");
}

#[tokio::test]
async fn a_user_may_change_the_spelling_of_its_own_name() {
    let fixture = Fixture::new();
    let ann = fixture.user("ann").await;
    fixture.update(ann, named("Ann")).await.unwrap();
    assert_eq!(fixture.read(ann).await.username.as_str(), "Ann");
}

#[tokio::test]
async fn an_address_is_unique_in_its_account_and_not_across() {
    let fixture = Fixture::new();
    let with = |name, address| {
        let mut change = named(name);
        change.email = Some(email(address));
        change
    };
    fixture.create(with("ann", "a@example.com")).await.unwrap();
    let refused = fixture.create(with("ben", "A@Example.COM")).await;
    assert!(matches!(refused, Err(StoreError::EmailTaken)));
    let ben = fixture.create(with("ben", "b@example.com")).await.unwrap();
    let change = UserChange {
        email: Some(email("a@example.com")),
        ..UserChange::default()
    };
    let refused = fixture.update(ben, change).await;
    assert!(matches!(refused, Err(StoreError::EmailTaken)));
    let other = AccountId::new(Id::new(2).unwrap());
    let change = with("ann", "a@example.com");
    let entry = entry_in(other, Action::CreateUser);
    fixture
        .store
        .create_user(change, None, entry)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_taken_name_is_told_before_a_taken_address() {
    let fixture = Fixture::new();
    let mut change = named("ann");
    change.email = Some(email("a@example.com"));
    fixture.create(change.clone()).await.unwrap();
    let refused = fixture.create(change).await;
    assert!(matches!(refused, Err(StoreError::UsernameTaken)));
}

#[tokio::test]
async fn a_reserved_name_is_refused_in_any_spelling_and_kept_by_who_has_it() {
    let fixture = Fixture::new();
    let early = fixture.user("root").await;
    fixture.store.close().await.unwrap();
    let parameters = Parameters {
        reserved_names: vec!["Root".to_owned(), "Admin".to_owned()],
        ..Parameters::default()
    };
    let path = fixture.path();
    let store = dragoman::store::sqlite::SqliteStore::open(&path, &parameters, seal()).unwrap();
    let fixture = Fixture { store, ..fixture };

    let refused = fixture.create(named("ＡＤＭＩＮ")).await;
    assert!(matches!(refused, Err(StoreError::UsernameTaken)));
    let ann = fixture.user("ann").await;
    let refused = fixture.update(ann, named("admin")).await;
    assert!(matches!(refused, Err(StoreError::UsernameTaken)));
    assert_eq!(fixture.read(ann).await.username.as_str(), "ann");
    let refused = fixture
        .store
        .create_group(group("A", "ADMIN"), None, entry(Action::CreateGroup));
    assert!(matches!(refused.await, Err(StoreError::SlugTaken)));
    fixture.update(early, named("ROOT")).await.unwrap();
}

fn with_email(name: &str, address: &str) -> UserChange {
    UserChange {
        email: Some(email(address)),
        ..named(name)
    }
}

fn only_email(address: &str) -> UserChange {
    UserChange {
        email: Some(email(address)),
        ..UserChange::default()
    }
}

/// The username is tried first where a call names either, so it would be found instead.
#[tokio::test]
async fn a_username_is_no_address_of_another_user_in_any_spelling() {
    let fixture = Fixture::new();
    let victim = with_email("victim", "Zoë@Example.com");
    fixture.create(victim).await.unwrap();
    let other = fixture.user("other").await;
    for name in [
        "zoë@example.com",
        "ZOE\u{308}@EXAMPLE.COM",
        "zoë\u{ff20}example.com",
    ] {
        let refused = fixture.create(named(name)).await;
        assert!(matches!(refused, Err(StoreError::UsernameTaken)), "{name}");
        let refused = fixture.update(other, named(name)).await;
        assert!(matches!(refused, Err(StoreError::UsernameTaken)), "{name}");
    }
    assert_eq!(fixture.read(other).await.username.as_str(), "other");
    assert_eq!(fixture.number("SELECT count(*) FROM users"), 2);
}

#[tokio::test]
async fn an_address_is_no_username_of_another_user_in_any_spelling() {
    let fixture = Fixture::new();
    fixture.user("Zoe\u{308}@Example.com").await;
    let other = fixture.user("other").await;
    for address in ["zoë@example.com", "ZOE\u{308}@example.COM"] {
        let refused = fixture.create(with_email("new", address)).await;
        assert!(matches!(refused, Err(StoreError::EmailTaken)), "{address}");
        let refused = fixture.update(other, only_email(address)).await;
        assert!(matches!(refused, Err(StoreError::EmailTaken)), "{address}");
    }
    assert_eq!(fixture.read(other).await.email, None);
    assert_eq!(fixture.number("SELECT count(*) FROM users"), 2);
}

#[tokio::test]
async fn a_user_may_have_its_own_address_as_its_username() {
    let fixture = Fixture::new();
    let both = with_email("ann@example.com", "Ann@Example.com");
    fixture.create(both).await.unwrap();
    let ben = with_email("ben", "ben@example.com");
    let ben = fixture.create(ben).await.unwrap();
    fixture.update(ben, named("Ben@Example.com")).await.unwrap();
    let eve = fixture.user("eve@example.com").await;
    fixture
        .update(eve, only_email("eve@example.com"))
        .await
        .unwrap();
}

#[tokio::test]
async fn names_and_addresses_of_other_accounts_and_of_those_who_left_are_free() {
    let fixture = Fixture::new();
    let ann = with_email("ann", "a@example.com");
    let ann = fixture.create(ann).await.unwrap();
    let entry = entry_in(AccountId::new(Id::new(2).unwrap()), Action::CreateUser);
    let elsewhere = fixture
        .store
        .create_user(named("a@example.com"), None, entry);
    elsewhere.await.unwrap();
    fixture
        .update(ann, only_email("b@example.com"))
        .await
        .unwrap();
    fixture.user("a@example.com").await;
    let gone = fixture.store.delete_user(
        UserRef::Id(ann),
        crate::store_fixture::entry(Action::DeleteUser),
    );
    gone.await.unwrap();
    fixture.user("b@example.com").await;
}

/// It is the tables that refuse it, whatever the program that writes has looked at before.
#[tokio::test]
async fn the_database_itself_keeps_names_and_addresses_apart() {
    let fixture = Fixture::new();
    let ann = with_email("ann", "a@example.com");
    fixture.create(ann).await.unwrap();
    fixture.user("ben@example.com").await;
    let raw = fixture.raw();
    for sql in [
        "INSERT INTO users (id, account_id, username, username_key, email_name)
         VALUES (9, 1, 'x', 'x', 'ben@example.com')",
        "UPDATE users SET email_name = 'ben@example.com' WHERE id = 1",
        "UPDATE users SET email_key = 'ben@example.com' WHERE id = 1",
        "UPDATE names SET key = 'a@example.com' WHERE user_id = 2",
        "DELETE FROM names WHERE user_id = 2;
         INSERT INTO names (account_id, key, user_id) VALUES (1, 'a@example.com', 2)",
    ] {
        let refused = raw.execute_batch(sql).unwrap_err();
        assert!(
            refused.to_string().contains("of another user"),
            "{sql}: {refused}"
        );
    }
}
