//! The parameters of a call: by position, or in version 2.0 by name.

use std::borrow::Cow;
use std::vec;

use super::value;
use super::wire::{self, Method};
use crate::auth::Credentials;
use crate::error::Error;
use crate::framing::json::Json;
use crate::framing::json_rpc::Params;

/// The key is the first parameter, or the one of that name; what is no text, or empty, is none.
pub(super) fn take_credentials(params: &mut Params<'_>) -> Credentials {
    let key = match params {
        Params::Positional(values) if values.is_empty() => None,
        Params::Positional(values) => Some(values.remove(0)),
        Params::Named(members) => take_member(members, wire::API_KEY),
    };
    match key.and_then(value::string) {
        Some(key) if !key.is_empty() => Credentials::Key(key.into_owned().into()),
        Some(_) | None => Credentials::None,
    }
}

fn take_member<'a>(members: &mut Vec<(Cow<'a, str>, Json<'a>)>, name: &str) -> Option<Json<'a>> {
    let position = members.iter().position(|(known, _)| known == name)?;
    Some(members.swap_remove(position).1)
}

/// The parameters of a method behind the key, in their order; what is left out is null.
pub(super) struct Arguments<'a>(vec::IntoIter<Json<'a>>);

impl<'a> Arguments<'a> {
    /// Sorts the parameters out; those of another method are refused.
    pub(super) fn new(method: Method, params: Params<'a>) -> Result<Self, Error> {
        let names = method.parameters();
        let mut members = match params {
            Params::Positional(values) if values.len() <= names.len() => {
                return Ok(Self(values.into_iter()));
            }
            Params::Positional(_) => return Err(too_many(method)),
            Params::Named(members) => members,
        };
        let by_name = |name: &&str| take_member(&mut members, name).unwrap_or(Json::Null);
        let values = names.iter().map(by_name).collect::<Vec<_>>();
        match members.first() {
            Some((unknown, _)) => Err(unknown_parameter(method, unknown)),
            None => Ok(Self(values.into_iter())),
        }
    }

    /// The next parameter.
    pub(super) fn next(&mut self) -> Json<'a> {
        self.0.next().unwrap_or(Json::Null)
    }
}

fn too_many(method: Method) -> Error {
    let most = method.parameters().len();
    Error::invalid(
        "params",
        format_args!("must be the key and no more than {most} others"),
    )
}

fn unknown_parameter(method: Method, name: &str) -> Error {
    let method = method.name();
    Error::invalid(
        name.to_owned(),
        format_args!("is no parameter of {method}; leave it out"),
    )
}
