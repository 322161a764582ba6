//! What no request can do to the head of its answer, or to the log.

use std::collections::{BTreeMap, BTreeSet};

use dragoman::framing::form;
use serde_json::{Value, json};

use crate::clients::Gateway;
use crate::wire::{GRUPO, Reply, URLENCODED, VISION6, Wire, request};

#[test]
fn no_path_of_an_api_redirects_and_a_missing_slash_is_served() {
    let gateway = Gateway::start();
    let id = gateway.add_user("ana");
    let mut wire = Wire::open(&gateway.served.url);
    let authorization = format!("Bearer {}", gateway.key);
    let user = format!("/api/v1/users/{id}");
    for path in [
        "/",
        "",
        "/api",
        "/api/",
        "/api_request",
        "/api_request/",
        "/api_request//",
        "/api_request/x",
        "/api_request/x/../",
        "/API_REQUEST/",
        "/api_request.php",
        "/api/jsonrpcserver",
        "/api/jsonrpcserver/",
        "/api/jsonrpcserver.php",
        "/api/jsonrpcServer?version=3.3",
        "/api/jsonrpcserver.php/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/users",
        "/api/v1/users/",
        "/api/v1/users?page=1",
        "/api/v1//users",
        "/api/v1/users//1",
        "/api/v1/users/1/view/",
        "/api/v2/users",
        &user,
        &format!("{user}/"),
    ] {
        for method in ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"] {
            if method == "DELETE" && path.starts_with(&user) {
                continue;
            }
            let target = if path.is_empty() { "*" } else { path };
            let headers = [
                ("Authorization", authorization.as_str()),
                ("Content-Type", URLENCODED),
                ("Connection", "close"),
            ];
            let reply = wire.exchange(&request(method, target, &headers, b""));
            assert!(
                !(300..400).contains(&reply.status),
                "{method} {path}: {reply:?}"
            );
            assert_eq!(reply.header("location"), None, "{method} {path}: {reply:?}");
            assert_eq!(reply.header("refresh"), None, "{method} {path}: {reply:?}");
        }
    }
    let update = form::encode(&[
        ("api_secret_key", gateway.key.as_str()),
        ("update", "site_users"),
        ("user", "ana"),
    ]);
    for path in ["/api_request", "/api_request/"] {
        let reply = wire.post(path, URLENCODED, update.as_bytes());
        assert_eq!(reply.text(), r#"{"success":true}"#, "{path}");
    }
    for path in ["/api/v1/users", "/api/v1/users/"] {
        let reply = wire.exchange(&request(
            "GET",
            path,
            &[("Authorization", &authorization)],
            b"",
        ));
        assert_eq!(
            (reply.status, &reply.json()["found"]),
            (200, &json!(1)),
            "{path}"
        );
    }
}

/// What splits a head, ends a line of a log, or moves a terminal's cursor.
const POISON: [&str; 9] = [
    "x\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "x\nX-Poison: 1",
    "x\rX-Poison: 1",
    "x\u{2028}{\"level\":\"INFO\",\"request.id\":\"1\"}",
    "\u{1b}[2J\u{1b}[31mx",
    "\"},{\"level\":\"ERROR\"}\n{\"level\":\"ERROR\"",
    "%0d%0aX-Poison:%201",
    "x\u{85}y\u{b}z\u{8}",
    "{}${jndi:ldap://127.0.0.1/x}%n%s",
];

#[test]
fn no_value_splits_an_answer_or_a_line_of_the_log() {
    let gateway = Gateway::start_with(&[], |serve| {
        serve.env("DRAGOMAN__LOG__FORMAT", "json");
        serve.env("DRAGOMAN__LOG__FILTER", "debug");
    });
    let id = gateway.add_user("ana");
    let mut wire = Wire::open(&gateway.served.url);
    let mut answers = Vec::new();
    let long = "A".repeat(64 * 1024);
    for poison in POISON.into_iter().chain([long.as_str()]) {
        answers.extend(poisoned_bodies(&mut wire, &gateway.key, id, poison));
        if poison.len() < 4096 {
            answers.extend(poisoned_heads(&mut wire, poison));
        }
    }
    assert!(answers.len() > 100, "{} answers", answers.len());
    for reply in &answers {
        assert_untouched(reply);
    }
    let (_, written) = gateway.served.stop();
    assert_one_record_each(&written, &answers);
}

