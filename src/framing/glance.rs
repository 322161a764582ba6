//! Whether the beginning of a body has a field, without a judgement of the rest.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use memchr::memmem;

use super::php_key::Key;
use super::urlencoded::unescape_lossy;

/// Whether PHP would find a field of that name, and no empty one, in what of a body is there. Neither the
/// number of fields nor their size matters, and of a body of another type PHP reads none. A `name` within a
/// file counts too: whoever asks is better told once too often than once too little.
pub fn has_field(headers: &HeaderMap, body: &[u8], name: &str) -> bool {
    let is = |text: Cow<'_, str>| Key::parse(text).is_ok_and(|key| key.name == name);
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    types.any(|kind| {
        let kind = kind.as_bytes();
        if starts_with(kind, b"application/x-www-form-urlencoded") {
            in_pairs(body, is)
        } else {
            starts_with(kind, b"multipart/form-data") && in_parts(body, is)
        }
    })
}

/// The same of a query string.
pub fn is_in_query(query: &str, name: &str) -> bool {
    in_pairs(query.as_bytes(), |text| {
        Key::parse(text).is_ok_and(|key| key.name == name)
    })
}

fn in_pairs(pairs: &[u8], is: impl Fn(Cow<'_, str>) -> bool) -> bool {
    pairs.split(|&byte| byte == b'&').any(|pair| {
        let end = memchr::memchr(b'=', pair);
        let (name, value) = pair.split_at(end.unwrap_or(pair.len()));
        value.len() > 1 && is(unescape_lossy(name))
    })
}

/// Looks at every `name=` that stands where one of a part can; that of a file is none.
fn in_parts(body: &[u8], is: impl Fn(Cow<'_, str>) -> bool) -> bool {
    let lower = body.to_ascii_lowercase();
    memmem::find_iter(&lower, b"name=").any(|at| {
        let before = at.checked_sub(1).and_then(|before| body.get(before));
        let rest = body.get(at + 5..).unwrap_or_default();
        let line = rest.split(|byte| b"\r\n".contains(byte)).next();
        let line = line.unwrap_or_default();
        let is_file = memmem::find(&line.to_ascii_lowercase(), b"filename").is_some();
        before.is_some_and(|byte| b"; \t".contains(byte)) && !is_file && is(quoted(line))
    })
}

fn quoted(line: &[u8]) -> Cow<'_, str> {
    let name = match line {
        [quote @ (b'"' | b'\''), rest @ ..] => rest.split(|byte| byte == quote).next(),
        plain => plain.split(|&byte| byte == b';').next(),
    };
    String::from_utf8_lossy(name.unwrap_or_default())
}

fn starts_with(kind: &[u8], start: &[u8]) -> bool {
    let begin = kind.trim_ascii_start().get(..start.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_there(kind: &str, body: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        has_field(&headers, body.as_bytes(), "api_secret_key")
    }

    #[test]
    fn a_key_is_seen_however_php_would_read_its_name() {
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        for body in [
            "api_secret_key=x",
            "a=1&api.secret_key=x&b",
            "+api_secret_key=x",
            "api%5Fsecret%5fkey=x",
            "api[secret_key=x",
            "api_secret_key[]=x",
            "api_secret_key%00y=x",
        ] {
            assert!(is_there(form, body), "{body}");
            assert!(is_in_query(body, "api_secret_key"), "{body}");
        }
        for body in [
            "",
            "load=x",
            "api_secret_key=",
            "api_secret_keys=x",
            "x=api_secret_key",
        ] {
            assert!(!is_there(form, body), "{body}");
        }
        assert!(!is_there("application/json", "api_secret_key=x"));
    }

    #[test]
    fn a_key_is_seen_in_a_part_and_no_file_is_one() {
        let part = |line: &str| {
            let body = format!("--b\r\nContent-Disposition: form-data; {line}\r\n\r\nx\r\n--b");
            is_there("Multipart/Form-Data; boundary=b", &body)
        };
        assert!(part("name=\"api_secret_key\""));
        assert!(part("NAME=api.secret_key"));
        assert!(part("x=y; name='api secret_key'"));
        assert!(!part("name=\"load\""));
        assert!(!part("name=\"api_secret_key\"; filename=\"x\""));
    }
}
