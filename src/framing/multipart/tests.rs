//! Multipart bodies: what is read, what is refused, and multer as an oracle for well-formed ones.

use std::borrow::Cow;

use futures_util::stream;
use proptest::prelude::*;

use super::*;
use crate::error::Kind;
use crate::framing::form::Entry;
use crate::route::FormLimits;

const BOUNDARY: &str = "------------------------d74496d66958873e";

fn read<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Entry<'a>>, Error> {
    let limits = FormLimits::default();
    let mut fields = Fields::new(&limits);
    decode(body, boundary, &mut fields)?;
    Ok(fields.into_entries())
}

/// A body of parts, each its headers and its content, as curl writes it.
fn encode(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (headers, content) in parts {
        body.extend(format!("--{BOUNDARY}\r\n{headers}\r\n\r\n").bytes());
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

fn field(name: &str) -> String {
    format!("Content-Disposition: form-data; name=\"{name}\"")
}

fn text<'a>(entries: &'a [Entry<'_>], name: &str) -> &'a str {
    let entry = entries.iter().find(|entry| entry.name == name).expect(name);
    match &entry.value {
        Value::Text(text) => text,
        Value::Array(_) | Value::File(_) => panic!("{entry:?}"),
    }
}

/// One part with these headers.
fn one(headers: &str) -> Vec<u8> {
    encode(&[(headers, b"v")])
}

fn assert_refused(body: &[u8], kind: &Kind, words: &str) {
    assert_error(read(body, BOUNDARY), kind, words);
}

fn assert_error(read: Result<Vec<Entry<'_>>, Error>, kind: &Kind, words: &str) {
    let error = read.expect_err(words);
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(words), "{error}");
    assert!(error.message().contains("; "), "no remedy: {error}");
}

#[test]
fn a_curl_body_is_read() {
    let body = encode(&[
        (&field("api_secret_key"), b"k"),
        (&field("full_name"), "Zoë\r\n\r\n- \0".as_bytes()),
        (&field("empty"), b""),
        (&field("o[x][]"), b"a+b%20c"),
    ]);
    let entries = read(&body, BOUNDARY).unwrap();
    assert_eq!(entries.len(), 4);
    assert_eq!(text(&entries, "full_name"), "Zoë\r\n\r\n- \0");
    assert_eq!(text(&entries, "empty"), "");
    let leaf = Value::Text("a+b%20c".into());
    let inner = Value::Array(vec![("0".into(), leaf)]);
    assert_eq!(entries[3].value, Value::Array(vec![("x".into(), inner)]));
}

#[test]
fn values_are_borrowed() {
    let body = one(&field("name"));
    let entries = read(&body, BOUNDARY).unwrap();
    assert!(matches!(entries[0].name, Cow::Borrowed(_)));
    assert!(matches!(entries[0].value, Value::Text(Cow::Borrowed(_))));
}

#[test]
fn a_boundary_that_starts_with_dashes_is_a_boundary() {
    let boundary = "--dio-boundary-0123456789";
    let body = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n--\r\n--{boundary}--\r\n"
    );
    assert_eq!(text(&read(body.as_bytes(), boundary).unwrap(), "a"), "--");
}

#[test]
fn names_are_mangled_as_in_urlencoded_forms() {
    let body = one(&field("api.secret_key"));
    let entries = read(&body, BOUNDARY).unwrap();
    assert_eq!(entries[0].name, "api_secret_key");
    assert!(entries[0].mangled);
    let unnamed = one(&field("[]"));
    assert_refused(&unnamed, &Kind::Malformed, "has no name");
    assert_refused(&one(&field("")), &Kind::Malformed, "has no name");
}

#[test]
fn a_part_with_a_filename_is_a_file_of_any_size_and_content() {
    let headers = format!(
        "{}; filename=\"C:\\a.png\"\r\nContent-Type: image/png",
        field("avatar")
    );
    let content = vec![0xff; 100_000];
    let body = encode(&[(&headers, &content)]);
    let entries = read(&body, BOUNDARY).unwrap();
    let file = Value::File(Box::new(File {
        filename: "C:\\a.png".into(),
        content_type: "image/png".into(),
        bytes: &content,
    }));
    assert_eq!(entries[0].value, file);
}

#[test]
fn a_preamble_and_an_epilogue_are_tolerated() {
    let part = format!("{}\r\n\r\nv", field("a"));
    let body = format!(
        "This is multipart.\r\n--{BOUNDARY}\r\n{part}\r\n--{BOUNDARY}-- \t\r\nThat was it.\r\n"
    );
    assert_eq!(text(&read(body.as_bytes(), BOUNDARY).unwrap(), "a"), "v");
    let bare = format!("--{BOUNDARY}\r\n{part}\r\n--{BOUNDARY}--");
    assert_eq!(text(&read(bare.as_bytes(), BOUNDARY).unwrap(), "a"), "v");
    let none = format!("--{BOUNDARY}--\r\n");
    assert!(read(none.as_bytes(), BOUNDARY).unwrap().is_empty());
}

/// PHP passes over such a part without a word: it saw fewer fields than Dragoman did.
#[test]
fn a_part_behind_a_boundary_with_blanks_is_refused() {
    let part = format!("{}\r\n\r\nv", field("a"));
    for blanks in [" ", "\t", " \t "] {
        let body = format!("--{BOUNDARY}{blanks}\r\n{part}\r\n--{BOUNDARY}--\r\n");
        let words = "starts with its boundary and does not end there";
        assert_refused(body.as_bytes(), &Kind::Malformed, words);
    }
}

/// PHP keeps both, one in `$_POST` and one in `$_FILES`: an input for files that nobody filled in
/// took the text of the same name away.
#[test]
fn a_name_of_a_file_and_of_a_text_is_refused() {
    let text = field("user");
    let unfilled = format!("{text}; filename=\"\"");
    let element = field("user[]");
    for [first, second] in [
        [&text, &unfilled],
        [&unfilled, &text],
        [&unfilled, &element],
        [&element, &unfilled],
    ] {
        let words = "field number 2 is sent both as a file and as text";
        let body = encode(&[(first, b""), (second, b"")]);
        assert_refused(&body, &Kind::Malformed, words);
    }
    let twice = encode(&[(&unfilled, b""), (&unfilled, b"")]);
    assert_eq!(read(&twice, BOUNDARY).unwrap().len(), 1);
}

#[test]
fn a_body_that_was_cut_off_is_refused() {
    let body = encode(&[(&field("a"), b"v"), (&field("b"), b"w")]);
    for length in 0..body.len() - 4 {
        let error = read(&body[..length], BOUNDARY).expect_err("cut off");
        assert_eq!(error.kind(), &Kind::Malformed, "{error}");
    }
    let words = "ends before its last boundary";
    assert_refused(
        &body[..body.len() - BOUNDARY.len() - 8],
        &Kind::Malformed,
        words,
    );
}

#[test]
fn bare_line_feeds_are_refused() {
    let body = encode(&[(&field("a"), b"v")]);
    let unix = String::from_utf8(body).unwrap().replace("\r\n", "\n");
    assert!(read(unix.as_bytes(), BOUNDARY).is_err());
    let content = format!("v\n--{BOUNDARY}\r\n{}\r\n\r\nw", field("b"));
    let body = encode(&[(&field("a"), content.as_bytes())]);
    assert_refused(&body, &Kind::Malformed, "follows a bare line feed");
    let preamble = format!(
        "x\n--{BOUNDARY}\r\n{}\r\n\r\nw\r\n--{BOUNDARY}--",
        field("b")
    );
    assert_refused(
        preamble.as_bytes(),
        &Kind::Malformed,
        "follows a bare line feed",
    );
}

#[test]
fn a_line_that_only_starts_like_a_boundary_is_refused() {
    let content = format!("v\r\n--{BOUNDARY}x\r\n");
    let body = encode(&[(&field("a"), content.as_bytes())]);
    assert_refused(&body, &Kind::Malformed, "does not end there");
    let mut twice = encode(&[(&field("a"), b"v")]);
    twice.extend(encode(&[(&field("b"), b"w")]));
    assert_refused(&twice, &Kind::Malformed, "goes on behind its last boundary");
    let hollow = format!("--{BOUNDARY}\r\n{}\r\n\r\n--{BOUNDARY}--\r\n", field("a"));
    assert_refused(hollow.as_bytes(), &Kind::Malformed, "has no content");
}

#[test]
fn too_many_parts_are_refused() {
    let name = field("a");
    let part: (&str, &[u8]) = (&name, b"v");
    assert!(read(&encode(&vec![part; 256]), BOUNDARY).is_ok());
    for count in [257, 1001] {
        let body = encode(&vec![part; count]);
        assert_refused(&body, &Kind::TooLarge, "more than 256 fields");
    }
}

#[test]
fn long_names_values_and_headers_are_refused() {
    let long_name = one(&field(&"n".repeat(129)));
    assert_refused(&long_name, &Kind::TooLarge, "the name of field number 1");
    let huge_name = one(&field(&"n".repeat(1024 * 1024)));
    assert_refused(
        &huge_name,
        &Kind::Malformed,
        "more than 1024 bytes of headers",
    );
    let many = format!(
        "{}{}",
        field("a"),
        format!("\r\nX-X: {}", "x".repeat(300)).repeat(4)
    );
    assert_refused(
        &one(&many),
        &Kind::Malformed,
        "more than 1024 bytes of headers",
    );
    let value = vec![b'v'; 64 * 1024 + 1];
    let long_value = encode(&[(&field("bio"), &value)]);
    assert_refused(
        &long_value,
        &Kind::TooLarge,
        "bio is longer than 65536 bytes",
    );
    let eight = format!("{}{}", field("a"), "\r\nX-X: x".repeat(7));
    assert!(read(&one(&eight), BOUNDARY).is_ok());
    let nine = format!("{eight}\r\nX-X: x");
    assert_refused(&one(&nine), &Kind::Malformed, "more than 8 header lines");
}

#[test]
fn what_is_not_utf8_is_refused() {
    let value = encode(&[(&field("full_name"), b"\xff")]);
    assert_refused(&value, &Kind::Malformed, "full_name is not UTF-8");
    let mut name = one(&field("NAME"));
    let at = name
        .windows(4)
        .position(|window| window == b"NAME")
        .unwrap();
    name[at] = 0xff;
    assert_refused(&name, &Kind::Malformed, "a header that is not UTF-8");
}

/// What multer makes of a body: names, file names and contents.
fn multer(body: Vec<u8>) -> Vec<(String, Option<String>, Vec<u8>)> {
    let body = stream::once(async { Ok::<_, std::io::Error>(bytes::Bytes::from(body)) });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut multipart = multer::Multipart::new(body, BOUNDARY);
        let mut parts = Vec::new();
        while let Some(part) = multipart.next_field().await.unwrap() {
            let name = part.name().unwrap().to_owned();
            let filename = part.file_name().map(str::to_owned);
            parts.push((name, filename, part.bytes().await.unwrap().to_vec()));
        }
        parts
    })
}

