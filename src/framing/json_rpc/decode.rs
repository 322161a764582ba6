//! Reads requests. The version of each is told by its `jsonrpc` member, wherever it stands.

use std::borrow::Cow;
use std::str::from_utf8;

use crate::error::Error;
use crate::framing::fields::malformed;
use crate::framing::json::{Fault, Json, Parser};
use crate::framing::json_rpc::{
    Message, Params, Refused, ReplyTo, Request, RequestId, Version, Violation,
};
use crate::route::JsonLimits;

/// Reads a body. Whatever it is, there is something to answer.
pub fn decode<'a>(body: &'a [u8], limits: &JsonLimits) -> Message<'a> {
    let text = match from_utf8(body) {
        Ok(text) => text,
        Err(fault) => {
            let at = fault.valid_up_to();
            let error = malformed(format!("the body is not UTF-8 at byte {at}; send UTF-8"));
            let refused = Refused::answered(Version::One, None, Violation::Parse, error);
            return Message::Single(Err(refused));
        }
    };
    let mut parser = Parser::new(text, limits);
    match parser.peek() {
        Some(b'[') => batch(&mut parser, limits),
        Some(b'{') => Message::Single(single(&mut parser)),
        Some(_) | None => Message::Single(Err(stray(&mut parser))),
    }
}

#[expect(
    clippy::result_large_err,
    reason = "a refusal is no larger than a request, and is never passed up far"
)]
fn single<'a>(parser: &mut Parser<'a, '_>) -> Result<Request<'a>, Refused> {
    let mut envelope = Envelope::default();
    let read = envelope.read(parser).and_then(|()| parser.finish());
    match read {
        Ok(()) => envelope.into_request(),
        Err(fault) => {
            let head = envelope.head();
            Err(Refused::unread(head.version, head.id, fault))
        }
    }
}

/// A batch is a thing of 2.0 only. One that cannot be read as a whole gets one answer.
fn batch<'a>(parser: &mut Parser<'a, '_>, limits: &JsonLimits) -> Message<'a> {
    let mut calls = Vec::new();
    let read = parser.elements(limits.batch, "calls in a batch", |parser| {
        calls.push(element(parser)?);
        Ok(())
    });
    match read.and_then(|()| parser.finish()) {
        Err(fault) => Message::Single(Err(Refused::unread(Version::Two, None, fault))),
        Ok(()) if calls.is_empty() => {
            let why = "the batch is empty; send at least one request";
            Message::Single(Err(Refused::invalid(Version::Two, None, why)))
        }
        Ok(()) => Message::Batch(calls),
    }
}

fn element<'a>(parser: &mut Parser<'a, '_>) -> Result<Result<Request<'a>, Refused>, Fault<'a>> {
    if parser.peek() == Some(b'{') {
        let mut envelope = Envelope::default();
        envelope.read(parser)?;
        return Ok(envelope.into_request());
    }
    parser.value()?;
    Ok(Err(Refused::invalid(Version::Two, None, NO_OBJECT)))
}

/// A body that is neither a request nor a batch.
fn stray(parser: &mut Parser<'_, '_>) -> Refused {
    match parser.value().and_then(|_| parser.finish()) {
        Ok(()) => Refused::invalid(Version::One, None, NO_OBJECT),
        Err(fault) => Refused::unread(Version::One, None, fault),
    }
}

const NO_OBJECT: &str = "the request is no JSON object; send one";

/// The members of a request, each with the text it was read from.
#[derive(Default)]
struct Envelope<'a> {
    members: Vec<(Cow<'a, str>, Member<'a>)>,
}

type Member<'a> = (&'a str, Json<'a>);

/// What an answer needs.
struct Head {
    version: Version,
    /// The id, where there is a legal one.
    id: Option<RequestId>,
    fault: Option<&'static str>,
}