/// The text as a username, a key, a field's name and value, a method and an id.
fn poisoned_bodies(wire: &mut Wire, key: &str, id: i64, poison: &str) -> Vec<Reply> {
    let mut replies = Vec::new();
    let grupo: [&[(&str, &str)]; 5] = [
        &[
            ("api_secret_key", poison),
            ("update", "site_users"),
            ("user", "ana"),
        ],
        &[("api_secret_key", key), ("update", poison), ("user", "ana")],
        &[
            ("api_secret_key", key),
            ("update", "site_users"),
            ("user", poison),
        ],
        &[
            ("api_secret_key", key),
            ("update", "site_users"),
            ("user", "ana"),
            ("username", poison),
            ("timezone", poison),
        ],
        &[
            ("api_secret_key", key),
            ("remove", "site_users"),
            ("user", "ana"),
            (poison, poison),
        ],
    ];
    for fields in grupo {
        replies.push(wire.post(GRUPO, URLENCODED, form::encode(fields).as_bytes()));
    }
    for call in [
        json!({"id": poison, "method": "editUser", "params": [key, 1, {"id": id, "username": poison}]}),
        json!({"id": 1, "method": poison, "params": [key]}),
        json!({"id": 1, "method": "editUser", "params": [poison, 1, {"id": id}]}),
        json!({"id": 1, "method": "editUser", "params": [key, 1, {"id": id, poison: poison, "timezone": poison}]}),
        json!({"jsonrpc": "2.0", "id": 1, "method": "searchUsers", "params": [key, 1, [[poison, poison, poison]]]}),
        json!({"jsonrpc": poison, "id": 1, "method": "editUser", "params": [key]}),
    ] {
        replies.push(wire.post(VISION6, "application/json", call.to_string().as_bytes()));
    }
    replies
}

/// The text in the target and in headers, as far as HTTP lets a client write it there at all.
fn poisoned_heads(wire: &mut Wire, poison: &str) -> Vec<Reply> {
    let in_path: String = form::encode(&[("x", poison)]).replace('+', "%20");
    let in_header: String = poison
        .chars()
        .filter(|sent| !matches!(sent, '\r' | '\n' | '\u{b}' | '\u{8}' | '\u{1b}'))
        .collect();
    let mut replies = Vec::new();
    for target in [
        format!("/api_request/{in_path}"),
        format!("/api/v1/users/{in_path}"),
        format!("/nowhere/{in_path}"),
        format!("/api/v1/users?{in_path}&page={in_path}"),
    ] {
        replies.push(wire.exchange(&request("GET", &target, &[], b"")));
    }
    for name in [
        "User-Agent",
        "X-Request-Id",
        "X-Forwarded-For",
        "Authorization",
        "X-API-Key",
        "Content-Type",
        "Cookie",
    ] {
        replies.push(wire.exchange(&request(
            "POST",
            "/api/v1/users/1",
            &[(name, &in_header)],
            b"",
        )));
    }
    replies
}

fn assert_untouched(reply: &Reply) {
    const KNOWN: [&str; 9] = [
        "allow",
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "date",
        "pragma",
        "www-authenticate",
        "x-request-id",
    ];
    let mut seen = BTreeSet::new();
    for (name, value) in &reply.headers {
        assert!(KNOWN.contains(&name.as_str()), "{name} in {reply:?}");
        assert!(seen.insert(name), "{name} is there twice: {reply:?}");
        assert!(!value.contains("Poison") && value.is_ascii(), "{reply:?}");
    }
    let id = reply
        .header("x-request-id")
        .expect("every answer has an id");
    assert!(
        id.len() == 36
            && id
                .bytes()
                .all(|byte| byte == b'-' || byte.is_ascii_hexdigit()),
        "{id}"
    );
}

/// Every line of the log is one JSON object, and every answer has exactly one of them.
fn assert_one_record_each(log: &str, replies: &[Reply]) {
    let mut records = BTreeMap::new();
    for line in log.lines() {
        let record: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert!(!line.contains('\u{1b}'), "{line:?}");
        if let Some(id) = record["request.id"].as_str() {
            *records.entry(id.to_owned()).or_insert(0) += 1;
        }
    }
    for reply in replies {
        let id = reply.header("x-request-id").unwrap();
        assert_eq!(records.get(id), Some(&1), "{reply:?}");
    }
}
