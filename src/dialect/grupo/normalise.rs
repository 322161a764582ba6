//! What the vendor makes of usernames and slugs before it stores or compares them.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A username as the vendor keeps it: `John Doe` is `John-Doe`, `a@b.c` is `ab.c`.
///
/// Tags, `%xx` and `&entity;` go, accents are folded, of the rest only ASCII letters, digits,
/// blanks, `_`, `.` and `-` stay, and runs of blanks become one `-`.
pub(super) fn username(sent: &str) -> Cow<'_, str> {
    if sent.bytes().all(is_username_byte) {
        return Cow::Borrowed(sent);
    }
    let mut kept = reduced(sent);
    kept.retain(|c| c == ' ' || u8::try_from(c).is_ok_and(is_username_byte));
    Cow::Owned(hyphenated(&kept))
}

/// A slug as the vendor keeps it: like a username, but every letter stays.
pub(super) fn slug(sent: &str) -> Cow<'_, str> {
    if sent.bytes().all(is_username_byte) {
        return Cow::Borrowed(sent);
    }
    Cow::Owned(hyphenated(&reduced(sent)))
}

/// Whether the vendor keeps a person's name as it is: it takes tags away.
pub(super) fn keeps_name(sent: &str) -> bool {
    without_tags(sent) == sent
}

const fn is_username_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

fn reduced(sent: &str) -> String {
    without_entities(&without_escapes(&folded(&without_tags(sent))))
}

fn hyphenated(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join("-")
}

/// PHP's `strip_tags`: a `<` before a blank is no tag, and one that is never closed takes the rest.
fn without_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        kept.push_str(before);
        if tag.starts_with(char::is_whitespace) {
            kept.push('<');
            rest = tag;
        } else {
            rest = tag.split_once('>').map_or("", |(_, after)| after);
        }
    }
    kept.push_str(rest);
    kept
}

/// `é` is `e`, `ß` is `ss`; letters of other scripts stay as they are.
fn folded(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for c in text.chars() {
        match letters_of(c) {
            Some(letters) => kept.push_str(letters),
            None => fold_into(&mut kept, c),
        }
    }
    kept
}

fn fold_into(kept: &mut String, c: char) {
    let mut parts = std::iter::once(c).nfd();
    match parts.next() {
        Some(base) if base.is_ascii() => {
            kept.push(base);
            kept.extend(parts.filter(|part| !is_combining_mark(*part)));
        }
        _ => kept.push(c),
    }
}

/// Latin letters that do not come apart into a letter and a mark.
const fn letters_of(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'Æ' => "AE",
        'œ' => "oe",
        'Œ' => "OE",
        'ø' => "o",
        'Ø' => "O",
        'đ' | 'ð' => "d",
        'Đ' | 'Ð' => "D",
        'ł' => "l",
        'Ł' => "L",
        'þ' => "th",
        'Þ' => "TH",
        'ı' => "i",
        _ => return None,
    })
}

fn without_escapes(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        kept.push_str(before);
        match after.split_at_checked(2) {
            Some((digits, behind)) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                rest = behind;
            }
            _ => {
                kept.push('%');
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}

fn without_entities(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        kept.push_str(before);
        match after.split_once(';') {
            Some((name, behind)) if !name.is_empty() => rest = behind,
            _ => {
                kept.push('&');
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_become_what_the_vendor_keeps() {
        for (sent, kept) in [
            ("mary", "mary"),
            ("John Doe", "John-Doe"),
            ("  John \t Doe ", "John-Doe"),
            ("John\tDoe", "JohnDoe"),
            ("a@b.c", "ab.c"),
            ("Zoë Weiß", "Zoe-Weiss"),
            ("<b>Bob</b>", "Bob"),
            ("a < b", "a-b"),
            ("a%20b&amp;c", "abc"),
            ("100%", "100"),
            ("<i", ""),
            ("Анна", ""),
        ] {
            assert_eq!(username(sent), kept, "{sent}");
            assert_eq!(username(kept), kept, "{sent}");
        }
    }

    #[test]
    fn slugs_keep_every_letter() {
        assert_eq!(slug("Die Große Halle"), "Die-Grosse-Halle");
        assert_eq!(slug("Анна и Пётр"), "Анна-и-Пётр");
        assert_eq!(slug("tea & cake"), "tea-&-cake");
    }
}
