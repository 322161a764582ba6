//! PHP forms: urlencoded and multipart bodies and query strings, read the way PHP reads them.

use std::borrow::Cow;

use http::HeaderMap;

use crate::error::Error;
use crate::framing::content_type::{self, FormKind};
use crate::framing::fields::Fields;
pub use crate::framing::multipart::encode as encode_multipart;
pub use crate::framing::urlencoded::Writer;
use crate::framing::{multipart, urlencoded};
use crate::route::FormLimits;

/// A decoded form: one entry for each top-level name as PHP would make it, in the order in which
/// the names first arrived.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Form<'a> {
    entries: Vec<Entry<'a>>,
}

/// What was sent under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The name after PHP's mangling.
    pub name: Cow<'a, str>,
    /// The value PHP would have: the last one wins, an array and a scalar replace each other.
    pub value: Value<'a>,
    /// One, and one more for every value that a later one replaced, be it within an array: more
    /// than one is a duplicate.
    pub assignments: usize,
    /// Whether a sender spelled the name differently from how PHP reads it, e.g. `api.secret_key`.
    pub mangled: bool,
}

/// A value of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A PHP array: keys in the order of arrival.
    Array(Vec<(Cow<'a, str>, Value<'a>)>),
    /// An uploaded file; boxed, because every value would be three times as large with room for one.
    File(Box<File<'a>>),
}

/// An uploaded file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// The name it was sent under.
    pub filename: Cow<'a, str>,
    /// Its media type, as sent.
    pub content_type: Cow<'a, str>,
    /// What is in it.
    pub bytes: &'a [u8],
}

impl<'a> Form<'a> {
    /// Reads a body by its `Content-Type`: `application/x-www-form-urlencoded` or
    /// `multipart/form-data`. An empty body is an empty form whatever its type; any other type is
    /// [`Kind::Malformed`](crate::error::Kind::Malformed) with a message that names the two.
    pub fn decode(headers: &HeaderMap, body: &'a [u8], limits: &FormLimits) -> Result<Self, Error> {
        content_type::refuse_compressed(headers)?;
        let kind = content_type::form_kind(headers, body.is_empty())?;
        if body.is_empty() {
            return Ok(Self::default());
        }
        let mut fields = Fields::new(limits);
        match kind {
            FormKind::Urlencoded => urlencoded::decode(body, &mut fields)?,
            FormKind::Multipart { boundary } => multipart::decode(body, &boundary, &mut fields)?,
        }
        Ok(Self::of(fields))
    }

    /// Reads a query string (without its `?`).
    pub fn decode_query(query: &'a str, limits: &FormLimits) -> Result<Self, Error> {
        let mut fields = Fields::new(limits);
        urlencoded::decode(query.as_bytes(), &mut fields)?;
        Ok(Self::of(fields))
    }

    fn of(fields: Fields<'a, '_>) -> Self {
        let entries = fields.into_entries();
        Self { entries }
    }

    /// Takes the entry of that name out of the form.
    pub fn take(&mut self, name: &str) -> Option<Entry<'a>> {
        let position = self.entries.iter().position(|entry| entry.name == name)?;
        Some(self.entries.remove(position))
    }

    /// Takes the entries out of the form whose names are of those, in the order of arrival.
    pub fn take_all(
        &mut self,
        is_wanted: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = Entry<'a>> {
        self.entries
            .extract_if(.., move |entry| is_wanted(&entry.name))
    }

    /// The entry of that name.
    pub fn entry(&self, name: &str) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// What has not been taken.
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// What has not been taken, for good.
    pub fn into_entries(self) -> Vec<Entry<'a>> {
        self.entries
    }

    /// Adds the entries of `other` whose names this form does not have: a body over a query.
    pub fn merge_under(&mut self, other: Self) {
        for entry in other.entries {
            if self.entry(&entry.name).is_none() {
                self.entries.push(entry);
            }
        }
    }
}

/// Writes fields as `application/x-www-form-urlencoded`, in their order. [`Writer`] writes the same
/// without a list of them.
pub fn encode(fields: &[(&str, &str)]) -> String {
    // A list of pairs of strings always has a form; what has none are other shapes.
    serde_urlencoded::to_string(fields).unwrap_or_default()
}

#[cfg(test)]
mod tests;
