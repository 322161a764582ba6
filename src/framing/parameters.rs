//! Parameters of a header: `; name=value; name="value"` (RFC 9110 §5.6.6, RFC 2183).

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use crate::framing::bytes;

/// What follows the first word of a header, one parameter at a time.
#[derive(Debug)]
pub(super) struct Parameters<'a> {
    rest: &'a str,
}

/// The parameters cannot be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl<'a> Parameters<'a> {
    /// Splits a header into its first word and its parameters.
    pub(super) fn split(header: &'a str) -> (&'a str, Self) {
        let (word, rest) = split_at_semicolon(header);
        (word.trim_matches(BLANKS), Self { rest })
    }

    fn parameter(&mut self) -> Result<(&'a str, Cow<'a, str>), Unreadable> {
        let (name, value) = bytes::split_text_once(self.rest, b'=').ok_or(Unreadable)?;
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(Unreadable);
        }
        let (value, rest) = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => unquoted(value)?,
        };
        self.rest = rest;
        Ok((name, value))
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<(&'a str, Cow<'a, str>), Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.trim_start_matches(BLANKS);
        if rest.is_empty() {
            return None;
        }
        let Some(parameter) = rest.strip_prefix(';') else {
            self.rest = "";
            return Some(Err(Unreadable));
        };
        self.rest = parameter.trim_start_matches(BLANKS);
        if self.rest.is_empty() {
            return None;
        }
        let parameter = self.parameter();
        if parameter.is_err() {
            self.rest = "";
        }
        Some(parameter)
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

/// What a name consists of (RFC 9110 §5.6.2).
pub(super) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

fn split_at_semicolon(text: &str) -> (&str, &str) {
    memchr(b';', text.as_bytes())
        .and_then(|semicolon| text.split_at_checked(semicolon))
        .unwrap_or((text, ""))
}

/// What stands before the closing quote, and what after it. A backslash escapes a quote or itself;
/// any other stands for itself, as in the paths that some browsers send.
fn unquote(quoted: &str) -> Result<(Cow<'_, str>, &str), Unreadable> {
    let first = memchr2(b'"', b'\\', quoted.as_bytes()).ok_or(Unreadable)?;
    let (plain, rest) = quoted.split_at_checked(first).ok_or(Unreadable)?;
    if let Some(rest) = rest.strip_prefix('"') {
        return Ok((Cow::Borrowed(plain), rest));
    }
    let mut value = plain.to_owned();
    let mut rest = rest.chars();
    loop {
        match rest.next().ok_or(Unreadable)? {
            '"' => return Ok((Cow::Owned(value), rest.as_str())),
            '\\' if rest.as_str().starts_with(['"', '\\']) => value.extend(rest.next()),
            other => value.push(other),
        }
    }
}

/// What stands before the next parameter. Laxer than the grammar with the `=` of some boundaries,
/// stricter with commas and single quotes, which no two servers read alike.
fn unquoted(value: &str) -> Result<(Cow<'_, str>, &str), Unreadable> {
    let (value, rest) = split_at_semicolon(value);
    let value = value.trim_end_matches(BLANKS);
    let strange = |byte: u8| byte <= b' ' || byte == 0x7f || matches!(byte, b'"' | b'\\' | b',');
    if value.is_empty() || value.starts_with('\'') || bytes::contains(value, strange) {
        return Err(Unreadable);
    }
    Ok((Cow::Borrowed(value), rest))
}
