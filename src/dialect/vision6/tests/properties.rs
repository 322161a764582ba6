//! Properties of the codec: nothing panics, nothing is lost, and faults survive a round trip.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::*;
use super::{decode, encode_response, policy};
use crate::auth::Credentials;
use crate::command::email::Email;
use crate::command::extension::ExtensionEdit;
use crate::command::name::Username;
use crate::command::native::Native;
use crate::command::query::{Attribute, Criterion, Operator, Sort, UserQuery};
use crate::command::text::Text;
use crate::command::timezone::Timezone;
use crate::command::user::{Status, UserChange, UserRef};
use crate::command::{AccountId, Dialect, Edit, Id};
use crate::dialect::round_trip;
use crate::error::{Kind, PasswordFault};

fn text() -> impl Strategy<Value = Text> {
    "[^\0]{1,12}".prop_map(|text| Text::parse(text).unwrap())
}

fn id() -> impl Strategy<Value = Id> {
    (1..=i64::MAX).prop_map(|id| Id::new(id).unwrap())
}

fn user() -> impl Strategy<Value = UserRef> {
    id().prop_map(UserRef::Id)
}

fn username() -> impl Strategy<Value = Username> {
    "\\PC{1,20}".prop_filter_map("no username", Username::parse)
}

fn email() -> impl Strategy<Value = Email> {
    "[a-z'+/]{1,9}@[a-z0-9]{1,9}\\.[a-z]{2,4}".prop_filter_map("no address", Email::parse)
}

fn timezone() -> impl Strategy<Value = Timezone> {
    select(Timezone::all().collect::<Vec<_>>())
}

fn edit<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Edit<T>> {
    option::of(option::of(value)).prop_map(|edit| match edit {
        None => Edit::Keep,
        Some(None) => Edit::Clear,
        Some(Some(value)) => Edit::Set(value),
    })
}

fn extensions() -> impl Strategy<Value = Vec<ExtensionEdit>> {
    let values = [
        "\"a/b\"",
        "0",
        "1.50",
        "[1,{\"x\":null}]",
        "false",
        "{}",
        "\"\"",
    ];
    let unknown = btree_map("[A-Z /\"é]{0,6}", select(values.to_vec()), 0..3);
    let promotional = option::of(select(vec!["true", "false"]));
    (unknown, promotional).prop_map(|(mut fields, promotional)| {
        fields.extend(promotional.map(|value| ("receives_promotional".to_owned(), value)));
        let edit = |(field, value): (String, &str)| ExtensionEdit {
            dialect: Dialect::Vision6,
            field: Text::parse(field).unwrap(),
            value: Some(Text::parse(value).unwrap()),
        };
        fields.into_iter().map(edit).collect()
    })
}

prop_compose! {
    fn change()(
        username in option::of(username()),
        password in option::of(".{1,12}"),
        names in (edit(text()), edit(text())),
        email in option::of(email()),
        flags in (option::of(any::<bool>()), option::of(any::<bool>()), any::<bool>()),
        status in option::of(select(vec![Status::Active, Status::Deactivated])),
        numbers in (edit(text()), edit(text()), edit(text())),
        title in edit(text()),
        timezone in option::of(timezone()),
        extensions in extensions(),
    ) -> UserChange {
        let (given_name, family_name) = names;
        let (email_verified, read_only, notify) = flags;
        let (phone, mobile, fax) = numbers;
        UserChange {
            username,
            password: password.map(Into::into),
            given_name,
            family_name,
            email,
            email_verified,
            status,
            phone,
            mobile,
            fax,
            title,
            timezone: timezone.map_or(Edit::Keep, Edit::Set),
            read_only,
            notify,
            extensions,
            ..UserChange::default()
        }
    }
}

fn text_attribute() -> impl Strategy<Value = Attribute> {
    select(vec![
        Attribute::Username,
        Attribute::GivenName,
        Attribute::FamilyName,
        Attribute::Email,
        Attribute::Phone,
        Attribute::Mobile,
        Attribute::Fax,
        Attribute::Title,
        Attribute::Timezone,
    ])
}

