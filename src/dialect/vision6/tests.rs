//! What the codec does with requests and answers as clients and servers write them.

mod answers;
mod contract;
mod properties;

use http::{HeaderMap, Method, Request, StatusCode};

use super::*;
use crate::auth::Credentials;
use crate::auth::call::RequestId as CallId;
use crate::command::query::{Attribute, Operator, UserQuery};
use crate::command::user::{Status, UserChange, UserRef};
use crate::command::{AccountId, Edit, Id};
use crate::error::Kind;
use crate::route::number_table::NumberTable;
use crate::route::profile::Profile;
use crate::route::{FormLimits, JsonLimits};

fn policy() -> Policy {
    Policy {
        base_path: "/api/jsonrpcserver".to_owned(),
        key_in_query: false,
        anonymous: false,
        roles: Vec::new(),
        group_roles: NumberTable::default(),
        group_categories: NumberTable::default(),
        profile: Profile::default(),
        form: FormLimits::default(),
        json: JsonLimits::default(),
    }
}

fn decode(body: &[u8]) -> (Vec<Result<Call, Error>>, ReplyTo) {
    decode_with(&post(), body)
}

fn post() -> Parts {
    let request = Request::post("/api/jsonrpcserver").body(());
    request.unwrap().into_parts().0
}

fn decode_with(head: &Parts, body: &[u8]) -> (Vec<Result<Call, Error>>, ReplyTo) {
    match Vision6::decode_request(head, body, &policy()) {
        Decoded::Calls(calls, reply_to) => {
            let calls = calls.into_iter();
            let calls = calls.map(|call| call.map_err(|unread| unread.error));
            (calls.collect(), reply_to)
        }
        Decoded::NotOurs(..) => panic!("every request is one of ours"),
    }
}

fn encode_response(reply_to: ReplyTo, results: Vec<Result<Outcome, Error>>) -> Response<Bytes> {
    let reference = CallId::new(0x7f_3a9c).reference();
    Vision6::encode_response(reply_to, results, reference, &policy())
}

fn call(method: &str, params: &str) -> Result<Call, Error> {
    let body = format!("{{\"id\":1,\"method\":\"{method}\",\"params\":{params}}}");
    decode(body.as_bytes()).0.remove(0)
}

fn kind(method: &str, params: &str) -> Kind {
    call(method, params).unwrap_err().kind().clone()
}

fn edit(details: &str) -> UserChange {
    let call = call("editUser", &format!("[\"k\",1,{details}]")).unwrap();
    let Command::UpdateUser(UserRef::Id(_), change) = call.command else {
        panic!("no update");
    };
    *change
}

fn criteria(criteria: &str) -> Result<Command, Error> {
    call("searchUsers", &format!("[\"k\",1,{criteria}]")).map(|call| call.command)
}

/// The answer to a body of one fault.
fn fault(body: &str) -> String {
    let (calls, reply_to) = decode(body.as_bytes());
    let results = calls
        .into_iter()
        .map(|call| Err(call.unwrap_err()))
        .collect();
    text(encode_response(reply_to, results))
}

fn text(response: Response<Bytes>) -> String {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/json");
    String::from_utf8(response.into_body().to_vec()).unwrap()
}

fn account(id: i64) -> Option<AccountId> {
    Id::new(id).map(AccountId::new)
}

#[test]
fn the_vendors_php_example_is_an_update_in_its_account() {
    let call = call(
        "editUser",
        r#"["k",123456,{"id":11,"timezone":"Australia\/Brisbane"}]"#,
    )
    .unwrap();
    assert_eq!(call.credentials, Credentials::Key("k".into()));
    assert_eq!(call.account, account(123_456));
    let Command::UpdateUser(user, change) = call.command else {
        panic!("no update");
    };
    assert_eq!(user, UserRef::Id(Id::new(11).unwrap()));
    assert_eq!(
        change.timezone.value().unwrap().name(),
        "Australia/Brisbane"
    );
}

