//! Which bodies are forms, by their headers.

use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::error::Kind;
use crate::framing::form::Form;
use crate::route::FormLimits;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn body<'a>(content_type: &str, body: &'a [u8]) -> Result<Form<'a>, Error> {
    let headers = headers(&[("content-type", content_type)]);
    Form::decode(&headers, body, &FormLimits::default())
}

fn assert_refused(form: Result<Form<'_>, Error>, words: &str) {
    let error = form.expect_err(words);
    assert_eq!(error.kind(), &Kind::Malformed, "{error}");
    assert!(error.message().contains(words), "{error}");
    assert!(error.message().contains("; "), "no remedy: {error}");
}

#[test]
fn the_type_of_a_form_is_matched_in_any_case_and_with_parameters() {
    let types = [
        URLENCODED,
        "Application/X-WWW-Form-URLencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
        "application/x-www-form-urlencoded ;charset=\"utf-8\"",
        "application/x-www-form-urlencoded; charset=us-ascii; x=y",
        "application/x-www-form-urlencoded;",
    ];
    for content_type in types {
        assert_eq!(
            body(content_type, b"a=1")
                .expect(content_type)
                .entries()
                .len(),
            1
        );
    }
}

#[test]
fn any_other_type_is_refused() {
    let types = [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencodedx",
        "x-www-form-urlencoded",
        "multipart/mixed; boundary=x",
        "*/*",
        "",
    ];
    for content_type in types {
        assert_refused(body(content_type, b"a=1"), "neither");
    }
    for parameters in ["x", "=x", "charset", "a b=c", "a=\"b", "a=b c", "a=\"b\"c"] {
        let content_type = format!("{URLENCODED}; {parameters}");
        assert_refused(body(&content_type, b"a=1"), "cannot be read");
    }
    for charset in ["utf-16", "iso-8859-1", "\"\""] {
        let content_type = format!("{URLENCODED}; charset={charset}");
        assert_refused(body(&content_type, b"a=1"), "charset");
    }
    let twice = format!("{URLENCODED}; charset=utf-8; charset=utf-8");
    assert_refused(body(&twice, b"a=1"), "twice");
}

#[test]
fn a_multipart_body_has_a_boundary_of_its_type() {
    let longest = "b".repeat(70);
    let table = [
        ("boundary=x", "x"),
        ("boundary=\"x y'z\"", "x y'z"),
        ("charset=utf-8; Boundary=----=_Part_1", "----=_Part_1"),
        ("boundary=--dio-boundary-1; x=y", "--dio-boundary-1"),
        (&format!("boundary={longest}"), &*longest),
    ];
    for (parameters, boundary) in table {
        let content_type = format!("Multipart/Form-Data; {parameters}");
        let sent = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n--{boundary}--\r\n"
        );
        let form = body(&content_type, sent.as_bytes()).expect(parameters);
        assert_eq!(form.entries().len(), 1, "{parameters}");
    }
}

#[test]
fn a_boundary_that_is_none_is_refused() {
    let longer = format!("boundary={}", "b".repeat(71));
    let table = [
        ("", "has no boundary"),
        ("x=y", "has no boundary"),
        (&*longer, "longer than 70 bytes"),
        ("boundary=\"\"", "characters it cannot have"),
        ("boundary=\"x \"", "characters it cannot have"),
        ("boundary=\"x\\\"y\"", "characters it cannot have"),
        ("boundary=x&y", "characters it cannot have"),
        ("boundary=", "cannot be read"),
        ("boundary=x, y", "cannot be read"),
        ("boundary='x'", "cannot be read"),
        ("boundary=x; boundary=x", "boundary twice"),
        ("boundary=x; charset=utf-16", "charset"),
    ];
    for (parameters, words) in table {
        let content_type = format!("multipart/form-data; {parameters}");
        assert_refused(body(&content_type, b"--x--"), words);
    }
}

#[test]
fn a_boundary_that_php_reads_differently_is_refused() {
    for parameters in [
        "xboundary=z; boundary=x",
        "x=\"boundary=z\"; boundary=x",
        "Boundary=x; y=\"boundary=z\"",
        "boundary=x ; y=z",
    ] {
        let content_type = format!("multipart/form-data; {parameters}");
        assert_refused(body(&content_type, b"--x--"), "can be read in two ways");
    }
}

#[test]
fn a_body_has_exactly_one_type() {
    let limits = FormLimits::default();
    let missing = Form::decode(&HeaderMap::new(), b"a=1", &limits);
    assert_refused(missing, "Content-Type is missing");
    let several = headers(&[("content-type", URLENCODED), ("content-type", URLENCODED)]);
    let several = Form::decode(&several, b"a=1", &limits);
    assert_refused(several, "several Content-Type headers");
}

#[test]
fn an_empty_body_is_an_empty_form() {
    let limits = FormLimits::default();
    let form = Form::decode(&HeaderMap::new(), b"", &limits).unwrap();
    assert_eq!(form, Form::default());
    for content_type in [
        URLENCODED,
        "multipart/form-data; boundary=x",
        "application/json",
    ] {
        assert_eq!(body(content_type, b"").unwrap(), Form::default());
    }
}

#[test]
fn a_compressed_body_is_refused() {
    let limits = FormLimits::default();
    for coding in ["gzip", "deflate", "br", "identity, gzip"] {
        let headers = headers(&[("content-type", URLENCODED), ("content-encoding", coding)]);
        let form = Form::decode(&headers, b"a=1", &limits);
        assert_refused(form, "compressed bodies are not accepted");
    }
    let identity = headers(&[
        ("content-type", URLENCODED),
        ("content-encoding", "Identity"),
    ]);
    assert!(Form::decode(&identity, b"a=1", &limits).is_ok());
}

proptest! {
    #[test]
    fn no_content_type_panics(content_type in r"(multipart/form-data)?[ -~]{0,40}") {
        let _ = body(&content_type, b"--x\r\n\r\n--x--");
    }
}
