//! The answer: what of it is believed, and its body until it is whole.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http::response::Parts;
use http::{HeaderValue, StatusCode};
use http_body::Frame;

use super::failure::{Cause, Failure, Part, Sent};

/// Bytes set aside for a body ahead of its arrival; a length is only a promise.
const AHEAD: u64 = 64 * 1024;

/// Says of an answer that its body ended with the connection, so that nothing but the body's own syntax
/// tells whether it is whole. Among the response's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbounded;

/// Refuses a head that contradicts itself, that announces too much, or what was not asked for.
///
/// hyper takes two equal lengths, and a length beside chunks, and ends a body of any other transfer
/// coding with the connection. Whoever sends such a head may mean something else than is understood here.
pub(super) fn judge(head: &Parts, length: Option<u64>, limit: usize) -> Result<(), Failure> {
    let refused = |cause| Err(Failure::new(Sent::Maybe, cause));
    judge_framing(head)?;
    if is_encoded(&head.headers) {
        return refused(Cause::Encoded);
    }
    if length.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit)) {
        return refused(Cause::TooLarge { part: Part::Body });
    }
    Ok(())
}

/// Notes of an answer of HTTP/1.1 that nothing says where it ends.
pub(super) fn note_end(head: &mut Parts, length: Option<u64>) {
    if length.is_none() && !head.headers.contains_key(TRANSFER_ENCODING) {
        head.extensions.insert(Unbounded);
    }
}

/// The bytes of headers, as HTTP/1.1 would have them.
pub(super) fn head_bytes(headers: &HeaderMap) -> usize {
    let lines = headers.iter();
    lines
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum()
}

/// Refuses a head that contradicts itself, or leaves HTTP.
pub(super) fn judge_framing(head: &Parts) -> Result<(), Failure> {
    if head.status == StatusCode::SWITCHING_PROTOCOLS || !is_framed_clearly(&head.headers) {
        return Err(Failure::new(Sent::Maybe, Cause::BadFraming));
    }
    Ok(())
}

/// Whether there is one length, or one layer of chunks, or neither.
fn is_framed_clearly(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let length = lengths.next().map(HeaderValue::as_bytes);
    let coding = codings.next().map(HeaderValue::as_bytes);
    let is_single = lengths.next().is_none() && codings.next().is_none();
    is_single
        && match (length, coding) {
            (Some(_), Some(_)) => false,
            (Some(length), None) => length.iter().all(u8::is_ascii_digit),
            (None, Some(coding)) => coding.eq_ignore_ascii_case(b"chunked"),
            (None, None) => true,
        }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    codings.any(|coding| {
        let coding = coding.as_bytes();
        !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity")
    })
}

/// A body on its way to be whole.
#[derive(Debug)]
pub(super) struct Whole {
    /// The first piece, and mostly the only one.
    first: Bytes,
    rest: BytesMut,
    expected: Option<u64>,
    limit: usize,
}

impl Whole {
    /// One of which so many bytes were announced.
    pub(super) fn new(expected: Option<u64>, limit: usize) -> Self {
        Self {
            first: Bytes::new(),
            rest: BytesMut::new(),
            expected,
            limit,
        }
    }

    /// Adds a piece. Trailers are dropped: whoever reads a whole body has read its headers.
    pub(super) fn add(&mut self, frame: Frame<Bytes>) -> Result<(), Failure> {
        let Ok(piece) = frame.into_data() else {
            return Ok(());
        };
        if piece.len() > self.limit - self.len() {
            let cause = Cause::TooLarge { part: Part::Body };
            return Err(Failure::new(Sent::Maybe, cause));
        }
        if self.len() == 0 {
            self.first = piece;
            return Ok(());
        }
        if self.rest.is_empty() {
            let ahead = self.expected.unwrap_or_default().min(AHEAD);
            self.rest
                .reserve(usize::try_from(ahead).unwrap_or_default());
            self.rest.extend_from_slice(&self.first);
            self.first.clear();
        }
        self.rest.extend_from_slice(&piece);
        Ok(())
    }

    /// The body, if it is as long as was announced.
    pub(super) fn end(self) -> Result<Bytes, Failure> {
        let length = u64::try_from(self.len()).ok();
        if self
            .expected
            .is_some_and(|expected| length != Some(expected))
        {
            return Err(Failure::new(Sent::Maybe, Cause::Truncated));
        }
        if self.rest.is_empty() {
            return Ok(self.first);
        }
        Ok(self.rest.freeze())
    }

    fn len(&self) -> usize {
        self.first.len() + self.rest.len()
    }
}
