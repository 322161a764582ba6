//! Usernames and slugs, and how a person's names relate.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use super::invisible::is_invisible;

/// A username: 1 to 255 characters, all of them to be seen, with blanks only between others.
///
/// It is unique in its account by [`Username::key`], in one name space with group slugs, and is no
/// e-mail address of another user.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

impl Username {
    /// What [`Username::parse`] demands, as messages say it behind the name of a field.
    pub const MUST: &'static str = "must be 1 to 255 characters long, without control or invisible characters, and not begin or \
         end with a blank";

    /// Checks length and characters; the spelling is kept.
    pub fn parse(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        is_name(&text).then_some(Self(text))
    }

    /// One that is stored: earlier versions took more characters.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The username as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which two usernames are the same.
    pub fn key(&self) -> String {
        name_key(&self.0)
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A group's address in URLs: characters as in a username, without a slash.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

impl Slug {
    /// Checks length and characters; the spelling is kept.
    pub fn parse(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (is_name(&text) && !text.contains('/')).then_some(Self(text))
    }

    /// One that is stored: earlier versions took more characters.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The slug as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which two slugs are the same.
    pub fn key(&self) -> String {
        name_key(&self.0)
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The key of the one name space of usernames and slugs: NFKC, then lower case, then NFKC again,
/// because lower-casing can leave the normal form.
pub fn name_key(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    name.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// The given and the family name that a display name stands for: split at the last run of white
/// space; one word is a given name.
pub fn split_display_name(display_name: &str) -> (&str, Option<&str>) {
    let trimmed = display_name.trim();
    match trimmed.rsplit_once(char::is_whitespace) {
        Some((given, family)) => (given.trim_end(), Some(family)),
        None => (trimmed, None),
    }
}

/// The display name that given and family name stand for: joined by one space.
pub fn join_names(given: Option<&str>, family: Option<&str>) -> Option<String> {
    match (given, family) {
        (Some(given), Some(family)) => Some(format!("{given} {family}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    }
}

fn is_name(text: &str) -> bool {
    if text.is_ascii() {
        let is_seen = text.bytes().all(|byte| !byte.is_ascii_control());
        let has_blank_end = text.starts_with(' ') || text.ends_with(' ');
        return (1..=255).contains(&text.len()) && is_seen && !has_blank_end;
    }
    let length = text.chars().take(256).count();
    (1..=255).contains(&length)
        && !text.chars().any(is_invisible)
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_have_one_key() {
        assert_eq!(name_key("ＡＤＭＩＮ"), "admin");
        assert_eq!(name_key("Zoë"), name_key("Zoe\u{308}"));
    }

    #[test]
    fn a_name_has_blanks_only_inside_and_nothing_invisible() {
        let longest = "é".repeat(255);
        for name in [
            "a",
            "ada@example.com",
            "Ada Lovelace",
            "Zoe\u{308}",
            "李",
            "😀",
            &longest,
        ] {
            assert!(Username::parse(name).is_some(), "{name}");
            assert!(Slug::parse(name).is_some(), "{name}");
        }
        let too_long = "a".repeat(256);
        for name in [
            "",
            " ",
            " ada",
            "ada ",
            "ada\u{a0}",
            "\u{3000}ada",
            "a\tda",
            "a\nda",
            "ada\u{200b}",
            "a\u{200d}da",
            "\u{202e}ada",
            "a\u{ad}da",
            "a\u{3164}da",
            "a\u{2028}da",
            &too_long,
        ] {
            assert!(Username::parse(name).is_none(), "{name:?}");
            assert!(Slug::parse(name).is_none(), "{name:?}");
        }
        assert!(Slug::parse("a/b").is_none());
    }

    #[test]
    fn a_display_name_is_split_at_the_last_white_space() {
        assert_eq!(
            split_display_name("Ana Maria  Silva"),
            ("Ana Maria", Some("Silva"))
        );
        assert_eq!(split_display_name(" Cher "), ("Cher", None));
    }
}
