//! Users in the store: every attribute, every reference.

use dragoman::auth::authenticate::UserDirectory;
use dragoman::command::organization::Organization;
use dragoman::command::timezone::Timezone;
use dragoman::command::user::{Level, Role, Status, UserChange, UserRef};
use dragoman::command::{AccountId, Action, Edit, Id};
use dragoman::store::Store;

use crate::store_fixture::{
    ACCOUNT, Fixture, email, entry, entry_in, extension, hash, named, set, text, username,
};

fn everything() -> UserChange {
    UserChange {
        username: Some(username("Zoë")),
        display_name: set("Dr. Zoë Smith"),
        given_name: set("Zoë"),
        family_name: set("Smith"),
        nickname: set("zo"),
        gender: set("F"),
        locale: set("en-US"),
        email: Some(email("Zoe@Example.com")),
        email_verified: Some(true),
        status: Some(Status::Deactivated),
        level: Level::new(7),
        phone: set("1"),
        mobile: set("2"),
        fax: set("3"),
        title: set("Head"),
        timezone: Edit::Set(Timezone::parse("Australia/Brisbane").unwrap()),
        picture_url: set("https://example.com/z.png"),
        read_only: Some(true),
        role: Edit::Set(Role::new(text("editor"))),
        organizations: Some(vec![
            Organization {
                id: Id::new(9).unwrap(),
                role: Some(text("chair")),
            },
            Organization {
                id: Id::new(4).unwrap(),
                role: None,
            },
        ]),
        extensions: vec![
            extension("custom_field_2", Some("b")),
            extension("custom_field_1", Some("a")),
        ],
        ..UserChange::default()
    }
}

#[tokio::test]
async fn every_attribute_is_kept_across_a_restart() {
    let fixture = Fixture::new();
    let id = fixture.create(everything()).await.unwrap();
    let before = fixture.read(id).await;
    assert_eq!(before.account, ACCOUNT);
    assert_eq!(before.username.as_str(), "Zoë");
    assert_eq!(before.display_name, Some(text("Dr. Zoë Smith")));
    assert_eq!(before.given_name, Some(text("Zoë")));
    assert_eq!(before.family_name, Some(text("Smith")));
    assert_eq!(before.nickname, Some(text("zo")));
    assert_eq!(before.gender, Some(text("F")));
    assert_eq!(before.locale, Some(text("en-US")));
    assert_eq!(before.email, Some(email("Zoe@Example.com")));
    assert!(before.email_verified);
    assert_eq!(before.status, Status::Deactivated);
    assert_eq!(before.level.value(), 7);
    assert_eq!(before.phone, Some(text("1")));
    assert_eq!(before.mobile, Some(text("2")));
    assert_eq!(before.fax, Some(text("3")));
    assert_eq!(before.title, Some(text("Head")));
    assert_eq!(before.timezone.unwrap().name(), "Australia/Brisbane");
    assert_eq!(before.picture_url, Some(text("https://example.com/z.png")));
    assert!(before.read_only);
    assert_eq!(before.role.as_ref().unwrap().name(), "editor");
    assert_eq!(before.organizations, everything().organizations.unwrap());
    assert_eq!(before.extensions[0].field, text("custom_field_1"));
    assert_eq!(before.extensions[1].value, text("b"));

    let fixture = fixture.reopened().await;
    assert_eq!(fixture.read(id).await, before);
}

#[tokio::test]
async fn a_user_with_nothing_but_a_name_is_active_and_of_level_0() {
    let fixture = Fixture::new();
    let id = fixture.user("ann").await;
    let user = fixture.read(id).await;
    assert_eq!(user.status, Status::Active);
    assert_eq!(user.level, Level::ZERO);
    assert!(!user.email_verified && !user.read_only);
    assert_eq!(user.full_name(), None);
    assert!(user.organizations.is_empty() && user.extensions.is_empty());
}

#[tokio::test]
async fn a_change_touches_what_it_mentions_and_nothing_else() {
    let fixture = Fixture::new();
    let id = fixture.create(everything()).await.unwrap();
    let mut expected = fixture.read(id).await;
    let change = UserChange {
        phone: set("99"),
        fax: Edit::Clear,
        organizations: Some(Vec::new()),
        extensions: vec![extension("custom_field_1", None)],
        ..UserChange::default()
    };
    assert_eq!(fixture.update(id, change).await.unwrap(), Some(id));
    expected.phone = Some(text("99"));
    expected.fax = None;
    expected.organizations.clear();
    expected.extensions.remove(0);
    assert_eq!(fixture.read(id).await, expected);
}