impl<'a> Envelope<'a> {
    fn read(&mut self, parser: &mut Parser<'a, '_>) -> Result<(), Fault<'a>> {
        self.members.reserve_exact(4);
        parser.members(&mut self.members, Parser::raw_value)
    }

    fn member(&self, name: &str) -> Option<&Member<'a>> {
        let (_, member) = self.members.iter().find(|(known, _)| known == name)?;
        Some(member)
    }

    fn take(&mut self, name: &str) -> Option<Json<'a>> {
        let position = self.members.iter().position(|(known, _)| known == name)?;
        let (_, (_, value)) = self.members.swap_remove(position);
        Some(value)
    }

    fn head(&self) -> Head {
        let (version, version_fault) = match self.member("jsonrpc") {
            None => (Version::One, None),
            Some((_, Json::String(version))) if version == "2.0" => (Version::Two, None),
            Some(_) => (
                Version::One,
                Some("jsonrpc is not \"2.0\"; send that, or leave it out"),
            ),
        };
        let (id, id_fault) = match self.member("id") {
            None => (None, None),
            Some((text, id)) if is_legal_id(version, id) => {
                (Some(RequestId((*text).to_owned())), None)
            }
            Some(_) => (
                None,
                Some("id is no string, number or null; send one of them"),
            ),
        };
        let fault = version_fault.or(id_fault);
        Head { version, id, fault }
    }

    #[expect(
        clippy::result_large_err,
        reason = "a refusal is no larger than a request, and is never passed up far"
    )]
    fn into_request(mut self) -> Result<Request<'a>, Refused> {
        let head = self.head();
        let invalid = |why| Refused::invalid(head.version, head.id.clone(), why);
        if let Some(why) = head.fault {
            return Err(invalid(why));
        }
        let method = match self.take("method") {
            Some(Json::String(method)) => trim(method),
            Some(_) => return Err(invalid("method is no string; send the name of one")),
            None => return Err(invalid("method is missing; send it")),
        };
        let params = match (self.take("params"), head.version) {
            (None | Some(Json::Null), _) => Params::Positional(Vec::new()),
            (Some(Json::Array(params)), _) => Params::Positional(params),
            (Some(Json::Object(params)), Version::Two) => Params::Named(params),
            (Some(_), Version::One) => return Err(invalid("params is no array; send one")),
            (Some(_), Version::Two) => {
                return Err(invalid("params is no array or object; send one of them"));
            }
        };
        let id = match head.version {
            Version::One => Some(head.id.unwrap_or_else(RequestId::null)),
            Version::Two => head.id,
        };
        let version = head.version;
        Ok(Request {
            reply_to: ReplyTo { version, id },
            method,
            params,
        })
    }
}

impl Refused {
    /// Before a request is understood it is no notification: every refusal is answered.
    fn answered(
        version: Version,
        id: Option<RequestId>,
        violation: Violation,
        error: Error,
    ) -> Self {
        let id = Some(id.unwrap_or_else(RequestId::null));
        Self {
            reply_to: ReplyTo { version, id },
            violation,
            error,
        }
    }

    fn invalid(version: Version, id: Option<RequestId>, why: &'static str) -> Self {
        Self::answered(version, id, Violation::Invalid, malformed(why))
    }

    /// What is too large has been read as far as the id; what is no JSON has no id for certain.
    fn unread(version: Version, id: Option<RequestId>, fault: Fault<'_>) -> Self {
        match fault {
            Fault::Limit(..) => Self::answered(version, id, Violation::Invalid, fault.into()),
            Fault::Syntax(..) | Fault::Duplicate(_) => {
                Self::answered(version, None, Violation::Parse, fault.into())
            }
        }
    }
}

/// 1.0 has no rule for ids; what is no scalar cannot be a sensible one.
const fn is_legal_id(version: Version, id: &Json<'_>) -> bool {
    match id {
        Json::Null | Json::Integer(_) | Json::Number(_) | Json::String(_) => true,
        Json::Bool(_) => matches!(version, Version::One),
        Json::Array(_) | Json::Object(_) => false,
    }
}

fn trim(method: Cow<'_, str>) -> Cow<'_, str> {
    match method {
        Cow::Borrowed(method) => Cow::Borrowed(method.trim()),
        Cow::Owned(method) => Cow::Owned(method.trim().to_owned()),
    }
}
