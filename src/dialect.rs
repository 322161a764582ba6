//! The seam: a codec per dialect, and the one match from a dialect's name to its codec.
//!
//! Decoding and encoding are pure functions of the request and the route's [`Policy`]; goldens,
//! property tests and benchmarks need no server.

pub mod b2evolution;
pub mod exchange;
pub mod expresses;
pub mod grupo;
pub mod relayed;
mod repetition;
pub mod translate;
pub mod vision6;

#[cfg(test)]
mod round_trip;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::response::Parts as ResponseParts;
use http::{HeaderValue, Method, Request, Response};

use crate::auth::call::Reference;
use crate::auth::{Call, Unread};
use crate::command::{Command, Dialect};
use crate::error::Error;
use crate::outcome::Outcome;
use crate::route::{PathRule, Policy};

/// A dialect's decode and encode functions, in both directions of travel.
pub trait Codec {
    /// What decoding keeps for the answer: ids, versions, the operation's name.
    type ReplyTo;

    /// Whether the vendor's server takes its path in any case.
    const PATH_IGNORES_CASE: bool = false;

    /// An ending that the vendor's path may have, e.g. `.php`.
    const PATH_SUFFIX: Option<&'static str> = None;

    /// The vendor's default roles, by the dialect's number or name; a route's table replaces them.
    const ROLES: &'static [(&'static str, &'static str)] = &[];

    /// Bytes → canonical. Never panics, whatever the bytes.
    fn decode_request(head: &Parts, body: &[u8], policy: &Policy) -> Decoded<Self::ReplyTo>;

    /// What the answer to a request needs whose body was never read: refused above the seam.
    fn unread(head: &Parts) -> Self::ReplyTo;

    /// Canonical → bytes: the answer to a request, with one result for each of its calls, in order.
    fn encode_response(
        reply_to: Self::ReplyTo,
        results: Vec<Result<Outcome, Error>>,
        reference: Reference,
        policy: &Policy,
    ) -> Response<Bytes>;

    /// Canonical → bytes towards an upstream: path, headers and body, without scheme and host.
    /// What the dialect cannot express is [`Kind::Unsupported`](crate::error::Kind::Unsupported).
    fn encode_request(call: &Call, policy: &Policy) -> Result<Request<Bytes>, Error>;

    /// Bytes → canonical: an upstream's answer to `command`. Only what the dialect calls success
    /// is one.
    fn decode_response(
        command: &Command,
        head: &ResponseParts,
        body: &[u8],
        policy: &Policy,
    ) -> Result<Outcome, Error>;
}

/// What a request turned out to be.
#[derive(Debug)]
pub enum Decoded<R> {
    /// Calls, each with a fault of its own where it could not be decoded, and with the credentials
    /// that are to be judged before that is told.
    Calls(Vec<Result<Call, Box<Unread>>>, R),
    /// No API call at all. The error is the answer where there is no site to hand it to.
    NotOurs(Error, R),
}

/// What travels around the command stack, of any dialect.
#[derive(Debug)]
pub enum ReplyTo {
    /// To a Grupo client.
    Grupo(<grupo::Grupo as Codec>::ReplyTo),
    /// To a Vision6 client.
    Vision6(<vision6::Vision6 as Codec>::ReplyTo),
    /// To a b2evolution client.
    B2evolution(<b2evolution::B2evolution as Codec>::ReplyTo),
}

impl<R> Decoded<R> {
    fn map<T>(self, wrap: impl FnOnce(R) -> T) -> Decoded<T> {
        match self {
            Self::Calls(calls, reply_to) => Decoded::Calls(calls, wrap(reply_to)),
            Self::NotOurs(error, reply_to) => Decoded::NotOurs(error, wrap(reply_to)),
        }
    }
}

/// The paths of the dialect's callers under a prefix.
pub fn path_rule(dialect: Dialect, prefix: String) -> PathRule {
    let (ignore_case, optional_suffix) = match dialect {
        Dialect::Grupo => (grupo::Grupo::PATH_IGNORES_CASE, grupo::Grupo::PATH_SUFFIX),
        Dialect::Vision6 => (
            vision6::Vision6::PATH_IGNORES_CASE,
            vision6::Vision6::PATH_SUFFIX,
        ),
        Dialect::B2evolution => (
            b2evolution::B2evolution::PATH_IGNORES_CASE,
            b2evolution::B2evolution::PATH_SUFFIX,
        ),
    };
    PathRule {
        is_exact: false,
        prefix,
        ignore_case,
        optional_suffix,
    }
}

