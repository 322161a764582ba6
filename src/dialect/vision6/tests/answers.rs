//! What the codec writes for outcomes, and what it makes of the answers of upstreams.

use std::error::Error as _;

use http::StatusCode;

use super::super::*;
use super::{decode, encode_response, policy};
use crate::auth::Credentials;
use crate::command::extension::{Extension, ExtensionEdit};
use crate::command::name::Username;
use crate::command::query::UserQuery;
use crate::command::text::Text;
use crate::command::timezone::Timezone;
use crate::command::user::{Level, Role, Status, User, UserChange, UserRef};
use crate::command::{AccountId, Dialect, Edit, Id};
use crate::error::Kind;
use crate::outcome::UserPage;

fn text(text: &str) -> Text {
    Text::parse(text).unwrap()
}

fn extension(dialect: Dialect, field: &str, value: &str) -> Extension {
    Extension {
        dialect,
        field: text(field),
        value: text(value),
    }
}

fn user() -> User {
    User {
        id: Id::new(11).unwrap(),
        account: AccountId::new(Id::ONE),
        username: Username::parse("vera").unwrap(),
        display_name: None,
        given_name: Some(text("Zoë")),
        family_name: None,
        nickname: None,
        gender: None,
        locale: None,
        email: None,
        email_verified: true,
        status: Status::Active,
        level: Level::new(0).unwrap(),
        phone: Some(text("07/300")),
        mobile: None,
        fax: None,
        title: None,
        timezone: Timezone::parse("Australia/Brisbane"),
        picture_url: None,
        read_only: false,
        role: None,
        organizations: Vec::new(),
        extensions: vec![extension(Dialect::Vision6, "shoe", "{\"size\":4.50}")],
    }
}

fn encode(request: &str, outcome: Outcome) -> String {
    let answer = encode_response(decode(request.as_bytes()).1, vec![Ok(outcome)]);
    String::from_utf8(answer.into_body().to_vec()).unwrap()
}

fn one(outcome: Outcome) -> String {
    encode("{\"id\":1,\"method\":\"getUserById\"}", outcome)
}

fn two(outcome: Outcome) -> String {
    let request = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"getUserById\"}";
    encode(request, outcome)
}

fn read() -> Command {
    Command::ReadUser(UserRef::Id(Id::ONE))
}

fn update() -> Command {
    Command::UpdateUser(UserRef::Id(Id::ONE), Box::default())
}

fn decode_answer(command: &Command, body: &str) -> Result<Outcome, Error> {
    let (head, ()) = Response::new(()).into_parts();
    Vision6::decode_response(command, &head, body.as_bytes(), &policy())
}

fn kind(command: &Command, body: &str) -> Kind {
    decode_answer(command, body).unwrap_err().kind().clone()
}

#[test]
fn a_user_is_one_record_in_a_list() {
    assert_eq!(
        one(Outcome::User(Box::new(user()))),
        concat!(
            r#"{"id":1,"result":[{"id":11,"username":"vera","first_name":"Zo\u00eb","last_name":null,"#,
            r#""email":null,"phone":"07\/300","mobile":null,"fax":null,"position":null,"#,
            r#""timezone":"Australia\/Brisbane","is_confirmed":true,"is_read_only":false,"#,
            r#""is_active":true,"receives_promotional":null,"shoe":{"size":4.50}}],"error":null}"#
        )
    );
}

#[test]
fn version_2_0_gets_plain_json() {
    let zones = Outcome::Timezones(vec![Timezone::parse("America/New_York").unwrap()]);
    let list = r#"[{"timezone":"America/New_York","display_name":"America/New York"}]"#;
    let answer = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{list}}}");
    assert_eq!(two(zones.clone()), answer);
    assert_eq!(
        one(zones).replace("\\/", "/"),
        format!("{{\"id\":1,\"result\":{list},\"error\":null}}")
    );
}

