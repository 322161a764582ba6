//! What PHP applications send beside the plain calls of `clients`: every Grupo operation, HTTP/1.0,
//! JSON-RPC 1.0 without an id, `Expect: 100-continue`; and the multipart of a Flutter app.

use serde_json::{Value, json};

use crate::clients::{Client, Gateway, php, run};
use crate::wire::{GRUPO, Wire};

const HTML: &str = "text/html; charset=UTF-8";
const DONE: &str = r#"{"success":true}"#;

const SCOPES: [&str; 7] = [
    "user:*",
    "user.role",
    "group:*",
    "member:*",
    "native.add=login_session",
    "native.remove=login_session",
    "native.add=message",
];

/// An operation, its fields with `{}` for the name of the user, and what comes of it: an
/// `error_key`, or success where it is empty.
type Operation = (&'static str, &'static [&'static str], &'static str);

const OPERATIONS: [Operation; 17] = [
    (
        "add=site_users",
        &[
            "full_name=Zoë O'Brien",
            "username={}",
            "email_address={}@example.com",
            "password=correct horse",
            "site_role=",
            "site_role_attribute=administrators",
            "avatarURL=https://example.com/a.png?x=1&y=2",
            "custom_field_1=a+b=c/d & e",
            "phone_number=+61 7 3000 0000",
            "timezone=Australia/Brisbane",
        ],
        "",
    ),
    (
        "add=site_users",
        &[
            "full_name=A",
            "username={}",
            "email_address=other{}@example.com",
            "password=secret pass",
        ],
        "username_exists",
    ),
    (
        "add=site_users",
        &[
            "full_name=A",
            "username=other{}",
            "email_address={}@example.com",
            "password=secret pass",
        ],
        "email_exists",
    ),
    (
        "add=site_users",
        &["full_name=", "username=", "email_address=", "password="],
        "invalid_value",
    ),
    (
        "update=site_users",
        &[
            "user={}",
            "full_name=Zoë Søn",
            "username=",
            "avatarURL=",
            "custom_field_2=2026-11-21",
            "disable_private_messages=yes",
            "deactivate=no",
        ],
        "",
    ),
    (
        "update=site_users",
        &["user={}@example.com", "password=another secret"],
        "",
    ),
    (
        "update=site_users",
        &["user=nobody-{}", "full_name=A"],
        "account_not_found",
    ),
    (
        "add=login_session",
        &["user=api_request_test583602"],
        "account_not_found",
    ),
    (
        "add=login_session",
        &["email_address={}@example.com", "create_account=no"],
        "something_went_wrong",
    ),
    ("remove=login_session", &["user={}"], "something_went_wrong"),
    (
        "add=message",
        &["user={}", "sender={}", "message=Hello"],
        "something_went_wrong",
    ),
    (
        "update=groups",
        &[
            "group=group-{}",
            "group_name=Café & co",
            "description=",
            "password=group secret",
            "password_protect=yes",
        ],
        "",
    ),
    ("add=group_members", &["user={}", "group=group-{}"], ""),
    (
        "update=group_user_role",
        &["user={}", "group=group-{}", "group_role=2"],
        "",
    ),
    ("remove=group_members", &["user={}", "group=group-{}"], ""),
    ("remove=groups", &["group=group-{}"], ""),
    ("remove=site_users", &["user={}"], ""),
];

#[test]
fn php_curl_performs_every_grupo_operation_as_an_array_and_as_a_query() {
    let gateway = Gateway::start_with(&SCOPES, |_| {});
    for body in ["multipart", "urlencoded"] {
        let made = Client::Php.grupo(
            &gateway,
            "add=groups",
            body,
            &[
                "group_name=Staff",
                &format!("slug=group-{body}"),
                "group_category_id=",
                "secret_group=no",
                "unleavable=yes",
                "pin_group=yes",
            ],
        );
        assert!(made.json()["group_id"].is_string(), "{body}: {made:?}");
        for (operation, fields, error_key) in OPERATIONS {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| field.replace("{}", body))
                .collect();
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            let answer = Client::Php.grupo(&gateway, operation, body, &fields);
            let context = format!("{body} {operation} {fields:?}: {answer:?}");
            if error_key.is_empty() {
                assert_eq!(answer.json(), json!({"success": true}), "{context}");
            } else {
                assert_eq!(answer.json()["success"], false, "{context}");
                assert_eq!(answer.json()["error_key"], error_key, "{context}");
            }
        }
    }
}

