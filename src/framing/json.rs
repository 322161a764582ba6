//! JSON values, read strictly: duplicate keys are refused, integers are never rounded.

mod parser;
mod write;

use std::borrow::Cow;

use crate::error::Error;
use crate::route::JsonLimits;
pub(in crate::framing) use parser::{Fault, Parser};
pub(in crate::framing) use write::write_display;
pub use write::{write, write_integer, write_php, write_php_string, write_string};

/// A JSON value (RFC 8259).
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number that fits.
    Integer(i64),
    /// Any other number, as it was written: a fraction, an exponent or a whole number beyond i64.
    Number(Cow<'a, str>),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object, members in the order of arrival, no name twice.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Reads one document with nothing after it: [`Kind::Malformed`](crate::error::Kind::Malformed)
    /// for what is no JSON, [`Kind::TooLarge`](crate::error::Kind::TooLarge) for what is over a limit.
    pub fn decode(text: &'a str, limits: &JsonLimits) -> Result<Self, Error> {
        let mut parser = Parser::new(text, limits);
        let value = parser.value()?;
        parser.finish()?;
        Ok(value)
    }

    /// Takes a member out of an object; nothing for any other value.
    pub fn take(&mut self, name: &str) -> Option<Json<'a>> {
        let Self::Object(members) = self else {
            return None;
        };
        let position = members.iter().position(|(known, _)| known == name)?;
        Some(members.remove(position).1)
    }
}

#[cfg(test)]
mod tests;
