//! Everything that Grupo can express, at random.

use std::collections::BTreeMap;

use proptest::option::of;
use proptest::prelude::*;

use super::super::normalise;
use super::{KEY, named};
use crate::auth::call::{Call, Credentials};
use crate::command::email::Email;
use crate::command::extension::ExtensionEdit;
use crate::command::group::{GroupChange, GroupRef};
use crate::command::member::{BanEnd, MemberRole, Membership};
use crate::command::name::{Slug, Username};
use crate::command::native::{Native, Upload};
use crate::command::text::Text;
use crate::command::timezone::Timezone;
use crate::command::user::{Status, UserChange, UserRef};
use crate::command::{Command, Dialect, Edit, Id};
use crate::secret::Secret;

/// Any call.
pub(super) fn call() -> impl Strategy<Value = Call> {
    command().prop_map(|command| Call::new(Credentials::Key(Secret::from(KEY)), None, command))
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        user_change(true).prop_map(|change| Command::CreateUser(Box::new(change))),
        (user_ref(), user_change(false))
            .prop_map(|(user, change)| Command::UpdateUser(user, Box::new(change))),
        user_ref().prop_map(Command::DeleteUser),
        group_change(true).prop_map(|change| Command::CreateGroup(Box::new(change))),
        (group_ref(), group_change(false))
            .prop_map(|(group, change)| Command::UpdateGroup(group, Box::new(change))),
        group_ref().prop_map(Command::DeleteGroup),
        (membership(), of(id().prop_map(MemberRole)))
            .prop_map(|(membership, role)| Command::AddMember(membership, role)),
        membership().prop_map(Command::RemoveMember),
        (membership(), id())
            .prop_map(|(membership, role)| Command::SetMemberRole(membership, MemberRole(role))),
        (numbered_membership(), ban_end())
            .prop_map(|(membership, end)| Command::BanMember(membership, end)),
        numbered_membership().prop_map(Command::UnbanMember),
        native().prop_map(Command::Native),
    ]
}

fn user_change(is_new: bool) -> impl Strategy<Value = UserChange> {
    let needed = (
        needed(is_new, present()),
        needed(is_new, username()),
        needed(is_new, email()),
        needed(is_new, present()),
    );
    let free = (
        set(words()),
        set_or_clear(words(), is_new),
        set(timezone()),
        of(prop_oneof![Just(Status::Active), Just(Status::Deactivated)]),
        set(prop::sample::select(vec![
            "member",
            "moderator",
            "administrator",
            "banned",
        ])),
        extensions(),
    );
    (needed, free).prop_map(|((name, username, email, password), free)| {
        let (phone, picture_url, timezone, status, role, extensions) = free;
        UserChange {
            display_name: name.map_or(Edit::Keep, |name| Edit::Set(text(&name))),
            username,
            email,
            password: password.map(Secret::from),
            phone,
            picture_url,
            timezone,
            status,
            role: match role {
                Edit::Set(role) => Edit::Set(named(role)),
                Edit::Keep | Edit::Clear => Edit::Keep,
            },
            extensions,
            ..UserChange::default()
        }
    })
}

fn group_change(is_new: bool) -> impl Strategy<Value = GroupChange> {
    let no_password = if is_new { Edit::Keep } else { Edit::Clear };
    let protection = prop_oneof![
        Just((None, Edit::Keep)),
        Just((Some(true), Edit::Keep)),
        Just((Some(false), no_password)),
        present().prop_map(|password| (Some(true), Edit::Set(Secret::from(password)))),
    ];
    let flags = (of(any::<bool>()), of(any::<bool>()), of(any::<bool>()));
    (
        needed(is_new, present()),
        of(slug()),
        set_or_clear(words(), is_new),
        set(id()),
        flags,
        protection,
        set(words()),
        extensions(),
    )
        .prop_map(
            |(name, slug, description, category_id, flags, protection, icon_url, extensions)| {
                GroupChange {
                    name: name.map(|name| text(&name)),
                    slug,
                    description,
                    category_id,
                    secret: flags.0,
                    unleavable: flags.1,
                    pinned: flags.2,
                    password_protected: protection.0,
                    password: protection.1,
                    icon_url,
                    extensions,
                }
            },
        )
}

fn native() -> impl Strategy<Value = Native> {
    let sessions = prop::sample::select(vec!["add=login_session", "remove=login_session"]);
    let operation = prop::sample::select(vec![
        "add=message",
        "update=site_user_role",
        "update=user_account_status",
        "load=group_headers",
    ]);
    let fields = || prop::collection::btree_map("[a-z]{3,8}_[0-9]", "\\PC{0,20}", 0..4);
    let files = prop::collection::btree_map("[a-z]{9}(\\[[0-9a-z]\\])?", upload(), 0..3);
    let plain = (operation, fields(), files).prop_map(|(operation, fields, files)| {
        let files = files.into_iter().map(|(field, upload)| Upload {
            field: text(&field),
            ..upload
        });
        Native {
            files: files.collect(),
            ..native_of(operation, None, fields)
        }
    });
    let session = (sessions, username(), fields()).prop_map(|(operation, user, mut fields)| {
        fields.insert("user".to_owned(), user.as_str().to_owned());
        native_of(operation, Some(UserRef::UsernameOrEmail(user)), fields)
    });
    prop_oneof![3 => plain, 1 => session]
}

