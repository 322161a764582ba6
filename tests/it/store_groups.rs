//! Groups and memberships in the store.

use dragoman::command::group::{GroupChange, GroupRef};
use dragoman::command::member::{BanEnd, Member, MemberRole, Membership};
use dragoman::command::name::Slug;
use dragoman::command::user::UserRef;
use dragoman::command::{AccountId, Action, Edit, Id};
use dragoman::secret::Secret;
use dragoman::store::{MemberChange, Store, StoreError};

use crate::store_fixture::{
    ACCOUNT, Fixture, entry, extension, hash, named, set, slug, text, username,
};

fn everything() -> GroupChange {
    GroupChange {
        name: Some(text("The Club")),
        slug: Slug::parse("club"),
        description: set("All of us"),
        category_id: Edit::Set(Id::new(3).unwrap()),
        secret: Some(true),
        unleavable: Some(true),
        pinned: Some(true),
        password_protected: Some(true),
        password: Edit::Set(Secret::from("open sesame")),
        icon_url: set("https://example.com/c.png"),
        extensions: vec![extension("meta_title", Some("Club"))],
    }
}

async fn club(fixture: &Fixture) -> Id {
    let create = entry(Action::CreateGroup);
    let made = fixture
        .store
        .create_group(everything(), Some(hash("$club")), create);
    made.await.unwrap()
}

async fn update(fixture: &Fixture, group: GroupRef, change: GroupChange) -> Option<Id> {
    let entry = entry(Action::UpdateGroup);
    let updated = fixture.store.update_group(group, change, None, entry);
    updated.await.unwrap()
}

async fn change(fixture: &Fixture, name: &str, change: MemberChange) -> Result<(), StoreError> {
    let membership = Membership {
        user: UserRef::Username(username(name)),
        group: slug("club"),
    };
    let entry = entry(Action::SetMemberRole);
    fixture.store.change_member(membership, change, entry).await
}

async fn members(fixture: &Fixture) -> Vec<Member> {
    let members = fixture.store.list_members(ACCOUNT, slug("club")).await;
    members.unwrap().unwrap()
}

fn role(number: i64) -> MemberRole {
    MemberRole(Id::new(number).unwrap())
}

#[tokio::test]
async fn every_attribute_of_a_group_is_kept_across_a_restart() {
    let fixture = Fixture::new();
    let id = club(&fixture).await;
    let read = |fixture: Fixture| async {
        let group = fixture.store.read_group(ACCOUNT, slug("CLUB")).await;
        (fixture, group.unwrap().unwrap())
    };
    let (fixture, group) = read(fixture).await;
    assert_eq!(group.id, id);
    assert_eq!(group.name, text("The Club"));
    assert_eq!(group.slug, Slug::parse("club"));
    assert_eq!(group.description, Some(text("All of us")));
    assert_eq!(group.category_id, Id::new(3));
    assert!(group.secret && group.unleavable && group.pinned && group.password_protected);
    assert_eq!(group.icon_url, Some(text("https://example.com/c.png")));
    assert_eq!(group.extensions[0].value, text("Club"));
    let (_, reopened) = read(fixture.reopened().await).await;
    assert_eq!(reopened, group);
}

#[tokio::test]
async fn a_change_of_a_group_touches_what_it_mentions() {
    let fixture = Fixture::new();
    let id = club(&fixture).await;
    let change = GroupChange {
        slug: Slug::parse("team"),
        pinned: Some(false),
        icon_url: Edit::Clear,
        ..GroupChange::default()
    };
    assert_eq!(update(&fixture, slug("club"), change).await, Some(id));
    let missing = update(&fixture, slug("club"), GroupChange::default()).await;
    assert_eq!(missing, None);
    let group = fixture.store.read_group(ACCOUNT, GroupRef::Id(id)).await;
    let group = group.unwrap().unwrap();
    assert_eq!(group.slug, Slug::parse("team"));
    assert!(!group.pinned && group.secret);
    assert_eq!(group.icon_url, None);
    assert_eq!(group.description, Some(text("All of us")));
}

#[tokio::test]
async fn a_groups_password_is_kept_as_its_hash_until_it_is_cleared() {
    let fixture = Fixture::new();
    let id = club(&fixture).await;
    let stored = || fixture.number("SELECT count(*) FROM groups WHERE password_hash = '$club'");
    assert_eq!(stored(), 1);
    let named = GroupChange {
        name: Some(text("Club")),
        ..GroupChange::default()
    };
    update(&fixture, GroupRef::Id(id), named).await;
    assert_eq!(stored(), 1);
    let cleared = GroupChange {
        password: Edit::Clear,
        ..GroupChange::default()
    };
    update(&fixture, GroupRef::Id(id), cleared).await;
    let empty = fixture.number("SELECT count(*) FROM groups WHERE password_hash IS NULL");
    assert_eq!(empty, 1);
}

