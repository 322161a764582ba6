//! What a request says its body is. Nothing is guessed: what a type does not say is refused.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::error::Error;
use crate::framing::bytes;
use crate::framing::fields::malformed;
use crate::framing::parameters::Parameters;

/// The two ways to write a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FormKind<'h> {
    /// `application/x-www-form-urlencoded`
    Urlencoded,
    /// `multipart/form-data`
    Multipart {
        /// What separates its parts.
        boundary: Cow<'h, str>,
    },
}

/// The longest boundary (RFC 2046 §5.1.1).
const BOUNDARY_BYTES: usize = 70;

const URLENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";

/// Refuses a body that would have to be inflated: a few bytes of it can be gigabytes.
pub(super) fn refuse_compressed(headers: &HeaderMap) -> Result<(), Error> {
    let compressed = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if compressed {
        return Err(malformed(
            "compressed bodies are not accepted; send the body without Content-Encoding",
        ));
    }
    Ok(())
}

/// Reads `Content-Type`. An empty body may be of any type, or of none.
pub(super) fn form_kind(headers: &HeaderMap, empty: bool) -> Result<FormKind<'_>, Error> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let first = types.next();
    if types.next().is_some() {
        return Err(malformed(
            "there are several Content-Type headers; send one",
        ));
    }
    if empty {
        return Ok(FormKind::Urlencoded);
    }
    let Some(header) = first else {
        return Err(malformed(format!(
            "Content-Type is missing; send {URLENCODED} or {MULTIPART}"
        )));
    };
    let unreadable = || malformed("Content-Type cannot be read; correct its syntax");
    let header = header.to_str().map_err(|_| unreadable())?;
    let (essence, parameters) = Parameters::split(header);
    let mut charset = None;
    let mut boundary = None;
    for parameter in parameters {
        let (name, value) = parameter.map_err(|_| unreadable())?;
        let slot = if name.eq_ignore_ascii_case("charset") {
            &mut charset
        } else if name.eq_ignore_ascii_case("boundary") {
            &mut boundary
        } else {
            continue;
        };
        if slot.replace(value).is_some() {
            return Err(malformed(format!(
                "Content-Type has {name} twice; send it once"
            )));
        }
    }
    if !charset.as_deref().is_none_or(is_utf8) {
        return Err(malformed(
            "Content-Type names a charset other than utf-8; send the form in UTF-8",
        ));
    }
    if essence.eq_ignore_ascii_case(URLENCODED) {
        return Ok(FormKind::Urlencoded);
    }
    if essence.eq_ignore_ascii_case(MULTIPART) {
        let boundary = boundary.ok_or_else(|| {
            malformed("Content-Type of the multipart body has no boundary; send it")
        })?;
        check_boundary(&boundary)?;
        if boundary_as_php_reads_it(header) != Some(&boundary) {
            return Err(malformed(
                "the boundary in Content-Type can be read in two ways; \
                 send it as the only parameter, without blanks around it",
            ));
        }
        return Ok(FormKind::Multipart { boundary });
    }
    Err(malformed(format!(
        "Content-Type is neither {URLENCODED} nor {MULTIPART}; send one of them"
    )))
}

/// ASCII is UTF-8.
pub(super) fn is_utf8(charset: &str) -> bool {
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("us-ascii")
}

fn check_boundary(boundary: &str) -> Result<(), Error> {
    if boundary.len() > BOUNDARY_BYTES {
        return Err(malformed(format!(
            "the boundary of the multipart body is longer than {BOUNDARY_BYTES} bytes; shorten it"
        )));
    }
    let unfit = |byte: u8| !(byte.is_ascii_alphanumeric() || is_boundary_sign(byte));
    if boundary.is_empty() || boundary.ends_with(' ') || bytes::contains(boundary, unfit) {
        return Err(malformed(
            "the boundary of the multipart body has characters it cannot have; choose another",
        ));
    }
    Ok(())
}

/// What follows the first `boundary` and an equals sign, be it within another parameter: PHP takes
/// no header apart.
fn boundary_as_php_reads_it(header: &str) -> Option<&str> {
    const NAME: &str = "boundary";
    let in_any_case = || {
        let mut words = header.as_bytes().windows(NAME.len());
        words.position(|word| word.eq_ignore_ascii_case(NAME.as_bytes()))
    };
    let at = header.find(NAME).or_else(in_any_case)?;
    let (_, value) = header.get(at..)?.split_once('=')?;
    match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split([',', ';']).next(),
    }
}

/// What a boundary may have besides letters and digits (RFC 2046 §5.1.1).
const fn is_boundary_sign(byte: u8) -> bool {
    matches!(
        byte,
        b'\'' | b'(' | b')' | b'+' | b'_' | b',' | b'-' | b'.' | b'/' | b':' | b'=' | b'?' | b' '
    )
}

#[cfg(test)]
mod tests;