fn native_of(
    operation: &str,
    subject: Option<UserRef>,
    fields: BTreeMap<String, String>,
) -> Native {
    let fields = fields.into_iter();
    Native {
        dialect: Dialect::Grupo,
        operation: text(operation),
        subject,
        fields: fields
            .map(|(name, value)| (text(&name), Secret::from(value)))
            .collect(),
        files: Vec::new(),
    }
}

fn upload() -> impl Strategy<Value = Upload> {
    let contents = prop::collection::vec(any::<u8>(), 0..40);
    let content_type = prop::sample::select(vec!["", "text/plain", "image/png; x=\"y z\""]);
    ("[^\\pC]{1,9}", content_type, contents).prop_map(|(filename, content_type, contents)| Upload {
        field: text("replaced"),
        filename: text(&filename),
        content_type: text(content_type),
        contents: contents.into(),
    })
}

fn user_ref() -> impl Strategy<Value = UserRef> {
    prop_oneof![
        id().prop_map(UserRef::Id),
        username().prop_map(UserRef::UsernameOrEmail),
        email()
            .prop_map(|email| UserRef::UsernameOrEmail(Username::parse(email.as_str()).unwrap())),
    ]
}

fn group_ref() -> impl Strategy<Value = GroupRef> {
    prop_oneof![
        id().prop_map(GroupRef::Id),
        "[a-zа-я]([a-z0-9 -]{0,20}[a-z0-9-])?"
            .prop_map(|slug| GroupRef::Slug(Slug::parse(slug).unwrap())),
    ]
}

fn membership() -> impl Strategy<Value = Membership> {
    (user_ref(), group_ref()).prop_map(|(user, group)| Membership { user, group })
}

fn numbered_membership() -> impl Strategy<Value = Membership> {
    (id().prop_map(UserRef::Id), group_ref()).prop_map(|(user, group)| Membership { user, group })
}

fn ban_end() -> impl Strategy<Value = BanEnd> {
    let day = (1970..2100_u16, 1..=12_u8, 1..=28_u8);
    prop_oneof![
        Just(BanEnd::Never),
        day.prop_map(|(year, month, day)| {
            BanEnd::Until(text(&format!("{year:04}-{month:02}-{day:02}")))
        }),
    ]
}

/// Distinct fields, among them lists.
fn extensions() -> impl Strategy<Value = Vec<ExtensionEdit>> {
    let list = prop_oneof![
        prop::collection::vec("\\PC{0,8}", 1..4).prop_map(|items| json(&items)),
        Just(r#"{"3":"a","x":["b"]}"#.to_owned()),
    ];
    let scalar = ("custom_field_[1-9]|meta_title|[a-z]{12}", "\\PC{1,30}");
    let list = ("(who_all_can_send_messages|[a-z]{13})\\[\\]", list);
    let fields = prop::collection::btree_map(scalar.0, scalar.1, 0..4);
    let lists = prop::collection::btree_map(list.0, list.1, 0..2);
    (fields, lists).prop_map(|(fields, lists)| {
        fields
            .into_iter()
            .chain(lists)
            .map(|(field, value)| ExtensionEdit {
                dialect: Dialect::Grupo,
                field: text(&field),
                value: Some(text(&value)),
            })
            .collect()
    })
}

fn json(items: &[String]) -> String {
    use crate::framing::json::{Json, write};
    let items = items.iter().map(|item| Json::String(item.into()));
    let mut out = String::new();
    write(&mut out, &Json::Array(items.collect()));
    out
}

fn needed<T: Clone + std::fmt::Debug + 'static>(
    is_new: bool,
    value: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Option<T>> {
    if is_new {
        value.prop_map(Some).boxed()
    } else {
        of(value).boxed()
    }
}

fn set<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Edit<T>> {
    of(value).prop_map(|value| value.map_or(Edit::Keep, Edit::Set))
}

fn set_or_clear<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T>,
    is_new: bool,
) -> impl Strategy<Value = Edit<T>> {
    let absent = if is_new { Edit::Keep } else { Edit::Clear };
    prop_oneof![Just(Edit::Keep), Just(absent), value.prop_map(Edit::Set),]
}

fn words() -> impl Strategy<Value = Text> {
    "\\PC{1,40}|(\\PC|[\r\n\t]){1,10}".prop_map(|value| text(&value))
}

/// What PHP does not take for nothing.
fn present() -> impl Strategy<Value = String> {
    "\\PC{0,20}[a-z1-9]\\PC{0,20}"
}

fn username() -> impl Strategy<Value = Username> {
    "[A-Za-z0-9_.-]{1,30}"
        .prop_filter("0 is nobody", |name| name != "0")
        .prop_map(|name| Username::parse(name).unwrap())
}

fn slug() -> impl Strategy<Value = Slug> {
    "[A-Za-zäßа-я0-9 &-]{1,30}".prop_filter_map("no slug", |sent| {
        let kept = normalise::slug(&sent).into_owned();
        (normalise::slug(&kept) == kept)
            .then(|| Slug::parse(kept))
            .flatten()
    })
}

fn email() -> impl Strategy<Value = Email> {
    "[a-z+']{1,12}@[a-z0-9]{1,10}\\.(com|org|de)".prop_map(|email| Email::parse(email).unwrap())
}

fn timezone() -> impl Strategy<Value = Timezone> {
    prop::sample::select(Timezone::all().collect::<Vec<_>>())
}

fn id() -> impl Strategy<Value = Id> {
    (1..=i64::MAX).prop_map(|id| Id::new(id).unwrap())
}

fn text(value: &str) -> Text {
    Text::parse(value).unwrap()
}
