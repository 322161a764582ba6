//! What is JSON and what is not, limits, and both ways of writing it.

use proptest::prelude::*;

use super::*;
use crate::error::Kind;

fn read(text: &str) -> Result<Json<'_>, Error> {
    Json::decode(text, &JsonLimits::default())
}

fn written(value: &Json<'_>) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn assert_refused(text: &str, kind: &Kind, words: &str) {
    let error = read(text).expect_err(words);
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(words), "{text}: {error}");
    assert!(error.message().contains("; "), "no remedy: {error}");
}

#[test]
fn values_are_read_as_they_were_meant() {
    let table = [
        ("null", Json::Null),
        (" \t\r\n true ", Json::Bool(true)),
        ("false", Json::Bool(false)),
        ("0", Json::Integer(0)),
        ("-17", Json::Integer(-17)),
        ("9223372036854775807", Json::Integer(i64::MAX)),
        ("-9223372036854775808", Json::Integer(i64::MIN)),
        (
            "9223372036854775808",
            Json::Number("9223372036854775808".into()),
        ),
        (
            "123456789012345678901234567890",
            Json::Number("123456789012345678901234567890".into()),
        ),
        ("-0", Json::Number("-0".into())),
        ("1.0", Json::Number("1.0".into())),
        ("1e3", Json::Number("1e3".into())),
        ("-0.5E+07", Json::Number("-0.5E+07".into())),
        ("\"\"", Json::String("".into())),
        ("\"é\u{2028}\"", Json::String("é\u{2028}".into())),
        (
            r#""\"\\\/\b\f\n\r\t""#,
            Json::String("\"\\/\u{8}\u{c}\n\r\t".into()),
        ),
        (
            r#""a\u0000\u00eb\u20AC\uD83D\ude00z""#,
            Json::String("a\0ë€😀z".into()),
        ),
        ("[]", Json::Array(vec![])),
        ("{ }", Json::Object(vec![])),
        (
            "[1 , [ ] ]",
            Json::Array(vec![Json::Integer(1), Json::Array(vec![])]),
        ),
        (
            "{\"b\" : 1,\"a\":{}}",
            Json::Object(vec![
                ("b".into(), Json::Integer(1)),
                ("a".into(), Json::Object(vec![])),
            ]),
        ),
    ];
    for (text, value) in table {
        assert_eq!(read(text).expect(text), value, "{text}");
    }
}

#[test]
fn what_is_no_json_is_refused() {
    let texts = [
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "NaN",
        "Infinity",
        "-Infinity",
        "-",
        "+1",
        "01",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "1_000",
        "\"",
        "\"\\",
        "\"\\\"",
        "'a'",
        "\"\\x41\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u+123\"",
        "\"\\U0041\"",
        "\"\t\"",
        "\"\n\"",
        "\"\0\"",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1]]",
        "[}",
        "{",
        "}",
        "{,}",
        "{1:2}",
        "{a:1}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\" 1}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1",
        "null null",
        "1 x",
        "// c\n1",
        "/* c */ 1",
        "\u{a0}1",
        "1\u{2028}",
        "\u{c}1",
    ];
    for text in texts {
        assert_refused(text, &Kind::Malformed, "the JSON cannot be read at byte");
    }
    assert_refused(
        "\u{feff}{}",
        &Kind::Malformed,
        "at byte 0: there is a byte order mark",
    );
    assert_refused(
        "{\"a\":1} x",
        &Kind::Malformed,
        "at byte 8: there is something behind",
    );
}

#[test]
fn half_a_surrogate_pair_is_refused() {
    for half in [
        r"\ud800",
        r"\udc00",
        r"\udfff\ud800",
        r"\ud83dx",
        r"\ud83d\n",
        r"\ud83d\u0041",
    ] {
        let text = format!("\"{half}\"");
        assert_refused(&text, &Kind::Malformed, "surrogate");
    }
    assert_refused("\"\\ud83d\\ud83d\\ude00\"", &Kind::Malformed, "surrogate");
}

#[test]
fn a_name_is_refused_the_second_time_at_any_depth() {
    assert_refused(
        r#"{"id":1,"id":1}"#,
        &Kind::Malformed,
        "has the member id twice",
    );
    let escaped = r#"[{"a":[{"username":1,"b":2,"\u0075sername":3}]}]"#;
    assert_refused(escaped, &Kind::Malformed, "has the member username twice");
    assert_refused(r#"{"":1,"":1}"#, &Kind::Malformed, "has a member twice");
    let many: Vec<_> = (0..500).map(|number| format!("\"m{number}\":0")).collect();
    let many = many.join(",");
    assert!(read(&format!("{{{many}}}")).is_ok());
    let twice = format!("{{{many},\"m250\":0}}");
    assert_refused(&twice, &Kind::Malformed, "has the member m250 twice");
}

#[test]
fn depth_is_limited_before_it_can_hurt() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(read(&nested(16)).is_ok());
    let start = std::time::Instant::now();
    for depth in [17, 128, 129, 100_000] {
        let words = "more than 16 levels of nesting";
        assert_refused(&nested(depth), &Kind::TooLarge, words);
        assert_refused(&"{\"a\":".repeat(depth), &Kind::TooLarge, words);
    }
    assert!(start.elapsed() < std::time::Duration::from_millis(500));
}

