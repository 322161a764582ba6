//! JSON-RPC 1.0-shaped and 2.0: requests, batches, notifications, and the shape of answers.

mod decode;

use std::borrow::Cow;

use crate::error::Error;
use crate::framing::json::{Json, write_display, write_string};
pub use decode::decode;

/// The version one request is written in; its answer has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// No `jsonrpc` member: `id`, `result` and `error` in every answer, in that order.
    One,
    /// `"jsonrpc":"2.0"`: exactly one of `result` and `error` in an answer.
    Two,
}

/// The id of a request, as the bytes it was written in: no digit is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The id of an answer to what has none.
    pub fn null() -> Self {
        Self("null".to_owned())
    }

    /// The JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request<'a> {
    /// What the answer repeats.
    pub reply_to: ReplyTo,
    /// The method's name, trimmed.
    pub method: Cow<'a, str>,
    /// What it was called with.
    pub params: Params<'a>,
}

/// The arguments of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Params<'a> {
    /// By position; none where the member is absent or null.
    Positional(Vec<Json<'a>>),
    /// By name (2.0 only).
    Named(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// How one request wants to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    /// The shape.
    pub version: Version,
    /// The id to repeat; nothing for a 2.0 notification, which is not answered at all.
    pub id: Option<RequestId>,
}

/// A decoded body.
#[derive(Debug)]
pub enum Message<'a> {
    /// One request.
    Single(Result<Request<'a>, Refused>),
    /// A batch, not empty.
    Batch(Vec<Result<Request<'a>, Refused>>),
}

/// A request that is not one, and how to say so.
#[derive(Debug)]
pub struct Refused {
    /// As much of the envelope as could be read.
    pub reply_to: ReplyTo,
    /// Unparseable JSON ([`Violation::Parse`]) or no request ([`Violation::Invalid`]).
    pub violation: Violation,
    /// What is wrong, always of kind [`Kind::Malformed`](crate::error::Kind::Malformed) or
    /// [`Kind::TooLarge`](crate::error::Kind::TooLarge).
    pub error: Error,
}

/// Which of the two envelope faults it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// -32700
    Parse,
    /// -32600
    Invalid,
}

/// The answer to one request, before it is written (a response object, in the words of 2.0). `result` is the JSON text of the result.
#[derive(Debug)]
pub enum Response {
    /// A result.
    Result(String),
    /// A fault: code, message, and for 2.0 the JSON text of `data`.
    Fault {
        /// The code.
        code: i64,
        /// What a person reads.
        message: String,
        /// More, in the 2.0 shape only.
        data: Option<String>,
    },
    /// A fault that another system wrote: the JSON text of `error`.
    ForeignFault(String),
}

/// Writes one answer in the shape its request asked for; nothing for a notification.
pub fn write_response(out: &mut String, reply_to: &ReplyTo, response: &Response) {
    let Some(id) = &reply_to.id else {
        return;
    };
    match reply_to.version {
        Version::One => write_one(out, id, response),
        Version::Two => write_two(out, id, response),
    }
}

/// A deployed client cuts its answers apart by pattern: id, result and error in this order, and
/// nothing else.
fn write_one(out: &mut String, id: &RequestId, response: &Response) {
    push_all(out, ["{\"id\":", id.as_json(), ",\"result\":"]);
    match response {
        Response::Result(result) => push_all(out, [result, ",\"error\":null}"]),
        Response::Fault { code, message, .. } => {
            out.push_str("null,\"error\":{");
            write_fault(out, *code, message);
            out.push_str("}}");
        }
        Response::ForeignFault(fault) => push_all(out, ["null,\"error\":", fault, "}"]),
    }
}

fn write_two(out: &mut String, id: &RequestId, response: &Response) {
    push_all(out, ["{\"jsonrpc\":\"2.0\",\"id\":", id.as_json()]);
    match response {
        Response::Result(result) => push_all(out, [",\"result\":", result, "}"]),
        Response::Fault {
            code,
            message,
            data,
        } => {
            out.push_str(",\"error\":{");
            write_fault(out, *code, message);
            if let Some(data) = data {
                push_all(out, [",\"data\":", data]);
            }
            out.push_str("}}");
        }
        Response::ForeignFault(fault) => push_all(out, [",\"error\":", fault, "}"]),
    }
}

fn write_fault(out: &mut String, code: i64, message: &str) {
    out.push_str("\"code\":");
    write_display(out, code);
    out.push_str(",\"message\":");
    write_string(out, message);
}

fn push_all<const N: usize>(out: &mut String, texts: [&str; N]) {
    out.extend(texts);
}

#[cfg(test)]
mod tests;
