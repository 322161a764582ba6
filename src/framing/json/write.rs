//! Values and strings as JSON text.

use std::fmt::Write;
use std::str::from_utf8;

use crate::framing::bytes::{self, Class};
use crate::framing::json::Json;

/// Writes a string as PHP's `json_encode` does: `/` as `\/`, everything beyond ASCII as `\uXXXX`.
pub fn write_php_string(out: &mut String, text: &str) {
    write_quoted(out, text, Class::PhpQuoted);
}

/// Writes a string as RFC 8259 asks, and no more escaped than that.
pub fn write_string(out: &mut String, text: &str) {
    write_quoted(out, text, Class::Quoted);
}

/// Writes a whole number.
pub fn write_integer(out: &mut String, number: i64) {
    // As many digits as there are in the longest.
    let mut digits = [b'0'; 20];
    let mut rest = number.unsigned_abs();
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        length += 1;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push('-');
    }
    let written = digits.get(digits.len() - length..).unwrap_or_default();
    out.push_str(from_utf8(written).unwrap_or_default());
}

/// Writes a value, strings by [`write_string`].
pub fn write(out: &mut String, value: &Json<'_>) {
    write_with(out, value, write_string);
}

/// Writes a value, strings by [`write_php_string`].
pub fn write_php(out: &mut String, value: &Json<'_>) {
    write_with(out, value, write_php_string);
}

fn write_with(out: &mut String, value: &Json<'_>, write: fn(&mut String, &str)) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Integer(integer) => write_integer(out, *integer),
        Json::Number(number) => out.push_str(number),
        Json::String(string) => write(out, string),
        Json::Array(elements) => write_list(out, '[', elements, ']', |out, element| {
            write_with(out, element, write);
        }),
        Json::Object(members) => write_list(out, '{', members, '}', |out, (name, value)| {
            write(out, name);
            out.push(':');
            write_with(out, value, write);
        }),
    }
}

/// Writes what displays as JSON by itself.
pub(in crate::framing) fn write_display(out: &mut String, value: impl std::fmt::Display) {
    // A String takes whatever is written.
    let _infallible = write!(out, "{value}");
}

/// Of a character beyond ASCII the first byte is looked at: it is as special as the others.
fn write_quoted(out: &mut String, text: &str, special: Class) {
    out.reserve(text.len().saturating_add(2));
    out.push('"');
    write_escaped(out, text, special);
    out.push('"');
}

fn write_escaped(out: &mut String, text: &str, special: Class) {
    let mut rest = text;
    while let Some((plain, from)) =
        bytes::find(rest, special).and_then(|at| rest.split_at_checked(at))
    {
        out.push_str(plain);
        let mut from = from.chars();
        from.next()
            .into_iter()
            .for_each(|special| write_escape(out, special));
        rest = from.as_str();
    }
    out.push_str(rest);
}

fn write_escape(out: &mut String, special: char) {
    match special {
        '"' | '\\' | '/' => out.extend(['\\', special]),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        other => {
            for unit in other.encode_utf16(&mut [0; 2]) {
                write_display(out, format_args!("\\u{unit:04x}"));
            }
        }
    }
}

fn write_list<T>(
    out: &mut String,
    open: char,
    items: &[T],
    close: char,
    mut write_item: impl FnMut(&mut String, &T),
) {
    out.push(open);
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        write_item(out, item);
    }
    out.push(close);
}
