//! Usernames and slugs, and how a person's names relate.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// A username: 1 to 255 characters, none of them a control character.
///
/// It is unique in its account by [`Username::key`], in one name space with group slugs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

impl Username {
    /// Checks length and characters; the spelling is kept.
    pub fn parse(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        is_name(&text).then_some(Self(text))
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

/// A group's address in URLs: 1 to 255 characters, none of them a control character or a slash.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

impl Slug {
    /// Checks length and characters; the spelling is kept.
    pub fn parse(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (is_name(&text) && !text.contains('/')).then_some(Self(text))
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
    let length = text.chars().take(256).count();
    (1..=255).contains(&length) && !text.chars().any(char::is_control)
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
    fn a_display_name_is_split_at_the_last_white_space() {
        assert_eq!(
            split_display_name("Ana Maria  Silva"),
            ("Ana Maria", Some("Silva"))
        );
        assert_eq!(split_display_name(" Cher "), ("Cher", None));
    }
}
