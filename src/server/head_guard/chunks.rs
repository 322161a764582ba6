//! Where a body in chunks ends (RFC 9112, section 7.1), read strictly.

use super::{Refusal, line, take};

/// Bytes that the extensions of a chunk may have. They go no further than hyper.
const EXTENSION: usize = 256;

/// Digits of a chunk's size: more than any body has, and fewer than overflow.
const DIGITS: usize = 15;

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Chunks {
    /// A size.
    #[default]
    Size,
    /// So much of a chunk.
    Data(u64),
    /// The line end after a chunk.
    End,
    /// Trailers, of which there were so many bytes.
    Trailers(usize),
}

impl Chunks {
    /// Takes the beginning of the bytes and says what comes then, if anything; nothing is taken where more
    /// is needed.
    pub(super) fn read(
        self,
        bytes: &[u8],
        limit: usize,
    ) -> Result<Option<(usize, Option<Self>)>, Refusal> {
        if let Self::Data(left) = self {
            let (taken, left) = take(bytes, left);
            let next = if left == 0 {
                Self::End
            } else {
                Self::Data(left)
            };
            return Ok(Some((taken, Some(next))));
        }
        let longest = match self {
            Self::Size => DIGITS + EXTENSION + 2,
            Self::End => 2,
            Self::Trailers(length) => limit.saturating_sub(length),
            Self::Data(_) => bytes.len(),
        };
        let found = line(bytes)?;
        let length = found.map_or(bytes.len(), |(_, length)| length);
        if length > longest {
            return Err(Refusal::malformed("a line between chunks is too long"));
        }
        let Some((line, length)) = found else {
            return Ok(None);
        };
        let next = match self {
            Self::Size => Some(size(line)?),
            Self::End if line.is_empty() => Some(Self::Size),
            Self::Trailers(_) if line.is_empty() => None,
            Self::Trailers(before) if is_trailer(line) => Some(Self::Trailers(before + length)),
            Self::End | Self::Trailers(_) | Self::Data(_) => {
                return Err(Refusal::malformed("a chunk does not end where it should"));
            }
        };
        Ok(Some((length, next)))
    }
}

fn size(line: &[u8]) -> Result<Chunks, Refusal> {
    let semicolon = line.iter().position(|&byte| byte == b';');
    let (digits, extension) = line.split_at(semicolon.unwrap_or(line.len()));
    let text = std::str::from_utf8(digits).ok();
    let text = text
        .filter(|text| text.len() <= DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let size = text.and_then(|text| u64::from_str_radix(text, 16).ok());
    let is_short = extension.len() <= EXTENSION && !has_control(extension);
    match size.filter(|_| is_short) {
        Some(0) => Ok(Chunks::Trailers(0)),
        Some(size) => Ok(Chunks::Data(size)),
        None => Err(Refusal::malformed("a chunk has no proper size")),
    }
}

/// Whether a line between the last chunk and the end may be handed on.
fn is_trailer(line: &[u8]) -> bool {
    let colon = line.iter().position(|&byte| byte == b':');
    let name = colon.and_then(|colon| line.get(..colon));
    name.is_some_and(super::head::is_token) && !has_control(line)
}

fn has_control(bytes: &[u8]) -> bool {
    !super::head::is_text(bytes)
}
