//! The audit trail: a record for each write, none for what was refused, nothing secret in any.

use dragoman::command::group::{GroupChange, GroupRef};
use dragoman::command::member::{BanEnd, MemberRole, Membership};
use dragoman::command::user::{UserChange, UserRef};
use dragoman::command::{Action, Id};
use dragoman::secret::Secret;
use dragoman::store::{MemberChange, Store};

use crate::store_fixture::{Fixture, entry, hash, named, slug, text, username};

/// Action, user and group of each record.
fn trail(fixture: &Fixture) -> Vec<(String, Option<i64>, Option<i64>)> {
    let raw = fixture.raw();
    let sql = "SELECT action, user_id, group_id FROM audit ORDER BY id";
    let mut statement = raw.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn each_write_leaves_one_record_of_who_did_what_to_whom() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let user = fixture.user("ann").await;
    fixture.update(user, named("anna")).await.unwrap();
    let change = GroupChange {
        name: Some(text("Club")),
        ..GroupChange::default()
    };
    let create = entry(Action::CreateGroup);
    let group = store.create_group(change, None, create).await.unwrap();
    let update = entry(Action::UpdateGroup);
    let change = GroupChange::default();
    let updated = store.update_group(GroupRef::Id(group), change, None, update);
    updated.await.unwrap();
    for (change, action) in [
        (MemberChange::Add(None), Action::AddMember),
        (
            MemberChange::SetRole(MemberRole(Id::ONE)),
            Action::SetMemberRole,
        ),
        (MemberChange::Ban(BanEnd::Never), Action::BanMember),
        (MemberChange::Unban, Action::UnbanMember),
        (MemberChange::Remove, Action::RemoveMember),
    ] {
        let membership = Membership {
            user: UserRef::Id(user),
            group: GroupRef::Id(group),
        };
        let changed = store.change_member(membership, change, entry(action));
        changed.await.unwrap();
    }
    let deleted = store.delete_group(GroupRef::Id(group), entry(Action::DeleteGroup));
    deleted.await.unwrap();
    let deleted = store.delete_user(UserRef::Id(user), entry(Action::DeleteUser));
    deleted.await.unwrap();

    let (user, group) = (Some(user.value()), Some(group.value()));
    let expected = [
        ("user.create", user, None),
        ("user.update", user, None),
        ("group.create", None, group),
        ("group.update", None, group),
        ("member.add", user, group),
        ("member.set_role", user, group),
        ("member.ban", user, group),
        ("member.unban", user, group),
        ("member.remove", user, group),
        ("group.delete", None, group),
        ("user.delete", user, None),
    ];
    let expected = expected.map(|(action, user, group)| (action.to_owned(), user, group));
    assert_eq!(trail(&fixture), expected);
}

#[tokio::test]
async fn a_record_says_when_where_from_by_whom_and_what_was_left_undone() {
    let fixture = Fixture::new();
    let mut entry = entry(Action::CreateUser);
    entry.not_done = Some("notification");
    let created = fixture.store.create_user(named("ann"), None, entry);
    created.await.unwrap();
    let row = fixture.raw().query_row(
        "SELECT at, principal, account_id, source, request_id, outcome, not_done FROM audit",
        [],
        |row| {
            assert_eq!(row.get::<_, i64>(0)?, 1_700_000_000_123);
            assert_eq!(row.get::<_, String>(1)?, "key:test");
            assert_eq!(row.get::<_, i64>(2)?, 1);
            assert_eq!(row.get::<_, String>(3)?, "192.0.2.7");
            assert_eq!(row.get::<_, String>(4)?, "0193-request");
            assert_eq!(row.get::<_, String>(5)?, "done");
            assert_eq!(row.get::<_, String>(6)?, "notification");
            Ok(())
        },
    );
    row.unwrap();
}

#[tokio::test]
async fn what_was_refused_or_not_found_leaves_neither_record_nor_trace() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    fixture.user("ann").await;
    fixture.create(named("ANN")).await.unwrap_err();
    let nobody = Id::new(99).unwrap();
    assert_eq!(fixture.update(nobody, named("x")).await.unwrap(), None);
    let deleted = store.delete_user(UserRef::Id(nobody), entry(Action::DeleteUser));
    assert_eq!(deleted.await.unwrap(), None);
    let deleted = store.delete_group(slug("none"), entry(Action::DeleteGroup));
    assert_eq!(deleted.await.unwrap(), None);
    let membership = Membership {
        user: UserRef::Username(username("ann")),
        group: slug("none"),
    };
    let added = store.change_member(
        membership,
        MemberChange::Add(None),
        entry(Action::AddMember),
    );
    added.await.unwrap_err();
    fixture.create(UserChange::default()).await.unwrap_err();

    assert_eq!(trail(&fixture).len(), 1);
    assert_eq!(fixture.number("SELECT count(*) FROM users"), 1);
    assert_eq!(fixture.number("SELECT count(*) FROM names"), 1);
}

#[tokio::test]
async fn no_password_is_in_the_file() {
    let fixture = Fixture::new();
    let mut change = named("ann");
    change.password = Some(Secret::from("plain-canary"));
    change.current_password = Some(Secret::from("plain-canary"));
    let create = entry(Action::CreateUser);
    let created = fixture
        .store
        .create_user(change, Some(hash("hash-canary")), create);
    created.await.unwrap();
    let group = GroupChange {
        name: Some(text("Club")),
        password: dragoman::command::Edit::Set(Secret::from("plain-canary")),
        ..GroupChange::default()
    };
    let create = entry(Action::CreateGroup);
    let created = fixture
        .store
        .create_group(group, Some(hash("hash-canary")), create);
    created.await.unwrap();
    let fixture = fixture.reopened().await;
    fixture.store.close().await.unwrap();
    let bytes = std::fs::read(fixture.path()).unwrap();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|part| part == needle);
    assert!(holds(b"hash-canary"));
    assert!(!holds(b"plain-canary"));
}