proptest! {
    #[test]
    fn well_formed_bodies_are_read_as_multer_reads_them(
        parts in proptest::collection::btree_map(
            "[a-z][a-z_]{0,9}",
            (proptest::option::of("[a-z]{1,8}\\.[a-z]{3}"), any::<String>()),
            0..12,
        )
    ) {
        let parts: Vec<_> = parts.iter().map(|(name, (filename, content))| {
            let filename = filename.as_ref().map(|name| format!("; filename=\"{name}\""));
            (field(name) + &filename.unwrap_or_default(), content.as_bytes())
        }).collect();
        let parts: Vec<_> = parts.iter().map(|(headers, content)| (&**headers, *content)).collect();
        let body = encode(&parts);
        let ours: Vec<_> = read(&body, BOUNDARY).unwrap().iter().map(|entry| {
            let name = entry.name.clone().into_owned();
            match &entry.value {
                Value::Text(text) => (name, None, text.as_bytes().to_vec()),
                Value::File(file) => {
                    (name, Some(file.filename.clone().into_owned()), file.bytes.to_vec())
                }
                Value::Array(_) => panic!("{entry:?}"),
            }
        }).collect();
        prop_assert_eq!(ours, multer(body));
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, boundary in "[-'a]{1,3}") {
        let _ = read(&bytes, &boundary);
    }

    #[test]
    fn nothing_made_of_the_bytes_that_matter_panics(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "--b", "--", "\r\n", "\n", "\r", " ", "Content-Disposition: form-data", "; name=",
                "\"", "\\", "a", ":", ";", "[", "]", "Content-Type: ", "\0", "é",
            ]),
            0..30,
        )
    ) {
        let _ = read(pieces.concat().as_bytes(), "b");
    }
}
