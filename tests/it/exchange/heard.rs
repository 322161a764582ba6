//! What a caller reads in an answer, by its dialect's contract alone: nothing here is asked of the
//! codecs.

use bytes::Bytes;
use dragoman::command::Dialect;
use http::Response;
use serde_json::Value;

use super::REFERENCE;

/// What the answer is to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It was done.
    Success,
    /// It may have been done.
    UnknownOutcome,
    /// It was done, and what came of it is not known.
    Made,
    /// The system behind failed.
    UpstreamFailed,
    /// It was not done, for whom it is about, who asks, or how busy it is.
    Refused,
    /// It was not done, for what was sent.
    Fault,
}

/// The words of the vendors, which end without a reference. `{}` stands for the name of a field.
const WORDINGS: [&str; 51] = [
    // Grupo
    "Account Does Not Exist",
    "Email Already Exists",
    "Group Not Found",
    "Invalid Email Address",
    "Invalid Input or Field Empty",
    "Password doesn&#039;t match the Confirm password",
    "Permission Denied",
    "Slug Already Exists",
    "Something Went Wrong",
    "Username Already Taken",
    "Your account has been banned for violating the Terms of Service.",
    // Vision6
    "Administrative Access Denied",
    "Cannot Delete User",
    "Invalid Email Address Specified",
    "Unable to Load List.",
    "Unable to load Account User",
    "Username unavailable",
    // b2evolution
    "Illegal value received for parameter &laquo;{}&raquo;!",
    "Invalid user ID",
    "Logins can only contain letters, digits and <code>-</code> <code>.</code> <code>_</code>",
    "Logins cannot be longer than 20 characters.",
    "Missing user ID",
    "Parameter &laquo;{}&raquo; is required!",
    "Please enter at least one char to find assignees",
    "Please enter last name.",
    "Please enter your e-mail address.",
    "Please enter your first name.",
    "Please enter your login.",
    "Please enter your nickname.",
    "Please select a country.",
    "Please select a gender.",
    "Requested Group does not exist!",
    "The email address is invalid.",
    "The first age must be lower than (or equal to) the second.",
    "The requested user account is closed!",
    "The requested user does not exist!",
    "This login &laquo;{}&raquo; already exists. Do you want to edit the existing user?",
    "This login already exists.",
    "User level must be between 0 and 10.",
    "You are only allowed to update your own profile!",
    "You can't delete User #1!",
    "You can't delete yourself!",
    "You cannot log in at this time because the system is under maintenance. Please try again in a few moments.",
    "You have no permission to edit other users!",
    "Your current password is incorrect.",
    "param(-): <strong>{}</strong> is not array!",
    "param(-): <strong>{}</strong> is not scalar!",
    "<span class=\"pass_check_diff\">You typed two different passwords.</span>",
    "<span class=\"pass_check_min\">The minimum password length is 5 characters.</span>",
    "<span class=\"pass_check_new\">Please enter new password.</span>",
    "<span class=\"pass_check_twice\">Please enter new password twice.</span>",
];

/// Reads an answer, and holds it to everything that the dialect asks of one.
pub(super) fn hear(caller: Dialect, answer: &Response<Bytes>) -> Result<Heard, String> {
    let body: Value = serde_json::from_slice(answer.body()).map_err(|fault| fault.to_string())?;
    must(body.is_object(), "it is no object")?;
    match caller {
        Dialect::Grupo => grupo(answer, &body),
        Dialect::Vision6 => vision6(answer, &body),
        Dialect::B2evolution => b2evolution(answer, &body),
    }
}

/// A requirement of the contract.
pub(super) fn must(holds: bool, what: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.into()) }
}

fn grupo(answer: &Response<Bytes>, body: &Value) -> Result<Heard, String> {
    must(answer.status() == 200, "the status is not 200")?;
    has_type(answer, "text/html; charset=UTF-8")?;
    if body["success"] == true {
        return Ok(Heard::Success);
    }
    must(body["success"] == false, "success is no boolean")?;
    let said = words(text(body, "error_message")?)?;
    let variables = body["error_variables"]
        .as_array()
        .ok_or("there are no variables")?;
    let is_twice = |(index, variable)| variables.iter().skip(index + 1).any(|it| it == variable);
    let is_repeated = variables.iter().enumerate().any(is_twice);
    must(!is_repeated, "a variable is there twice")?;
    match text(body, "error_key")? {
        // What is said of a key is said of the caller's own.
        "invalid_api_secret_key" => Err("the key was the gateway's".to_owned()),
        "something_went_wrong" => Ok(by_words(said)),
        "account_not_found" | "account_banned" | "permission_denied" => Ok(Heard::Refused),
        _ => Ok(Heard::Fault),
    }
}

