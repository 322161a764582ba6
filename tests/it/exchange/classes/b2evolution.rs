//! What a b2evolution answers: whatever was recorded from a real one, and what its source has besides.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use super::{Class, Sort};
use crate::exchange::upstream::{answer, coded, json_answer};

/// Faults that no recording has: code, status and message.
const CODED: [(&str, u16, &str); 15] = [
    (
        "no_access",
        403,
        "You must log in to view the user directory.",
    ),
    (
        "no_access",
        403,
        "You must activate your account before you can view this user profile.",
    ),
    ("no_access", 403, "You can't delete User #1!"),
    (
        "no_access",
        403,
        "Please enter at least one char to find assignees",
    ),
    ("delete_failed", 403, "The user cannot be deleted"),
    ("wrong_request", 403, "Wrong request"),
    ("wrong_route", 404, "Module is not defined"),
    ("update_failed", 403, LISTED_NAMES),
    ("update_failed", 403, LISTED_PLACES),
    (
        "update_failed",
        403,
        "<span class=\"pass_check_new\">Invalid characters</span>",
    ),
    ("update_failed", 403, "A sentence that nobody knows"),
    (
        "update_failed",
        403,
        "<ul class=\"message_group\">Validation errors:<li>A sentence that nobody knows</li></ul>",
    ),
    (
        "update_failed",
        403,
        "<ul class=\"message_group\">Validation errors:</ul>",
    ),
    ("new_in_v8", 403, "A fault that nobody knows"),
    ("user_invalid_id", 200, "Invalid user ID"),
];

const LISTED_NAMES: &str = "<ul class=\"message_group\">Validation errors:\
    <li>Please enter your first name.</li><li>Please enter last name.</li>\
    <li>Please enter your nickname.</li><li>Please select a gender.</li></ul>";

const LISTED_PLACES: &str = "<ul class=\"message_group\">Validation errors:\
    <li>Please select a country.</li><li>Please enter your e-mail address.</li>\
    <li>The first age must be lower than (or equal to) the second.</li></ul>";

/// Envelope B that no recording has.
const BARE: [(&str, &str); 6] = [
    ("500 Internal Server Error", "New object cannot be updated!"),
    (
        "413 Payload Too Large",
        "the request is too large; send less at once (ref 0a1b2c)",
    ),
    (
        "429 Too Many Requests",
        "too many calls; wait before trying again (ref 0a1b2c)",
    ),
    (
        "500 Internal Server Error",
        "the gateway failed; try again later (ref 0a1b2c)",
    ),
    (
        "502 Bad Gateway",
        "the system behind the gateway failed; try again later (ref 0a1b2c)",
    ),
    (
        "503 Service Unavailable",
        "there is too much to do; try again later (ref 0a1b2c)",
    ),
];

pub(super) fn all() -> Vec<Class> {
    let mut classes: Vec<_> = recorded()
        .into_iter()
        .filter_map(|(name, answer)| Some(Class::fixed(name, sort(&answer)?, answer)))
        .collect();
    for (code, status, message) in CODED {
        let name = format!("{code} {status}: {}", plain(message));
        classes.push(Class::fixed(
            name,
            Sort::Fault,
            coded(status, code, message),
        ));
    }
    for (status, info) in BARE {
        let name = format!("{}: {}", number(status), plain(info));
        // What broke off may have been done up to there.
        let breaks_off = status.starts_with("500");
        let sort = if breaks_off {
            Sort::Nothing
        } else {
            Sort::Fault
        };
        classes.push(Class::fixed(name, sort, bare(status, info)));
    }
    let mut crowded = bare(BARE[2].0, BARE[2].1);
    crowded.headers_mut().insert(RETRY_AFTER, 7.into());
    classes.push(Class::fixed("429, Retry-After", Sort::Fault, crowded));
    let late = bare(
        "504 Gateway Timeout",
        "the call took too long; try again later (ref 0a1b2c)",
    );
    classes.push(Class::fixed("504", Sort::Doubt, late));
    classes.extend([
        Class::edited("success after PHP's warnings", Sort::Success, |body| {
            format!("<br />\n<b>Warning</b>: x in <b>y</b> on line <b>7</b><br />\n{body}")
        }),
        Class::fixed(
            "delete_success with 201",
            Sort::Nothing,
            coded(201, "delete_success", ""),
        ),
        Class::fixed(
            "a code that nobody knows",
            Sort::Nothing,
            coded(200, "new_in_v8", ""),
        ),
        Class::fixed(
            "another user",
            Sort::Nothing,
            json_answer(200, &json!({"id": 99, "login": "otto"})),
        ),
        Class::fixed(
            "a list of too few",
            Sort::Nothing,
            json_answer(
                200,
                &json!({"found": 3, "page": 1, "page_size": 100, "users": []}),
            ),
        ),
    ]);
    classes
}