/// [`Codec::ROLES`] of the dialect.
pub const fn default_roles(dialect: Dialect) -> &'static [(&'static str, &'static str)] {
    match dialect {
        Dialect::Grupo => grupo::Grupo::ROLES,
        Dialect::Vision6 => vision6::Vision6::ROLES,
        Dialect::B2evolution => b2evolution::B2evolution::ROLES,
    }
}

/// [`Codec::decode_request`] of the dialect.
pub fn decode_request(
    dialect: Dialect,
    head: &Parts,
    body: &[u8],
    policy: &Policy,
) -> Decoded<ReplyTo> {
    match dialect {
        Dialect::Grupo => grupo::Grupo::decode_request(head, body, policy).map(ReplyTo::Grupo),
        Dialect::Vision6 => {
            vision6::Vision6::decode_request(head, body, policy).map(ReplyTo::Vision6)
        }
        Dialect::B2evolution => {
            b2evolution::B2evolution::decode_request(head, body, policy).map(ReplyTo::B2evolution)
        }
    }
}

/// A request towards an upstream with a body, without scheme and host.
fn post(target: String, content_type: HeaderValue, body: Bytes) -> Result<Request<Bytes>, Error> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target.try_into().map_err(Error::internal)?;
    request.headers_mut().insert(CONTENT_TYPE, content_type);
    Ok(request)
}

/// Whether a request is a call, by its head and what is known of its body: it presents a key as PHP would
/// see it, or is for the part of the site that the dialect is about. Limits do not matter here.
pub fn is_ours(dialect: Dialect, head: &Parts, body: &[u8], policy: &Policy) -> bool {
    match dialect {
        Dialect::Grupo => grupo::Grupo::is_ours(head, body),
        Dialect::Vision6 => true,
        Dialect::B2evolution => b2evolution::B2evolution::is_ours(head, policy),
    }
}

/// Whether everything at the dialect's own path is a call, so that nobody has to look.
pub const fn is_always_ours(dialect: Dialect) -> bool {
    match dialect {
        Dialect::Vision6 => true,
        Dialect::Grupo | Dialect::B2evolution => false,
    }
}

/// [`Codec::unread`] of the dialect.
pub fn unread(dialect: Dialect, head: &Parts) -> ReplyTo {
    match dialect {
        Dialect::Grupo => ReplyTo::Grupo(grupo::Grupo::unread(head)),
        Dialect::Vision6 => ReplyTo::Vision6(vision6::Vision6::unread(head)),
        Dialect::B2evolution => ReplyTo::B2evolution(b2evolution::B2evolution::unread(head)),
    }
}

/// [`Codec::encode_request`] of the dialect.
pub fn encode_request(
    dialect: Dialect,
    call: &Call,
    policy: &Policy,
) -> Result<Request<Bytes>, Error> {
    match dialect {
        Dialect::Grupo => grupo::Grupo::encode_request(call, policy),
        Dialect::Vision6 => vision6::Vision6::encode_request(call, policy),
        Dialect::B2evolution => b2evolution::B2evolution::encode_request(call, policy),
    }
}

/// [`Codec::decode_response`] of the dialect.
pub fn decode_response(
    dialect: Dialect,
    command: &Command,
    head: &ResponseParts,
    body: &[u8],
    policy: &Policy,
) -> Result<Outcome, Error> {
    match dialect {
        Dialect::Grupo => grupo::Grupo::decode_response(command, head, body, policy),
        Dialect::Vision6 => vision6::Vision6::decode_response(command, head, body, policy),
        Dialect::B2evolution => {
            b2evolution::B2evolution::decode_response(command, head, body, policy)
        }
    }
}

impl ReplyTo {
    /// The id that the caller gave the call at that position, as JSON, where the dialect has any.
    pub fn call_id(&self, position: usize) -> Option<&str> {
        match self {
            Self::Grupo(_) | Self::B2evolution(_) => None,
            Self::Vision6(reply_to) => reply_to.call_id(position),
        }
    }

    /// [`Codec::encode_response`] of the dialect it belongs to.
    pub fn encode_response(
        self,
        results: Vec<Result<Outcome, Error>>,
        reference: Reference,
        policy: &Policy,
    ) -> Response<Bytes> {
        match self {
            Self::Grupo(reply_to) => {
                grupo::Grupo::encode_response(reply_to, results, reference, policy)
            }
            Self::Vision6(reply_to) => {
                vision6::Vision6::encode_response(reply_to, results, reference, policy)
            }
            Self::B2evolution(reply_to) => {
                b2evolution::B2evolution::encode_response(reply_to, results, reference, policy)
            }
        }
    }
}
