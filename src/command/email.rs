//! E-mail addresses.

use std::fmt;

use super::invisible::is_invisible;
use super::name::name_key;

/// An address that parsed: `local@domain` within the lengths of RFC 5321 section 4.5.3.1.
///
/// The local part is a dot-atom (RFC 5322 section 3.2.3); quoted local parts and address literals
/// are refused, as every system behind the three dialects refuses them, and so is what nobody sees:
/// white space, controls and format characters. The spelling is kept; [`Email::key`] is what
/// uniqueness is judged by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Parses an address; blanks around it are a fault, not trimmed.
    pub fn parse(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let (local, domain) = split_at_last(&text, b'@')?;
        (text.len() <= 254 && is_local_part(local) && is_domain(domain)).then_some(Self(text))
    }

    /// One that is stored: earlier versions took more characters.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The address as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which two addresses are the same: lower case.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    /// The key that a username of the same spelling has, where that is not [`Email::key`] already.
    pub fn name_key(&self) -> Option<String> {
        let key = name_key(&self.0);
        (key != self.key()).then_some(key)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn is_local_part(local: &str) -> bool {
    local.len() <= 64
        && parts(local).all(|atom| !atom.is_empty())
        && local.chars().all(|c| c == '.' || is_atext(c))
}

/// What stands before the last of these ASCII characters, and what after it.
fn split_at_last(text: &str, at: u8) -> Option<(&str, &str)> {
    let position = text.bytes().rposition(|byte| byte == at)?;
    let (before, from) = text.split_at_checked(position)?;
    Some((before, from.get(1..)?))
}

/// What stands between the dots.
fn parts(text: &str) -> impl Iterator<Item = &[u8]> {
    text.as_bytes().split(|&byte| byte == b'.')
}

fn is_atext(c: char) -> bool {
    // RFC 6531 section 3.3 adds every non-ASCII character; those that cannot be seen let one
    // address pass for another.
    c.is_ascii_alphanumeric()
        || matches!(c, '!' | '#'..='\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^'..='`' | '{'..='~')
        || (!c.is_ascii() && !c.is_whitespace() && !is_invisible(c))
}

fn is_domain(domain: &str) -> bool {
    let Some((_, top)) = split_at_last(domain, b'.') else {
        return false;
    };
    let top_is_name = !top.bytes().all(|byte| byte.is_ascii_digit());
    top_is_name && parts(domain).all(is_label) && domain.chars().all(is_of_domain)
}

/// Whether the length and the ends are those of a label.
fn is_label(label: &[u8]) -> bool {
    (1..=63).contains(&label.len()) && !label.starts_with(b"-") && !label.ends_with(b"-")
}

fn is_of_domain(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '-' | '.')
        || (!c.is_ascii() && c.is_alphanumeric() && !is_invisible(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_beyond_ascii_has_another_key_as_a_username() {
        let name_key = |text| Email::parse(text).unwrap().name_key();
        assert_eq!(name_key("Ada.O'Neil@Example.com"), None);
        assert_eq!(name_key("Zoë@Example.com"), None);
        let expected = Some("zoë@example.com".to_owned());
        assert_eq!(name_key("Zoe\u{308}@Example.com"), expected);
    }

    #[test]
    fn ordinary_addresses_parse() {
        for text in [
            "a@b.co",
            "first.last+tag@sub.example.com",
            "o'neil@example.org",
            "zoë@exämple.de",
        ] {
            assert!(Email::parse(text).is_some(), "{text}");
        }
    }

    #[test]
    fn what_no_mail_server_takes_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "a",
            "@b.co",
            "a@",
            "a@b",
            "a b@c.de",
            ".a@b.co",
            "a..b@c.de",
            "a@-b.co",
            "a@b..co",
            "a@1.2.3.4",
            "a@b.co ",
            "a@b.co\n",
            "a\u{a0}b@c.de",
            "a\u{3000}b@c.de",
            "a\u{85}b@c.de",
            "a\u{200b}b@c.de",
            "\u{202e}a@c.de",
            "a\u{ad}@c.de",
            "a\u{3164}@c.de",
            "a@c\u{3164}d.de",
            &long,
        ] {
            assert!(Email::parse(text).is_none(), "{text}");
        }
    }
}