fn vision6(answer: &Response<Bytes>, body: &Value) -> Result<Heard, String> {
    must(answer.status() == 200, "the status is not 200")?;
    has_type(answer, "application/json")?;
    let has = |member| body.get(member).is_some();
    if has("jsonrpc") {
        must(body["id"] == 2, "the id is another")?;
        must(has("result") != has("error"), "one of result and error")?;
    } else {
        // One client cuts the envelope up by its order.
        let is_ordered = answer.body().starts_with(b"{\"id\":1,\"result\":");
        must(is_ordered && has("error"), "id, result, error")?;
        let is_one = body["result"].is_null() != body["error"].is_null();
        must(is_one, "one of result and error is null")?;
    }
    let error = &body["error"];
    if error.is_null() {
        return Ok(Heard::Success);
    }
    let message = text(error, "message")?;
    must(!message.contains(['[', ']']), "a bracket")?;
    let said = words(message)?;
    let (_, detail) = said.split_once(": ").unwrap_or_default();
    let code = error["data"]["code"].as_i64().or(error["code"].as_i64());
    match code {
        Some(100 | 103) => Ok(by_words(detail)),
        Some(300 | 301) => Err("the key was the gateway's".to_owned()),
        Some(302 | 321 | 331 | 399) => Ok(Heard::Refused),
        Some(_) => Ok(Heard::Fault),
        None => Err("there is no code".to_owned()),
    }
}

fn b2evolution(answer: &Response<Bytes>, body: &Value) -> Result<Heard, String> {
    let status = answer.status();
    has_type(answer, "application/json; charset=utf-8")?;
    if body.get("error_status").is_some() {
        must(
            text(body, "error_status")? == status.to_string(),
            "the status is another",
        )?;
        let said = words(text(body, "error_info")?)?;
        return Ok(match status.as_u16() {
            502 | 504 => by_words(said),
            429 | 503 => Heard::Refused,
            _ => Heard::Fault,
        });
    }
    if body.get("code").is_none() {
        must(status == 200, "the status is not 200")?;
        return Ok(Heard::Success);
    }
    let told = &body["data"]["status"];
    let is_told = *told == status.as_u16() || *told == status.as_str();
    must(is_told, "the status is another")?;
    let (code, message) = (text(body, "code")?, text(body, "message")?);
    if code.ends_with("_success") || code == "no_users" {
        must(
            status.is_success() || code == "no_users",
            "the status is a fault's",
        )?;
        return Ok(Heard::Success);
    }
    let is_fault = status.is_client_error() || status == 503;
    must(is_fault, "the status is no fault's")?;
    // What is said of signing in is said of the caller's own login.
    let is_login = ["wrong_login_pass", "closed_account", "login_attempt_failed"].contains(&code);
    must(!is_login, "the login was the gateway's")?;
    let items: Vec<_> = message.split("<li>").collect();
    if let [message] = *items {
        words(message)?;
    }
    for item in items.iter().skip(1) {
        words(item.split_once("</li>").ok_or("an open item")?.0)?;
    }
    Ok(match code {
        "no_access" | "user_invalid_id" | "system_maintenance" => Heard::Refused,
        // So is what the upstream cannot do.
        "update_failed" if items.len() == 1 => Heard::Refused,
        _ => Heard::Fault,
    })
}

fn text<'a>(body: &'a Value, member: &str) -> Result<&'a str, String> {
    let text = body[member].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| format!("{member} is no text"))
}

fn has_type(answer: &Response<Bytes>, wanted: &str) -> Result<(), String> {
    must(
        answer.headers()["content-type"] == wanted,
        "it has another type",
    )
}

/// The words of a message, without the reference that ends all but a vendor's.
fn words(message: &str) -> Result<&str, String> {
    if let Some(own) = message.strip_suffix(&format!(" (ref {REFERENCE})")) {
        return Ok(own);
    }
    let is_vendors = |wording: &str| match wording.split_once("{}") {
        Some((before, after)) => message.starts_with(before) && message.ends_with(after),
        None => message == wording,
    };
    must(
        WORDINGS.iter().any(|wording| is_vendors(wording)),
        "no reference, and nobody's words",
    )?;
    Ok(message)
}

fn by_words(said: &str) -> Heard {
    match said {
        "the write was sent and its outcome is unknown; look before repeating it" => {
            Heard::UnknownOutcome
        }
        "the user was made, and its number is not known; look for its username" => Heard::Made,
        _ if said.starts_with("the system behind the gateway failed") => Heard::UpstreamFailed,
        // What cannot be done, or not now.
        _ => Heard::Refused,
    }
}
