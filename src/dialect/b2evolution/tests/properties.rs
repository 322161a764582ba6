//! Nothing panics, nothing is lost on the way, and faults survive a round trip.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::organizations::organizations;
use super::{answer, decode, policy, shown};
use crate::auth::{Call, Credentials};
use crate::command::email::Email;
use crate::command::extension::{ExtensionEdit, Guard};
use crate::command::name::Username;
use crate::command::native::Native;
use crate::command::query::{Attribute, Criterion, Operator, UserQuery};
use crate::command::text::Text;
use crate::command::user::{Level, UserChange, UserRef};
use crate::command::{Command, Dialect, Edit, Id};
use crate::dialect::b2evolution::field::{self, Home};
use crate::dialect::b2evolution::operation::{Note, Operation, Page, ReplyTo, Signed};
use crate::dialect::b2evolution::{B2evolution, status};
use crate::dialect::{Codec, round_trip};
use crate::error::{Error, Kind, PasswordFault};
use crate::secret::Secret;

pub(super) fn text(pattern: &'static str) -> impl Strategy<Value = Text> {
    pattern.prop_map(|text| Text::parse(text).unwrap())
}

pub(super) fn id() -> impl Strategy<Value = Id> {
    (2..=i64::MAX).prop_map(|id| Id::new(id).unwrap())
}

fn edit(pattern: &'static str) -> impl Strategy<Value = Edit<Text>> {
    prop_oneof![
        Just(Edit::Keep),
        Just(Edit::Clear),
        text(pattern).prop_map(Edit::Set)
    ]
}

fn credentials() -> impl Strategy<Value = Credentials> {
    prop_oneof![
        Just(Credentials::None),
        "[a-z0-9]{64}".prop_map(|key| Credentials::Key(Secret::from(key))),
        ("[^:]{0,12}", ".{0,12}").prop_map(|(login, password)| Credentials::Basic {
            login,
            password: Secret::from(password),
        }),
    ]
}

