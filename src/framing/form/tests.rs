//! What PHP 8.2 makes of forms, limits, and refusals.

use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::error::Kind;
use crate::framing::json::{Json, write};

fn query(query: &str) -> Result<Form<'_>, Error> {
    Form::decode_query(query, &FormLimits::default())
}

fn urlencoded(body: &[u8]) -> Result<Form<'_>, Error> {
    let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, content_type)]);
    Form::decode(&headers, body, &FormLimits::default())
}

/// Like `json_encode($form, JSON_FORCE_OBJECT)`.
fn shown(form: &Form<'_>) -> String {
    fn json<'a>(value: &'a Value<'_>) -> Json<'a> {
        match value {
            Value::Text(text) => Json::String(Cow::Borrowed(text)),
            Value::Array(array) => Json::Object(members(array)),
            Value::File(file) => Json::String(Cow::Borrowed(&file.filename)),
        }
    }
    fn members<'a>(array: &'a [(Cow<'_, str>, Value<'_>)]) -> Vec<(Cow<'a, str>, Json<'a>)> {
        let member =
            |(key, value): &'a (Cow<'_, str>, Value<'_>)| (Cow::Borrowed(&**key), json(value));
        array.iter().map(member).collect()
    }
    assert_eq!(form.clone().into_entries(), form.entries());
    let entries = form.entries().iter();
    let object = entries.map(|entry| (Cow::Borrowed(&*entry.name), json(&entry.value)));
    let mut out = String::new();
    write(&mut out, &Json::Object(object.collect()));
    out
}

fn assert_refused(form: Result<Form<'_>, Error>, kind: &Kind, words: &str) {
    let error = form.expect_err(words);
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(words), "{error}");
    assert!(error.message().contains("; "), "no remedy: {error}");
}

