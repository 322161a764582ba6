//! The headers of one part.

use std::borrow::Cow;
use std::str::from_utf8;

use memchr::memchr;

use crate::framing::bytes;
use crate::framing::content_type::is_utf8;
use crate::framing::parameters::{Parameters, is_token};

/// What the headers of a part say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    /// The field it is.
    pub(super) name: Cow<'a, str>,
    /// The file it is, if it is one.
    pub(super) filename: Option<Cow<'a, str>>,
    /// Its media type; empty where none is given.
    pub(super) content_type: &'a str,
}

/// What is wrong with a part, as the end of a sentence that starts with the part.
type Wrong = &'static str;

const UNREADABLE_LINE: Wrong =
    "has a header line that cannot be read; send `Name: value` and CR LF";
const MAX_LINES: usize = 8;
const MAX_BYTES: usize = 1024;

impl<'a> Part<'a> {
    /// Splits a part, its end still unknown, into its headers and its content.
    pub(super) fn split(part: &'a [u8]) -> Result<(Self, &'a [u8]), Wrong> {
        let mut headers = Headers::default();
        let window = part.get(..MAX_BYTES).unwrap_or(part);
        let mut rest = window;
        for _ in 0..=MAX_LINES {
            let Some((line, after)) =
                memchr(b'\n', rest).and_then(|end| rest.split_at_checked(end))
            else {
                return Err(if window.len() < part.len() {
                    "has more than 1024 bytes of headers; send Content-Disposition alone"
                } else {
                    "has headers without an end; end them with an empty line"
                });
            };
            rest = after.get(1..).unwrap_or_default();
            let line = line.strip_suffix(b"\r").ok_or(UNREADABLE_LINE)?;
            if line.is_empty() {
                let used = window.len().saturating_sub(rest.len());
                return Ok((headers.into_part()?, part.get(used..).unwrap_or_default()));
            }
            headers.read(line)?;
        }
        Err("has more than 8 header lines; send Content-Disposition alone")
    }
}

#[derive(Default)]
struct Headers<'a> {
    disposition: Option<&'a str>,
    content_type: Option<&'a str>,
    transfer_encoding: Option<&'a str>,
}

impl<'a> Headers<'a> {
    /// Headers that say nothing about a form's field are ignored (RFC 7578 §4.8).
    fn read(&mut self, line: &'a [u8]) -> Result<(), Wrong> {
        let line = from_utf8(line).map_err(|_| "has a header that is not UTF-8; send UTF-8")?;
        let (name, value) = bytes::split_text_once(line, b':').ok_or(UNREADABLE_LINE)?;
        if bytes::contains(value, |byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(UNREADABLE_LINE);
        }
        let slot = if name.eq_ignore_ascii_case("content-disposition") {
            &mut self.disposition
        } else if name.eq_ignore_ascii_case("content-type") {
            &mut self.content_type
        } else if name.eq_ignore_ascii_case("content-transfer-encoding") {
            &mut self.transfer_encoding
        } else if !name.is_empty() && name.bytes().all(is_token) {
            return Ok(());
        } else {
            return Err(UNREADABLE_LINE);
        };
        match slot.replace(value.trim_matches([' ', '\t'])) {
            Some(_) => Err("has the same header twice; send it once"),
            None => Ok(()),
        }
    }

    fn into_part(self) -> Result<Part<'a>, Wrong> {
        let Some(disposition) = self.disposition else {
            return Err("has no Content-Disposition; send form-data with a name");
        };
        if let Some(content_type) = self.content_type {
            check_content_type(content_type)?;
        }
        check_transfer_encoding(self.transfer_encoding)?;
        let (name, filename) = read_disposition(disposition)?;
        Ok(Part {
            name,
            filename,
            content_type: self.content_type.unwrap_or_default(),
        })
    }
}

type Names<'a> = (Cow<'a, str>, Option<Cow<'a, str>>);

/// A browser's `%22` for a quote stays as it is, as in PHP.
fn read_disposition(disposition: &str) -> Result<Names<'_>, Wrong> {
    let (kind, parameters) = Parameters::split(disposition);
    if !kind.eq_ignore_ascii_case("form-data") {
        return Err("is no form-data; send `Content-Disposition: form-data`");
    }
    let (mut name, mut filename) = (None, None);
    for parameter in parameters {
        let (parameter, value) =
            parameter.map_err(|_| "has an unreadable Content-Disposition; quote its values")?;
        let slot = if parameter.eq_ignore_ascii_case("name") {
            &mut name
        } else if parameter.eq_ignore_ascii_case("filename") {
            &mut filename
        } else if parameter.ends_with('*') {
            return Err("has an extended parameter such as name*; send name in plain UTF-8");
        } else {
            continue;
        };
        if slot.replace(value).is_some() {
            return Err("has name or filename twice; send it once");
        }
    }
    let name = name.ok_or("has no name; send `form-data; name=\"…\"`")?;
    Ok((name, filename))
}

fn check_content_type(content_type: &str) -> Result<(), Wrong> {
    let (essence, parameters) = Parameters::split(content_type);
    let nested = essence
        .get(..10)
        .is_some_and(|start| start.eq_ignore_ascii_case("multipart/"));
    if nested {
        return Err("is a multipart body of its own; send each file as a field");
    }
    for parameter in parameters {
        let (name, value) =
            parameter.map_err(|_| "has an unreadable Content-Type; correct its syntax")?;
        if name.eq_ignore_ascii_case("charset") && !is_utf8(&value) {
            return Err("has a charset other than utf-8; send it in UTF-8");
        }
    }
    Ok(())
}

fn check_transfer_encoding(encoding: Option<&str>) -> Result<(), Wrong> {
    let plain = ["7bit", "8bit", "binary"];
    match encoding {
        Some(sent) if !plain.iter().any(|known| sent.eq_ignore_ascii_case(known)) => {
            Err("has an encoding other than 7bit, 8bit and binary; send its bytes as they are")
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