/// Fields without a canonical home, each with a value of its type.
fn extensions() -> impl Strategy<Value = Vec<ExtensionEdit>> {
    let fields = vec![
        ("edited_user_ctry_ID", "233"),
        ("edited_user_age_min", "18"),
        ("edited_user_birthday_month", "12"),
        ("edited_user_source", "import \u{e9}"),
        ("edited_user_tags", "a, b"),
        ("edited_user_timeout_sessions", "custom"),
        ("timeout_sessions_name", "hour"),
        ("edited_user_notify_messages", "1"),
        ("edited_user_send_activation_reminder", "0"),
        ("edited_user_newsletter_limit", "999"),
        ("edited_user_newsletters", "[1,2]"),
        ("edited_user_secondary_grp_ID", "[3]"),
        ("sub_items_mod_3", "1"),
        ("uf_7", "line\nline"),
        ("uf_add[5]", r#"["a","b"]"#),
        ("enable_PM", "1"),
        ("account_close_reason", "spam & <b>eggs</b>"),
    ];
    btree_map(select(fields), any::<bool>(), 0..6).prop_map(|fields| {
        let edits = fields.into_iter().map(|((field, value), cleared)| {
            let value = value.replace("\\u00e9", "é");
            ExtensionEdit {
                dialect: Dialect::B2evolution,
                field: Text::parse(field).unwrap(),
                value: (!cleared).then(|| Text::parse(value).unwrap()),
            }
        });
        edits.collect()
    })
}

fn guard(extensions: &[ExtensionEdit]) -> Guard {
    let guards = extensions.iter().filter_map(|edit| {
        let name = edit.field.as_str();
        let field = field::find(name)?;
        matches!(field.home, Home::Kept(_)).then(|| field::guard(name, field.flags))
    });
    guards.max().unwrap_or_default()
}

prop_compose! {
    fn names()(
        given_name in edit("[^\0]{1,50}"),
        family_name in edit("[^\0]{1,50}"),
        nickname in edit("[^\0]{1,50}"),
        gender in edit("[MFO]"),
        locale in edit("[a-z]{2}-[A-Z]{2}"),
    ) -> UserChange {
        UserChange { given_name, family_name, nickname, gender, locale, ..UserChange::default() }
    }
}

fn username() -> impl Strategy<Value = Username> {
    "[a-t0-9._-]{1,20}".prop_map(|login| Username::parse(login).unwrap())
}

fn email() -> impl Strategy<Value = Email> {
    "[a-z0-9_-]{1,9}@[a-z0-9]{1,9}\\.[a-z]{2,4}".prop_filter_map("no address", Email::parse)
}

prop_compose! {
    fn change()(
        names in names(),
        username in option::of(username()),
        email in option::of(email()),
        level in option::of((0_u8..=10).prop_map(|level| Level::new(level).unwrap())),
        role in option::of(select(policy().roles)),
        exact in option::of(select(vec!["activated", "autoactivated", "new", "emailchanged", "failedactivation", "closed"])),
        organizations in option::of(organizations()),
        mut extensions in extensions(),
        passwords in option::of(("[^\0<>&\\s\\pC]{5,9}", "[^\0\\s]{1,9}")),
    ) -> UserChange {
        if let Some(exact) = exact {
            extensions.insert(0, ExtensionEdit {
                dialect: Dialect::B2evolution,
                field: Text::parse(status::FIELD).unwrap(),
                value: Some(Text::parse(exact).unwrap()),
            });
        }
        let organizations = organizations.map(|(organizations, priorities)| {
            extensions.insert(0, priorities);
            organizations
        });
        UserChange {
            username,
            email,
            level,
            role: role.map_or(Edit::Keep, |(_, role)| Edit::Set(role)),
            status: exact.and_then(status::decode),
            organizations,
            guard: guard(&extensions),
            extensions,
            password: passwords.as_ref().map(|(new, _)| Secret::from(new.as_str())),
            current_password: passwords.as_ref().map(|(_, old)| Secret::from(old.as_str())),
            ..names
        }
    }
}

prop_compose! {
    fn creation()(
        change in change(),
        username in username(),
        email in email(),
        password in "[a-z0-9]{5,9}",
    ) -> UserChange {
        UserChange {
            username: Some(username),
            email: Some(email),
            password: Some(Secret::from(password)),
            ..change
        }
    }
}

fn criteria() -> impl Strategy<Value = Vec<Criterion>> {
    let place = Text::parse("edited_user_ctry_ID").unwrap();
    let conditions = vec![
        (Attribute::Email, Operator::Exactly, "a@b.co"),
        (Attribute::Status, Operator::Exactly, "active"),
        (Attribute::Status, Operator::Exactly, "closed"),
        (Attribute::Level, Operator::AtLeast, "3"),
        (Attribute::Level, Operator::AtMost, "9"),
        (Attribute::Organization, Operator::Exactly, "2"),
        (Attribute::Role, Operator::Exactly, "editor"),
        (Attribute::Id, Operator::In, "7"),
        (
            Attribute::Extension(Dialect::B2evolution, place),
            Operator::Exactly,
            "233",
        ),
    ];
    let one = select(conditions).prop_map(|(attribute, operator, value)| Criterion {
        attribute,
        operator,
        values: vec![Text::parse(value).unwrap()],
    });
    let word = text("[^\0\\s]{1,6}").prop_map(|word| Criterion {
        attribute: Attribute::AnyName,
        operator: Operator::Contains,
        values: vec![word],
    });
    (vec(word, 0..3), option::of(one)).prop_map(|(mut words, one)| {
        words.extend(one);
        words
    })
}

fn query() -> impl Strategy<Value = UserQuery> {
    (criteria(), 1_u64..1000, 0_u64..1000).prop_map(|(criteria, limit, page)| UserQuery {
        criteria,
        sort: None,
        offset: page * limit,
        limit: Some(limit),
    })
}

fn native() -> impl Strategy<Value = Native> {
    let operations = select(vec!["users/recipients", "users/authors"]);
    (operations, option::of(".{0,9}")).prop_map(|(operation, q)| Native {
        dialect: Dialect::B2evolution,
        operation: Text::parse(operation).unwrap(),
        subject: None,
        fields: q
            .map(|q| (Text::parse("q").unwrap(), Secret::from(q)))
            .into_iter()
            .collect(),
        files: Vec::new(),
    })
}

/// Everything the dialect can say.
fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        creation().prop_map(|change| Command::CreateUser(Box::new(change))),
        (id(), change())
            .prop_map(|(id, change)| Command::UpdateUser(UserRef::Id(id), Box::new(change))),
        id().prop_map(|id| Command::ReadUser(UserRef::Id(id))),
        id().prop_map(|id| Command::DeleteUser(UserRef::Id(id))),
        query().prop_map(Command::ListUsers),
        native().prop_map(Command::Native),
    ]
}

