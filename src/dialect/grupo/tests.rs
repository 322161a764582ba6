//! What the parts of the codec are together.

mod answers;
mod calls;
mod generators;
mod laws;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};

use super::Grupo;
use crate::auth::call::{Call, RequestId, Unread};
use crate::command::Command;
use crate::command::text::Text;
use crate::command::user::Role;
use crate::dialect::{Codec, Decoded};
use crate::error::Error;
use crate::outcome::Outcome;
use crate::route::number_table::NumberTable;
use crate::route::profile::Profile;
use crate::route::{FormLimits, JsonLimits, Policy};

const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A route with the vendor's roles and two numbered ones.
fn policy() -> Policy {
    let numbered = [("3", "member"), ("7", "moderator")];
    let roles = numbered.iter().chain(Grupo::ROLES);
    Policy {
        base_path: "/api_request".to_owned(),
        key_in_query: false,
        anonymous: false,
        roles: roles
            .map(|(name, role)| ((*name).to_owned(), named(role)))
            .collect(),
        group_roles: NumberTable::default(),
        group_categories: NumberTable::default(),
        profile: Profile::default(),
        form: FormLimits::default(),
        json: JsonLimits::default(),
    }
}

fn named(role: &str) -> Role {
    Role::new(Text::parse(role).unwrap())
}

fn head(request: http::request::Builder) -> Parts {
    request.body(()).unwrap().into_parts().0
}

fn form_post(uri: &str) -> Parts {
    head(Request::post(uri).header("content-type", "application/x-www-form-urlencoded"))
}

/// A call with the key and these fields.
fn decode(fields: &str) -> Vec<Result<Call, Error>> {
    let body = format!("api_secret_key={KEY}&{fields}");
    match Grupo::decode_request(&form_post("/api_request/"), body.as_bytes(), &policy()) {
        Decoded::Calls(calls, _) => calls.into_iter().map(without_credentials).collect(),
        Decoded::NotOurs(error, _) => panic!("not ours: {error}"),
    }
}

/// The call, or its fault alone.
fn without_credentials(call: Result<Call, Box<Unread>>) -> Result<Call, Error> {
    call.map_err(|unread| unread.error)
}

/// The one command of a call.
fn command(fields: &str) -> Command {
    let mut calls = decode(fields);
    assert_eq!(calls.len(), 1, "{fields}");
    calls.remove(0).unwrap().command
}

/// The one fault of a call.
fn refused(fields: &str) -> Error {
    let mut calls = decode(fields);
    assert_eq!(calls.len(), 1, "{fields}");
    calls.remove(0).unwrap_err()
}

/// The answer to a call if `result` is what becomes of it.
fn answer(fields: &str, result: Result<Outcome, Error>) -> Response<Bytes> {
    let body = format!("api_secret_key={KEY}&{fields}");
    let decoded = Grupo::decode_request(&form_post("/api_request/"), body.as_bytes(), &policy());
    let (Decoded::Calls(_, reply_to) | Decoded::NotOurs(_, reply_to)) = decoded;
    let reference = RequestId::new(0x7f_3a9c).reference();
    Grupo::encode_response(reply_to, vec![result], reference, &policy())
}

/// The body of the answer to a call that is refused in decoding.
fn refusal(fields: &str) -> String {
    text(answer(fields, Err(refused(fields))))
}

fn text(answer: Response<Bytes>) -> String {
    String::from_utf8(answer.into_body().to_vec()).unwrap()
}
