//! The rules of a request head (RFC 9112, sections 2 to 6), read strictly.

use std::ops::Range;

use super::{REFUSED, Refusal, line};

/// A head that is being read. What it was handed is not kept: positions count from its first byte.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Where the next line begins.
    at: usize,
    /// Whether the empty line that may come before a head did.
    has_gap: bool,
    request: Option<RequestLine>,
    host: Option<Range<usize>>,
    length: Option<u64>,
    is_chunked: bool,
    upgrades: bool,
}

#[derive(Debug)]
struct RequestLine {
    is_1_1: bool,
    /// The authority of a target in absolute form.
    authority: Option<Range<usize>>,
}

/// How long the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    /// No body, and perhaps no HTTP behind it.
    Upgrade,
}

impl Head {
    /// Reads on, from the head's first byte each time. Says where a whole head ends.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        limit: usize,
    ) -> Result<Option<(usize, Framing)>, Refusal> {
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let found = line(rest)?;
            let end = found.map_or(bytes.len(), |(_, length)| self.at + length);
            if end > limit {
                return Err(self.too_large());
            }
            let Some((line, length)) = found else {
                return Ok(None);
            };
            if self.request.is_none() {
                self.begin(line)?;
            } else if line.is_empty() {
                let framing = self.end(bytes)?;
                return Ok(Some((end, framing)));
            } else {
                self.header(line)?;
            }
            self.at += length;
        }
    }

    fn too_large(&self) -> Refusal {
        let (status, reason) = match self.request {
            None => (414, "the request line is too long"),
            Some(_) => (431, "the head is too large"),
        };
        Refusal { status, reason }
    }

    fn begin(&mut self, line: &[u8]) -> Result<(), Refusal> {
        // Old clients end a body with a line end that is not part of it (RFC 9112, section 2.2).
        if line.is_empty() && !self.has_gap {
            self.has_gap = true;
            return Ok(());
        }
        let mut parts = line.split(|&byte| byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::malformed("the request line has not three parts"));
        };
        if !is_token(method) || method.starts_with(REFUSED.as_bytes()) {
            return Err(Refusal::malformed("the method is none"));
        }
        let is_1_1 = match version {
            b"HTTP/1.1" => true,
            b"HTTP/1.0" => false,
            _ => return Err(Refusal::malformed("the version is neither 1.0 nor 1.1")),
        };
        if matches!(method, b"CONNECT" | b"TRACE") {
            let reason = "the method is not served";
            return Err(Refusal {
                status: 501,
                reason,
            });
        }
        let start = self.at + method.len() + 1;
        self.request = Some(RequestLine {
            is_1_1,
            authority: authority(method, target)?
                .map(|range| start + range.start..start + range.end),
        });
        Ok(())
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Refusal> {
        let colon = memchr::memchr(b':', line);
        let split = colon.and_then(|colon| line.split_at_checked(colon));
        // A line that goes on from the one before begins with a blank, which is no token either.
        let Some((name, value)) = split.filter(|(name, _)| is_token(name)) else {
            return Err(Refusal::malformed("a header has no proper name"));
        };
        let value = value.get(1..).unwrap_or_default();
        if !is_text(value) {
            return Err(Refusal::malformed("a header has a control character"));
        }
        // By their lengths first: nearly all names are none of the four.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.host(name.len(), value),
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.upgrades = true;
                Ok(())
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.coding(value),
            _ => Ok(()),
        }
    }

    fn host(&mut self, name: usize, value: &[u8]) -> Result<(), Refusal> {
        let host = value.trim_ascii();
        if !is_host(host) {
            return Err(Refusal::malformed("the host is none"));
        }
        let blank = value.len() - value.trim_ascii_start().len();
        let start = self.at + name + 1 + blank;
        if self.host.replace(start..start + host.len()).is_some() {
            return Err(Refusal::malformed("there is more than one host"));
        }
        Ok(())
    }

    fn length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let value = value.trim_ascii();
        let digits = value.len() <= 18 && value.iter().all(u8::is_ascii_digit);
        let text = std::str::from_utf8(value).ok().filter(|_| digits);
        let Some(length) = text.and_then(|text| text.parse().ok()) else {
            return Err(Refusal::malformed("the length is none"));
        };
        if self.length.replace(length).is_some() {
            return Err(Refusal::malformed("there is more than one length"));
        }
        Ok(())
    }

    fn coding(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if self.is_chunked || !value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
            let reason = "the transfer coding is not chunked alone";
            return Err(Refusal {
                status: 501,
                reason,
            });
        }
        self.is_chunked = true;
        Ok(())
    }

    /// Judges what is known once all lines are there.
    fn end(&self, bytes: &[u8]) -> Result<Framing, Refusal> {
        let is_1_1 = self.request.as_ref().is_some_and(|line| line.is_1_1);
        if is_1_1 && self.host.is_none() {
            return Err(Refusal::malformed("there is no host"));
        }
        let authority = self
            .request
            .as_ref()
            .and_then(|line| line.authority.clone());
        if let Some(authority) = authority {
            let text = |range| bytes.get(range).unwrap_or_default();
            let host = self.host.clone().map(text).unwrap_or_default();
            if !text(authority).eq_ignore_ascii_case(host) {
                return Err(Refusal::malformed("the target is of another host"));
            }
        }
        match (self.length, self.is_chunked) {
            (Some(_), true) => Err(Refusal::malformed("there is a length beside chunks")),
            (None, true) if !is_1_1 => Err(Refusal::malformed("chunks came in version 1.0")),
            (None, true) => Ok(Framing::Chunked),
            (None | Some(0), false) if self.upgrades && is_1_1 => Ok(Framing::Upgrade),
            (length, false) => Ok(Framing::Length(length.unwrap_or_default())),
        }
    }
}