#[tokio::test]
async fn a_new_half_of_a_name_keeps_the_other_half_of_the_display_name() {
    let fixture = Fixture::new();
    let mut change = named("ann");
    change.display_name = set("Ann Marie Stone");
    let id = fixture.create(change).await.unwrap();
    let change = UserChange {
        family_name: set("Wood"),
        ..UserChange::default()
    };
    fixture.update(id, change).await.unwrap();
    let user = fixture.read(id).await;
    assert_eq!(user.display_name, None);
    assert_eq!(user.full_name().as_deref(), Some("Ann Marie Wood"));
}

#[tokio::test]
async fn another_address_is_not_confirmed_by_what_confirmed_the_first() {
    let fixture = Fixture::new();
    let mut change = named("Ann");
    change.email = Some(email("ann@example.com"));
    change.email_verified = Some(true);
    let ann = fixture.create(change).await.unwrap();
    for (address, verified, expected) in [
        ("ANN@example.com", None, true),
        ("ann@example.org", None, false),
        ("ann@example.net", Some(true), true),
    ] {
        let change = UserChange {
            email: Some(email(address)),
            email_verified: verified,
            ..UserChange::default()
        };
        let entry = entry(Action::UpdateUser);
        let updated = fixture
            .store
            .update_user(UserRef::Id(ann), change, None, entry);
        assert_eq!(updated.await.unwrap(), Some(ann));
        let user = fixture.store.read_user(ACCOUNT, UserRef::Id(ann)).await;
        assert_eq!(user.unwrap().unwrap().email_verified, expected, "{address}");
    }
}

#[tokio::test]
async fn a_user_is_found_by_each_kind_of_reference_in_its_account_only() {
    let fixture = Fixture::new();
    let mut change = named("Ann");
    change.email = Some(email("ann@example.com"));
    let ann = fixture.create(change).await.unwrap();
    let other = AccountId::new(Id::new(2).unwrap());
    for reference in [
        UserRef::Id(ann),
        UserRef::Username(username("aNN")),
        UserRef::Email(email("ANN@example.com")),
        UserRef::UsernameOrEmail(username("ann")),
        UserRef::UsernameOrEmail(username("Ann@Example.com")),
    ] {
        let found = fixture.store.read_user(ACCOUNT, reference.clone()).await;
        assert_eq!(found.unwrap().map(|user| user.id), Some(ann));
        let found = fixture.store.read_user(other, reference.clone()).await;
        assert_eq!(found.unwrap(), None, "{reference:?}");
        let refused = fixture
            .store
            .delete_user(reference, entry_in(other, Action::DeleteUser));
        assert_eq!(refused.await.unwrap(), None);
    }
}

#[tokio::test]
async fn one_reference_finds_a_user_by_its_username_or_by_its_address() {
    let fixture = Fixture::new();
    let mut change = named("first");
    change.email = Some(email("ann@example.com"));
    let by_email = fixture.create(change).await.unwrap();
    let by_name = fixture.user("ben@example.com").await;
    for (text, id) in [
        ("FIRST", by_email),
        ("Ann@Example.com", by_email),
        ("Ben@Example.com", by_name),
    ] {
        let reference = UserRef::UsernameOrEmail(username(text));
        let found = fixture.store.read_user(ACCOUNT, reference).await;
        assert_eq!(found.unwrap().unwrap().id, id, "{text}");
    }
}

#[tokio::test]
async fn a_removed_user_is_gone_and_its_id_is_never_used_again() {
    let fixture = Fixture::new();
    let id = fixture.create(everything()).await.unwrap();
    let remove = || {
        fixture
            .store
            .delete_user(UserRef::Id(id), entry(Action::DeleteUser))
    };
    assert_eq!(remove().await.unwrap(), Some(username("Zoë")));
    assert_eq!(remove().await.unwrap(), None);
    let change = UserChange::default();
    assert_eq!(fixture.update(id, change).await.unwrap(), None);
    let again = fixture.create(everything()).await.unwrap();
    assert!(again > id);
}