fn criterion() -> impl Strategy<Value = Criterion> {
    let values = |values: Vec<String>| values.into_iter().map(|text| Text::parse(text).unwrap());
    let criterion = move |(attribute, operator, texts)| Criterion {
        attribute,
        operator,
        values: values(texts).collect(),
    };
    let one = vec("[^\0]{0,9}", 1);
    let several = vec("[^\0,]{0,9}", 1..4);
    let comparison = select(vec![
        Operator::Exactly,
        Operator::Not,
        Operator::GreaterThan,
        Operator::LessThan,
        Operator::StartsWith,
        Operator::EndsWith,
        Operator::Contains,
    ]);
    let equality = || select(vec![Operator::Exactly, Operator::Not]);
    let promotional = Text::parse("receives_promotional").unwrap();
    let flags = select(vec![
        (Attribute::EmailVerified, "1"),
        (Attribute::ReadOnly, "0"),
        (Attribute::Status, "active"),
        (
            Attribute::Extension(Dialect::Vision6, promotional.clone()),
            "true",
        ),
        (Attribute::Extension(Dialect::Vision6, promotional), "false"),
    ]);
    let flag = (flags, equality())
        .prop_map(|((attribute, value), operator)| (attribute, operator, vec![value.to_owned()]));
    let ids = vec(id().prop_map(|id| id.to_string()), 1..4);
    prop_oneof![
        (text_attribute(), comparison, one).prop_map(criterion),
        (text_attribute(), Just(Operator::In), several).prop_map(criterion),
        (Just(Attribute::Id), Just(Operator::In), ids).prop_map(criterion),
        flag.prop_map(criterion),
    ]
}

prop_compose! {
    fn query()(
        criteria in vec(criterion(), 0..4),
        sort in option::of((text_attribute(), any::<bool>())),
        offset in any::<u64>(),
        limit in option::of(1..=u64::MAX),
    ) -> UserQuery {
        let sort = sort.map(|(attribute, descending)| Sort { attribute, descending });
        UserQuery { criteria, sort, offset, limit }
    }
}

fn native() -> impl Strategy<Value = Native> {
    let methods = vec!["login", "isLoggedIn", "subscribeContact", "getListById"];
    let params = vec!["[]", "[1]", "[449169,{\"Email\":\"a/b\"},\"\",null]"];
    (select(methods), select(params)).prop_map(|(method, params)| Native {
        dialect: Dialect::Vision6,
        operation: Text::parse(method).unwrap(),
        subject: None,
        fields: vec![(Text::parse("params").unwrap(), params.into())],
        files: Vec::new(),
    })
}

/// Everything Vision6 can express.
fn call() -> impl Strategy<Value = Call> {
    let create = (change(), username()).prop_map(|(mut change, username)| {
        change.username = Some(username);
        Command::CreateUser(Box::new(change))
    });
    let count = vec(criterion(), 0..4).prop_map(|criteria| {
        Command::CountUsers(UserQuery {
            criteria,
            ..UserQuery::default()
        })
    });
    let in_account = prop_oneof![
        create,
        (user(), change()).prop_map(|(user, change)| Command::UpdateUser(user, Box::new(change))),
        user().prop_map(Command::ReadUser),
        user().prop_map(Command::DeleteUser),
        query().prop_map(Command::ListUsers),
        count,
    ];
    let keyed = prop_oneof![
        4 => (in_account, id().prop_map(AccountId::new).prop_map(Some)),
        1 => (Just(Command::ListTimezones), Just(None)),
        1 => (native().prop_map(Command::Native), Just(None)),
    ];
    let key = option::of("[a-z0-9]{64}");
    (keyed, key).prop_map(|((command, account), key)| {
        let keyless = matches!(&command, Command::Native(native)
            if matches!(native.operation.as_str(), "login" | "isLoggedIn"));
        let key = key.filter(|_| !keyless);
        let credentials = key.map_or(Credentials::None, |key| Credentials::Key(key.into()));
        Call::new(credentials, account, command)
    })
}

fn kind() -> impl Strategy<Value = Kind> {
    let field = select(vec!["timezone", "user_details", "of [nobody]", ""]);
    let password = select(vec![PasswordFault::TooShort, PasswordFault::CurrentWrong]);
    let wait = (0..100_000_u64).prop_map(std::time::Duration::from_millis);
    prop_oneof![
        select(vec![
            Kind::Unauthenticated,
            Kind::LockedOut,
            Kind::PermissionDenied,
            Kind::UserNotFound,
            Kind::GroupNotFound,
            Kind::UsernameTaken,
            Kind::EmailTaken,
            Kind::InvalidEmail,
            Kind::SlugTaken,
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
            Kind::TooLarge,
            Kind::Timeout,
            Kind::Overloaded,
            Kind::Upstream,
            Kind::Internal,
        ]),
        field
            .clone()
            .prop_map(|field| Kind::InvalidArgument(field.into())),
        field.prop_map(|field| Kind::MissingArgument(field.into())),
        password.prop_map(Kind::PasswordRefused),
        wait.prop_map(|retry_after| Kind::RateLimited { retry_after }),
    ]
}

