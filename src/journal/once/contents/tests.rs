use std::collections::BTreeSet;

use bytes::Bytes;

use super::*;
use crate::auth::api_key::Pepper;
use crate::command::Dialect;
use crate::command::member::MemberRole;
use crate::command::user::Level;
use crate::journal::seal::Hex;

fn text(text: &str) -> Text {
    Text::parse(text).unwrap()
}

fn set(value: &str) -> Edit<Text> {
    Edit::Set(text(value))
}

fn account(number: i64) -> AccountId {
    AccountId::new(Id::new(number).unwrap())
}

fn print(command: &Command, number: i64, target: &str) -> String {
    let seal = Pepper::new(&[7; 32]).seal();
    let digest = fingerprint(&seal, command, account(number), target);
    Hex(digest.as_bytes()).to_string()
}

/// Changes of a user that differ in one attribute each.
fn user_changes() -> Vec<UserChange> {
    let mut changes = vec![UserChange::default()];
    macro_rules! with {
        ($($field:ident: $value:expr;)*) => {
            $(changes.push(UserChange { $field: $value, ..UserChange::default() });)*
        };
    }
    with! {
        username: Username::parse("ann");
        username: Username::parse("bob");
        password: Some("one".into());
        password: Some("two".into());
        current_password: Some("one".into());
        display_name: set("a");
        display_name: Edit::Clear;
        given_name: set("a");
        family_name: set("a");
        nickname: set("a");
        gender: set("a");
        locale: set("a");
        email: Email::parse("ann@example.com");
        email_verified: Some(false);
        email_verified: Some(true);
        status: Some(Status::Active);
        status: Some(Status::Closed);
        level: Level::new(1);
        phone: set("a");
        mobile: set("a");
        fax: set("a");
        title: set("a");
        timezone: Timezone::parse("Europe/Berlin").map_or(Edit::Keep, Edit::Set);
        picture_url: set("a");
        read_only: Some(true);
        role: Edit::Set(Role::new(text("editor")));
        organizations: Some(Vec::new());
        organizations: Some(vec![Organization { id: Id::ONE, role: None }]);
        organizations: Some(vec![Organization { id: Id::ONE, role: Some(text("a")) }]);
        notify: true;
    }
    for value in [None, Some(text("")), Some(text("a"))] {
        let edit = ExtensionEdit {
            dialect: Dialect::Grupo,
            field: text("custom_field_1"),
            value,
        };
        changes.push(UserChange {
            extensions: vec![edit],
            ..UserChange::default()
        });
    }
    changes
}

fn group_changes() -> Vec<GroupChange> {
    let mut changes = vec![GroupChange::default()];
    macro_rules! with {
        ($($field:ident: $value:expr;)*) => {
            $(changes.push(GroupChange { $field: $value, ..GroupChange::default() });)*
        };
    }
    with! {
        name: Some(text("a"));
        slug: Slug::parse("a");
        description: set("a");
        category_id: Edit::Set(Id::ONE);
        category_id: Edit::Clear;
        secret: Some(true);
        unleavable: Some(true);
        pinned: Some(true);
        password_protected: Some(true);
        password: Edit::Set("one".into());
        password: Edit::Set("two".into());
        password: Edit::Clear;
        icon_url: set("a");
    }
    changes
}

fn natives() -> Vec<Native> {
    let plain = Native {
        dialect: Dialect::Grupo,
        operation: text("add=message"),
        subject: None,
        fields: vec![(text("message"), "hello".into())],
        files: Vec::new(),
    };
    let file = Upload {
        field: text("attachment"),
        filename: text("a.txt"),
        content_type: text("text/plain"),
        contents: Bytes::from("one"),
    };
    let other = Upload {
        contents: Bytes::from("two"),
        ..file.clone()
    };
    let with = |files| Native {
        files,
        ..plain.clone()
    };
    let said = |message: &str| Native {
        fields: vec![(text("message"), message.into())],
        ..plain.clone()
    };
    vec![
        plain.clone(),
        said("good bye"),
        with(vec![file]),
        with(vec![other]),
    ]
}

fn commands() -> Vec<Command> {
    let user = || UserRef::Id(Id::ONE);
    let group = || GroupRef::Id(Id::ONE);
    let member = || Membership {
        user: user(),
        group: group(),
    };
    let ann = Username::parse("ann").unwrap();
    let mut commands = vec![
        Command::DeleteUser(user()),
        Command::DeleteUser(UserRef::Username(ann.clone())),
        Command::DeleteUser(UserRef::UsernameOrEmail(ann)),
        Command::DeleteUser(UserRef::Email(Email::parse("ann@example.com").unwrap())),
        Command::DeleteGroup(group()),
        Command::DeleteGroup(GroupRef::Slug(Slug::parse("a").unwrap())),
        Command::AddMember(member(), None),
        Command::AddMember(member(), Some(MemberRole(Id::ONE))),
        Command::RemoveMember(member()),
        Command::SetMemberRole(member(), MemberRole(Id::ONE)),
        Command::BanMember(member(), BanEnd::Never),
        Command::BanMember(member(), BanEnd::Until(text("2030-01-01"))),
        Command::UnbanMember(member()),
    ];
    for change in user_changes() {
        commands.push(Command::CreateUser(Box::new(change.clone())));
        commands.push(Command::UpdateUser(user(), Box::new(change)));
    }
    for change in group_changes() {
        commands.push(Command::CreateGroup(Box::new(change.clone())));
        commands.push(Command::UpdateGroup(group(), Box::new(change)));
    }
    commands.extend(natives().into_iter().map(Command::Native));
    commands
}

#[test]
fn commands_that_differ_in_anything_are_not_the_same_command() {
    let commands = commands();
    let prints: BTreeSet<_> = commands.iter().map(|it| print(it, 1, "store")).collect();
    assert_eq!(prints.len(), commands.len());
    for command in commands {
        let print_of = print(&command, 1, "store");
        assert_eq!(print(&command.clone(), 1, "store"), print_of);
        assert_ne!(print(&command, 2, "store"), print_of);
        assert_ne!(print(&command, 1, "blog"), print_of);
    }
}
