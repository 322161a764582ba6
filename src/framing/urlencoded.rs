//! `application/x-www-form-urlencoded`, as PHP reads bodies and query strings.

use std::borrow::Cow;
use std::str::{Utf8Error, from_utf8};

use memchr::{memchr, memchr_iter, memchr2};

use crate::error::Error;
use crate::framing::fields::Fields;
use crate::framing::form::Value;

/// Three bytes on the wire can be one byte of text.
const ENCODED_BYTES: usize = 3;

/// Reads all fields of a body or a query string.
pub(super) fn decode<'a>(body: &'a [u8], fields: &mut Fields<'a, '_>) -> Result<(), Error> {
    fields.reserve(memchr_iter(b'&', body).count().saturating_add(1));
    for field in body.split(|&byte| byte == b'&') {
        // Nothing is lost with what has neither a name nor a value, as in `a=1&&b=2&`.
        if !field.is_empty() {
            decode_field(field, fields)?;
        }
    }
    Ok(())
}

fn decode_field<'a>(field: &'a [u8], fields: &mut Fields<'a, '_>) -> Result<(), Error> {
    let (name, value) = split_at_equals(field);
    fields.begin()?;
    if name.len() / ENCODED_BYTES > fields.limits().name_bytes {
        return Err(fields.name_too_long());
    }
    let name = unescape(name).map_err(|_| fields.name_not_utf8())?;
    if value.len() / ENCODED_BYTES > fields.limits().value_bytes {
        return Err(fields.value_too_long(&name));
    }
    let value = unescape(value).map_err(|_| fields.value_not_utf8(&name))?;
    fields.add(name, Value::Text(value))
}

fn split_at_equals(field: &[u8]) -> (&[u8], &[u8]) {
    let Some((name, value)) = memchr(b'=', field).and_then(|equals| field.split_at_checked(equals))
    else {
        return (field, &[]);
    };
    (name, value.get(1..).unwrap_or_default())
}

fn unescape(sent: &[u8]) -> Result<Cow<'_, str>, Utf8Error> {
    let Some((plain, escaped)) =
        memchr2(b'%', b'+', sent).and_then(|first| sent.split_at_checked(first))
    else {
        return from_utf8(sent).map(Cow::Borrowed);
    };
    let mut bytes = Vec::with_capacity(sent.len());
    bytes.extend_from_slice(plain);
    unescape_into(&mut bytes, escaped);
    let text = String::from_utf8(bytes).map_err(|fault| fault.utf8_error())?;
    Ok(Cow::Owned(text))
}

/// A `%` that two hexadecimal digits do not follow stands for itself.
fn unescape_into(out: &mut Vec<u8>, mut escaped: &[u8]) {
    while let [byte, rest @ ..] = escaped {
        escaped = rest;
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                if let [high, low, rest @ ..] = rest
                    && let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low))
                {
                    out.push(high << 4 | low);
                    escaped = rest;
                } else {
                    out.push(b'%');
                }
            }
            other => out.push(*other),
        }
    }
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
