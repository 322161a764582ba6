//! Looking for bytes in the short texts that forms and headers are made of. What the standard
//! library has for that is best at long ones, and a form asks for it a hundred times.

use memchr::memchr;

/// Whether a byte of the text is such a one. There is no early exit, so that the compiler can look
/// at many bytes at once.
pub(super) fn contains(text: impl AsRef<[u8]>, is_such: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_ref().iter();
    bytes.fold(false, |found, byte| found | is_such(*byte))
}

/// What stands before the first of these bytes, and what after it.
pub(super) fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let (before, from) = bytes.split_at_checked(memchr(at, bytes)?)?;
    Some((before, from.get(1..)?))
}

/// [`split_once`] of text, at an ASCII character.
pub(super) fn split_text_once(text: &str, at: u8) -> Option<(&str, &str)> {
    let (before, from) = text.split_at_checked(memchr(at, text.as_bytes())?)?;
    Some((before, from.get(1..)?))
}