/// Where in the target its authority is, in the one form that has one (RFC 9112, section 3.2). A fragment
/// is none of a target's parts, and hyper would leave it out.
fn authority(method: &[u8], target: &[u8]) -> Result<Option<Range<usize>>, Refusal> {
    let refused = Err(Refusal::malformed("the target is none"));
    if !target
        .iter()
        .all(|&byte| byte > b' ' && byte != 0x7f && byte != b'#')
    {
        return refused;
    }
    if target.starts_with(b"/") || (target == b"*" && method == b"OPTIONS") {
        return Ok(None);
    }
    let scheme = [&b"http://"[..], b"https://"].into_iter().find(|scheme| {
        let start = target.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let Some(scheme) = scheme else {
        return refused;
    };
    let rest = target.get(scheme.len()..).unwrap_or_default();
    let length = rest.iter().position(|byte| b"/?".contains(byte));
    let end = scheme.len() + length.unwrap_or(rest.len());
    Ok(Some(scheme.len()..end))
}

/// Whether all of it may stand in a name (RFC 9110, section 5.6.2).
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && are_all(bytes, TOKEN)
}

/// Bits of [`KINDS`].
const TOKEN: u8 = 1;
const AUTHORITY: u8 = 2;

/// What each byte may be part of.
static KINDS: [u8; 256] = kinds();

const fn kinds() -> [u8; 256] {
    let mut kinds = [0; 256];
    let mut rest: &mut [u8] = &mut kinds;
    let mut byte: u8 = 0;
    while let Some((kind, next)) = rest.split_first_mut() {
        *kind = of_token(byte) | of_authority(byte);
        byte = byte.wrapping_add(1);
        rest = next;
    }
    kinds
}

const fn of_token(byte: u8) -> u8 {
    let is_sign =
        matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~');
    if is_sign || byte.is_ascii_alphanumeric() {
        TOKEN
    } else {
        0
    }
}

/// Of a host or its port (RFC 3986, section 3.2.2); of no user.
const fn of_authority(byte: u8) -> u8 {
    let is_sign = matches!(
        byte,
        b'-' | b'.' | b'_' | b'~' | b'%' | b'!' | b'$' | b'&'
            ..=b',' | b';' | b'=' | b':' | b'[' | b']'
    );
    if is_sign || byte.is_ascii_alphanumeric() {
        AUTHORITY
    } else {
        0
    }
}

/// Without an early end, so that nothing is decided for each byte.
fn are_all(bytes: &[u8], kind: u8) -> bool {
    let kinds = bytes.iter().map(|&byte| KINDS.get(usize::from(byte)));
    kinds.fold(kind, |all, it| all & it.copied().unwrap_or_default()) != 0
}

/// Whether there is no control character but tabs. Without an early end, so that many bytes are compared
/// at a time.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let bad = bytes.iter().fold(0, |bad, &byte| {
        bad | u8::from((byte < b' ' && byte != b'\t') || byte == 0x7f)
    });
    bad == 0
}

/// Whether it can be a host, with or without a port.
pub(in crate::server) fn is_host(text: &[u8]) -> bool {
    !text.is_empty() && are_all(text, AUTHORITY)
}
