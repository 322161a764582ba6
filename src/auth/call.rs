//! One canonical request.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderValue;
use uuid::fmt::Hyphenated;

use crate::command::{AccountId, Command};
use crate::error::Error;
use crate::route::Auth;
use crate::secret::Secret;

/// What a caller presented to say who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    None,
    /// An API key.
    Key(Secret),
    /// A login and a password (RFC 7617). The password may be an API key.
    Basic {
        /// A username or an e-mail address.
        login: String,
        /// What was sent with it.
        password: Secret,
    },
}

/// Credentials, account and command, and what surrounds them.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What was presented.
    pub credentials: Credentials,
    /// The account the call names, where its dialect does.
    pub account: Option<AccountId>,
    /// What is to be done.
    pub command: Command,
    /// What the HTTP side knows and the command side needs. Empty when a codec decodes.
    pub context: Context,
}

impl Call {
    /// A call as a codec decodes it, without context.
    pub fn new(credentials: Credentials, account: Option<AccountId>, command: Command) -> Self {
        Self {
            credentials,
            account,
            command,
            context: Context::default(),
        }
    }
}

/// A call that is at fault, as far as it could be read. It travels in a box, since good calls are
/// the rule.
#[derive(Debug)]
pub struct Unread {
    /// What was presented. It is judged before the fault is told; nothing where the fault hides it.
    pub credentials: Option<Credentials>,
    /// What is wrong.
    pub error: Error,
    /// As in [`Call::context`].
    pub context: Context,
}

impl Unread {
    /// A fault of who presented `credentials`, without context.
    pub fn new(credentials: Credentials, error: Error) -> Box<Self> {
        let mut unread = Box::<Self>::from(error);
        unread.credentials = Some(credentials);
        unread
    }
}

/// A fault that hides the credentials.
impl From<Error> for Box<Unread> {
    fn from(error: Error) -> Self {
        Self::new(Unread {
            credentials: None,
            error,
            context: Context::default(),
        })
    }
}

/// What the command stack needs to know of the request a call came with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// The request's id.
    pub request_id: RequestId,
    /// The caller's address.
    pub source: Option<IpAddr>,
    /// The route it came by.
    pub route: Option<Arc<crate::route::Route>>,
    /// The host that the caller named, port included, where the route answers for one host only.
    pub host: Option<HeaderValue>,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// What the call sticks to one of an upstream's endpoints by.
    pub stick: Option<u64>,
    /// What tells the call from others like it, where its caller may send it again.
    pub repetition: Option<Box<Repetition>>,
}

/// What a caller says, or its request shows, of which call it is. The same call sent again says the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repetition {
    /// The idempotency key, where there is one; what is wrong with it, where it is none.
    pub key: Option<Result<String, &'static str>>,
    /// Which call of its request it is.
    pub position: usize,
    /// The id that the caller gave it (JSON-RPC), as JSON.
    pub id: Option<String>,
}

impl Context {
    /// Whether the route lets callers in who present nothing.
    pub fn allows_anonymous(&self) -> bool {
        self.route
            .as_ref()
            .is_some_and(|route| route.policy.anonymous)
    }

    /// Whether the upstream judges the callers of the route, and not the gateway.
    pub fn is_judged_by_upstream(&self) -> bool {
        self.route
            .as_ref()
            .is_some_and(|route| route.auth != Auth::Gateway)
    }

    /// Whether native operations are relayed from here.
    pub fn relays(&self) -> bool {
        self.route
            .as_ref()
            .is_some_and(|route| route.targets.relays)
    }
}

/// The id of an HTTP request: a UUID of version 7 (RFC 9562), sent back as `X-Request-Id`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestId(u128);

impl RequestId {
    /// The id with these bits.
    pub const fn new(bits: u128) -> Self {
        Self(bits)
    }

    /// The last six hexadecimal digits: short enough to read out, and in the log with the id.
    pub fn reference(self) -> Reference {
        Reference(u32::try_from(self.0 & 0x00ff_ffff).unwrap_or_default())
    }

    /// What it displays as, without the machinery of formatting: every call needs it twice.
    pub fn text(self, room: &mut IdText) -> &str {
        let id = uuid::Uuid::from_u128(self.0);
        id.hyphenated().encode_lower(&mut room.0)
    }
}

/// Room for the text of a [`RequestId`].
#[derive(Debug)]
pub struct IdText([u8; Hyphenated::LENGTH]);

impl Default for IdText {
    fn default() -> Self {
        Self([0; Hyphenated::LENGTH])
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(&mut IdText::default()))
    }
}

/// What ends a message that is Dragoman's own: `(ref 7f3a9c)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference(u32);

impl Reference {
    /// What the reference of an id displays as, in the text of the id.
    pub fn of(id: &str) -> &str {
        id.split_at_checked(id.len().saturating_sub(6))
            .map_or(id, |(_, reference)| reference)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_referred_to_by_the_last_six_digits_of_its_id() {
        let id = RequestId::new(0x0193_0000_0000_7000_8000_0000_0a0b_0c0d);
        assert_eq!(id.to_string(), "01930000-0000-7000-8000-00000a0b0c0d");
        assert_eq!(id.reference().to_string(), "0b0c0d");
        assert_eq!(Reference::of(&id.to_string()), "0b0c0d");
    }
}