#[tokio::test]
async fn a_login_is_a_username_or_an_address_and_comes_with_its_hash() {
    let fixture = Fixture::new();
    let mut change = everything();
    change.role = Edit::Set(Role::new(text(Role::ADMINISTRATOR)));
    let create = entry(Action::CreateUser);
    let id = fixture
        .store
        .create_user(change, Some(hash("$one")), create);
    let id = id.await.unwrap();
    for login in ["zoë", "zoe@EXAMPLE.com"] {
        let found = fixture.store.find_login(ACCOUNT, login.to_owned()).await;
        let found = found.unwrap().unwrap();
        assert_eq!(found.id, id);
        assert_eq!(found.hash, Some(hash("$one")));
        assert_eq!(found.status, Status::Deactivated);
        assert!(found.administrator && found.read_only);
    }
    for unknown in ["nobody", "", "nobody@example.com"] {
        let found = fixture.store.find_login(ACCOUNT, unknown.to_owned()).await;
        assert!(found.unwrap().is_none(), "{unknown}");
    }
    let by_id = fixture.store.find_login_by_id(ACCOUNT, id).await.unwrap();
    assert_eq!(by_id.unwrap().id, id);
    let other = AccountId::new(Id::new(2).unwrap());
    let by_id = fixture.store.find_login_by_id(other, id).await.unwrap();
    assert!(by_id.is_none());
}

#[tokio::test]
async fn a_password_stays_until_another_one_comes() {
    let fixture = Fixture::new();
    let create = entry(Action::CreateUser);
    let id = fixture
        .store
        .create_user(named("ann"), Some(hash("$one")), create);
    let id = id.await.unwrap();
    let stored = || async {
        let login = fixture.store.find_login_by_id(ACCOUNT, id).await;
        login.unwrap().unwrap().hash
    };
    fixture.update(id, named("anna")).await.unwrap();
    assert_eq!(stored().await, Some(hash("$one")));
    let update = entry(Action::UpdateUser);
    let change = UserChange::default();
    let changed = fixture
        .store
        .update_user(UserRef::Id(id), change, Some(hash("$two")), update);
    changed.await.unwrap();
    assert_eq!(stored().await, Some(hash("$two")));
}

#[tokio::test]
async fn a_change_writes_a_record_and_only_the_pieces_of_a_user_that_it_alters() {
    let fixture = Fixture::new();
    let id = fixture.create(everything()).await.unwrap();
    let pieces = [
        ("name", "UPDATE OF display_name ON users"),
        ("plain", "UPDATE OF status ON users"),
        ("email", "UPDATE OF email_key ON users"),
        ("organizations", "INSERT ON user_organizations"),
        ("extensions", "INSERT ON user_extensions"),
    ];
    let raw = fixture.raw();
    raw.execute_batch("CREATE TABLE written (piece TEXT NOT NULL)")
        .unwrap();
    for (piece, event) in pieces {
        let trigger = format!(
            "CREATE TRIGGER note_{piece} AFTER {event}
             BEGIN INSERT INTO written VALUES ('{piece}'); END"
        );
        raw.execute_batch(&trigger).unwrap();
    }
    let changes = [
        (everything(), ""),
        (
            UserChange {
                display_name: set("Zoë Jones"),
                ..UserChange::default()
            },
            "name",
        ),
        (
            UserChange {
                fax: Edit::Clear,
                ..UserChange::default()
            },
            "plain",
        ),
        // Another address is one that nobody confirmed, which is a plain column.
        (
            UserChange {
                email: Some(email("zoe@example.net")),
                ..UserChange::default()
            },
            "plain email",
        ),
        (
            UserChange {
                organizations: Some(vec![Organization {
                    id: Id::new(4).unwrap(),
                    role: None,
                }]),
                extensions: vec![extension("custom_field_2", None)],
                ..UserChange::default()
            },
            "organizations extensions",
        ),
    ];
    for (number, (change, pieces)) in (1..).zip(changes) {
        fixture.update(id, change).await.unwrap();
        let written: String = raw
            .query_row(
                "SELECT coalesce(group_concat(piece, ' '), '') FROM written",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(written, pieces);
        raw.execute("DELETE FROM written", []).unwrap();
        assert_eq!(fixture.number("SELECT count(*) FROM audit"), 1 + number);
    }
}