#[test]
fn names_and_values_become_what_php_makes_of_them() {
    // Printed by PHP 8.2.36: parse_str and json_encode with JSON_FORCE_OBJECT.
    let table = [
        ("o[]=3&o[]=4", r#"{"o":{"0":"3","1":"4"}}"#),
        ("o[1]=4&o[0]=3", r#"{"o":{"1":"4","0":"3"}}"#),
        ("o=1&o[]=2", r#"{"o":{"0":"2"}}"#),
        ("o[]=2&o=1", r#"{"o":"1"}"#),
        ("a=1&a=2", r#"{"a":"2"}"#),
        ("a.b=1", r#"{"a_b":"1"}"#),
        ("a b=1", r#"{"a_b":"1"}"#),
        ("a[b=1", r#"{"a_b":"1"}"#),
        ("a[b c[d.e=1", r#"{"a_b_c_d_e":"1"}"#),
        ("a[=1", r#"{"a_":"1"}"#),
        ("a[ =1", r#"{"a__":"1"}"#),
        ("o[x][y]=1", r#"{"o":{"x":{"y":"1"}}}"#),
        ("a%zz=1", r#"{"a%zz":"1"}"#),
        ("a%=1", r#"{"a%":"1"}"#),
        ("%=1", r#"{"%":"1"}"#),
        ("a", r#"{"a":""}"#),
        ("o[99999999]=1", r#"{"o":{"99999999":"1"}}"#),
        ("a[]b=1", r#"{"a":{"0":"1"}}"#),
        ("a[x]b=1", r#"{"a":{"x":"1"}}"#),
        ("a%00b=1", r#"{"a":"1"}"#),
        ("a[b%00c]=1", r#"{"a_b":"1"}"#),
        ("a[b]%00=1", r#"{"a":{"b":"1"}}"#),
        ("  a=1", r#"{"a":"1"}"#),
        ("+%20a=1", r#"{"a":"1"}"#),
        ("%09a=1", r#"{"\ta":"1"}"#),
        ("a[ ]=1", r#"{"a":{"0":"1"}}"#),
        ("a[%09]=1", r#"{"a":{"0":"1"}}"#),
        ("a[ b]=1", r#"{"a":{" b":"1"}}"#),
        ("a[b[c]=1", r#"{"a":{"b[c":"1"}}"#),
        ("a[b][c.d=1", r#"{"a":{"b":"1"}}"#),
        ("a[b]c[d]=1", r#"{"a":{"b":"1"}}"#),
        ("a[b] [c]=1", r#"{"a":{"b":"1"}}"#),
        ("a[b.c]=1", r#"{"a":{"b.c":"1"}}"#),
        ("a+[b]=1", r#"{"a_":{"b":"1"}}"#),
        ("a[[]=1", r#"{"a":{"[":"1"}}"#),
        ("a]b[c]=1", r#"{"a]b":{"c":"1"}}"#),
        ("a[-5]=1&a[]=2", r#"{"a":{"-5":"1","-4":"2"}}"#),
        ("a[03]=1&a[]=2", r#"{"a":{"03":"1","0":"2"}}"#),
        ("a[-0]=1&a[]=2", r#"{"a":{"-0":"1","0":"2"}}"#),
        ("a[+1]=1&a[]=2", r#"{"a":{" 1":"1","0":"2"}}"#),
        ("a[17]=1&a[]=2", r#"{"a":{"17":"1","18":"2"}}"#),
        ("a[1]=1&a[01]=2&a[1]=3", r#"{"a":{"1":"3","01":"2"}}"#),
        ("a[x]=1&a[x][y]=2", r#"{"a":{"x":{"y":"2"}}}"#),
        ("a[x][y]=1&a[x]=2", r#"{"a":{"x":"2"}}"#),
        ("a[][]=1&a[][]=2", r#"{"a":{"0":{"0":"1"},"1":{"0":"2"}}}"#),
        ("&&a=1&", r#"{"a":"1"}"#),
        ("a=1=2", r#"{"a":"1=2"}"#),
        ("a=%zz%4+%2B%", r#"{"a":"%zz%4 +%"}"#),
        ("a;b=1;2", r#"{"a;b":"1;2"}"#),
        ("._=1", r#"{"__":"1"}"#),
        ("a%5Bb%5D=1", r#"{"a":{"b":"1"}}"#),
        ("z=%C3%A9&%C3%A9=z", "{\"z\":\"é\",\"é\":\"z\"}"),
        ("", "{}"),
    ];
    for (sent, expected) in table {
        let from_query = query(sent).unwrap();
        assert_eq!(shown(&from_query), expected, "{sent}");
        assert_eq!(urlencoded(sent.as_bytes()).unwrap(), from_query);
    }
}

#[test]
fn every_spelling_of_a_name_is_told_from_the_name_itself() {
    let spellings = [
        "api.secret_key",
        "api secret_key",
        "api+secret_key",
        "api[secret_key",
        "+api_secret_key",
        "%20api_secret_key",
        "api_secret_key%00x",
    ];
    for spelling in spellings {
        let sent = format!("{spelling}=k");
        let form = query(&sent).unwrap();
        let entry = form.entry("api_secret_key").expect(spelling);
        assert!(entry.mangled, "{spelling}");
        let sent = format!("{sent}&api_secret_key=k");
        let form = query(&sent).unwrap();
        let entry = form.entry("api_secret_key").unwrap();
        assert!(entry.mangled, "{spelling}");
        assert_eq!(entry.assignments, 2, "{spelling}");
    }
    for same in ["api_secret_key", "api%5Fsecret_key"] {
        let sent = format!("{same}=k");
        assert!(!query(&sent).unwrap().entries()[0].mangled, "{same}");
    }
    let arrays = [
        ("o[]", false),
        ("o%5B%5D", false),
        ("o[x y.z]", false),
        ("o[ ]", true),
        ("o[]x", true),
        ("o[x][y", true),
    ];
    for (array, mangled) in arrays {
        let sent = format!("{array}=1");
        assert_eq!(
            query(&sent).unwrap().entries()[0].mangled,
            mangled,
            "{array}"
        );
    }
}

#[test]
fn every_value_that_made_way_for_another_is_counted() {
    let table = [
        ("a=1", 1),
        ("a=1&a=1", 2),
        ("a=1&a=2&a=3", 3),
        ("a[]=1&a[]=2", 1),
        ("a[x]=1&a[y]=2", 1),
        ("a[x]=1&a[x]=2", 2),
        ("a=1&a[]=2", 2),
        ("a[]=1&a=2", 2),
        ("a[x]=1&a[x][y]=2", 2),
        ("a[x][y]=1&a[x][z]=2", 1),
    ];
    for (sent, assignments) in table {
        let form = query(sent).unwrap();
        assert_eq!(form.entry("a").unwrap().assignments, assignments, "{sent}");
    }
}

#[test]
fn a_field_without_a_name_is_refused_where_php_drops_it() {
    for sent in [
        "=1", "[]=1", "[a]=1", "[a=1", "+=1", "%00a=1", "a=1&=", "+[b]=1",
    ] {
        assert_refused(query(sent), &Kind::Malformed, "has no name");
    }
}

#[test]
fn nothing_is_appended_behind_the_highest_key() {
    let sent = "a[9223372036854775807]=1&a[]=2";
    assert_refused(query(sent), &Kind::Malformed, "field number 2 follows");
}

#[test]
fn what_is_not_utf8_is_refused_by_name() {
    for value in [
        "%ff",
        "%C3%28",
        "%C0%AF",
        "%ED%A0%80",
        "%F4%90%80%80",
        "a%80",
    ] {
        let sent = format!("x=1&full_name={value}");
        assert_refused(query(&sent), &Kind::Malformed, "full_name is not UTF-8");
    }
    let raw = urlencoded(b"full_name=\xff");
    assert_refused(raw, &Kind::Malformed, "full_name is not UTF-8");
    assert_refused(query("x=1&%ff=1"), &Kind::Malformed, "field number 2");
}

#[test]
fn a_nul_in_a_value_stays() {
    let form = query("a=x%00y").unwrap();
    assert_eq!(form.entry("a").unwrap().value, Value::Text("x\0y".into()));
}

#[test]
fn too_many_fields_are_refused() {
    let fits = vec!["a=1"; 256].join("&");
    assert_eq!(query(&fits).unwrap().entry("a").unwrap().assignments, 256);
    let sent = format!("{fits}&a=1");
    assert_refused(query(&sent), &Kind::TooLarge, "more than 256 fields");
}

#[test]
fn a_million_fields_are_refused_at_once() {
    let sent = "a=1&".repeat(1_000_000);
    let start = std::time::Instant::now();
    assert_refused(query(&sent), &Kind::TooLarge, "more than 256 fields");
    assert!(start.elapsed() < std::time::Duration::from_millis(500));
}

#[test]
fn a_long_name_is_refused_before_it_is_decoded() {
    let fits = format!("{}=1", "n".repeat(128));
    assert_eq!(query(&fits).unwrap().entries().len(), 1);
    let words = "the name of field number 1 is longer than 128 bytes";
    for length in [129, 1024 * 1024] {
        let sent = "n".repeat(length);
        assert_refused(query(&sent), &Kind::TooLarge, words);
    }
}

#[test]
fn a_long_value_is_refused_by_name() {
    let fits = format!("bio={}", "%41".repeat(64 * 1024));
    assert_eq!(query(&fits).unwrap().entries().len(), 1);
    let words = "bio is longer than 65536 bytes";
    for sent in ["x".repeat(64 * 1024 + 1), "%41".repeat(64 * 1024 + 1)] {
        let sent = format!("bio={sent}");
        assert_refused(query(&sent), &Kind::TooLarge, words);
    }
}

#[test]
fn arrays_are_at_most_four_deep() {
    assert!(query("a[b][c][d][e]=1").is_ok());
    assert_refused(query("a[b][c][d][e][f]=1"), &Kind::TooLarge, "array keys");
}

#[test]
fn what_may_be_a_secret_is_not_repeated_in_a_message() {
    let key = "k".repeat(64);
    let sent = format!("{key}=%ff");
    let error = query(&sent).unwrap_err();
    assert_eq!(
        error.message(),
        "field number 1 is not UTF-8; send it in UTF-8"
    );
    let error = query("{\"a\":\"b\"}=%ff").unwrap_err();
    assert_eq!(
        error.message(),
        "field number 1 is not UTF-8; send it in UTF-8"
    );
}

#[test]
fn a_body_goes_over_a_query() {
    let mut form = query("a=1&b=2").unwrap();
    form.merge_under(query("b=3&c=4").unwrap());
    assert_eq!(shown(&form), r#"{"a":"1","b":"2","c":"4"}"#);
    assert_eq!(form.take("a").unwrap().value, Value::Text("1".into()));
    assert_eq!(form.entries().len(), 2);
}

#[test]
fn what_needs_no_decoding_is_borrowed() {
    let form = query("name=plain").unwrap();
    let entry = form.entry("name").unwrap();
    assert!(matches!(entry.name, Cow::Borrowed(_)));
    assert!(matches!(entry.value, Value::Text(Cow::Borrowed(_))));
}

proptest! {
    #[test]
    fn the_writer_writes_what_serde_urlencoded_writes(fields: Vec<(String, String)>) {
        let pairs: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut writer = Writer::default();
        for (name, value) in &pairs {
            writer.push(name, value);
        }
        prop_assert_eq!(writer.into_text(), encode(&pairs));
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, text: String) {
        let _ = urlencoded(&bytes);
        let _ = query(&text);
    }

    #[test]
    fn nothing_made_of_the_bytes_that_matter_panics(text in r"[a\[\]. =&%+0\x00-]{0,40}") {
        let _ = query(&text);
    }

    #[test]
    fn what_is_encoded_is_decoded_to_the_same(
        fields in proptest::collection::btree_map("[a-z_]{1,9}", any::<String>(), 0..12)
    ) {
        let pairs: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let encoded = encode(&pairs);
        let form = query(&encoded).unwrap();
        let decoded: Vec<_> = form.entries().iter().map(|entry| match &entry.value {
            Value::Text(text) => (&*entry.name, &**text),
            Value::Array(_) | Value::File(_) => panic!("{entry:?}"),
        }).collect();
        prop_assert_eq!(decoded, pairs);
    }
}

#[test]
fn escapes_do_not_count_to_the_length_of_names_and_values() {
    let limits = FormLimits::default();
    let (name, value) = (limits.name_bytes, limits.value_bytes);
    let escaped =
        |name: usize, value: usize| format!("{}={}", "%6e".repeat(name), "%6e".repeat(value));
    assert!(urlencoded(escaped(name, value).as_bytes()).is_ok());
    assert!(urlencoded(escaped(name + 1, value).as_bytes()).is_err());
    assert!(urlencoded(escaped(name, value + 1).as_bytes()).is_err());
}
