//! Requests with credentials in every place where a client can put one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dragoman::command::Dialect;
use dragoman::framing::form;
use serde_json::json;

use super::{LOGINS, MISPLACED, PASSWORD, STATIC_KEY, WRONG_KEY, WRONG_PASSWORD, basic};
use crate::golden::{Case, cases};
use crate::harness::{ACCOUNT_KEY, FULL_KEY, READ_KEY};
use crate::wire::{GRUPO, URLENCODED, VISION6, request};

/// Every recorded request of every dialect, with the keys of this gateway for those it was recorded
/// with, and a canary for every password of a Basic pair.
pub(super) fn recorded(key: &str) -> Vec<Vec<u8>> {
    let mut requests = Vec::new();
    for path in Dialect::ALL.into_iter().flat_map(cases) {
        let (head, body) = Case::read(&path).request().into_parts();
        let swap = |text: &str| {
            text.replace(FULL_KEY, key)
                .replace(READ_KEY, WRONG_KEY)
                .replace(ACCOUNT_KEY, STATIC_KEY)
        };
        let headers: Vec<(String, String)> = head
            .headers
            .iter()
            .filter(|(name, _)| !["host", "content-length", "expect"].contains(&name.as_str()))
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                let pair = value
                    .strip_prefix("Basic ")
                    .and_then(|pair| STANDARD.decode(pair).ok());
                let login = pair.and_then(|pair| {
                    Some(String::from_utf8(pair).ok()?.split_once(':')?.0.to_owned())
                });
                let value = login.map_or_else(
                    || swap(&value),
                    |login| format!("Basic {}", basic(&login, WRONG_PASSWORD)),
                );
                (name.to_string(), value)
            })
            .collect();
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let body = match std::str::from_utf8(&body) {
            Ok(text) => swap(text).into_bytes(),
            Err(_) => body.to_vec(),
        };
        requests.push(request(
            head.method.as_str(),
            &swap(&head.uri.to_string()),
            &headers,
            &body,
        ));
    }
    requests
}

/// Every field that holds a password, right and wrong, and every way to send a key or a pair.
pub(super) fn passwords(key: &str, id: i64) -> Vec<Vec<u8>> {
    let mut requests = Vec::new();
    let mut grupo = |fields: &[(&str, &str)]| {
        let fields = [&[("api_secret_key", key)], fields].concat();
        requests.push(post(
            GRUPO,
            URLENCODED,
            &[],
            form::encode(&fields).as_bytes(),
        ));
    };
    grupo(&[
        ("add", "site_users"),
        ("username", "bea"),
        ("full_name", "Bea"),
        ("email_address", "bea@example.com"),
        ("password", PASSWORD),
    ]);
    grupo(&[
        ("update", "site_users"),
        ("user", "ana"),
        ("password", PASSWORD),
        ("confirm_password", PASSWORD),
    ]);
    grupo(&[
        ("update", "site_users"),
        ("user", "ana"),
        ("password", PASSWORD),
        ("confirm_password", WRONG_PASSWORD),
    ]);
    grupo(&[
        ("add", "groups"),
        ("group_name", "G"),
        ("slug", "g"),
        ("password", PASSWORD),
        ("password_protect", "yes"),
    ]);
    grupo(&[
        ("update", "groups"),
        ("group", "g"),
        ("password", PASSWORD),
        ("confirm_password", WRONG_PASSWORD),
    ]);
    grupo(&[
        ("add", "login_session"),
        ("user", "ana"),
        ("create_account", "yes"),
        ("password", WRONG_PASSWORD),
    ]);
    for call in [
        json!({"id": 1, "method": "addUser", "params": [key, 1, {"username": "cleo", "password": PASSWORD, "email_user": true}]}),
        json!({"id": 1, "method": "editUser", "params": [key, 1, {"id": id, "password": PASSWORD}]}),
        json!({"id": 1, "method": "editUser", "params": [key, 1, {"id": id, "password": {"x": WRONG_PASSWORD}}]}),
        json!({"id": 1, "method": "editUser", "params": [WRONG_KEY, 1, {"id": id, "password": WRONG_PASSWORD}]}),
        json!({"jsonrpc": "2.0", "id": 1, "method": "editUser", "params": {"api_key": key, "account_id": 1, "user_details": {"id": id, "password": PASSWORD}}}),
        json!({"id": 1, "method": "login", "params": ["ana", PASSWORD]}),
        json!({"id": 1, "method": "searchUsers", "params": [key, 1, [["password", "exactly", WRONG_PASSWORD]]]}),
    ] {
        requests.push(post(
            VISION6,
            "application/json",
            &[],
            call.to_string().as_bytes(),
        ));
    }
    let user = format!("/api/v1/users/{id}");
    let change = form::encode(&[
        ("password_form", "1"),
        ("edited_user_pass1", PASSWORD),
        ("edited_user_pass2", PASSWORD),
        ("current_user_pass", PASSWORD),
    ]);
    let differ = form::encode(&[
        ("password_form", "1"),
        ("edited_user_pass1", PASSWORD),
        ("edited_user_pass2", WRONG_PASSWORD),
        ("current_user_pass", WRONG_PASSWORD),
    ]);
    for body in [change, differ] {
        for secret in [key, PASSWORD, WRONG_PASSWORD, WRONG_KEY, STATIC_KEY] {
            for login in LOGINS {
                let authorization = format!("Basic {}", basic(login, secret));
                requests.push(post(
                    &user,
                    URLENCODED,
                    &[("Authorization", &authorization)],
                    body.as_bytes(),
                ));
            }
            for (name, value) in [
                ("Authorization", format!("Bearer {secret}")),
                ("Authorization", format!("basic {secret}")),
                ("Authorization", secret.to_owned()),
                ("X-API-Key", secret.to_owned()),
                ("Cookie", format!("session={secret}")),
            ] {
                requests.push(post(&user, URLENCODED, &[(name, &value)], body.as_bytes()));
            }
        }
    }
    requests
}

