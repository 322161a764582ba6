//! Methods of the contract that have no canonical command: accounts, contact lists, contacts,
//! folders, sessions. They are kept as they were sent.

use bytes::Bytes;

use super::details::unsupported;
use crate::auth::Credentials;
use crate::command::Dialect;
use crate::command::native::Native;
use crate::command::text::Text;
use crate::error::{Error, Kind};
use crate::framing::json::{self, Json, write_php_string};
use crate::framing::json_rpc::{self, Params};
use crate::outcome::{Outcome, Relayed};

/// The one field of a native call: its parameters behind the key, as JSON.
const PARAMS: &str = "params";

/// Methods that are called before there is a key.
const KEYLESS: [&str; 2] = ["login", "isLoggedIn"];

const METHODS: [&str; 43] = [
    "addAccount",
    "addBatch",
    "addContacts",
    "addField",
    "addFolder",
    "addList",
    "clearList",
    "confirmContact",
    "countAccounts",
    "countContacts",
    "countFields",
    "countFolders",
    "countLists",
    "deactivateContact",
    "deleteContacts",
    "deleteField",
    "deleteFolder",
    "deleteList",
    "editAccount",
    "editContacts",
    "editField",
    "editFolder",
    "editList",
    "getAccountById",
    "getContactById",
    "getCreditBalance",
    "getFieldById",
    "getFolderById",
    "getListById",
    "getSessionInfo",
    "isLoggedIn",
    "login",
    "reactivateContact",
    "resubscribeContact",
    "searchAccounts",
    "searchContacts",
    "searchFields",
    "searchFolders",
    "searchLists",
    "searchMessages",
    "subscribeContact",
    "unsubscribeContact",
    "unsubscribeContactById",
];

/// Whether the contract names the method.
pub(in crate::dialect) fn is_method(name: &str) -> bool {
    METHODS.contains(&name)
}

/// Whether the method is one of those that change nothing.
pub(in crate::dialect) fn is_read(name: &str) -> bool {
    name == "isLoggedIn"
        || ["get", "search", "count"]
            .iter()
            .any(|verb| name.starts_with(verb))
}

/// Whether the method is called without a key.
pub(in crate::dialect) fn is_keyless(name: &str) -> bool {
    KEYLESS.contains(&name)
}

/// Keeps a call as it is. `params` no longer holds the key.
pub(super) fn decode(method: &str, params: Params<'_>) -> Result<Native, Error> {
    let params = match params {
        Params::Positional(values) => Json::Array(values),
        Params::Named(members) => Json::Object(members),
    };
    let mut text = String::new();
    json::write(&mut text, &params);
    let name = |name: &str| Text::parse(name).map_err(|error| Error::invalid("method", error));
    Ok(Native {
        dialect: Dialect::Vision6,
        operation: name(method)?,
        subject: None,
        fields: vec![(name(PARAMS)?, text.into())],
        files: Vec::new(),
    })
}

/// Writes the parameters of a native call, the key in front of them where the method has one.
pub(super) fn encode(
    out: &mut String,
    native: &Native,
    credentials: &Credentials,
) -> Result<(), Error> {
    let Native {
        dialect: Dialect::Vision6,
        operation,
        subject: None,
        fields,
        files: _,
    } = native
    else {
        return Err(unsupported("an operation of another dialect"));
    };
    let behind_key = match fields.as_slice() {
        [(name, params)] if name.as_str() == PARAMS => params.reveal().strip_prefix('['),
        _ => None,
    };
    let Some(behind_key) = behind_key else {
        return Err(unsupported("a native operation with named parameters"));
    };
    out.push('[');
    if !is_keyless(operation.as_str()) {
        write_key(out, credentials)?;
        if behind_key != "]" {
            out.push(',');
        }
    }
    out.push_str(behind_key);
    Ok(())
}

/// What is handed back of a result.
pub(super) fn relayed_result(result: &Json<'_>) -> Outcome {
    relayed(result, false)
}

/// What is handed back of a fault; the old form of one, a string, becomes an object (quirk V31).
pub(super) fn relayed_fault(fault: Json<'_>) -> Result<Outcome, Error> {
    let fault = match fault {
        Json::String(text) => {
            let parts = text.split_once('-');
            let parts = parts.and_then(|(code, message)| Some((code.parse().ok()?, message)));
            let (code, message) = parts.ok_or_else(unreadable)?;
            return Ok(relayed(&object(code, message), true));
        }
        fault @ Json::Object(_) => fault,
        Json::Null | Json::Bool(_) | Json::Integer(_) | Json::Number(_) | Json::Array(_) => {
            return Err(unreadable());
        }
    };
    Ok(relayed(&fault, true))
}

fn object(code: i64, message: &str) -> Json<'_> {
    Json::Object(vec![
        ("code".into(), Json::Integer(code)),
        ("message".into(), Json::String(message.into())),
    ])
}

fn unreadable() -> Error {
    Error::from(Kind::Upstream).caused_by("it answered with an error that is no fault")
}

fn relayed(member: &Json<'_>, is_refusal: bool) -> Outcome {
    let mut text = String::new();
    // As the vendor's server writes it, whatever the caller's version: both read it.
    json::write_php(&mut text, member);
    Outcome::Relayed(Box::new(Relayed {
        status: 200,
        headers: Vec::new(),
        body: Bytes::from(text),
        is_refusal,
    }))
}

/// The answer to one entry.
pub(super) fn hand_back(relayed: &Relayed) -> json_rpc::Response {
    // It was written as a string.
    let text = String::from_utf8_lossy(&relayed.body).into_owned();
    if relayed.is_refusal {
        json_rpc::Response::ForeignFault(text)
    } else {
        json_rpc::Response::Result(text)
    }
}

/// Writes the first parameter: the key, or the empty string where there is none.
pub(super) fn write_key(out: &mut String, credentials: &Credentials) -> Result<(), Error> {
    match credentials {
        Credentials::None => write_php_string(out, ""),
        Credentials::Key(key) => write_php_string(out, key.reveal()),
        Credentials::Basic { .. } => return Err(unsupported("a login with a password")),
    }
    Ok(())
}