#[tokio::test]
async fn groups_are_listed_by_id_and_by_account() {
    let fixture = Fixture::new();
    let first = club(&fixture).await;
    let second = GroupChange {
        name: Some(text("Another")),
        ..GroupChange::default()
    };
    let entry = entry(Action::CreateGroup);
    let second = fixture
        .store
        .create_group(second, None, entry)
        .await
        .unwrap();
    let listed = fixture.store.list_groups(ACCOUNT).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|group| group.id).collect();
    assert_eq!(ids, [first, second]);
    let other = AccountId::new(Id::new(2).unwrap());
    assert!(fixture.store.list_groups(other).await.unwrap().is_empty());
    let hidden = fixture.store.read_group(other, GroupRef::Id(first)).await;
    assert_eq!(hidden.unwrap(), None);
}

#[tokio::test]
async fn a_removed_group_takes_its_memberships_with_it_and_frees_its_slug() {
    let fixture = Fixture::new();
    let id = club(&fixture).await;
    fixture.user("ann").await;
    change(&fixture, "ann", MemberChange::Add(None))
        .await
        .unwrap();
    let remove = || {
        let entry = entry(Action::DeleteGroup);
        fixture.store.delete_group(slug("club"), entry)
    };
    assert_eq!(remove().await.unwrap(), Some(id));
    assert_eq!(remove().await.unwrap(), None);
    assert_eq!(fixture.number("SELECT count(*) FROM members"), 0);
    let unknown = fixture.store.list_members(ACCOUNT, slug("club")).await;
    assert_eq!(unknown.unwrap(), None);
    assert!(club(&fixture).await > id);
}

#[tokio::test]
async fn adding_a_member_again_sets_a_role_that_is_given_and_nothing_else() {
    let fixture = Fixture::new();
    let group = club(&fixture).await;
    let user = fixture.user("ann").await;
    let expect = |role, ban| Member {
        user,
        group,
        role,
        ban,
    };
    change(&fixture, "ann", MemberChange::Add(Some(role(2))))
        .await
        .unwrap();
    assert_eq!(members(&fixture).await, [expect(Some(role(2)), None)]);
    let never = Some(BanEnd::Never);
    change(&fixture, "ann", MemberChange::Ban(BanEnd::Never))
        .await
        .unwrap();
    change(&fixture, "ann", MemberChange::Add(None))
        .await
        .unwrap();
    assert_eq!(
        members(&fixture).await,
        [expect(Some(role(2)), never.clone())]
    );
    change(&fixture, "ann", MemberChange::Add(Some(role(5))))
        .await
        .unwrap();
    assert_eq!(members(&fixture).await, [expect(Some(role(5)), never)]);
}

#[tokio::test]
async fn a_member_is_given_a_role_banned_unbanned_and_removed() {
    let fixture = Fixture::new();
    club(&fixture).await;
    let user = fixture.user("ann").await;
    change(&fixture, "ann", MemberChange::Add(None))
        .await
        .unwrap();
    change(&fixture, "ann", MemberChange::SetRole(role(3)))
        .await
        .unwrap();
    let until = BanEnd::Until(text("2026-12-31"));
    change(&fixture, "ann", MemberChange::Ban(until.clone()))
        .await
        .unwrap();
    let stored = members(&fixture).await.remove(0);
    assert_eq!((stored.user, stored.role), (user, Some(role(3))));
    assert_eq!(stored.ban, Some(until));
    change(&fixture, "ann", MemberChange::Unban).await.unwrap();
    assert_eq!(members(&fixture).await.remove(0).ban, None);
    change(&fixture, "ann", MemberChange::Remove).await.unwrap();
    assert!(members(&fixture).await.is_empty());
}

#[tokio::test]
async fn a_membership_that_does_not_stand_cannot_be_changed() {
    let fixture = Fixture::new();
    club(&fixture).await;
    fixture.user("ann").await;
    for attempt in [
        MemberChange::Remove,
        MemberChange::SetRole(role(1)),
        MemberChange::Ban(BanEnd::Never),
        MemberChange::Unban,
    ] {
        let refused = change(&fixture, "ann", attempt).await;
        assert!(matches!(refused, Err(StoreError::NotAMember)));
    }
}

#[tokio::test]
async fn an_unknown_user_is_told_before_an_unknown_group() {
    let fixture = Fixture::new();
    let refused = change(&fixture, "ann", MemberChange::Add(None)).await;
    assert!(matches!(refused, Err(StoreError::UserNotFound)));
    fixture.create(named("ann")).await.unwrap();
    let refused = change(&fixture, "ann", MemberChange::Add(None)).await;
    assert!(matches!(refused, Err(StoreError::GroupNotFound)));
}

#[tokio::test]
async fn members_are_listed_by_user_id_and_a_removed_user_is_none() {
    let fixture = Fixture::new();
    club(&fixture).await;
    let ann = fixture.user("ann").await;
    let ben = fixture.user("ben").await;
    change(&fixture, "ben", MemberChange::Add(None))
        .await
        .unwrap();
    change(&fixture, "ann", MemberChange::Add(None))
        .await
        .unwrap();
    let ids: Vec<_> = members(&fixture).await.iter().map(|one| one.user).collect();
    assert_eq!(ids, [ann, ben]);
    let entry = entry(Action::DeleteUser);
    let removed = fixture.store.delete_user(UserRef::Id(ann), entry);
    removed.await.unwrap();
    let ids: Vec<_> = members(&fixture).await.iter().map(|one| one.user).collect();
    assert_eq!(ids, [ben]);
}