#[test]
fn every_shape_of_details_says_the_same() {
    let object = call("editUser", r#"["k","1",{"id":"11","fax":7}]"#).unwrap();
    let array = call("editUser", r#"["k",1,[{"id":11,"fax":"7"}]]"#).unwrap();
    assert_eq!(object, array);
    assert_eq!(
        kind("editUser", r#"["k",1,[]]"#),
        Kind::MissingArgument("id".into())
    );
}

#[test]
fn null_changes_nothing_and_the_empty_string_clears() {
    let change =
        edit(r#"{"id":1,"first_name":null,"password":null,"last_name":"","unknown":null}"#);
    let expected = UserChange {
        family_name: Edit::Clear,
        ..UserChange::default()
    };
    assert_eq!(change, expected);
    for key in ["username", "password", "email", "timezone"] {
        let params = format!("[\"k\",1,{{\"id\":1,\"{key}\":\"\"}}]");
        assert_eq!(kind("editUser", &params), Kind::InvalidArgument(key.into()));
    }
}

#[test]
fn booleans_are_also_digits() {
    for (sent, expected) in [
        ("1", true),
        ("\"1\"", true),
        ("true", true),
        ("0", false),
        ("\"0\"", false),
    ] {
        let change = edit(&format!(
            "{{\"id\":1,\"is_read_only\":{sent},\"is_active\":{sent}}}"
        ));
        assert_eq!(change.read_only, Some(expected));
        assert_eq!(change.status == Some(Status::Active), expected);
    }
    let params = r#"["k",1,{"id":1,"is_active":"yes"}]"#;
    assert_eq!(
        kind("editUser", params),
        Kind::InvalidArgument("is_active".into())
    );
}

#[test]
fn an_unknown_key_is_kept_as_the_json_it_was() {
    let change = edit(r#"{"id":1,"shoe":{"size":4.50,"left":"a\/b"}}"#);
    let value = change.extensions[0].value.as_ref().unwrap();
    assert_eq!(value.as_str(), r#"{"size":4.50,"left":"a/b"}"#);
}

#[test]
fn a_call_without_a_key_is_not_told_what_else_is_wrong() {
    for params in ["[]", "[123456,{}]"] {
        let body = format!(r#"{{"id":1,"method":"editUser","params":{params}}}"#);
        let Decoded::Calls(calls, _) = Vision6::decode_request(&post(), body.as_bytes(), &policy())
        else {
            panic!("every request is one of ours");
        };
        let unread = calls[0].as_ref().unwrap_err();
        assert_eq!(unread.credentials, Some(Credentials::None), "{params}");
    }
    let call = call("getTimezoneList", "[\"\"]").unwrap();
    assert_eq!(call.credentials, Credentials::None);
}

#[test]
fn parameters_of_2_0_may_have_names() {
    let body = br#"{"jsonrpc":"2.0","id":1,"method":"deleteUser","params":{"user_id":"9","api_key":"k","account_id":2}}"#;
    let named = decode(body).0.remove(0).unwrap();
    assert_eq!(named, call("deleteUser", r#"["k",2,9]"#).unwrap());
    let body =
        r#"{"jsonrpc":"2.0","id":1,"method":"deleteUser","params":{"user":9,"api_key":"k"}}"#;
    assert_eq!(
        fault(body),
        concat!(
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid Method Parameters: "#,
            r#"user is no parameter of deleteUser; leave it out (ref 7f3a9c)","data":{"code":310}}}"#
        )
    );
}

#[test]
fn optional_parameters_are_left_out_in_many_ways() {
    for rest in [
        "",
        ",[]",
        ",[],0,0,\"\",\"\"",
        ",null,null,null,null,null",
        ",\"\",\"\",\"\",0,0",
    ] {
        let call = call("searchUsers", &format!("[\"k\",1{rest}]")).unwrap();
        assert_eq!(
            call.command,
            Command::ListUsers(UserQuery::default()),
            "{rest}"
        );
    }
    let kind = kind("searchUsers", r#"["k",1,[],0,0,"","",1]"#);
    assert_eq!(kind, Kind::InvalidArgument("params".into()));
}

#[test]
fn an_order_is_descending_unless_told_otherwise() {
    for (order, descending) in [("", true), (",\"desc\"", true), (",\"ASC\"", false)] {
        let params = format!("[\"k\",1,[],10,20,\"email\"{order}]");
        let Command::ListUsers(query) = call("searchUsers", &params).unwrap().command else {
            panic!("no list");
        };
        assert_eq!((query.limit, query.offset), (Some(10), 20));
        assert_eq!(query.sort.unwrap().descending, descending);
    }
}

#[test]
fn an_unknown_operator_is_exactly() {
    let Ok(Command::ListUsers(query)) = criteria(r#"[["username","equal","vera"]]"#) else {
        panic!("no list");
    };
    assert_eq!(query.criteria[0].operator, Operator::Exactly);
    assert_eq!(query.criteria[0].attribute, Attribute::Username);
}

#[test]
fn one_more_level_of_nesting_is_taken_off() {
    let nested = criteria(r#"[[["email","in","a@x.co,b@x.co"],["id","not",3]]]"#);
    let flat = criteria(r#"[["email","in","a@x.co,b@x.co"],["id","not",3]]"#);
    assert_eq!(nested.unwrap(), flat.unwrap());
}

#[test]
fn criteria_that_nobody_understands_are_refused() {
    for bad in [
        r#"[["email","exactly","a"],"OR",["email","exactly","b"]]"#,
        r#"["email","exactly","a"]"#,
        r#"[["email","exactly"]]"#,
        r#"[["shoe","exactly","a"]]"#,
        r#"[["password","exactly","a"]]"#,
        r#"[["is_active","contains","1"]]"#,
        r#"[["id","contains","1"]]"#,
        r#"[["email","in",["a"]]]"#,
        "{}",
        "7",
    ] {
        assert_eq!(*criteria(bad).unwrap_err().kind(), Kind::BadSearch, "{bad}");
    }
}

#[test]
fn a_native_method_keeps_what_it_was_sent_without_the_key() {
    let Command::Native(native) = call("getListById", r#"["k","449169"]"#).unwrap().command else {
        panic!("no native call");
    };
    assert_eq!(native.operation.as_str(), "getListById");
    assert_eq!(native.fields[0].1.reveal(), r#"["449169"]"#);
    let login = call("login", r#"["me","hunter2"]"#).unwrap();
    assert_eq!(login.credentials, Credentials::None);
    assert_eq!(kind("shutDown", "[]"), Kind::UnknownOperation);
}

#[test]
fn faults_have_the_vendors_words_and_order() {
    assert_eq!(
        fault(r#"{"id":9007199254740993,"method":"nope"}"#),
        r#"{"id":9007199254740993,"result":null,"error":{"code":104,"message":"Method Not Found"}}"#
    );
    assert_eq!(
        fault(r#"{"method":"editUser","params":["k",1,{"id":1,"email":"x"}]}"#),
        r#"{"id":null,"result":null,"error":{"code":317,"message":"Invalid Email Address Specified"}}"#
    );
    assert_eq!(
        fault(r#"{"id":1,"method":"editUser","params":["k","x",{}]}"#),
        concat!(
            r#"{"id":1,"result":null,"error":{"code":310,"message":"Invalid Method Parameters: "#,
            r#"account_id must be a positive whole number (ref 7f3a9c)"}}"#
        )
    );
}

#[test]
fn a_reserved_code_carries_the_vendors_code_with_it() {
    assert_eq!(
        fault(r#"{"jsonrpc":"2.0","id":"a","method":"nope"}"#),
        r#"{"jsonrpc":"2.0","id":"a","error":{"code":-32601,"message":"Method Not Found","data":{"code":104}}}"#
    );
}

#[test]
fn what_is_no_post_or_compressed_is_refused_in_the_dialect() {
    let get = Request::get("/").body(()).unwrap();
    let zipped = Request::post("/")
        .header("content-encoding", "gzip")
        .body(())
        .unwrap();
    for request in [get, zipped] {
        let (head, ()) = request.into_parts();
        let (mut calls, reply_to) = decode_with(&head, b"{}");
        let answer = text(encode_response(
            reply_to,
            vec![Err(calls.remove(0).unwrap_err())],
        ));
        assert!(
            answer.starts_with(r#"{"id":null,"result":null,"error":{"code":-32600,"#),
            "{answer}"
        );
    }
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = Method::POST;
    head.headers =
        HeaderMap::from_iter([(http::header::CONTENT_ENCODING, "identity".parse().unwrap())]);
    assert!(decode_with(&head, br#"{"method":"getTimezoneList"}"#).0[0].is_ok());
}

#[test]
fn a_batch_is_answered_without_its_notifications() {
    let body = br#"[{"jsonrpc":"2.0","id":1,"method":"getTimezoneList","params":["k"]},
        {"jsonrpc":"2.0","method":"getTimezoneList","params":["k"]},7]"#;
    let (calls, reply_to) = decode(body);
    let results = calls
        .into_iter()
        .map(|call| call.map(|_| Outcome::Done))
        .collect();
    let answer = text(encode_response(reply_to, results));
    assert!(
        answer.starts_with(r#"[{"jsonrpc":"2.0","id":1,"result":true},{"#),
        "{answer}"
    );
    assert!(answer.contains("-32600"), "{answer}");
}

#[test]
fn notifications_alone_are_answered_by_an_empty_200() {
    let one = r#"{"jsonrpc":"2.0","method":"getTimezoneList","params":["k"]}"#;
    for body in [one.to_owned(), format!("[{one},{one}]")] {
        let (calls, reply_to) = decode(body.as_bytes());
        let results = calls.iter().map(|_| Ok(Outcome::Done)).collect();
        let response = encode_response(reply_to, results);
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.body().is_empty() && response.headers().is_empty());
    }
}

#[test]
fn a_crowded_moment_says_when_to_come_back() {
    let (_, reply_to) = decode(b"{\"id\":1}");
    let retry_after = std::time::Duration::from_millis(2_001);
    let response = encode_response(
        reply_to,
        vec![Err(Kind::RateLimited { retry_after }.into())],
    );
    assert_eq!(response.headers()["retry-after"], "3");
}
