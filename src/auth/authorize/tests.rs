//! Who may do what.

use std::sync::Arc;

use super::*;
use crate::auth::Credentials;
use crate::auth::api_key::KeyDigest;
use crate::auth::scope::Scopes;
use crate::command::extension::ExtensionEdit;
use crate::command::group::GroupRef;
use crate::command::member::{BanEnd, MemberRole, Membership};
use crate::command::native::Native;
use crate::command::query::UserQuery;
use crate::command::text::Text;
use crate::command::user::{Level, Role};
use crate::command::{Dialect, Edit};
use crate::middleware::routed;

fn account(number: i64) -> AccountId {
    AccountId::new(Id::new(number).unwrap())
}

fn key(accounts: &[i64]) -> Key {
    Key {
        name: "k".to_owned(),
        digest: KeyDigest::from_bytes([0; 32]),
        scopes: Scopes::default(),
        accounts: accounts.iter().map(|number| account(*number)).collect(),
        routes: Vec::new(),
        expires_at: None,
    }
}

#[test]
fn a_call_that_names_no_account_is_in_the_first_one_of_its_key() {
    let default = account(1);
    let acts_in = |accounts: &[i64]| key_account(&key(accounts), None, default);
    assert_eq!(acts_in(&[2, 1]), Some(account(2)));
    assert_eq!(acts_in(&[]), Some(default));
}

#[test]
fn a_key_names_no_account_but_its_own() {
    let named = |number| key_account(&key(&[2, 3]), Some(account(number)), account(1));
    assert_eq!(named(3), Some(account(3)));
    assert_eq!(named(1), None);
}

#[test]
fn an_administrator_deletes_others_and_not_itself() {
    let own = Id::new(7).unwrap();
    let delete = |id| judge_user(own, true, false, &Command::DeleteUser(UserRef::Id(id)));
    assert_eq!(delete(own).unwrap_err().kind(), &Kind::DeleteRefused);
    assert!(delete(Id::ONE).is_ok());
}

const OWN: Id = Id::ONE;

fn asking(command: Command) -> Call {
    Call::new(Credentials::None, None, command)
}

fn other() -> Id {
    Id::new(2).unwrap()
}

fn text(value: &str) -> Text {
    Text::parse(value).unwrap()
}

fn update(user: Id, change: UserChange) -> Command {
    Command::UpdateUser(UserRef::Id(user), Box::new(change))
}

