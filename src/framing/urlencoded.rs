//! `application/x-www-form-urlencoded`, as PHP reads and writes bodies and query strings.

use std::borrow::Cow;
use std::fmt;
use std::str::{Utf8Error, from_utf8};

use memchr::memchr_iter;

use crate::error::Error;
use crate::framing::bytes;
use crate::framing::fields::Fields;
use crate::framing::form::Value;

/// Three bytes on the wire can be one byte of text.
const ENCODED_BYTES: usize = 3;

/// Fields that are being written, in their order.
#[derive(Clone, Default)]
pub struct Writer {
    text: String,
}

impl Writer {
    /// A writer of that many bytes, more if need be.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
        }
    }

    /// Adds a field.
    pub fn push(&mut self, name: &str, value: &str) {
        if !self.text.is_empty() {
            self.text.push('&');
        }
        escape_into(&mut self.text, name);
        self.text.push('=');
        escape_into(&mut self.text, value);
    }

    /// Adds all fields of another.
    pub fn append(&mut self, other: &Self) {
        if !self.text.is_empty() && !other.text.is_empty() {
            self.text.push('&');
        }
        self.text.push_str(&other.text);
    }

    /// What was written.
    pub fn into_text(self) -> String {
        self.text
    }
}

/// There are passwords and keys among the fields.
impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// Reads all fields of a body or a query string.
pub(super) fn decode<'a>(body: &'a [u8], fields: &mut Fields<'a, '_>) -> Result<(), Error> {
    if body.is_empty() {
        return Ok(());
    }
    fields.reserve(memchr_iter(b'&', body).count().saturating_add(1));
    let mut rest = body;
    while !rest.is_empty() {
        let (field, after) = bytes::split_once(rest, b'&').unwrap_or((rest, &[]));
        // Nothing is lost with what has neither a name nor a value, as in `a=1&&b=2&`.
        if !field.is_empty() {
            decode_field(field, fields)?;
        }
        rest = after;
    }
    Ok(())
}

fn decode_field<'a>(field: &'a [u8], fields: &mut Fields<'a, '_>) -> Result<(), Error> {
    fields.begin()?;
    if let Some((name, value)) = unescaped(field) {
        return fields.add(name.into(), Value::Text(value.into()));
    }
    let (name, value) = bytes::split_once(field, b'=').unwrap_or((field, &[]));
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

/// The name and the value of a field without escapes, as most are: read in one go.
fn unescaped(field: &[u8]) -> Option<(&str, &str)> {
    if bytes::contains(field, starts_escape) {
        return None;
    }
    let text = from_utf8(field).ok()?;
    Some(bytes::split_text_once(text, b'=').unwrap_or((text, "")))
}

fn unescape(sent: &[u8]) -> Result<Cow<'_, str>, Utf8Error> {
    if !bytes::contains(sent, starts_escape) {
        return from_utf8(sent).map(Cow::Borrowed);
    }
    let mut bytes = Vec::with_capacity(sent.len());
    unescape_into(&mut bytes, sent);
    let text = String::from_utf8(bytes).map_err(|fault| fault.utf8_error())?;
    Ok(Cow::Owned(text))
}

/// The same, with what is no UTF-8 replaced.
pub(super) fn unescape_lossy(sent: &[u8]) -> Cow<'_, str> {
    if !bytes::contains(sent, starts_escape) {
        return String::from_utf8_lossy(sent);
    }
    let mut bytes = Vec::with_capacity(sent.len());
    unescape_into(&mut bytes, sent);
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

const fn starts_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'+')
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

/// Everything but letters, digits and four signs becomes `%XX`, and a blank `+`, as the URL
/// standard has it (section 5.2).
fn escape_into(out: &mut String, text: &str) {
    if !bytes::contains(text, is_escaped) {
        return out.push_str(text);
    }
    let mut rest = text;
    while let Some((plain, from)) = rest
        .bytes()
        .position(is_escaped)
        .and_then(|at| rest.split_at_checked(at))
    {
        out.push_str(plain);
        let mut from = from.chars();
        match from.next() {
            Some(' ') => out.push('+'),
            Some(escaped) => {
                let mut bytes = [0; 4];
                for byte in escaped.encode_utf8(&mut bytes).bytes() {
                    out.push('%');
                    out.extend(upper_hex_digits(byte));
                }
            }
            None => {}
        }
        rest = from.as_str();
    }
    out.push_str(rest);
}

const fn is_escaped(byte: u8) -> bool {
    !(byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_'))
}

fn upper_hex_digits(byte: u8) -> impl Iterator<Item = char> {
    let digits = [byte >> 4, byte & 0xf].map(|digit| char::from_digit(digit.into(), 16));
    digits
        .into_iter()
        .flatten()
        .map(|digit| digit.to_ascii_uppercase())
}