#[test]
fn no_configured_depth_exhausts_the_stack() {
    let limits = JsonLimits {
        depth: usize::MAX,
        ..JsonLimits::default()
    };
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(Json::decode(&nested(128), &limits).is_ok());
    let error = Json::decode(&nested(129), &limits).unwrap_err();
    assert_eq!(error.kind(), &Kind::TooLarge);
}

#[test]
fn members_and_elements_are_limited() {
    let list = |count: usize| vec!["0"; count].join(",");
    assert!(read(&format!("[{}]", list(1024))).is_ok());
    let array = format!("[{}]", list(1025));
    assert_refused(&array, &Kind::TooLarge, "more than 1024 elements");
    let members: Vec<_> = (0..1025).map(|number| format!("\"{number}\":0")).collect();
    assert!(read(&format!("{{{}}}", members[1..].join(","))).is_ok());
    let object = format!("{{{}}}", members.join(","));
    assert_refused(&object, &Kind::TooLarge, "more than 1024 members");
}

#[test]
fn strings_are_limited_as_they_are_after_unescaping() {
    for piece in ["x", "\\u0041"] {
        let fits = format!("\"{}\"", piece.repeat(64 * 1024));
        assert!(read(&fits).is_ok());
        let string = format!("\"{}\"", piece.repeat(64 * 1024 + 1));
        assert_refused(
            &string,
            &Kind::TooLarge,
            "more than 65536 bytes of a string",
        );
        let name = format!("{{{string}:1}}");
        assert_refused(&name, &Kind::TooLarge, "more than 65536 bytes of a string");
    }
}

#[test]
fn numbers_are_limited() {
    assert!(read(&"1".repeat(40)).is_ok());
    let words = "more than 40 characters of a number";
    assert_refused(&"1".repeat(41), &Kind::TooLarge, words);
    assert_refused(
        &format!("1e{}", "0".repeat(100_000)),
        &Kind::TooLarge,
        words,
    );
}

#[test]
fn strings_without_escapes_are_borrowed() {
    let value = read("\"plain\"").unwrap();
    assert!(matches!(value, Json::String(Cow::Borrowed("plain"))));
}

#[test]
fn a_member_is_taken_once() {
    let mut object = read(r#"{"a":1,"b":2}"#).unwrap();
    assert_eq!(object.take("a"), Some(Json::Integer(1)));
    assert_eq!(object.take("a"), None);
    assert_eq!(Json::Null.take("a"), None);
}

#[test]
fn strings_are_written_as_php_writes_them() {
    // Printed by PHP 8.2.36: json_encode of the same string.
    let mut out = String::new();
    write_php_string(
        &mut out,
        "a/\"\\\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}Zoë€😀\u{2028}'<>&",
    );
    let php = r#""a\/\"\\\b\f\n\r\t\u0000\u001f"#.to_owned()
        + "\u{7f}"
        + r#"Zo\u00eb\u20ac\ud83d\ude00\u2028'<>&""#;
    assert_eq!(out, php);
}

#[test]
fn strings_are_escaped_no_more_than_they_must_be() {
    let mut out = String::new();
    write_string(&mut out, "a/\"\\\u{8}\u{1}\u{7f}Zoë");
    assert_eq!(out, "\"a/\\\"\\\\\\b\\u0001\u{7f}Zoë\"");
}

#[test]
fn values_are_written_in_their_order() {
    let text = r#"{"b":[1,-2,1.50,"x",null,true,false,{}],"a":[],"":12345678901234567890}"#;
    assert_eq!(written(&read(text).unwrap()), text);
}

fn any_json() -> impl Strategy<Value = Json<'static>> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::Integer),
        r"-?[1-9][0-9]{0,9}(\.[0-9]{1,5}|[eE][+-]?[0-9]{1,3})"
            .prop_map(|number| Json::Number(number.into())),
        any::<String>().prop_map(|string| Json::String(string.into())),
    ];
    leaf.prop_recursive(4, 40, 8, |inner| {
        let member = (any::<String>(), inner.clone());
        prop_oneof![
            proptest::collection::vec(inner, 0..8).prop_map(Json::Array),
            proptest::collection::vec(member, 0..8).prop_map(|mut members| {
                members.sort_by(|(one, _), (other, _)| one.cmp(other));
                members.dedup_by(|(one, _), (other, _)| one == other);
                let named = |(name, value)| (Cow::Owned(name), value);
                Json::Object(members.into_iter().map(named).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(value in any_json()) {
        let text = written(&value);
        prop_assert_eq!(read(&text).unwrap(), value);
        prop_assert!(serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok());
    }

    #[test]
    fn both_ways_of_writing_a_string_mean_the_same(text: String) {
        let mut php = String::new();
        write_php_string(&mut php, &text);
        prop_assert!(php.is_ascii());
        prop_assert_eq!(read(&php).unwrap(), Json::String(text.into()));
    }

    #[test]
    fn no_text_panics(text: String) {
        let _ = read(&text);
    }

    #[test]
    fn serde_json_accepts_whatever_is_accepted(text in r#"[\[\]{},:"\\u0d8c01.eE+\- atrue]{0,24}"#) {
        if read(&text).is_ok() {
            prop_assert!(serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok());
        }
    }

    #[test]
    fn what_serde_json_refuses_is_refused(value in any_json(), at in any::<proptest::sample::Index>()) {
        let text = written(&value);
        let cut = at.index(text.len());
        if let Some(text) = text.get(..cut) {
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok();
            prop_assert_eq!(read(text).is_ok(), theirs, "{}", text);
        }
    }
}
