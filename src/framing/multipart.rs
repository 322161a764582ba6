//! `multipart/form-data` (RFC 7578) of a body that is in memory as a whole.
//!
//! Where readers of multipart bodies disagree, nothing is guessed: a line that starts like a
//! boundary and goes on differently, a boundary behind a bare line feed, and anything that looks
//! like a part behind the last boundary are refused.

mod part;
mod writer;

use std::str::from_utf8;

use memchr::memchr_iter;

use crate::error::Error;
use crate::framing::fields::{Fields, malformed};
use crate::framing::form::{File, Value};
use part::Part;
pub use writer::encode;

/// Reads all parts of a body.
pub(super) fn decode<'a>(
    body: &'a [u8],
    boundary: &str,
    fields: &mut Fields<'a, '_>,
) -> Result<(), Error> {
    let boundary = boundary.as_bytes();
    let mut rest = skip_preamble(body, boundary)?;
    loop {
        match after_delimiter(rest)? {
            Next::Part(part) => {
                fields.begin()?;
                rest = decode_part(part, boundary, fields)?;
            }
            Next::End(epilogue) => return refuse_parts(epilogue, boundary),
        }
    }
}

/// What a delimiter is followed by. Blanks, which RFC 2046 allows there, are refused before a part:
/// PHP does not see the part then.
enum Next<'a> {
    Part(&'a [u8]),
    End(&'a [u8]),
}

fn after_delimiter(rest: &[u8]) -> Result<Next<'_>, Error> {
    if let Some(after) = rest.strip_prefix(b"--") {
        let epilogue = trim_blanks(after);
        if epilogue.is_empty() || epilogue.starts_with(b"\r\n") || epilogue.starts_with(b"\n") {
            return Ok(Next::End(epilogue));
        }
    } else if let Some(part) = rest.strip_prefix(b"\r\n") {
        return Ok(Next::Part(part));
    }
    Err(malformed(
        "a line of the multipart body starts with its boundary and does not end there; \
         choose a boundary that is not in the data and end lines with CR LF",
    ))
}

/// What follows the first delimiter.
fn skip_preamble<'a>(body: &'a [u8], boundary: &[u8]) -> Result<&'a [u8], Error> {
    if let Some(rest) = strip_delimiter(body, boundary) {
        return Ok(rest);
    }
    let (_preamble, rest) = split_at(body, boundary)?;
    Ok(rest)
}

/// What stands before the next delimiter, and what after it.
fn split_at<'a>(bytes: &'a [u8], boundary: &[u8]) -> Result<(&'a [u8], &'a [u8]), Error> {
    let Some((before, rest)) = find_delimiter(bytes, boundary) else {
        return Err(malformed(
            "the multipart body ends before its last boundary; send it whole",
        ));
    };
    let Some(before) = before.strip_suffix(b"\r") else {
        return Err(malformed(
            "a boundary of the multipart body follows a bare line feed; end lines with CR LF",
        ));
    };
    Ok((before, rest))
}

/// What stands before the line feed of the next delimiter, and what after the delimiter.
fn find_delimiter<'a>(bytes: &'a [u8], boundary: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    memchr_iter(b'\n', bytes).find_map(|at| {
        let (before, line) = bytes.split_at_checked(at)?;
        let rest = strip_delimiter(line.get(1..)?, boundary)?;
        Some((before, rest))
    })
}

/// What follows the delimiter that a line starts with.
fn strip_delimiter<'a>(line: &'a [u8], boundary: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(b"--")?.strip_prefix(boundary)
}

fn refuse_parts(epilogue: &[u8], boundary: &[u8]) -> Result<(), Error> {
    if find_delimiter(epilogue, boundary).is_some() {
        return Err(malformed(
            "the multipart body goes on behind its last boundary; end it there",
        ));
    }
    Ok(())
}

fn decode_part<'a>(
    part: &'a [u8],
    boundary: &[u8],
    fields: &mut Fields<'a, '_>,
) -> Result<&'a [u8], Error> {
    let (part, content) = Part::split(part).map_err(|wrong| fields.unreadable(wrong))?;
    if strip_delimiter(content, boundary).is_some() {
        return Err(fields.unreadable("has no content, not even an empty line; send it whole"));
    }
    let (content, rest) = split_at(content, boundary)?;
    let value = if let Some(filename) = part.filename {
        Value::File(Box::new(File {
            filename,
            content_type: part.content_type.into(),
            bytes: content,
        }))
    } else {
        let text = from_utf8(content).map_err(|_| fields.value_not_utf8(&part.name))?;
        Value::Text(text.into())
    };
    fields.add(part.name, value)?;
    Ok(rest)
}

fn trim_blanks(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests;
