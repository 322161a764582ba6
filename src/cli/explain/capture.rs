//! A request as it was captured: request line, headers, an empty line, a body.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};

use super::report::Report;
use crate::cli::failure::Failure;

/// More than any route takes.
const LARGEST: u64 = 128 << 20;

/// A request, and what is odd about it.
#[derive(Debug)]
pub(super) struct Capture {
    pub(super) head: Parts,
    pub(super) body: Vec<u8>,
    pub(super) remarks: Vec<String>,
}

impl Capture {
    /// Reads a file; `-` is standard input.
    pub(super) fn read(file: &Path) -> Result<Self, Failure> {
        let bytes = if file == Path::new("-") {
            take(io::stdin().lock())
        } else {
            File::open(file).and_then(take)
        };
        let name = file.display();
        let bytes = bytes.map_err(|error| {
            Failure::Usage(Failure::failed(&format!("cannot read {name}"), error).into_text())
        })?;
        Self::parse(&bytes).map_err(|fault| Failure::Usage(format!("{name}: {fault}")))
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut rest = bytes;
        let first = line(&mut rest).ok_or("is empty: it must be an HTTP request")?;
        let mut request = Request::new(());
        read_first(first, &mut request)?;
        let mut number = 1;
        loop {
            number += 1;
            let Some(header) = line(&mut rest) else {
                break;
            };
            if header.is_empty() {
                break;
            }
            let (name, value) = read_header(header).ok_or_else(|| {
                format!("line {number} is no header; write NAME: VALUE, and an empty line before the body")
            })?;
            request.headers_mut().append(name, value);
        }
        let (head, ()) = request.into_parts();
        let (body, remarks) = read_body(&head, rest)?;
        Ok(Self {
            head,
            body,
            remarks,
        })
    }
}

fn take(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The next line, without its end, which is CRLF or LF.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = rest.iter().position(|byte| *byte == b'\n');
    let (line, after) = match end {
        Some(end) => (rest.get(..end)?, rest.get(end.saturating_add(1)..)?),
        None => (*rest, &[][..]),
    };
    *rest = after;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// METHOD TARGET, and mostly a version.
fn read_first(line: &[u8], request: &mut Request<()>) -> Result<(), String> {
    let wrong = || "line 1 is no request line, such as POST /api_request/ HTTP/1.1".to_owned();
    let text = std::str::from_utf8(line).map_err(|_| wrong())?;
    let mut words = text.split_ascii_whitespace();
    let (Some(method), Some(target), version, None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(wrong());
    };
    if version.is_some_and(|version| !version.starts_with("HTTP/")) {
        return Err(wrong());
    }
    *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(|_| wrong())?;
    *request.uri_mut() = Uri::try_from(target).map_err(|_| wrong())?;
    Ok(())
}

fn read_header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let value = value.get(1..)?.trim_ascii();
    Some((
        HeaderName::from_bytes(name).ok()?,
        HeaderValue::from_bytes(value).ok()?,
    ))
}

/// As many bytes as the head says, else all there are.
fn read_body(head: &Parts, rest: &[u8]) -> Result<(Vec<u8>, Vec<String>), String> {
    let mut remarks = Vec::new();
    if head.headers.contains_key(TRANSFER_ENCODING) {
        let remark = "there is a Transfer-Encoding: the body is taken as it stands in the capture, \
                      to its end";
        remarks.push(remark.to_owned());
        return Ok((rest.to_vec(), remarks));
    }
    let Some(announced) = head.headers.get(CONTENT_LENGTH) else {
        return Ok((rest.to_vec(), remarks));
    };
    let announced = announced.to_str().ok().and_then(|text| text.parse().ok());
    let announced: usize = announced.ok_or("Content-Length is no number; correct or remove it")?;
    let Some((body, after)) = rest.split_at_checked(announced) else {
        remarks.push(format!(
            "Content-Length says {announced} and there are {} bytes: a gateway would wait for the \
             rest; those that are there are taken",
            rest.len()
        ));
        return Ok((rest.to_vec(), remarks));
    };
    // What a text editor leaves behind is not worth a word.
    if !after.trim_ascii().is_empty() {
        remarks.push(format!(
            "{} bytes after the body are not looked at, since Content-Length says {announced}",
            after.len()
        ));
    }
    Ok((body.to_vec(), remarks))
}

impl Report {
    /// A word on whom the request is for.
    pub(super) fn note_host(&mut self, head: &Parts) {
        if let Some(host) = head.uri.host() {
            let remark = format!(
                "the target is an absolute URL: its host, {host}, counts, and no Host header"
            );
            self.remarks.push(remark);
        } else if !head.headers.contains_key(HOST) {
            let remark = "there is no Host header: only routes of any host can answer";
            self.remarks.push(remark.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> (String, usize) {
        let capture = Capture::parse(text.as_bytes()).unwrap();
        (
            String::from_utf8(capture.body).unwrap(),
            capture.remarks.len(),
        )
    }

    #[test]
    fn lines_end_with_either_ending_and_a_body_where_its_length_says() {
        assert_eq!(body("POST / HTTP/1.1\nA: b\n\nx=1\n"), ("x=1\n".into(), 0));
        let crlf = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nx=1\r\n";
        assert_eq!(body(crlf), ("x=1".into(), 0));
        let more = "POST / HTTP/1.1\nContent-Length: 3\n\nx=1&y=2";
        assert_eq!(body(more), ("x=1".into(), 1));
        let less = "POST / HTTP/1.1\nContent-Length: 30\n\nx=1";
        assert_eq!(body(less), ("x=1".into(), 1));
        assert_eq!(body("GET /"), (String::new(), 0));
    }

    #[test]
    fn what_is_no_request_is_refused_by_its_line_and_not_repeated() {
        for (text, at) in [
            ("", "is empty"),
            ("secret", "line 1 "),
            ("GET / x", "line 1 "),
            ("GET / HTTP/1.1\nA: b\nsecret\n\n", "line 3 "),
            (
                "GET / HTTP/1.1\nContent-Length: secret\n\n",
                "Content-Length",
            ),
        ] {
            let fault = Capture::parse(text.as_bytes()).unwrap_err();
            assert!(fault.starts_with(at), "{fault}");
            assert!(!fault.contains("secret"), "{fault}");
        }
    }
}