/// Every answer in `tests/recorded/`, once, by the name of the first recording that has it.
fn recorded() -> Vec<(String, Response<Bytes>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/b2evolution");
    let recordings: BTreeMap<String, String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let bytes = fs::read(&path).unwrap();
            (name, String::from_utf8_lossy(&bytes).into_owned())
        })
        .collect();
    let mut answers: Vec<(String, Response<Bytes>)> = Vec::new();
    for (name, recording) in recordings {
        let (_, recorded) = recording.split_once("\n=====\n").unwrap();
        let (status, body) = recorded.split_once('\n').unwrap();
        let body = body.strip_suffix('\n').unwrap_or(body);
        let response = answer(status.parse().unwrap(), body.to_owned());
        let is_same = |known: &Response<Bytes>| {
            known.status() == response.status() && known.body() == response.body()
        };
        if !answers.iter().any(|(_, known)| is_same(known)) {
            answers.push((name, response));
        }
    }
    answers
}

/// What a recorded answer says; nothing of one that shows users.
fn sort(recorded: &Response<Bytes>) -> Option<Sort> {
    let text = std::str::from_utf8(recorded.body()).unwrap();
    let json = text.find("{\"").and_then(|start| text.get(start..));
    let json = json.unwrap_or_default();
    let Ok(body) = serde_json::from_str::<Value>(json) else {
        // A web server that refuses has not handed it on.
        let is_refusal = recorded.status().is_client_error();
        return Some(if is_refusal {
            Sort::Unsent
        } else {
            Sort::Nothing
        });
    };
    if body.get("error_status").is_some() {
        let info = body["error_info"].as_str()?;
        let is_of_form = info.starts_with("param(-)") || info.contains("Group");
        let breaks_off = recorded.status() == 500 && !is_of_form;
        return Some(if breaks_off {
            Sort::Nothing
        } else {
            Sort::Fault
        });
    }
    Some(
        match (body.get("code")?.as_str()?, recorded.status().as_u16()) {
            ("update_success", 201) => Sort::To(is_create),
            ("update_success", 200) => Sort::To(is_update),
            ("delete_success", 200) => Sort::To(|it| it.method() == Method::DELETE),
            ("no_users", 404) => Sort::FaultBut(is_list),
            ("no_users", _) => Sort::To(is_list),
            _ => Sort::Fault,
        },
    )
}

fn is_create(request: &Request<Bytes>) -> bool {
    request.method() == Method::POST && request.uri().path().ends_with("/users")
}

fn is_update(request: &Request<Bytes>) -> bool {
    request.method() == Method::POST && !is_create(request)
}

fn is_list(request: &Request<Bytes>) -> bool {
    request.method() == Method::GET && request.uri().path().ends_with("/users")
}

fn bare(status: &str, info: &str) -> Response<Bytes> {
    json_answer(
        number(status).parse().unwrap(),
        &json!({"error_status": status, "error_info": info}),
    )
}

fn plain(message: &str) -> String {
    let mut plain = String::new();
    for part in message.split('<') {
        let text = part.split_once('>').map_or(part, |(_, text)| text);
        plain.push_str(text);
        if plain.len() > 40 {
            break;
        }
    }
    plain.chars().take(40).collect()
}

fn number(status: &str) -> &str {
    status.split(' ').next().unwrap()
}
