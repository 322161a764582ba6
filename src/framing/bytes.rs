//! Looking for bytes in the short texts that forms, JSON and headers are made of. What the standard
//! library has for that is best at long ones, and a form asks for it a hundred times.

/// Bytes that mean something to whoever reads or writes a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// This one.
    Only(u8),
    /// In an urlencoded text it stands for something else, or begins what does.
    Escape,
    /// An urlencoded text has it escaped: everything but letters, digits and four signs, as the URL
    /// standard has it (section 5.2).
    Reserved,
    /// PHP may read a name that has it differently from how it is spelled.
    Mangled,
    /// An urlencoded name ends before it, or is not what is spelled there.
    NameEnd,
    /// An urlencoded value ends before it, or is not what is spelled there.
    ValueEnd,
    /// A JSON string has it escaped, or ends with it (RFC 8259, section 7).
    Quoted,
    /// The same where PHP writes it: slashes and what is beyond ASCII, too.
    PhpQuoted,
}

/// Bytes are looked at in groups, as the bytes of one number.
const GROUP: usize = 8;
/// Each byte is 1.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte.
const MARKS: u64 = 0x8080_8080_8080_8080;

impl Class {
    const fn has(self, byte: u8) -> bool {
        let is_control = byte < b' ';
        match self {
            Self::Only(this) => byte == this,
            Self::Escape => matches!(byte, b'%' | b'+'),
            Self::Reserved => {
                !(byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_'))
            }
            Self::Mangled => matches!(byte, b' ' | b'.' | b'[' | 0),
            Self::NameEnd => {
                matches!(byte, b'=' | b'&' | b'%' | b'+' | b' ' | b'.' | b'[' | 0)
            }
            Self::ValueEnd => matches!(byte, b'&' | b'%' | b'+'),
            Self::Quoted => is_control || matches!(byte, b'"' | b'\\'),
            Self::PhpQuoted => {
                is_control || matches!(byte, b'"' | b'\\' | b'/') || !byte.is_ascii()
            }
        }
    }

    /// Which byte of a group is the first of the class.
    fn first(self, group: [u8; GROUP]) -> Option<usize> {
        let bytes = u64::from_le_bytes(group);
        let marks = match self {
            Self::Only(this) => same(bytes, this),
            Self::Escape => same(bytes, b'%') | same(bytes, b'+'),
            Self::Reserved => reserved(bytes),
            Self::Mangled => mangled(bytes),
            Self::NameEnd => same(bytes, b'=') | value_end(bytes) | mangled(bytes),
            Self::ValueEnd => value_end(bytes),
            Self::Quoted => quoted(bytes),
            Self::PhpQuoted => quoted(bytes) | same(bytes, b'/') | (bytes & MARKS),
        };
        let first = usize::try_from(marks.trailing_zeros() / u8::BITS).ok()?;
        (first < GROUP).then_some(first)
    }
}

/// Marks each byte that is zero, and perhaps others behind one that is.
const fn zero(bytes: u64) -> u64 {
    bytes.wrapping_sub(ONES) & !bytes & MARKS
}

/// The same of another byte.
const fn same(bytes: u64, byte: u8) -> u64 {
    zero(bytes ^ each(byte))
}

/// Marks each byte between these two. There is no byte beyond ASCII.
const fn range(bytes: u64, first: u8, last: u8) -> u64 {
    let not_before = bytes + each(0x80 - first);
    let behind = bytes + each(0x7f - last);
    not_before & !behind & MARKS
}

const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; GROUP])
}

const fn reserved(bytes: u64) -> u64 {
    let ascii = bytes & !MARKS;
    // A bit tells upper from lower case.
    let letters = range(ascii | each(0x20), b'a', b'z');
    let signs = range(ascii, b'*', b'*') | range(ascii, b'-', b'.') | range(ascii, b'_', b'_');
    let plain = letters | range(ascii, b'0', b'9') | signs;
    (bytes | !plain) & MARKS
}

const fn mangled(bytes: u64) -> u64 {
    same(bytes, b' ') | same(bytes, b'.') | same(bytes, b'[') | zero(bytes)
}

const fn value_end(bytes: u64) -> u64 {
    same(bytes, b'&') | same(bytes, b'%') | same(bytes, b'+')
}

const fn quoted(bytes: u64) -> u64 {
    let control = bytes.wrapping_sub(each(b' ')) & !bytes & MARKS;
    control | same(bytes, b'"') | same(bytes, b'\\')
}

/// Where the first byte of the class is.
pub(super) fn find(text: impl AsRef<[u8]>, class: Class) -> Option<usize> {
    let bytes = text.as_ref();
    let (groups, rest) = bytes.as_chunks::<GROUP>();
    let mut before = 0;
    for group in groups {
        if let Some(at) = class.first(*group) {
            return Some(before + at);
        }
        before += GROUP;
    }
    if rest.is_empty() {
        return None;
    }
    if let Some(last) = bytes.last_chunk() {
        // Nothing is found again of the group before.
        return class.first(*last).map(|at| bytes.len() - GROUP + at);
    }
    rest.iter().position(|&byte| class.has(byte))
}

/// Whether a byte of the text is such a one. There is no early exit, so that the compiler can look
/// at many bytes at once.
pub(super) fn contains(text: impl AsRef<[u8]>, is_such: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_ref().iter();
    bytes.fold(false, |found, byte| found | is_such(*byte))
}

/// What stands before the first of these bytes, and what after it.
pub(super) fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let (before, from) = bytes.split_at_checked(find(bytes, Class::Only(at))?)?;
    Some((before, from.get(1..)?))
}

/// [`split_once`] of text, at an ASCII character.
pub(super) fn split_text_once(text: &str, at: u8) -> Option<(&str, &str)> {
    let (before, from) = text.split_at_checked(find(text, Class::Only(at))?)?;
    Some((before, from.get(1..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLASSES: [Class; 10] = [
        Class::Only(b'&'),
        Class::Only(0),
        Class::Only(0xff),
        Class::Escape,
        Class::Reserved,
        Class::Mangled,
        Class::NameEnd,
        Class::ValueEnd,
        Class::Quoted,
        Class::PhpQuoted,
    ];

    #[test]
    fn a_byte_is_found_wherever_it_is_and_whatever_stands_around_it() {
        for class in CLASSES {
            for byte in 0..=u8::MAX {
                for (length, at) in [(1, 0), (8, 0), (8, 7), (9, 8), (23, 15), (23, 22)] {
                    let mut text = vec![b'a'; length];
                    text[at] = byte;
                    let expected = class.has(byte).then_some(at);
                    assert_eq!(
                        find(text, class),
                        expected,
                        "{class:?} {byte} {length} {at}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_first_byte_of_a_class_is_found(bytes: Vec<u8>) {
            for class in CLASSES {
                let expected = bytes.iter().position(|&byte| class.has(byte));
                prop_assert_eq!(find(&bytes, class), expected);
            }
        }
    }
}
