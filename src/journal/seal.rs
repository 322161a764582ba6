//! What the trail is sealed with: digests that nobody can guess, and links that nobody can forge.
//!
//! Both are HMAC-SHA-256 under keys derived from the server's pepper, which is kept apart from the
//! database. A plain digest of a user could be guessed attribute by attribute, and a plain chain
//! could be computed anew by whoever changed a record. The price: checking the trail takes the
//! pepper, and a trail whose pepper is lost can be read but not checked.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::record::Record;

/// The two keys of the trail.
#[derive(Clone)]
pub struct Seal {
    contents: Hmac<Sha256>,
    chain: Hmac<Sha256>,
}

impl Seal {
    /// A seal of one key for digests of contents and another for the chain.
    pub const fn new(contents: Hmac<Sha256>, chain: Hmac<Sha256>) -> Self {
        Self { contents, chain }
    }

    /// The digest of a thing of that kind, to be told its attributes.
    ///
    /// Equal digests mean equal contents, so that one can see whether a thing is as it was left;
    /// a digest tells nothing else without the key. An id among the attributes keeps things that
    /// look the same apart.
    pub fn contents(&self, kind: &'static str) -> Fields {
        let mut fields = Fields(Vec::with_capacity(512));
        fields.text("kind", Some(kind));
        fields
    }

    /// Ends a digest that was begun with [`Seal::contents`].
    pub fn digest(&self, fields: &Fields) -> Digest {
        Digest(mac(&self.contents, [&fields.0]))
    }

    /// The link of a record to the one before it: HMAC of the previous link and of everything the
    /// record says, its number included. Its own `hash` is not looked at.
    pub fn link(&self, previous: &Link, record: &Record) -> Link {
        // Every attribute is named, so that a new one cannot be forgotten.
        let Record {
            id,
            at,
            principal,
            action,
            account,
            user,
            group,
            key,
            source,
            route,
            request_id,
            outcome,
            reason,
            not_done,
            password,
            attempts,
            before,
            after,
            hash: _,
        } = record;
        let mut fields = Fields(Vec::with_capacity(512));
        fields
            .number("id", Some(*id))
            .number("at", Some(at.as_millis()))
            .text("principal", principal.as_deref())
            .text("action", action.as_deref())
            .number("account", *account)
            .number("user", *user)
            .number("group", *group)
            .number("key", *key)
            .text("source", source.as_deref())
            .text("route", route.as_deref())
            .text("request_id", request_id.as_deref())
            .text("outcome", Some(outcome))
            .text("reason", reason.as_deref())
            .text("not_done", not_done.as_deref())
            .text("password", password.as_deref())
            .number("attempts", *attempts)
            .bytes("before", before.as_deref())
            .bytes("after", after.as_deref());
        Link(mac(&self.chain, [previous.as_bytes(), &fields.0]))
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(…)")
    }
}

/// Attributes in the one form in which they are digested: name, type and value, each with its
/// length, so that no two lists look alike. An absent attribute leaves nothing, so that a digest
/// outlives new attributes that a thing does not have.
#[derive(Debug)]
pub struct Fields(Vec<u8>);

impl Fields {
    /// A number.
    pub fn number(&mut self, name: &str, value: Option<i64>) -> &mut Self {
        self.field(
            name,
            1,
            value
                .map(i64::to_be_bytes)
                .as_ref()
                .map(<[u8; 8]>::as_slice),
        )
    }

    /// A yes or a no.
    pub fn flag(&mut self, name: &str, value: bool) -> &mut Self {
        self.number(name, Some(i64::from(value)))
    }

    /// A text.
    pub fn text(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        self.field(name, 2, value.map(str::as_bytes))
    }

    /// Bytes.
    pub fn bytes(&mut self, name: &str, value: Option<&[u8]>) -> &mut Self {
        self.field(name, 3, value)
    }

    fn field(&mut self, name: &str, form: u8, value: Option<&[u8]>) -> &mut Self {
        if let Some(value) = value {
            self.sized(name.as_bytes());
            self.0.push(form);
            self.sized(value);
        }
        self
    }

    fn sized(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
    }
}

/// A keyed digest of what a thing looked like.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// A digest as it was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What is stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

/// The end of the chain at some record. Whoever keeps one elsewhere can tell later whether the
/// trail up to it still stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Link([u8; 32]);

impl Link {
    /// What the first record is linked to.
    pub const START: Self = Self([0; 32]);

    /// A link as it was stored; nothing if it cannot be one.
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// What is stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// 64 hexadecimal digits.
impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl FromStr for Link {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const MESSAGE: &str = "64 hexadecimal digits, as `dragoman audit verify` prints them";
        if text.len() != 64 {
            return Err(MESSAGE);
        }
        let mut digits = text.chars().map(|digit| digit.to_digit(16));
        let mut bytes = [0; 32];
        for byte in &mut bytes {
            let (Some(Some(high)), Some(Some(low))) = (digits.next(), digits.next()) else {
                return Err(MESSAGE);
            };
            *byte = u8::try_from(high * 16 + low).map_err(|_| MESSAGE)?;
        }
        Ok(Self(bytes))
    }
}

/// Bytes as hexadecimal digits.
#[derive(Clone, Copy, Debug)]
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn mac<const N: usize>(key: &Hmac<Sha256>, parts: [&[u8]; N]) -> [u8; 32] {
    let mut mac = key.clone();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