/// Changes by what they touch.
fn changes() -> [(&'static str, UserChange); 8] {
    let none = UserChange::default;
    let attribute = |guard| UserChange {
        guard,
        extensions: vec![ExtensionEdit {
            dialect: Dialect::Grupo,
            field: text("custom_field_1"),
            value: Some(text("x")),
        }],
        ..none()
    };
    [
        (
            "nickname",
            UserChange {
                nickname: Edit::Set(text("Annie")),
                ..none()
            },
        ),
        ("attribute", attribute(Guard::None)),
        ("guarded attribute", attribute(Guard::Administrative)),
        ("attribute that gives rights", attribute(Guard::Role)),
        (
            "role",
            UserChange {
                role: Edit::Set(Role::new(text("administrator"))),
                ..none()
            },
        ),
        (
            "read-only",
            UserChange {
                read_only: Some(false),
                ..none()
            },
        ),
        (
            "level",
            UserChange {
                level: Level::new(9),
                ..none()
            },
        ),
        (
            "confirmation",
            UserChange {
                email_verified: Some(true),
                ..none()
            },
        ),
    ]
}

#[test]
fn a_user_changes_of_itself_what_gives_it_nothing() {
    for (name, change) in changes() {
        let own = judge_user(OWN, false, false, &update(OWN, change.clone()));
        let is_harmless = ["nickname", "attribute"].contains(&name);
        assert_eq!(own.is_ok(), is_harmless, "{name}");
        let others = judge_user(OWN, false, false, &update(other(), change.clone()));
        assert_eq!(
            others.unwrap_err().kind(),
            &Kind::PermissionDenied,
            "{name}"
        );
        let administrator = judge_user(OWN, true, false, &update(other(), change));
        assert!(administrator.is_ok(), "{name}");
    }
}

#[test]
fn a_user_closes_its_own_account_and_cannot_open_it() {
    for status in [
        Status::Unconfirmed,
        Status::Active,
        Status::Deactivated,
        Status::Closed,
    ] {
        let change = UserChange {
            status: Some(status),
            ..UserChange::default()
        };
        let judged = judge_user(OWN, false, false, &update(OWN, change));
        assert_eq!(
            judged.is_ok(),
            status == Status::Closed,
            "{}",
            status.name()
        );
    }
}

#[test]
fn a_read_only_user_reads_and_nothing_else() {
    let read = Command::ReadUser(UserRef::Id(other()));
    assert!(judge_user(OWN, true, true, &read).is_ok());
    for command in [
        update(OWN, UserChange::default()),
        Command::DeleteUser(UserRef::Id(other())),
    ] {
        let judged = judge_user(OWN, true, true, &command);
        let error = judged.unwrap_err();
        assert_eq!(error.kind(), &Kind::PermissionDenied);
        assert!(error.message().contains("read-only"));
    }
}

#[test]
fn a_user_who_is_no_administrator_reads_everyone_and_makes_and_removes_nobody() {
    let judged = |command| judge_user(OWN, false, false, &command).is_ok();
    assert!(judged(Command::ReadUser(UserRef::Id(other()))));
    assert!(judged(Command::ListUsers(UserQuery::default())));
    assert!(!judged(Command::CreateUser(Box::default())));
    assert!(!judged(Command::DeleteUser(UserRef::Id(OWN))));
    assert!(!judged(Command::DeleteUser(UserRef::Id(other()))));
}

#[test]
fn who_was_not_confirmed_reads_no_profile_but_its_own() {
    let read = |user| Command::ReadUser(UserRef::Id(user));
    assert!(refuse_unconfirmed(OWN, false, &read(OWN)).is_ok());
    let refused = refuse_unconfirmed(OWN, false, &read(other())).unwrap_err();
    assert_eq!(refused.kind(), &Kind::PermissionDenied);
    assert!(refuse_unconfirmed(OWN, true, &read(other())).is_ok());
    let list = Command::ListUsers(UserQuery::default());
    assert!(refuse_unconfirmed(OWN, false, &list).is_ok());
}

#[test]
fn nobody_lists_users_and_does_nothing_else() {
    assert!(judge_anonymous(&Command::ListUsers(UserQuery::default())).is_ok());
    let read = Command::ReadUser(UserRef::Id(OWN));
    assert_eq!(
        judge_anonymous(&read).unwrap_err().kind(),
        &Kind::Unauthenticated
    );
}

#[test]
fn users_act_in_their_own_account_and_nobody_in_the_default_one() {
    let user = Principal::User {
        id: OWN,
        account: account(2),
        login: Arc::from("ann"),
        administrator: true,
        read_only: false,
        confirmed: true,
    };
    let acts_in = |principal: &Principal, named| account_of(principal, named, account(1));
    assert_eq!(acts_in(&user, None), Some(account(2)));
    assert_eq!(acts_in(&user, Some(account(2))), Some(account(2)));
    assert_eq!(acts_in(&user, Some(account(1))), None);
    assert_eq!(acts_in(&Principal::Anonymous, None), Some(account(1)));
    assert_eq!(acts_in(&Principal::Anonymous, Some(account(1))), None);
}

#[test]
fn each_command_needs_the_scope_of_its_noun_and_verb() {
    let user = || UserRef::Id(OWN);
    let group = || GroupRef::Id(OWN);
    let member = || Membership {
        user: user(),
        group: group(),
    };
    let table = [
        (Command::CreateUser(Box::default()), Some("user:write")),
        (update(OWN, UserChange::default()), Some("user:write")),
        (Command::ReadUser(user()), Some("user:read")),
        (Command::ListUsers(UserQuery::default()), Some("user:read")),
        (Command::CountUsers(UserQuery::default()), Some("user:read")),
        (Command::DeleteUser(user()), Some("user:delete")),
        (Command::CreateGroup(Box::default()), Some("group:write")),
        (
            Command::UpdateGroup(group(), Box::default()),
            Some("group:write"),
        ),
        (Command::ReadGroup(group()), Some("group:read")),
        (Command::ListGroups, Some("group:read")),
        (Command::DeleteGroup(group()), Some("group:delete")),
        (Command::AddMember(member(), None), Some("member:write")),
        (Command::RemoveMember(member()), Some("member:write")),
        (
            Command::SetMemberRole(member(), MemberRole(OWN)),
            Some("member:write"),
        ),
        (
            Command::BanMember(member(), BanEnd::Never),
            Some("member:write"),
        ),
        (Command::UnbanMember(member()), Some("member:write")),
        (Command::ListTimezones, None),
    ];
    for (command, scope) in table {
        let call = asking(command);
        let needed: Vec<_> = needed_scopes(&call).collect();
        let action = call.command.action().name();
        assert_eq!(needed, Vec::from_iter(scope), "{action}");
    }
}

#[test]
fn what_gives_rights_and_levels_need_scopes_of_their_own() {
    for (name, change) in changes() {
        let needed: Vec<_> = needed_scopes(&asking(update(other(), change))).collect();
        let more: &[&str] = match name {
            "role" | "read-only" | "attribute that gives rights" => &["user.role"],
            "level" => &["user.level"],
            _ => &[],
        };
        assert_eq!(needed, [&["user:write"], more].concat(), "{name}");
    }
}

#[test]
fn a_key_is_told_which_scope_it_lacks() {
    let delete = asking(Command::DeleteUser(UserRef::Id(OWN)));
    let refused = judge_key(&key(&[]), &delete).unwrap_err();
    assert_eq!(refused.kind(), &Kind::PermissionDenied);
    assert!(refused.message().contains("the scope user:delete;"));
    let read = asking(Command::ReadUser(UserRef::Id(OWN)));
    assert!(judge_key(&key(&[]), &read).is_ok());
}

fn judged(native: &[&str], target: Target) -> Call {
    let mut route = routed::route(1);
    route.auth = Auth::Upstream {
        native: native.iter().map(ToString::to_string).collect(),
    };
    route.targets.relays = matches!(target, Target::Upstream(_));
    route.targets.user = target;
    let mut call = asking(Command::Native(Native {
        dialect: Dialect::Grupo,
        operation: text("add=message"),
        subject: None,
        fields: Vec::new(),
        files: Vec::new(),
    }));
    call.context.route = Some(Arc::new(route));
    call
}

#[test]
fn who_is_judged_by_an_upstream_may_do_there_what_is_canonical_or_named_and_nothing_elsewhere() {
    let back = || Target::Upstream("back".to_owned());
    let judge = |call: &Call| judge_foreign(call).map_err(|error| error.kind().clone());
    assert_eq!(judge(&judged(&["add=message"], back())), Ok(()));
    assert_eq!(
        judge(&judged(&["load=x"], back())),
        Err(Kind::PermissionDenied)
    );
    let mut delete = judged(&[], back());
    delete.command = Command::DeleteUser(other_user());
    assert_eq!(judge(&delete), Ok(()));
    let mut own = judged(&[], Target::Store);
    own.command = Command::DeleteUser(other_user());
    assert_eq!(judge(&own), Err(Kind::Unauthenticated));
}

#[test]
fn a_relayed_operation_needs_its_own_scope_and_no_other_includes_it() {
    let mut call = judged(&[], Target::Upstream("back".to_owned()));
    let needed: Vec<_> = needed_scopes(&call).collect();
    assert_eq!(needed, ["native.add=message"]);
    assert!(!Scopes::full().grants("native.add=message"));
    assert_eq!(
        refuse_relaying(&call).unwrap_err().kind(),
        &Kind::PermissionDenied
    );
    call.context.route = None;
    let needed: Vec<_> = needed_scopes(&call).collect();
    assert_eq!(needed, ["user:read"]);
}

fn other_user() -> UserRef {
    UserRef::Id(other())
}