/// The key in requests that cannot be read, each for another reason.
pub(super) fn broken(key: &str) -> Vec<Vec<u8>> {
    let multipart = "multipart/form-data; boundary=x";
    let part =
        format!("--x\r\nContent-Disposition: form-data; name=\"api_secret_key\"\r\n\r\n{key}\r\n");
    let json_call = format!(
        r#"{{"id":1,"method":"editUser","params":["{key}",1,{{"id":1,"password":"{PASSWORD}""#
    );
    let long = "x".repeat(70_000);
    let mut requests = Vec::new();
    for (content_type, body) in [
        (multipart, part.clone()),
        (
            multipart,
            format!("{part}--x\r\nContent-Disposition: form-data; name=\"{key}"),
        ),
        (multipart, part.replace(key, &format!("{key}\u{0}"))),
        (multipart, part.replace("form-data", key)),
        (
            &*format!("multipart/form-data; boundary={key}{key}"),
            part.clone(),
        ),
        (&*format!("text/{key}"), part.clone()),
        (URLENCODED, format!("api_secret_key={key}%ff")),
        (
            URLENCODED,
            format!("api_secret_key={key}&api_secret_key={key}"),
        ),
        (URLENCODED, format!("{key}={key}%ff&update=site_users")),
        (URLENCODED, format!("api_secret_key={key}&add={key}")),
        (
            URLENCODED,
            format!("api_secret_key={key}&update=site_users&user=ana&password={PASSWORD}{long}"),
        ),
        (URLENCODED, format!("api_secret_key[{key}]={key}")),
        (
            "application/json",
            format!(r#"{{"api_secret_key":"{key}"}}"#),
        ),
    ] {
        requests.push(post(GRUPO, content_type, &[], body.as_bytes()));
        requests.push(post(
            "/api/v1/users/1",
            content_type,
            &[("X-API-Key", key)],
            body.as_bytes(),
        ));
    }
    for body in [
        json_call.clone(),
        format!("{json_call}}}]}}{key}"),
        format!(r#"{{"id":1,"method":"{key}","params":["{key}"]}}"#),
        format!(
            r#"{{"id":1,"method":"editUser","params":["{key}",1,{{"id":1,"{key}":1,"{key}":2}}]}}"#
        ),
        format!(r#"{{"id":1,"method":"editUser","params":["{key}"],"params":["{key}"]}}"#),
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"editUser","params":{{"api_key":"{key}","{key}":1}}}}"#
        ),
        format!(r#"[{{"jsonrpc":"{key}","id":"{key}"}},"{key}"]"#),
        format!(r#""{key}""#),
        key.to_owned(),
        format!(r#"{{"id":1,"method":"editUser","params":["{key}{long}",1]}}"#),
    ] {
        requests.push(post(VISION6, "application/json", &[], body.as_bytes()));
    }
    for target in [
        format!("/api_request/?api_secret_key={key}"),
        format!("/api/jsonrpcserver?key={key}"),
        format!("/api/v1/users/{key}"),
        format!("/api/v1/{key}?{key}={key}"),
        format!("/{key}"),
    ] {
        requests.push(request("GET", &target, &[], b""));
    }
    let heads = [
        format!("GET /{key} HTTP/9.9\r\n\r\n"),
        format!("{key} / HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: x\r\n{key}\r\n\r\n"),
        format!(
            "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}{}\r\n\r\n",
            "x".repeat(40_000)
        ),
    ];
    requests.extend(heads.map(String::into_bytes));
    requests
}

/// A secret as the name and as the value of fields that hold anything but secrets.
pub(super) fn misplaced(key: &str, id: i64) -> Vec<Vec<u8>> {
    [
        misplaced_by_grupo(key),
        misplaced_by_vision6(key, id),
        misplaced_by_b2evolution(key, id),
    ]
    .concat()
}

fn misplaced_by_grupo(key: &str) -> Vec<Vec<u8>> {
    let mut requests = Vec::new();
    for field in [
        "full_name",
        "username",
        "email_address",
        "site_role",
        "site_role_attribute",
        "avatarURL",
        "timezone",
        "deactivate",
        "user_id",
        "group",
        "group_id",
        "slug",
        "group_category_id",
        "ban_till",
        "custom_field_1",
        MISPLACED,
        "a[b][c][d][e][f]",
    ] {
        for operation in [
            ("update", "site_users"),
            ("add", "groups"),
            ("remove", "site_users"),
            ("update", MISPLACED),
        ] {
            let fields = [
                ("api_secret_key", key),
                operation,
                ("user", MISPLACED),
                (field, MISPLACED),
            ];
            requests.push(post(
                GRUPO,
                URLENCODED,
                &[],
                form::encode(&fields).as_bytes(),
            ));
        }
    }
    requests
}

fn misplaced_by_vision6(key: &str, id: i64) -> Vec<Vec<u8>> {
    let mut requests = Vec::new();
    for field in [
        "id",
        "username",
        "email",
        "timezone",
        "is_active",
        "is_read_only",
        "email_user",
        "fax",
        MISPLACED,
    ] {
        for value in [
            json!(MISPLACED),
            json!([MISPLACED]),
            json!({MISPLACED: MISPLACED}),
        ] {
            let mut details = json!({"id": id});
            details[field] = value;
            let call = json!({"id": MISPLACED, "method": "editUser", "params": [key, 1, details]});
            requests.push(post(
                VISION6,
                "application/json",
                &[],
                call.to_string().as_bytes(),
            ));
        }
    }
    for params in [
        json!([key, MISPLACED, MISPLACED]),
        json!([key, 1, [[MISPLACED, MISPLACED, MISPLACED]]]),
        json!([key, 1, [], MISPLACED, 0, MISPLACED]),
    ] {
        for method in ["editUser", "deleteUser", "searchUsers", MISPLACED] {
            let call = json!({"id": 1, "method": method, "params": params});
            requests.push(post(
                VISION6,
                "application/json",
                &[],
                call.to_string().as_bytes(),
            ));
        }
    }
    requests
}

fn misplaced_by_b2evolution(key: &str, id: i64) -> Vec<Vec<u8>> {
    let mut requests = Vec::new();
    let user = format!("/api/v1/users/{id}");
    for field in [
        "edited_user_login",
        "edited_user_email",
        "edited_user_level",
        "edited_user_status",
        "edited_user_gender",
        "edited_user_grp_ID",
        "organizations[]",
        "edited_user_locale",
        "x_api_request",
        MISPLACED,
    ] {
        let form = form::encode(&[
            ("identity_form", "1"),
            ("admin_form", "1"),
            (field, MISPLACED),
        ]);
        requests.push(post(
            &user,
            URLENCODED,
            &[("X-API-Key", key)],
            form.as_bytes(),
        ));
        let target = format!(
            "/api/v1/users?{}",
            form::encode(&[(field, MISPLACED), ("filter", MISPLACED)])
        );
        requests.push(request("GET", &target, &[("X-API-Key", key)], b""));
    }
    requests.push(request(
        "GET",
        &format!("/api/v1/users/{MISPLACED}"),
        &[("User-Agent", MISPLACED), ("X-Request-Id", MISPLACED)],
        b"",
    ));
    requests.push(request(
        MISPLACED,
        &format!("/{MISPLACED}"),
        &[("Content-Type", MISPLACED)],
        b"",
    ));
    requests
}

fn post(target: &str, content_type: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let headers = [&[("Content-Type", content_type)], headers].concat();
    request("POST", target, &headers, body)
}
