//! `application/x-www-form-urlencoded`, as PHP reads and writes bodies and query strings.

use std::borrow::Cow;
use std::fmt;
use std::str::from_utf8;

use memchr::memchr_iter;

use crate::error::Error;
use crate::framing::bytes::{self, Class};
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
        self.separate();
        escape_into(&mut self.text, name);
        self.text.push('=');
        escape_into(&mut self.text, value);
    }

    /// Adds a field whose name is a constant without anything to escape.
    pub fn push_known(&mut self, name: &'static str, value: &str) {
        debug_assert_eq!(bytes::find(name, Class::Reserved), None, "{name}");
        self.separate();
        self.text.push_str(name);
        self.text.push('=');
        escape_into(&mut self.text, value);
    }

    /// The fields of another behind these, in no more room than they take.
    #[must_use]
    pub fn followed_by(self, other: &Self) -> Self {
        let texts = [&*self.text, &*other.text];
        let text = if texts.iter().any(|text| text.is_empty()) {
            texts.concat()
        } else {
            texts.join("&")
        };
        Self { text }
    }

    fn separate(&mut self) {
        if !self.text.is_empty() {
            self.text.push('&');
        }
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
    // What is UTF-8 as a whole is so in every part that ends at an ASCII character.
    match from_utf8(body) {
        Ok(text) => decode_text(text, fields),
        Err(_) => decode_sent(body, fields),
    }
}

/// Reads one field after the other. One that PHP reads as it is spelled, as most are, is looked at once.
fn decode_text<'a>(text: &'a str, fields: &mut Fields<'a, '_>) -> Result<(), Error> {
    let mut rest = text;
    while !rest.is_empty() {
        if let Some((name, value, after)) = plain_field(rest) {
            fields.begin()?;
            fields.add_plain(name, value)?;
            rest = after;
        } else {
            let (field, after) = bytes::split_text_once(rest, b'&').unwrap_or((rest, ""));
            decode_sent(field, fields)?;
            rest = after;
        }
    }
    Ok(())
}

/// A field without anything to unescape, and with a plain name; and what is behind it.
fn plain_field(rest: &str) -> Option<(&str, &str, &str)> {
    let (name, from) = rest.split_at_checked(bytes::find(rest, Class::NameEnd)?)?;
    let from = from.strip_prefix('=').filter(|_| !name.is_empty())?;
    let Some(end) = bytes::find(from, Class::ValueEnd) else {
        return Some((name, from, ""));
    };
    let (value, after) = from.split_at_checked(end)?;
    Some((name, value, after.strip_prefix('&')?))
}

fn decode_sent<'a, S: Sent<'a>>(sent: S, fields: &mut Fields<'a, '_>) -> Result<(), Error> {
    let mut rest = sent;
    while !rest.as_ref().is_empty() {
        let (field, after) = rest.split_once(b'&').unwrap_or((rest, S::EMPTY));
        // Nothing is lost with what has neither a name nor a value, as in `a=1&&b=2&`.
        if !field.as_ref().is_empty() {
            decode_field(field, fields)?;
        }
        rest = after;
    }
    Ok(())
}

fn decode_field<'a, S: Sent<'a>>(field: S, fields: &mut Fields<'a, '_>) -> Result<(), Error> {
    fields.begin()?;
    let (name, value) = field.split_once(b'=').unwrap_or((field, S::EMPTY));
    if name.as_ref().len() / ENCODED_BYTES > fields.limits().name_bytes {
        return Err(fields.name_too_long());
    }
    let name = name.unescape().ok_or_else(|| fields.name_not_utf8())?;
    if value.as_ref().len() / ENCODED_BYTES > fields.limits().value_bytes {
        return Err(fields.value_too_long(&name));
    }
    let value = value
        .unescape()
        .ok_or_else(|| fields.value_not_utf8(&name))?;
    fields.add(name, Value::Text(value))
}

