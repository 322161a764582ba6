//! Headers of parts: what is read, and what is refused.

use super::*;

const FIELD: &str = "Content-Disposition: form-data";

fn assert_refused(headers: &str, words: &str) {
    let sent = format!("{headers}\r\n\r\nv");
    let wrong = Part::split(sent.as_bytes()).expect_err(words);
    assert!(wrong.contains(words), "{headers}: {wrong}");
    assert!(wrong.contains("; "), "no remedy: {wrong}");
}

#[test]
fn headers_are_read_in_any_case_and_spacing() {
    let spellings = [
        "content-disposition: form-data; name=\"a\"",
        "CONTENT-DISPOSITION:FORM-DATA;NAME=\"a\"",
        "Content-Disposition: form-data ;\tname=a; x=y;",
        "content-type: text/plain; charset=utf-8\r\ncontent-disposition: form-data; name=a",
        "X-Other: 1\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: 8BIT",
    ];
    for headers in spellings {
        let sent = format!("{headers}\r\n\r\nv");
        let (part, content) = Part::split(sent.as_bytes()).expect(headers);
        assert_eq!((&*part.name, content), ("a", &b"v"[..]), "{headers}");
    }
}

#[test]
fn quotes_in_names_are_unescaped_as_php_does_it() {
    let table = [
        (r#"a\"b"#, "a\"b"),
        (r"a\\b", r"a\b"),
        (r"a\b", r"a\b"),
        ("a%22b", "a%22b"),
        ("a;b", "a;b"),
        ("é", "é"),
    ];
    for (sent, name) in table {
        let sent = format!("{FIELD}; name=\"{sent}\"\r\n\r\n");
        let (part, _) = Part::split(sent.as_bytes()).expect(name);
        assert_eq!(part.name, name);
    }
}

#[test]
fn headers_that_no_form_needs_are_refused() {
    let a = format!("{FIELD}; name=\"a\"");
    let table = [
        (format!("{a}; name=\"b\""), "name or filename twice"),
        (
            format!("{a}; filename=x; filename=y"),
            "name or filename twice",
        ),
        (format!("{a}\r\n{a}"), "the same header twice"),
        (format!("{a}; name*=UTF-8''b"), "an extended parameter"),
        (format!("{a}; filename*=UTF-8''b"), "an extended parameter"),
        (
            "Content-Disposition: attachment; name=\"a\"".to_owned(),
            "is no form-data",
        ),
        ("Content-Disposition: form-data".to_owned(), "has no name"),
        (
            "Content-Disposition: form-data; filename=\"a\"".to_owned(),
            "has no name",
        ),
        (
            "Content-Disposition: form-data; name=\"a".to_owned(),
            "unreadable Content-Disposition",
        ),
        (
            "Content-Disposition: form-data; name='a'".to_owned(),
            "unreadable Content-Disposition",
        ),
        (
            "Content-Disposition: form-data; name=\"a\"b".to_owned(),
            "unreadable Content-Disposition",
        ),
        (
            "Content-Type: text/plain".to_owned(),
            "has no Content-Disposition",
        ),
        (
            format!("{a}\r\nContent-Transfer-Encoding: base64"),
            "an encoding other than",
        ),
        (
            format!("{a}\r\nContent-Type: multipart/mixed; boundary=y"),
            "a multipart body of its own",
        ),
        (
            format!("{a}\r\nContent-Type: text/plain; charset=utf-16"),
            "a charset other than utf-8",
        ),
        (
            format!("{a}\r\nContent-Type: text/plain; charset"),
            "unreadable Content-Type",
        ),
        (
            format!("{a}\r\n folded"),
            "a header line that cannot be read",
        ),
        (
            format!("{a}\r\nno colon"),
            "a header line that cannot be read",
        ),
        (format!("{a}\r\nX : y"), "a header line that cannot be read"),
        (format!("{a}\nX: y"), "a header line that cannot be read"),
        (format!("{a}\r\nX: \0"), "a header line that cannot be read"),
    ];
    for (headers, words) in table {
        assert_refused(&headers, words);
    }
}

#[test]
fn headers_are_utf8() {
    let sent = b"Content-Disposition: form-data; name=\"\xff\"\r\n\r\n";
    let wrong = Part::split(sent).unwrap_err();
    assert!(wrong.contains("not UTF-8"), "{wrong}");
}
