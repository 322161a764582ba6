//! Requests of both versions, refusals, batches, and the bytes of answers.

use proptest::prelude::*;

use super::*;
use crate::error::Kind;
use crate::framing::json::write;
use crate::route::JsonLimits;

fn read(body: &str) -> Message<'_> {
    decode(body.as_bytes(), &JsonLimits::default())
}

fn request(body: &str) -> Request<'_> {
    match read(body) {
        Message::Single(Ok(request)) => request,
        Message::Single(Err(_)) | Message::Batch(_) => panic!("{body}: {:?}", read(body)),
    }
}

fn refused(body: &str) -> Refused {
    match read(body) {
        Message::Single(Err(refused)) => refused,
        Message::Single(Ok(_)) | Message::Batch(_) => panic!("{body}: {:?}", read(body)),
    }
}

fn batch(body: &str) -> Vec<Result<Request<'_>, Refused>> {
    match read(body) {
        Message::Batch(calls) => calls,
        Message::Single(_) => panic!("{body}: {:?}", read(body)),
    }
}

/// Version, id and violation in one word each.
fn summary(refused: &Refused) -> (Version, &str, Violation) {
    let error = &refused.error;
    assert!(
        matches!(error.kind(), Kind::Malformed | Kind::TooLarge),
        "{error}"
    );
    assert!(error.message().contains("; "), "no remedy: {error}");
    let id = refused.reply_to.id.as_ref().expect("refusals are answered");
    (refused.reply_to.version, id.as_json(), refused.violation)
}

fn id<'a>(request: &'a Request<'_>) -> Option<&'a str> {
    request.reply_to.id.as_ref().map(RequestId::as_json)
}

fn positional(request: &Request<'_>) -> String {
    let Params::Positional(params) = &request.params else {
        panic!("{request:?}");
    };
    let mut out = String::new();
    write(&mut out, &Json::Array(params.clone()));
    out
}

