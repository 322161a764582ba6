//! The codec against recorded exchanges, and properties of both directions.

mod organizations;
mod profile;
mod properties;
mod recorded;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};

use super::operation::Operation;
use super::{B2evolution, ReplyTo};
use crate::auth::call::{Call, Reference, RequestId};
use crate::command::query::UserQuery;
use crate::command::text::Text;
use crate::command::user::{Role, UserRef};
use crate::command::{Command, Id};
use crate::dialect::{Codec, Decoded};
use crate::error::{Error, Kind};
use crate::outcome::Outcome;
use crate::route::number_table::NumberTable;
use crate::route::profile::Profile;
use crate::route::{FormLimits, JsonLimits, Policy};

pub(super) fn policy() -> Policy {
    let role = |name: &str| Role::new(Text::parse(name).unwrap());
    let roles = B2evolution::ROLES.iter();
    Policy {
        base_path: "/api/v1".to_owned(),
        key_in_query: false,
        anonymous: true,
        roles: roles
            .map(|(id, name)| ((*id).to_owned(), role(name)))
            .collect(),
        group_roles: NumberTable::default(),
        group_categories: NumberTable::default(),
        profile: Profile::default(),
        form: FormLimits::default(),
        json: JsonLimits::default(),
    }
}

pub(super) fn reference() -> Reference {
    RequestId::new(0x7f_3a9c).reference()
}

/// What a request is decoded to.
pub(super) fn decode(request: Request<Bytes>) -> (Result<Call, Error>, ReplyTo) {
    let (head, body) = request.into_parts();
    match B2evolution::decode_request(&head, &body, &policy()) {
        Decoded::Calls(mut calls, reply_to) => {
            let call = calls.remove(0);
            (call.map_err(|unread| unread.error), reply_to)
        }
        Decoded::NotOurs(error, reply_to) => (Err(error), reply_to),
    }
}

/// A request as a form post of the administrator.
pub(super) fn request(method: Method, path: &str, body: &str) -> Request<Bytes> {
    let mut headers = HeaderMap::new();
    headers.insert(
        "authorization",
        "Basic YWRtaW46QWRtMW5QYXNzIXg=".parse().unwrap(),
    );
    if !body.is_empty() {
        let form = "application/x-www-form-urlencoded".parse().unwrap();
        headers.insert("content-type", form);
    }
    let mut request = Request::new(Bytes::copy_from_slice(body.as_bytes()));
    *request.method_mut() = method;
    *request.uri_mut() = format!("/api/v1{path}").parse().unwrap();
    *request.headers_mut() = headers;
    request
}

pub(super) fn post(path: &str, body: &str) -> Request<Bytes> {
    request(Method::POST, path, body)
}

pub(super) fn answer(reply_to: ReplyTo, result: Result<Outcome, Error>) -> Response<Bytes> {
    B2evolution::encode_response(reply_to, vec![result], reference(), &policy())
}

/// Status and body of an answer.
pub(super) fn shown(response: &Response<Bytes>) -> (u16, String) {
    let body = String::from_utf8(response.body().to_vec()).unwrap();
    (response.status().as_u16(), body)
}

/// Status and body of what a request is answered that cannot be decoded.
pub(super) fn refusal(request: Request<Bytes>) -> (u16, String) {
    let (call, reply_to) = decode(request);
    shown(&answer(reply_to, Err(call.unwrap_err())))
}

/// The kind of a fault as its reader sees it.
pub(super) fn read_fault(response: &Response<Bytes>, operation: Operation) -> Kind {
    let command = match operation {
        Operation::Create => Command::CreateUser(Box::default()),
        Operation::Update => Command::UpdateUser(UserRef::Id(Id::ONE), Box::default()),
        Operation::Delete => Command::DeleteUser(UserRef::Id(Id::ONE)),
        Operation::View => Command::ReadUser(UserRef::Id(Id::ONE)),
        Operation::List | Operation::Logins | Operation::Autocomplete | Operation::Other => {
            Command::ListUsers(UserQuery::default())
        }
    };
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = response.status();
    head.headers = response.headers().clone();
    let read = B2evolution::decode_response(&command, &head, response.body(), &policy());
    let kind = read.unwrap_err().kind().clone();
    // What broke at an upstream is the upstream's fault; the table itself has both.
    if kind == Kind::Upstream && response.status() == StatusCode::INTERNAL_SERVER_ERROR {
        return Kind::Internal;
    }
    kind
}