#[test]
fn a_success_without_a_value_is_true() {
    let deleted = Outcome::UserDeleted(Username::parse("vera").unwrap());
    for outcome in [Outcome::Done, deleted] {
        assert_eq!(one(outcome), r#"{"id":1,"result":true,"error":null}"#);
    }
}

#[test]
fn attributes_of_other_dialects_are_not_shown() {
    let mut user = user();
    user.status = Status::Unconfirmed;
    user.role = Some(Role::new(text("administrator")));
    user.extensions = vec![
        extension(Dialect::Grupo, "custom_field_1", "7"),
        extension(Dialect::Vision6, "broken", "{"),
        extension(Dialect::Vision6, "receives_promotional", "false"),
    ];
    let shown = one(Outcome::User(Box::new(user)));
    let end = r#""is_active":false,"broken":"{","receives_promotional":false}],"error":null}"#;
    assert!(shown.ends_with(end), "{shown}");
}

#[test]
fn what_was_answered_is_read_again() {
    let page = UserPage {
        users: vec![user(), user()],
        total: 2,
    };
    let everybody = Command::ListUsers(UserQuery::default());
    let counted = Command::CountUsers(UserQuery::default());
    let created = Command::CreateUser(Box::default());
    for (command, outcome) in [
        (read(), Outcome::User(Box::new(user()))),
        (everybody, Outcome::Users(page)),
        (counted, Outcome::Count(0)),
        (created, Outcome::UserCreated(Id::ONE)),
        (update(), Outcome::Done),
        (
            Command::ListTimezones,
            Outcome::Timezones(Timezone::all().collect()),
        ),
    ] {
        for answer in [one(outcome.clone()), two(outcome.clone())] {
            assert_eq!(decode_answer(&command, &answer).unwrap(), outcome);
        }
    }
}

#[test]
fn a_record_may_write_numbers_as_text_and_nothing_as_the_empty_string() {
    let record =
        r#"{"id":"11","username":"vera","email":"","timezone":"","is_active":"0","fax":7}"#;
    let answer = format!("{{\"id\":1,\"result\":[{record}],\"error\":null}}");
    let Outcome::User(user) = decode_answer(&read(), &answer).unwrap() else {
        panic!("no user");
    };
    assert_eq!(
        (user.email, user.timezone, user.fax),
        (None, None, Some(text("7")))
    );
    assert_eq!(user.status, Status::Deactivated);
}

#[test]
fn the_old_form_of_faults_is_read_too() {
    let old = r#"{"id":1,"result":null,"error":"322-Username unavailable"}"#;
    assert_eq!(kind(&update(), old), Kind::UsernameTaken);
    let wordless = r#"{"id":1,"result":null,"error":"gone fishing"}"#;
    assert_eq!(kind(&update(), wordless), Kind::Upstream);
}

#[test]
fn an_unknown_code_is_kept_for_the_log() {
    let answer = r#"{"id":1,"result":null,"error":{"code":326,"message":"Odd"}}"#;
    let error = decode_answer(&update(), answer).unwrap_err();
    assert_eq!(*error.kind(), Kind::Upstream);
    assert_eq!(
        error.source().unwrap().to_string(),
        "Vision6 fault 326: Odd"
    );
}

#[test]
fn a_reserved_code_without_the_vendors_is_understood() {
    let answer = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#;
    assert_eq!(kind(&update(), answer), Kind::UnknownOperation);
}

#[test]
fn an_empty_list_is_a_user_that_is_not_there() {
    let answer = r#"{"id":1,"result":[],"error":null}"#;
    assert_eq!(kind(&read(), answer), Kind::UserNotFound);
}

#[test]
fn what_is_no_answer_is_a_failed_upstream() {
    for body in [
        "",
        "<html>Bad gateway</html>",
        r#"{"id":1,"result":null,"error":null}"#,
        r#"{"id":1,"result":false,"error":null}"#,
        r#"{"id":1}"#,
        r#"{"id":1,"result":null,"error":{"message":"no code"}}"#,
        r#"[{"id":1,"result":true,"error":null}]"#,
    ] {
        assert_eq!(kind(&update(), body), Kind::Upstream, "{body}");
    }
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = StatusCode::BAD_GATEWAY;
    let body = br#"{"id":1,"result":true,"error":null}"#;
    let answer = Vision6::decode_response(&update(), &head, body, &policy());
    assert_eq!(*answer.unwrap_err().kind(), Kind::Upstream);
}

#[test]
fn what_vision6_cannot_express_is_named() {
    let mut change = UserChange {
        level: Level::new(3),
        ..UserChange::default()
    };
    let error = refuse(change.clone());
    assert_eq!(*error.kind(), Kind::Unsupported);
    assert_eq!(
        error.message(),
        "level cannot be expressed in Vision6; leave it out"
    );
    change.level = None;
    change.extensions = vec![ExtensionEdit {
        dialect: Dialect::Grupo,
        field: text("custom_field_1"),
        value: Some(text("1")),
    }];
    assert!(refuse(change).message().starts_with("custom_field_1 "));
}

#[test]
fn a_time_zone_that_is_not_known_here_hides_no_other() {
    let body = r#"{"id":1,"result":[{"timezone":"Mars/Olympus"},{"timezone":"Europe/Paris"}]}"#;
    let zones = decode_answer(&Command::ListTimezones, body).unwrap();
    let paris = Timezone::parse("Europe/Paris").unwrap();
    assert_eq!(zones, Outcome::Timezones(vec![paris]));
    let nameless = r#"{"id":1,"result":[{"zone":"Europe/Paris"}]}"#;
    assert_eq!(kind(&Command::ListTimezones, nameless), Kind::Upstream);
}

#[test]
fn a_display_name_beside_one_of_its_parts_cannot_be_expressed() {
    let both = UserChange {
        display_name: Edit::Set(text("Ana Maria Silva")),
        ..UserChange::default()
    };
    for beside in [
        UserChange {
            given_name: Edit::Set(text("Ana")),
            ..both.clone()
        },
        UserChange {
            family_name: Edit::Set(text("Silva")),
            ..both.clone()
        },
    ] {
        assert!(refuse(beside).message().starts_with("display_name beside "));
    }
}

#[test]
fn a_reserved_code_alone_is_the_vendor_s() {
    let error = |code: i64| {
        let body = format!("{{\"id\":1,\"error\":{{\"code\":{code},\"message\":\"Oh\"}}}}");
        let error = decode_answer(&update(), &body).unwrap_err();
        (error.kind().clone(), error.message().to_owned())
    };
    for (reserved, vendor) in [(-32603, 100), (-32602, 310), (-32601, 104)] {
        assert_eq!(error(reserved), error(vendor), "{reserved}");
    }
}

#[test]
fn a_closed_user_is_nobody_to_a_call_that_names_it_and_else_a_wrong_login() {
    for (method, code) in [
        ("editUser", 331),
        ("deleteUser", 331),
        ("getUserById", 331),
        ("addUser", 300),
        ("searchUsers", 300),
        ("countUsers", 300),
        ("getTimezoneList", 300),
    ] {
        let request = format!("{{\"id\":1,\"method\":\"{method}\"}}");
        let results = vec![Err(Kind::Closed.into())];
        let answer = encode_response(decode(request.as_bytes()).1, results);
        let body = String::from_utf8(answer.into_body().to_vec()).unwrap();
        assert!(
            body.contains(&format!("\"code\":{code},")),
            "{method}: {body}"
        );
    }
}

fn refuse(change: UserChange) -> Error {
    let command = Command::UpdateUser(UserRef::Id(Id::ONE), Box::new(change));
    let account = Some(AccountId::new(Id::ONE));
    let call = Call::new(Credentials::None, account, command);
    Vision6::encode_request(&call, &policy()).unwrap_err()
}

#[test]
fn a_display_name_becomes_first_and_last_name() {
    let change = UserChange {
        display_name: Edit::Set(text("Ana Maria Silva")),
        ..UserChange::default()
    };
    let command = Command::UpdateUser(UserRef::Id(Id::ONE), Box::new(change));
    let call = Call::new(
        Credentials::Key("k".into()),
        Some(AccountId::new(Id::ONE)),
        command,
    );
    let request = Vision6::encode_request(&call, &policy()).unwrap();
    assert_eq!(request.uri(), "/api/jsonrpcserver?version=3.3");
    assert_eq!(
        request.body(),
        concat!(
            r#"{"id":1,"method":"editUser","params":["k",1,"#,
            r#"{"id":1,"first_name":"Ana Maria","last_name":"Silva"}]}"#
        )
    );
}