/// A part of what was sent: text, where all of it is.
trait Sent<'a>: AsRef<[u8]> + Copy {
    const EMPTY: Self;

    /// What stands before the first of these ASCII characters, and what after it.
    fn split_once(self, at: u8) -> Option<(Self, Self)>;

    /// The text that it stands for; nothing if that is none.
    fn unescape(self) -> Option<Cow<'a, str>>;
}

impl<'a> Sent<'a> for &'a str {
    const EMPTY: Self = "";

    fn split_once(self, at: u8) -> Option<(Self, Self)> {
        bytes::split_text_once(self, at)
    }

    fn unescape(self) -> Option<Cow<'a, str>> {
        let Some(mut at) = bytes::find(self, Class::Escape) else {
            return Some(Cow::Borrowed(self));
        };
        let mut text = String::with_capacity(self.len());
        let mut rest = self;
        loop {
            let (plain, escaped) = rest.split_at_checked(at)?;
            text.push_str(plain);
            let (byte, length) = unescape_first(escaped.as_bytes());
            if !byte.is_ascii() {
                // One byte of several that make a character.
                return self.as_bytes().unescape();
            }
            text.push(char::from(byte));
            rest = escaped.get(length..)?;
            let Some(next) = bytes::find(rest, Class::Escape) else {
                text.push_str(rest);
                return Some(Cow::Owned(text));
            };
            at = next;
        }
    }
}

impl<'a> Sent<'a> for &'a [u8] {
    const EMPTY: Self = &[];

    fn split_once(self, at: u8) -> Option<(Self, Self)> {
        bytes::split_once(self, at)
    }

    fn unescape(self) -> Option<Cow<'a, str>> {
        if bytes::find(self, Class::Escape).is_none() {
            return from_utf8(self).ok().map(Cow::Borrowed);
        }
        String::from_utf8(unescape_bytes(self)).ok().map(Cow::Owned)
    }
}

/// The same, with what is no UTF-8 replaced.
pub(super) fn unescape_lossy(sent: &[u8]) -> Cow<'_, str> {
    if bytes::find(sent, Class::Escape).is_none() {
        return String::from_utf8_lossy(sent);
    }
    Cow::Owned(String::from_utf8_lossy(&unescape_bytes(sent)).into_owned())
}

fn unescape_bytes(sent: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(sent.len());
    let mut rest = sent;
    while !rest.is_empty() {
        let (byte, length) = unescape_first(rest);
        bytes.push(byte);
        rest = rest.get(length..).unwrap_or_default();
    }
    bytes
}

/// The byte that the beginning stands for, and how many it is written in. A `%` that two hexadecimal
/// digits do not follow stands for itself.
fn unescape_first(sent: &[u8]) -> (u8, usize) {
    match *sent {
        [b'+', ..] => (b' ', 1),
        [b'%', high, low, ..] => match (hex_digit(high), hex_digit(low)) {
            (Some(high), Some(low)) => (high << 4 | low, ENCODED_BYTES),
            _ => (b'%', 1),
        },
        [byte, ..] => (byte, 1),
        [] => (0, 0),
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

/// What has to be is written as `%XX`, and a blank as `+`.
fn escape_into(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some((plain, from)) =
        bytes::find(rest, Class::Reserved).and_then(|at| rest.split_at_checked(at))
    {
        out.push_str(plain);
        let mut from = from.chars();
        match from.next() {
            Some(' ') => out.push('+'),
            Some(escaped) => {
                let mut bytes = [0; 4];
                for byte in escaped.encode_utf8(&mut bytes).bytes() {
                    out.push('%');
                    out.push(upper_hex_digit(byte >> 4));
                    out.push(upper_hex_digit(byte & 0xf));
                }
            }
            None => {}
        }
        rest = from.as_str();
    }
    out.push_str(rest);
}

fn upper_hex_digit(digit: u8) -> char {
    char::from(match digit {
        0..=9 => b'0' + digit,
        _ => b'A' - 10 + digit,
    })
}