/// Requests of every subject, in both shapes.
fn request() -> impl Strategy<Value = String> {
    let methods = vec![
        "editUser",
        "deleteUser",
        "addUser",
        "searchUsers",
        "addList",
        "rm",
    ];
    let shapes = vec!["\"id\":7", "\"jsonrpc\":\"2.0\",\"id\":\"ab\""];
    let envelope = (select(shapes), select(methods))
        .prop_map(|(shape, method)| format!("{{{shape},\"method\":\"{method}\"}}"));
    prop_oneof![
        8 => envelope,
        1 => Just("{".to_owned()),
        1 => Just("[]".to_owned()),
    ]
}

/// JSON that may stand anywhere.
fn value() -> impl Strategy<Value = String> {
    let scalar = select(vec![
        "null",
        "true",
        "0",
        "-1",
        "99999999999999999999",
        "1e3",
        "\"\"",
        "\"1\"",
        "\"username\"",
        "\"exactly\"",
        "\"OR\"",
        "\"id\"",
        "\"ASC\"",
    ]);
    let keys = select(vec![
        "id",
        "email",
        "timezone",
        "is_active",
        "api_key",
        "account_id",
        "x",
    ]);
    scalar
        .prop_map(str::to_owned)
        .prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
                (keys.clone(), inner).prop_map(|(key, value)| format!("{{\"{key}\":{value}}}")),
            ]
        })
}

proptest! {
    #![proptest_config(round_trip::commands())]

    #[test]
    fn what_is_encoded_is_decoded_again(call in call()) {
        let (head, body) = Vision6::encode_request(&call, &policy()).unwrap().into_parts();
        let Decoded::Calls(calls, _) = Vision6::decode_request(&head, &body, &policy()) else {
            panic!("no call");
        };
        prop_assert_eq!(calls.len(), 1);
        prop_assert_eq!(calls[0].as_ref().unwrap(), &call);
    }
}

proptest! {
    #[test]
    fn faults_are_the_same_after_a_round_trip(kind in kind(), request in request()) {
        let answer = || decode(request.as_bytes()).1;
        let first = encode_response(answer(), vec![Err(kind.into())]);
        let (head, body) = first.into_parts();
        let error = Vision6::decode_response(&Command::ListTimezones, &head, &body, &policy());
        let second = encode_response(answer(), vec![Err(error.unwrap_err())]);
        prop_assert_eq!(&head.headers, second.headers());
        prop_assert_eq!(&body, second.body());
    }

    #[test]
    fn a_fault_has_no_square_brackets_in_its_message(kind in kind(), request in request()) {
        let reply_to = decode(request.as_bytes()).1;
        let body = encode_response(reply_to, vec![Err(kind.into())]).into_body();
        prop_assert!(!body.iter().any(|byte| b"[]".contains(byte)));
    }

    #[test]
    fn any_bytes_get_one_result_for_each_entry(body in vec(any::<u8>(), 0..64)) {
        let (calls, reply_to) = decode(&body);
        prop_assert_eq!(calls.len(), reply_to.entries.len());
    }

    #[test]
    fn any_parameters_are_decoded_or_refused(request in request(), params in value()) {
        let body = request.replace('}', &format!(",\"params\":[\"k\",1,{params},{params}]}}"));
        prop_assert_eq!(decode(body.as_bytes()).0.len(), 1);
        let body = request.replace('}', &format!(",\"params\":{params}}}"));
        prop_assert_eq!(decode(body.as_bytes()).0.len(), 1);
    }

    #[test]
    fn any_answer_of_an_upstream_is_decoded_or_refused(call in call(), value in value()) {
        let (head, ()) = Response::new(()).into_parts();
        let decode = |body: String| {
            Vision6::decode_response(&call.command, &head, body.as_bytes(), &policy())
        };
        let fault = format!("{{\"code\":{value},\"message\":{value}}}");
        for body in [
            format!("{{\"result\":{value},\"error\":{fault}}}"),
            format!("{{\"result\":null,\"error\":{value}}}"),
            value.clone(),
        ] {
            // The fault of a native operation is handed back as it is.
            let is_success = match decode(body) {
                Ok(Outcome::Relayed(relayed)) => !relayed.is_refusal,
                decoded => decoded.is_ok(),
            };
            prop_assert!(!is_success);
        }
        let decoded = decode(format!("{{\"result\":{value}}}"));
        let is_none = ["null", "{}", "-1"].contains(&value.as_str());
        prop_assert!(decoded.is_err() || !is_none);
    }
}