#[test]
fn a_wordpress_site_on_http_1_0_is_answered_whole_and_hung_up_on() {
    let gateway = Gateway::start();
    let call = |operation: &str, fields: &[&str]| {
        let client = &mut php("wordpress.php");
        run(client
            .args([&gateway.served.url, &gateway.key, operation])
            .args(fields))
    };
    let probe = call("add=login_session", &["user=api_request_test583602"]);
    assert_eq!(probe.json()["error_key"], "account_not_found", "{probe:?}");
    let fields = [
        "full_name=Ana Bell",
        "username=ana",
        "email_address=ana@example.com",
        "password=$P$BVJ0aSgUM5Ts2JtQFqpf0hSk2",
        "site_role_attribute=",
    ];
    call("add=site_users", &fields).assert(200, HTML, DONE);
    let again = call("add=site_users", &fields);
    assert_eq!(again.json()["error_key"], "username_exists", "{again:?}");
}

#[test]
fn a_json_rpc_1_0_client_with_a_null_id_or_none_reads_its_answer() {
    let gateway = Gateway::start();
    let id = gateway.add_user("ana");
    for sent in ["null", "absent"] {
        let call = |method: &str, details: Value| {
            let client = &mut php("json_rpc_1_0.php");
            run(client.args([
                &gateway.served.url,
                &gateway.key,
                sent,
                method,
                "1",
                &details.to_string(),
            ]))
        };
        let edited = call("editUser", json!({"id": id, "fax": sent}));
        edited.assert(
            200,
            "application/json",
            r#"{"id":null,"result":true,"error":null}"#,
        );
        let refused = call("editUser", json!({"id": 999_999}));
        let refusal = r#"{"id":null,"result":null,"error":{"code":331,"message":"Unable to load Account User"}}"#;
        refused.assert(200, "application/json", refusal);
        let read = call("getUserById", id.into()).json();
        assert_eq!(read["result"][0]["fax"], sent, "{read}");
    }
}

#[test]
fn a_client_that_expects_100_continue_does_not_wait_a_second() {
    let gateway = Gateway::start();
    let id = gateway.add_user("ana").to_string();
    for body in ["multipart", "urlencoded", "json", "basic"] {
        // It exits with an error where it was not told to continue.
        let answer =
            run(php("expect.php").args([&gateway.served.url, &gateway.key, "ana", &id, body]));
        assert!(answer.seconds < 0.9, "{body}: {answer:?}");
        let answer = answer.json();
        let done = [&answer["success"], &answer["result"]].contains(&&json!(true));
        assert!(
            done || answer["code"] == "update_success",
            "{body}: {answer}"
        );
    }
}

/// Dio, the client of Flutter: two dashes open the boundary itself, and names of headers are in
/// lower case.
#[test]
fn a_flutter_application_sends_a_form_in_its_own_hand() {
    let gateway = Gateway::start();
    gateway.add_user("ana");
    let boundary = "--dio-boundary-0012345678";
    let key = gateway.key.as_str();
    let fields = [
        ("api_secret_key", key),
        ("update", "site_users"),
        ("user", "ana"),
        ("full_name", "Zoë 😀"),
        ("site_role", ""),
    ];
    let part = |(name, value): (&str, &str)| {
        format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        )
    };
    let parts: String = fields.into_iter().map(part).collect();
    let body = format!("{parts}--{boundary}--\r\n");
    let mut wire = Wire::open(&gateway.served.url);
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let answer = wire.post(GRUPO, &content_type, body.as_bytes());
    assert_eq!((answer.status, answer.text()), (200, DONE));
    // Dio decodes what is called JSON, and the application decodes it again.
    assert_eq!(answer.header("content-type"), Some(HTML));
}
