//! Which of its calls a request says each of its calls is.

use http::HeaderName;
use http::request::Parts;

use crate::auth::call::Repetition;
use crate::route::Route;

/// What a caller sends again with the same call (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What a request says of its calls.
#[derive(Debug)]
pub(super) struct Repetitions {
    key: Option<Result<String, &'static str>>,
}

impl Repetitions {
    /// Of a request on that route; nothing where there is no key and none is derived.
    pub(super) fn of(head: &Parts, route: &Route) -> Option<Self> {
        let mut keys = head.headers.get_all(IDEMPOTENCY_KEY).iter();
        let key = match (keys.next(), keys.next()) {
            (None, _) => {
                route.idempotency.window?;
                None
            }
            (Some(key), None) => Some(read_key(key.as_bytes())),
            (Some(_), Some(_)) => Some(Err("the Idempotency-Key is there twice; send one")),
        };
        Some(Self { key })
    }

    /// Of the call at that position, with that id. The calls of a batch have the key of their request and
    /// their place in it.
    pub(super) fn at(&self, position: usize, id: Option<&str>) -> Repetition {
        Repetition {
            key: self.key.clone(),
            position,
            id: id.map(str::to_owned),
        }
    }
}

/// The key that a header says, quoted as a structured field (RFC 9651, section 3.3.3) or bare.
fn read_key(header: &[u8]) -> Result<String, &'static str> {
    const MUST: &str = "the Idempotency-Key must be 1 to 255 characters of printable ASCII, in quotes or \
                        without quotes and blanks; correct it";
    let text = header.trim_ascii();
    let key = match text.strip_prefix(b"\"") {
        Some(quoted) => unquoted(quoted),
        None => Some(text.to_vec()).filter(|key| key.iter().copied().all(is_bare)),
    };
    let key = key.and_then(|key| String::from_utf8(key).ok());
    key.filter(|key| (1..=LONGEST).contains(&key.len()))
        .ok_or(MUST)
}

/// Bytes of a key.
const LONGEST: usize = 255;

const fn is_bare(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b',' | b';')
}

/// What stands between the quotes; nothing if they do not end it.
fn unquoted(quoted: &[u8]) -> Option<Vec<u8>> {
    let mut key = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return bytes.next().is_none().then_some(key),
            b'\\' => key.push(bytes.next().filter(|next| matches!(next, b'"' | b'\\'))?),
            b' '..=b'~' => key.push(byte),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_be_quoted_or_bare_and_means_the_same() {
        for header in [
            "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
            "8e03978e-40d5-43dd-bc93-6894a57f9324",
            "  8e03978e-40d5-43dd-bc93-6894a57f9324 ",
        ] {
            let key = read_key(header.as_bytes()).unwrap();
            assert_eq!(key, "8e03978e-40d5-43dd-bc93-6894a57f9324");
        }
        assert_eq!(read_key(br#""a \"b\" \\ c""#).unwrap(), r#"a "b" \ c"#);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = "k".repeat(256);
        let quoted = format!("\"{long}\"");
        for header in [
            "",
            " ",
            "\"\"",
            "\"",
            "\"a",
            "\"a\"b",
            "\"a\";p=1",
            "\"a\\b\"",
            "a b",
            "a\"b",
            "a,b",
            "\"a\u{e4}\"",
            "a\u{e4}",
            "\"a\tb\"",
            &long,
            &quoted,
        ] {
            assert!(read_key(header.as_bytes()).is_err(), "{header:?}");
        }
        assert_eq!(read_key(&b"k".repeat(255)).unwrap().len(), 255);
    }
}