#[test]
fn a_request_without_a_version_is_1_0() {
    let request = request(r#"{"id":1,"method":"editUser","params":["KEY",123456,{"id":7}]}"#);
    assert_eq!(request.reply_to.version, Version::One);
    assert_eq!(id(&request), Some("1"));
    assert_eq!(request.method, "editUser");
    assert_eq!(positional(&request), r#"["KEY",123456,{"id":7}]"#);
}

#[test]
fn a_request_with_a_version_is_2_0_wherever_it_stands() {
    let request = request(r#"{"params":{"api_key":"KEY"},"id":"a","method":"m","jsonrpc":"2.0"}"#);
    assert_eq!(request.reply_to.version, Version::Two);
    let params = vec![("api_key".into(), Json::String("KEY".into()))];
    assert_eq!(request.params, Params::Named(params));
}

#[test]
fn ids_are_kept_to_the_byte() {
    let ids = [
        "0",
        "1",
        "-1",
        "9007199254740993",
        "8173181937282832224",
        "18446744073709551616",
        "1.0",
        "1.50",
        "1e2",
        "-0",
        "null",
        "\"\"",
        "\"a\"",
        "\"\\u0041\\/\"",
        "\"é\"",
        "\"1\"",
    ];
    for sent in ids {
        for version in ["", ",\"jsonrpc\":\"2.0\""] {
            let body = format!("{{\"id\" : {sent} ,\"method\":\"m\"{version}}}");
            assert_eq!(id(&request(&body)), Some(sent), "{body}");
        }
    }
    assert_eq!(id(&request(r#"{"id":true,"method":"m"}"#)), Some("true"));
}

#[test]
fn only_2_0_has_notifications() {
    let absent = request(r#"{"method":"m"}"#);
    assert_eq!(id(&absent), Some("null"));
    let null = request(r#"{"id":null,"method":"m"}"#);
    assert_eq!(id(&null), Some("null"));
    let notification = request(r#"{"jsonrpc":"2.0","method":"m"}"#);
    assert_eq!(id(&notification), None);
    let answered = request(r#"{"jsonrpc":"2.0","method":"m","id":null}"#);
    assert_eq!(id(&answered), Some("null"));
}

#[test]
fn what_a_method_needs_not_may_be_missing() {
    for params in ["", ",\"params\":null", ",\"params\":[]"] {
        for version in ["", ",\"jsonrpc\":\"2.0\""] {
            let body = format!("{{\"id\":1,\"method\":\"m\"{params}{version}}}");
            assert_eq!(positional(&request(&body)), "[]", "{body}");
        }
    }
}

#[test]
fn methods_are_trimmed_and_unknown_members_tolerated() {
    let request = request(r#"{"version":"1.1","id":1,"method":" addFolder ","extra":{"a":[]}}"#);
    assert_eq!(request.method, "addFolder");
    assert_eq!(request.reply_to.version, Version::One);
}

#[test]
fn a_body_that_is_no_json_is_a_parse_violation() {
    let bodies = [
        "",
        "nope",
        "{",
        r#"{"id":1,"method":"m","params":[}"#,
        r#"{"id":1,"method":"m"} x"#,
        r#"{"id":1 "method":"m"}"#,
        "\u{feff}{\"id\":1,\"method\":\"m\"}",
        "NaN",
    ];
    for body in bodies {
        let expected = (Version::One, "null", Violation::Parse);
        assert_eq!(summary(&refused(body)), expected, "{body}");
    }
    let known = r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1 2]}"#;
    assert_eq!(
        summary(&refused(known)),
        (Version::Two, "null", Violation::Parse)
    );
    for body in [
        "[",
        r#"[{"jsonrpc":"2.0","method":"m","id":1},{"jsonrpc":"2.0","method"]"#,
    ] {
        let expected = (Version::Two, "null", Violation::Parse);
        assert_eq!(summary(&refused(body)), expected, "{body}");
    }
    let bytes = decode(b"{\"id\":1,\"method\":\"\xff\"}", &JsonLimits::default());
    assert!(
        matches!(bytes, Message::Single(Err(refused)) if refused.violation == Violation::Parse)
    );
}

#[test]
fn a_member_that_comes_twice_is_refused() {
    let bodies = [
        r#"{"id":1,"id":2,"method":"m"}"#,
        r#"{"id":1,"method":"m","method":"n"}"#,
        r#"{"id":1,"method":"m","params":[{"id":1,"id":2}]}"#,
        r#"{"id":1,"method":"m","extra":1,"extra":1}"#,
    ];
    for body in bodies {
        let expected = (Version::One, "null", Violation::Parse);
        assert_eq!(summary(&refused(body)), expected, "{body}");
    }
}

#[test]
fn json_that_is_no_request_is_an_invalid_one() {
    use Version::{One, Two};
    let table = [
        ("5", One, "null"),
        ("\"x\"", One, "null"),
        ("null", One, "null"),
        ("{}", One, "null"),
        (r#"{"id":1}"#, One, "1"),
        (r#"{"id":1,"method":1}"#, One, "1"),
        (r#"{"id":1,"method":null}"#, One, "1"),
        (r#"{"id":[],"method":"m"}"#, One, "null"),
        (r#"{"id":{},"method":"m"}"#, One, "null"),
        (r#"{"id":1,"method":"m","params":{}}"#, One, "1"),
        (r#"{"id":1,"method":"m","params":"x"}"#, One, "1"),
        (r#"{"id":1,"method":"m","params":5}"#, One, "1"),
        (r#"{"id":1,"method":"m","jsonrpc":"1.0"}"#, One, "1"),
        (r#"{"id":1,"method":"m","jsonrpc":2.0}"#, One, "1"),
        (r#"{"id":1,"method":"m","jsonrpc":null}"#, One, "1"),
        (r#"{"id":1,"jsonrpc":"2.0"}"#, Two, "1"),
        (
            r#"{"jsonrpc":"2.0","method":1,"params":"bar"}"#,
            Two,
            "null",
        ),
        (
            r#"{"id":"a","jsonrpc":"2.0","method":"m","params":5}"#,
            Two,
            "\"a\"",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"m","params":"x"}"#,
            Two,
            "null",
        ),
        (r#"{"id":true,"jsonrpc":"2.0","method":"m"}"#, Two, "null"),
        (r#"{"id":[1],"jsonrpc":"2.0","method":"m"}"#, Two, "null"),
    ];
    for (body, version, id) in table {
        let expected = (version, id, Violation::Invalid);
        assert_eq!(summary(&refused(body)), expected, "{body}");
    }
}

#[test]
fn what_is_too_large_is_refused_with_what_is_known_of_it() {
    let deep = "[".repeat(100_000);
    for (body, version, id) in [
        (
            format!("{{\"id\":7,\"method\":\"m\",\"params\":{deep}"),
            Version::One,
            "7",
        ),
        (
            format!("{{\"jsonrpc\":\"2.0\",\"params\":{deep}"),
            Version::Two,
            "null",
        ),
        (deep, Version::Two, "null"),
    ] {
        let refused = refused(&body);
        assert_eq!(refused.error.kind(), &Kind::TooLarge);
        assert_eq!(summary(&refused), (version, id, Violation::Invalid));
    }
}

#[test]
fn each_element_of_a_batch_stands_for_itself() {
    let calls = batch(
        r#"[{"jsonrpc":"2.0","method":"m","id":1},{"jsonrpc":"2.0","method":"n"},
            {"id":3,"method":"o"},[],[[1]],1,{"foo":"boo"},{"jsonrpc":"2.0","id":4}]"#,
    );
    let shown: Vec<_> = calls
        .iter()
        .map(|call| match call {
            Ok(request) => (request.reply_to.version, id(request).unwrap_or("-"), true),
            Err(refused) => {
                let (version, id, violation) = summary(refused);
                assert_eq!(violation, Violation::Invalid);
                (version, id, false)
            }
        })
        .collect();
    let expected = [
        (Version::Two, "1", true),
        (Version::Two, "-", true),
        (Version::One, "3", true),
        (Version::Two, "null", false),
        (Version::Two, "null", false),
        (Version::Two, "null", false),
        (Version::One, "null", false),
        (Version::Two, "4", false),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn an_empty_batch_is_one_invalid_request() {
    let expected = (Version::Two, "null", Violation::Invalid);
    assert_eq!(summary(&refused(" [ ] ")), expected);
}

#[test]
fn a_long_batch_gets_one_answer() {
    let of = |count: usize| {
        let calls = vec![r#"{"jsonrpc":"2.0","method":"m","id":1}"#; count];
        format!("[{}]", calls.join(","))
    };
    assert_eq!(batch(&of(20)).len(), 20);
    for count in [21, 5000] {
        let body = of(count);
        let refused = refused(&body);
        assert_eq!(refused.error.kind(), &Kind::TooLarge);
        assert_eq!(
            summary(&refused),
            (Version::Two, "null", Violation::Invalid)
        );
    }
}

fn answer(version: Version, id: Option<&str>, answered: &Response) -> String {
    let id = id.map(|id| RequestId(id.to_owned()));
    let mut out = String::new();
    write_response(&mut out, &ReplyTo { version, id }, answered);
    out
}

#[test]
fn answers_have_the_bytes_that_clients_expect() {
    let result = Response::Result("true".to_owned());
    let fault = Response::Fault {
        code: 322,
        message: "Username \"x\" unavailable".to_owned(),
        data: None,
    };
    let data = Response::Fault {
        code: -32602,
        message: "m".to_owned(),
        data: Some("{\"code\":310}".to_owned()),
    };
    let one = |answered| answer(Version::One, Some("1"), answered);
    assert_eq!(one(&result), r#"{"id":1,"result":true,"error":null}"#);
    assert_eq!(
        one(&fault),
        r#"{"id":1,"result":null,"error":{"code":322,"message":"Username \"x\" unavailable"}}"#
    );
    assert_eq!(
        one(&data),
        r#"{"id":1,"result":null,"error":{"code":-32602,"message":"m"}}"#
    );
    let two = |answered| answer(Version::Two, Some("\"a\""), answered);
    assert_eq!(two(&result), r#"{"jsonrpc":"2.0","id":"a","result":true}"#);
    assert_eq!(
        two(&data),
        r#"{"jsonrpc":"2.0","id":"a","error":{"code":-32602,"message":"m","data":{"code":310}}}"#
    );
    assert_eq!(answer(Version::Two, None, &result), "");
    assert_eq!(answer(Version::Two, None, &fault), "");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = decode(&bytes, &JsonLimits::default());
    }

    #[test]
    fn whatever_it_is_there_is_something_to_answer(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "[", "]", "{", "}", ",", ":", "\"jsonrpc\":\"2.0\"", "\"id\":", "1", "\"a\"",
                "\"method\":\"m\"", "\"params\":", "null", " ",
            ]),
            0..24,
        )
    ) {
        match read(&pieces.concat()) {
            Message::Single(Err(refused)) => prop_assert!(refused.reply_to.id.is_some()),
            Message::Single(Ok(_)) => {}
            Message::Batch(calls) => prop_assert!(!calls.is_empty()),
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same(
        id in prop_oneof![any::<i64>().prop_map(|id| id.to_string()), Just("null".to_owned())],
        method in "[a-zA-Z]{1,12}",
        strings in proptest::collection::vec(any::<String>(), 0..5),
        two: bool,
    ) {
        let params = Json::Array(strings.into_iter().map(|one| Json::String(one.into())).collect());
        let mut body = format!("{{\"id\":{id},\"method\":\"{method}\",\"params\":");
        write(&mut body, &params);
        body.push_str(if two { ",\"jsonrpc\":\"2.0\"}" } else { "}" });
        let request = request(&body);
        prop_assert_eq!(self::id(&request), Some(&*id));
        prop_assert_eq!(&request.method, &method);
        let mut out = String::new();
        write(&mut out, &params);
        prop_assert_eq!(positional(&request), out);
    }
}
