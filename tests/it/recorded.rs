//! What a b2evolution 7.2.5 server answered, replayed: the same status, code and JSON members, or
//! a difference that is listed here with the quirk that explains it.
//!
//! `tests/recorded/b2evolution/NAME.http` has a request, a line `=====`, and the status and body
//! that were recorded. Each is replayed on a store of its own with the recorder's users.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use dragoman::command::Dialect;
use http::Method;
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower::ServiceExt;

use crate::golden::Case;
use crate::harness::{self, Seed};

const LIST: &str =
    "200 - found page page_size pages_total users users[city fullname id login picture]";

/// Every difference: what is answered instead, and the quirk of the dialect or the reason for it.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "admin-form-by-normal-user-ignored",
        "403 no_access code data message",
        "B15",
    ),
    (
        "api-request-in-body-overrides-route",
        "400 - error_info error_status",
        "B6",
    ),
    (
        "auth-bearer-ignored",
        "403 wrong_login_pass code data message",
        "B4",
    ),
    (
        "auth-cookie-plus-wrong-basic-same-user",
        "403 wrong_login_pass code data message",
        "B5",
    ),
    (
        "auth-session-cookie-post",
        "403 no_access code data message",
        "B5",
    ),
    (
        "body-json-is-ignored",
        "400 - error_info error_status",
        "B8",
    ),
    ("database-down", LIST, "the recorder's database was stopped"),
    (
        "database-down-displayerrors",
        LIST,
        "the recorder's database was stopped",
    ),
    (
        "delete-restricted",
        "200 delete_success code data message",
        "users own nothing here that would prevent it",
    ),
    (
        "delete-trailing-junk",
        "404 user_invalid_id code data message",
        "B1",
    ),
    (
        "displayerrors-create-pass2-missing",
        "201 update_success code data message",
        "the recorder's server printed PHP's warnings",
    ),
    (
        "email-without-form-flag-ignored",
        "403 update_failed code data message",
        "B10",
    ),
    (
        "firstname-51-chars",
        "403 update_failed code data message",
        "B11",
    ),
    (
        "gender-invalid",
        "403 update_failed code data message",
        "B11",
    ),
    (
        "lockout-attempt-10",
        "403 wrong_login_pass code data message",
        "an account is not locked here by whoever guesses its password",
    ),
    (
        "lockout-right-password",
        LIST,
        "an account is not locked here by whoever guesses its password",
    ),
    ("php-fpm-down-502", LIST, "the recorder's PHP was stopped"),
    (
        "system-lock-normal-user",
        LIST,
        "there is no maintenance mode here",
    ),
    (
        "update-id-text-is-create",
        "404 user_invalid_id code data message",
        "B1",
    ),
    (
        "update-no-form-flag-ignored",
        "403 update_failed code data message",
        "B10",
    ),
];

#[tokio::test]
async fn recorded_exchanges_are_answered_alike_or_differ_for_a_listed_reason() {
    let seed = Seed::recorder().await;
    let listed = DIFFERENCES
        .iter()
        .map(|(name, answered, _)| (*name, *answered));
    let known: BTreeMap<_, _> = listed.collect();
    let mut differing = BTreeMap::new();
    let exchanges = exchanges();
    for path in &exchanges {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let (recorded, answered) = replay(&seed, path).await;
        if recorded != answered {
            differing.insert(name.to_owned(), (answered, recorded));
        }
    }
    let surprises: Vec<_> = differing
        .iter()
        .filter(|(name, (answered, _))| known.get(name.as_str()) != Some(&answered.as_str()))
        .map(|(name, (answered, recorded))| format!("{name}: {answered}, recorded {recorded}"))
        .collect();
    assert!(
        surprises.is_empty(),
        "not listed:\n{}",
        surprises.join("\n")
    );
    let gone: Vec<_> = known
        .keys()
        .filter(|name| !differing.contains_key(**name))
        .collect();
    assert!(gone.is_empty(), "listed, and no longer different: {gone:?}");
    println!(
        "{} recorded exchanges, {} alike, {} listed",
        exchanges.len(),
        exchanges.len() - differing.len(),
        differing.len()
    );
}

#[test]
fn every_listed_difference_has_a_quirk_that_exists_or_a_reason() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let face = fs::read_to_string(manifest.join("src/dialect/b2evolution.rs")).unwrap();
    for (name, _, reason) in DIFFERENCES {
        let is_quirk = face.contains(&format!("- **{reason}** "));
        assert!(is_quirk || reason.contains(' '), "{name}: {reason}");
    }
}

fn exchanges() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/b2evolution");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 100, "only {} recorded exchanges", files.len());
    files
}

/// What was recorded and what is answered now, as status, code and sorted members.
async fn replay(seed: &Seed, path: &Path) -> (String, String) {
    let bytes = fs::read(path).unwrap();
    let marker = b"\n=====\n";
    let at = bytes
        .windows(marker.len())
        .position(|window| window == marker)
        .unwrap();
    let recorded = String::from_utf8_lossy(&bytes[at + marker.len()..]).into_owned();
    let (status, body) = recorded.split_once('\n').unwrap();
    let case = Case::parse(&bytes[..at], path);

    let is_head = case.request().method() == Method::HEAD;
    let mut routes = harness::routes("anonymous = true");
    routes.retain(|route| route.dialect == Dialect::B2evolution);
    let gateway = seed.gateway(routes);
    let response = gateway
        .service
        .clone()
        .oneshot(case.request().map(Full::new))
        .await
        .unwrap();
    let answered = response.status().as_u16().to_string();
    let answered_body = response.into_body().collect().await.unwrap().to_bytes();
    // What the server does with the body of an answer to HEAD (RFC 9110 section 9.3.2).
    let answered_body = if is_head { Bytes::new() } else { answered_body };
    (
        outline(status, body.as_bytes()),
        outline(&answered, &answered_body),
    )
}

fn outline(status: &str, body: &[u8]) -> String {
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(body) else {
        return format!("{status} no object");
    };
    let code = members.get("code").and_then(Value::as_str).unwrap_or("-");
    let names: Vec<_> = members.keys().map(String::as_str).collect();
    let first = members
        .get("users")
        .and_then(Value::as_array)
        .and_then(|users| users.first());
    let of_user = first
        .and_then(Value::as_object)
        .map(|user| user.keys().cloned().collect::<Vec<_>>().join(" "));
    let user = of_user
        .map(|names| format!(" users[{names}]"))
        .unwrap_or_default();
    format!("{status} {code} {}{user}", names.join(" "))
}