fn kinds() -> Vec<Kind> {
    let mut kinds = vec![
        Kind::Unauthenticated,
        Kind::LockedOut,
        Kind::PermissionDenied,
        Kind::UserNotFound,
        Kind::GroupNotFound,
        Kind::UsernameTaken,
        Kind::EmailTaken,
        Kind::InvalidEmail,
        Kind::SlugTaken,
        Kind::InvalidArgument("edited_user_gender".into()),
        Kind::MissingArgument("edited_user_email".into()),
        Kind::BadSearch,
        Kind::DeleteRefused,
        Kind::Closed,
        Kind::NotAMember,
        Kind::UnknownOutcome,
        Kind::InProgress,
        Kind::KeyReused,
        Kind::UnknownOperation,
        Kind::Unsupported,
        Kind::Malformed,
        Kind::RateLimited {
            retry_after: Duration::from_millis(1500),
        },
        Kind::TooLarge,
        Kind::Timeout,
        Kind::Overloaded,
        Kind::Upstream,
        Kind::Internal,
    ];
    let passwords = [
        PasswordFault::CurrentMissing,
        PasswordFault::CurrentWrong,
        PasswordFault::Empty,
        PasswordFault::Mismatch,
        PasswordFault::TooShort,
        PasswordFault::Characters,
    ];
    kinds.extend(passwords.map(Kind::PasswordRefused));
    kinds
}

#[test]
fn every_kind_has_one_fault_whatever_way_it_is_told() {
    use crate::dialect::b2evolution::fault;

    for operation in Operation::ALL {
        for signed in [Signed::Nobody, Signed::User, Signed::Key] {
            let reply_to = ReplyTo {
                operation,
                signed,
                note: Note::default(),
                page: Page::default(),
            };
            for kind in kinds() {
                let first = answer(reply_to.clone(), Err(Error::from(kind.clone())));
                let read = super::read_fault(&first, operation);
                assert_eq!(
                    fault::of_kind(&read, &reply_to).shape(),
                    fault::of_kind(&kind, &reply_to).shape(),
                    "{kind:?} of {operation:?} by {signed:?}"
                );
                let own = Error::from(kind.clone());
                let again = Error::new(read, own.message().to_owned());
                let again = answer(reply_to.clone(), Err(again));
                assert_eq!(shown(&again), shown(&first), "{kind:?} of {operation:?}");
                assert_eq!(again.headers(), first.headers());
            }
        }
    }
}

proptest! {
    #![proptest_config(round_trip::commands())]

    #[test]
    fn what_is_sent_upstream_is_what_was_called(command in command(), credentials in credentials()) {
        let call = Call::new(credentials, None, command);
        let request = B2evolution::encode_request(&call, &policy()).unwrap();
        let (decoded, _) = decode(request);
        prop_assert_eq!(decoded.unwrap(), call);
    }
}

proptest! {
    #[test]
    fn no_request_makes_the_codec_panic(
        method in select(vec![Method::GET, Method::POST, Method::DELETE, Method::HEAD, Method::PUT]),
        path in "(/api/v1)?/users[/a-z0-9?&=%\\[\\].+-]{0,24}",
        kind in select(vec!["", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain"]),
        authorization in "[ -~]{0,20}",
        body in vec(any::<u8>(), 0..200),
    ) {
        let Ok(uri) = path.parse::<http::Uri>() else { return Ok(()); };
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert("content-type", kind.parse().unwrap());
        headers.insert("authorization", authorization.parse().unwrap());
        let (call, reply_to) = decode(request);
        if let Err(error) = call {
            let (status, body) = shown(&answer(reply_to, Err(error)));
            prop_assert!(status >= 400);
            prop_assert_eq!(body.as_bytes().first(), Some(&b'\x7b'));
        }
    }

    #[test]
    fn no_form_makes_the_codec_panic(
        path in select(vec!["/users", "/users/2"]),
        fields in vec((
            select(vec![
                "identity_form", "admin_form", "edited_user_login", "edited_user_level", "edited_user_grp_ID",
                "organizations[]", "org_roles[]", "org_roles[x]", "uf_add[1][]", "uf_add[1]", "uf_1", "edited_user_email",
                "password_form", "edited_user_pass1", "edited_user_pass2", "current_user_pass", "unknown[a][b]",
                "edited_user_secondary_grp_ID[]", "edited_user_status", "edited_user_gender",
            ]),
            "(1|true|.{0,8})",
        ), 0..12),
    ) {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = crate::framing::form::encode(&fields);
        let (call, reply_to) = decode(super::post(path, &body));
        if let Err(error) = call {
            prop_assert!(shown(&answer(reply_to, Err(error))).0 >= 400);
        }
    }

    #[test]
    fn no_answer_of_an_upstream_makes_the_codec_panic(
        command in command(),
        status in 100_u16..600,
        body in "(<br />)?[{]\"(code|error_status|found|id)\":.{0,40}",
    ) {
        let (mut head, ()) = http::Response::new(()).into_parts();
        head.status = status.try_into().unwrap();
        let _ = B2evolution::decode_response(&command, &head, body.as_bytes(), &policy());
    }
}
