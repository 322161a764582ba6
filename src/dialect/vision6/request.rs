//! HTTP request → calls, and a call → the request towards an upstream.

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::request::Parts;
use http::{HeaderValue, Method as HttpMethod, Request};

use super::arguments::take_credentials;
use super::fault::Subject;
use super::wire::Method;
use super::{Entry, ReplyTo, native, operation};
use crate::auth::{Call, Credentials, Unread};
use crate::command::{AccountId, Command};
use crate::dialect::{Decoded, post};
use crate::error::{Error, Kind};
use crate::framing::json::{write_integer, write_php_string};
use crate::framing::json_rpc::{self, Message, Params, Refused};
use crate::route::Policy;

/// Reads a request: whatever it is, there is one result for each of its entries.
pub(super) fn decode(head: &Parts, body: &[u8], policy: &Policy) -> Decoded<ReplyTo> {
    if let Some(fault) = refuse_head(head) {
        return Decoded::Calls(vec![Err(fault.into())], ReplyTo::unread());
    }
    match json_rpc::decode(body, &policy.json) {
        Message::Single(request) => {
            let (call, entry) = decode_entry(request);
            let entries = vec![entry];
            let batch = false;
            Decoded::Calls(vec![call], ReplyTo { entries, batch })
        }
        Message::Batch(requests) => {
            let (calls, entries) = requests.into_iter().map(decode_entry).unzip();
            let batch = true;
            Decoded::Calls(calls, ReplyTo { entries, batch })
        }
    }
}

fn refuse_head(head: &Parts) -> Option<Error> {
    let message = if head.method != HttpMethod::POST {
        "the HTTP method must be POST"
    } else if head
        .headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(is_compressed)
    {
        "the body must not be compressed; send it without Content-Encoding"
    } else {
        return None;
    };
    Some(Error::new(Kind::Malformed, message))
}

fn is_compressed(encoding: &HeaderValue) -> bool {
    !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
}

fn decode_entry(
    request: Result<json_rpc::Request<'_>, Refused>,
) -> (Result<Call, Box<Unread>>, Entry) {
    match request {
        Ok(request) => {
            let method = Method::from_name(&request.method);
            let entry = Entry {
                reply_to: request.reply_to,
                subject: method.map_or(Subject::Other, Subject::Method),
            };
            let call = match method {
                Some(method) => decode_method(method, request.params),
                None => decode_other(&request.method, request.params),
            };
            (call, entry)
        }
        Err(refused) => {
            let entry = Entry {
                reply_to: refused.reply_to,
                subject: Subject::Envelope(refused.violation),
            };
            (Err(refused.error.into()), entry)
        }
    }
}

fn decode_other(method: &str, mut params: Params<'_>) -> Result<Call, Box<Unread>> {
    if !native::is_method(method) {
        return Err(Error::from(Kind::UnknownOperation).into());
    }
    let credentials = if native::is_keyless(method) {
        Credentials::None
    } else {
        take_credentials(&mut params)
    };
    match native::decode(method, params) {
        Ok(native) => Ok(Call::new(credentials, None, Command::Native(native))),
        Err(error) => Err(Unread::new(credentials, error)),
    }
}

/// What a caller without a key did wrong besides is not told: the key is judged first.
fn decode_method(method: Method, mut params: Params<'_>) -> Result<Call, Box<Unread>> {
    let credentials = take_credentials(&mut params);
    match operation::decode(method, params) {
        Ok((account, command)) => Ok(Call::new(credentials, account, command)),
        Err(error) => Err(Unread::new(credentials, error)),
    }
}

/// The version of the vendor's interface that this gateway speaks to upstreams.
const VERSION_QUERY: &str = "?version=3.3";

/// What most requests take.
const USUAL_BYTES: usize = 512;

/// The number of a command's only request, or its first.
pub(super) const FIRST: u32 = 1;

/// A call as the upstream is to be asked it.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Whose key it is asked with.
    pub(super) credentials: &'a Credentials,
    /// The account that it is asked in.
    pub(super) account: Option<AccountId>,
    /// What is asked.
    pub(super) command: &'a Command,
}

impl<'a> Asked<'a> {
    /// A call as it is.
    pub(super) const fn as_called(call: &'a Call) -> Self {
        Self::on_behalf(call, &call.command)
    }

    /// Another command in place of the call's own.
    pub(super) const fn on_behalf(call: &'a Call, command: &'a Command) -> Self {
        Self {
            credentials: &call.credentials,
            account: call.account,
            command,
        }
    }
}

/// Writes the request for a call in the shape of version 1.0, the key first. What Vision6 cannot
/// express is [`Kind::Unsupported`].
pub(super) fn encode(
    asked: Asked<'_>,
    number: u32,
    policy: &Policy,
) -> Result<Request<Bytes>, Error> {
    let mut body = String::with_capacity(USUAL_BYTES);
    body.push_str("{\"id\":");
    write_integer(&mut body, number.into());
    body.push_str(",\"method\":");
    write_php_string(&mut body, operation::method(asked.command)?);
    body.push_str(",\"params\":");
    operation::encode(&mut body, asked, policy)?;
    body.push('}');
    let target = [&*policy.base_path, VERSION_QUERY].concat();
    let json = HeaderValue::from_static("application/json");
    post(target, json, Bytes::from(body))
}
