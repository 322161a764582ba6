//! A strict reader of RFC 8259 over text in memory.
//!
//! Own code, because what `serde_json` does silently is what must not happen here: it keeps the
//! last of two members with one name and rounds long numbers. A visitor could refuse the first,
//! not the second, and every limit would need a pass over the bytes before. One pass that knows
//! the limits is shorter, and faster: strings without escapes are borrowed.
//!
//! It recurses no deeper than the limit on depth, which [`DEEPEST`] bounds.

use std::borrow::Cow;

use crate::error::{Error, is_shown};
use crate::framing::bytes::{self, Class};
use crate::framing::fields::{malformed, too_large};
use crate::framing::json::Json;
use crate::framing::seen::Seen;
use crate::route::JsonLimits;

/// A cursor in a document.
#[derive(Debug)]
pub(in crate::framing) struct Parser<'a, 'l> {
    text: &'a str,
    at: usize,
    depth: usize,
    limits: &'l JsonLimits,
}

/// Why a document was not read to its end.
#[derive(Debug)]
pub(in crate::framing) enum Fault<'a> {
    /// It is no JSON at this byte, because of that.
    Syntax(usize, &'static str),
    /// An object has this name twice.
    Duplicate(Cow<'a, str>),
    /// What there is too much of, from this byte on, and how much would do.
    Limit(usize, &'static str, usize),
}

/// However high the configured limit: what a thread's stack holds for certain.
const DEEPEST: usize = 128;

/// Within so many levels objects have room for what they usually have from the start. Of those further
/// inside there can be too many for that.
const SHALLOW: usize = 3;
const USUAL_MEMBERS: usize = 16;

/// Up to so many members are compared with each other; more are sorted first.
const FEW_MEMBERS: usize = 16;

impl<'a, 'l> Parser<'a, 'l> {
    pub(in crate::framing) const fn new(text: &'a str, limits: &'l JsonLimits) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            limits,
        }
    }

    /// The first byte behind white space.
    pub(in crate::framing) fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.byte() {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// Checks that nothing follows.
    pub(in crate::framing) fn finish(&mut self) -> Result<(), Fault<'a>> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.syntax("there is something behind its end"),
        }
    }

    /// The next value.
    pub(in crate::framing) fn value(&mut self) -> Result<Json<'a>, Fault<'a>> {
        match self.peek() {
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'{') => {
                let usual = if self.depth < SHALLOW {
                    USUAL_MEMBERS
                } else {
                    0
                };
                let mut members = Vec::with_capacity(usual);
                self.members(&mut members, Self::value)?;
                Ok(Json::Object(members))
            }
            Some(b'[') => {
                let mut elements = Vec::new();
                self.elements(self.limits.members, "elements of an array", |parser| {
                    elements.push(parser.value()?);
                    Ok(())
                })?;
                Ok(Json::Array(elements))
            }
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(_) if self.rest().starts_with('\u{feff}') => {
                self.syntax("there is a byte order mark")
            }
            Some(_) | None => self.syntax("a value is expected"),
        }
    }

    /// The next value and the text it was read from.
    pub(in crate::framing) fn raw_value(&mut self) -> Result<(&'a str, Json<'a>), Fault<'a>> {
        self.peek();
        let start = self.at;
        let value = self.value()?;
        Ok((self.text.get(start..self.at).unwrap_or_default(), value))
    }

    /// The members of the object that starts here; what was read before a fault stays in `into`.
    pub(in crate::framing) fn members<V>(
        &mut self,
        into: &mut Vec<(Cow<'a, str>, V)>,
        mut read: impl FnMut(&mut Self) -> Result<V, Fault<'a>>,
    ) -> Result<(), Fault<'a>> {
        let most = self.limits.members;
        self.list(b'}', most, "members of an object", |parser| {
            if parser.peek() != Some(b'"') {
                return parser.syntax("the name of a member is expected, in double quotes");
            }
            let name = parser.string()?;
            if parser.peek() != Some(b':') {
                return parser.syntax("a colon is expected");
            }
            parser.at += 1;
            let value = read(parser)?;
            into.push((name, value));
            Ok(())
        })?;
        match duplicate(into) {
            Some(name) => Err(Fault::Duplicate(name)),
            None => Ok(()),
        }
    }

    /// The elements of the array that starts here, at most so many, each read by `read`.
    pub(in crate::framing) fn elements(
        &mut self,
        most: usize,
        what: &'static str,
        read: impl FnMut(&mut Self) -> Result<(), Fault<'a>>,
    ) -> Result<(), Fault<'a>> {
        self.list(b']', most, what, read)
    }

    /// What stands between two brackets, separated by commas.
    fn list(
        &mut self,
        close: u8,
        most: usize,
        what: &'static str,
        mut read: impl FnMut(&mut Self) -> Result<(), Fault<'a>>,
    ) -> Result<(), Fault<'a>> {
        let deepest = self.limits.depth.min(DEEPEST);
        if self.depth >= deepest {
            return Err(Fault::Limit(self.at, "levels of nesting", deepest));
        }
        self.depth += 1;
        self.at += 1;
        let mut count = 0;
        let mut next = self.peek();
        while next != Some(close) {
            if count == most {
                return Err(Fault::Limit(self.at, what, most));
            }
            count += 1;
            read(self)?;
            next = self.peek();
            if next == Some(b',') {
                self.at += 1;
                next = self.peek();
                if next == Some(close) {
                    return self.syntax("there is a comma before the closing bracket");
                }
            } else if next != Some(close) {
                return self.syntax("a comma or the closing bracket is expected");
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// The string whose quote is here.
    fn string(&mut self) -> Result<Cow<'a, str>, Fault<'a>> {
        let opening = self.at;
        self.at += 1;
        let rest = self.rest();
        let end = bytes::find(rest, Class::Quoted).unwrap_or(rest.len());
        let (plain, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        self.at += end;
        if behind.starts_with('"') {
            self.at += 1;
            self.check_string(plain, opening)?;
            return Ok(Cow::Borrowed(plain));
        }
        let mut string = String::with_capacity(plain.len().saturating_add(16));
        string.push_str(plain);
        loop {
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => string.push(self.escape()?),
                Some(_) => return self.syntax("a control character in a string is not escaped"),
                None => return self.syntax("a string has no end"),
            }
            string.push_str(self.run());
            self.check_string(&string, opening)?;
        }
        self.at += 1;
        self.check_string(&string, opening)?;
        Ok(Cow::Owned(string))
    }

    fn check_string(&self, string: &str, opening: usize) -> Result<(), Fault<'a>> {
        let most = self.limits.string_bytes;
        if string.len() > most {
            return Err(Fault::Limit(opening, "bytes of a string", most));
        }
        Ok(())
    }

    /// What stands before the next quote, backslash or control character.
    fn run(&mut self) -> &'a str {
        let rest = self.rest();
        let end = bytes::find(rest, Class::Quoted).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// The character that the escape here stands for.
    fn escape(&mut self) -> Result<char, Fault<'a>> {
        self.at += 1;
        let escaped = self.byte();
        self.at += 1;
        Ok(match escaped {
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            Some(_) | None => return self.syntax("a backslash escapes what needs no escape"),
        })
    }

    fn unicode_escape(&mut self) -> Result<char, Fault<'a>> {
        const LONE: &str = "half of a surrogate pair is missing";
        let unit = self.code_unit()?;
        if !(0xd800..0xe000).contains(&unit) {
            return char::from_u32(unit).map_or_else(|| self.syntax(LONE), Ok);
        }
        if unit >= 0xdc00 || !self.rest().starts_with("\\u") {
            return self.syntax(LONE);
        }
        self.at += 2;
        let low = self.code_unit()?;
        if !(0xdc00..0xe000).contains(&low) {
            return self.syntax(LONE);
        }
        let point = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        char::from_u32(point).map_or_else(|| self.syntax(LONE), Ok)
    }

    /// Four hexadecimal digits.
    fn code_unit(&mut self) -> Result<u32, Fault<'a>> {
        let digits = self.rest().get(..4).unwrap_or_default();
        if digits.len() != 4 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return self.syntax("four hexadecimal digits are expected");
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).or_else(|_| self.syntax("a digit is wrong"))
    }

    fn number(&mut self) -> Result<Json<'a>, Fault<'a>> {
        let start = self.at;
        self.skip_if(|byte| byte == b'-');
        if !self.skip_if(|byte| byte == b'0') {
            self.digits()?;
        }
        let mut whole = true;
        if self.skip_if(|byte| byte == b'.') {
            whole = false;
            self.digits()?;
        }
        if self.skip_if(|byte| matches!(byte, b'e' | b'E')) {
            whole = false;
            self.skip_if(|byte| matches!(byte, b'+' | b'-'));
            self.digits()?;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if text.len() > self.limits.number_bytes {
            let most = self.limits.number_bytes;
            return Err(Fault::Limit(start, "characters of a number", most));
        }
        // The sign of a negative zero would be lost.
        let integer = if whole && text != "-0" {
            text.parse().ok()
        } else {
            None
        };
        Ok(integer.map_or(Json::Number(Cow::Borrowed(text)), Json::Integer))
    }

    fn digits(&mut self) -> Result<(), Fault<'a>> {
        if !self.skip_if(|byte| byte.is_ascii_digit()) {
            return self.syntax("a digit is expected");
        }
        while self.skip_if(|byte| byte.is_ascii_digit()) {}
        Ok(())
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>, Fault<'a>> {
        if !self.rest().starts_with(word) {
            return self.syntax("a value is expected");
        }
        self.at += word.len();
        Ok(value)
    }

    fn skip_if(&mut self, wanted: impl FnOnce(u8) -> bool) -> bool {
        let found = self.byte().is_some_and(wanted);
        self.at += usize::from(found);
        found
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn syntax<T>(&self, why: &'static str) -> Result<T, Fault<'a>> {
        Err(Fault::Syntax(self.at, why))
    }
}

/// A name that occurs twice.
fn duplicate<'a, V>(members: &[(Cow<'a, str>, V)]) -> Option<Cow<'a, str>> {
    let mut names = members.iter().map(|(name, _)| name);
    if members.len() <= FEW_MEMBERS {
        let mut seen = Seen::new();
        if !names.clone().any(|name| seen.add(name)) {
            return None;
        }
        let mut rest = names.clone();
        return names
            .find(|name| {
                rest.next();
                rest.clone().any(|other| other == *name)
            })
            .cloned();
    }
    let mut sorted: Vec<_> = names.collect();
    sorted.sort_unstable();
    let mut neighbours = sorted.iter().zip(sorted.iter().skip(1));
    let (name, _) = neighbours.find(|(name, next)| name == next)?;
    Some((*name).clone())
}

impl From<Fault<'_>> for Error {
    fn from(fault: Fault<'_>) -> Self {
        match fault {
            Fault::Syntax(at, why) => malformed(format!(
                "the JSON cannot be read at byte {at}: {why}; correct it"
            )),
            Fault::Duplicate(name) if is_shown(&name) => malformed(format!(
                "an object of the JSON has the member {name} twice; send it once"
            )),
            Fault::Duplicate(_) => {
                malformed("an object of the JSON has a member twice; send it once")
            }
            Fault::Limit(at, what, most) => too_large(format!(
                "the JSON has more than {most} {what} at byte {at}; send less"
            )),
        }
    }
}
