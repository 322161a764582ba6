//! Forms that two readers would read differently: a field twice, a key in the query string, a body of
//! another type than it says.

use serde_json::{Value, json};

use crate::form_target::{MULTIPART, Target, assert_b2evolution_refuses, assert_grupo_refuses};
use crate::wire::{GRUPO, URLENCODED, VISION6, request};

#[test]
fn a_field_that_decides_who_acts_on_whom_is_refused_when_it_comes_twice() {
    let mut target = Target::new();
    let update = target.update();
    let key = target.gateway.key.clone();
    for (what, body) in [
        ("the key twice", format!("{update}&api_secret_key={key}")),
        (
            "another key before it",
            format!("api_secret_key=x&{update}"),
        ),
        (
            "the key in PHP's spelling",
            format!("{update}&api.secret_key={key}"),
        ),
        (
            "the key in another spelling alone",
            format!("api%20secret_key={key}&update=site_users&user=ana"),
        ),
        (
            "the key behind a NUL",
            format!("{update}&api_secret_key%00x={key}"),
        ),
        (
            "the key as an array",
            format!("{update}&api_secret_key[]={key}"),
        ),
        ("the verb twice", format!("{update}&update=groups")),
        ("two verbs", format!("{update}&add=site_users")),
        ("the user twice", format!("{update}&user=bea")),
        (
            "the user by name and number",
            format!("{update}&user_id={}", target.user),
        ),
        ("the user in PHP's spelling", format!("{update}& user=bea")),
    ] {
        let reply = target.grupo(URLENCODED, format!("{body}&full_name=X").as_bytes());
        assert_grupo_refuses(what, &reply);
    }
    for flag in [
        "identity_form=1&identity_form=1",
        "identity.form=1",
        "admin_form=1&admin_form=1",
    ] {
        let reply = target.b2evolution(
            URLENCODED,
            format!("{flag}&edited_user_firstname=X").as_bytes(),
        );
        assert_b2evolution_refuses(flag, &reply);
    }
    let basic = "Basic Y2xpZW50OmE=";
    let bearer = format!("Bearer {key}");
    for headers in [
        [("Authorization", basic), ("Authorization", bearer.as_str())],
        [
            ("Authorization", bearer.as_str()),
            ("X-API-Key", key.as_str()),
        ],
    ] {
        let target_path = format!("/api/v1/users/{}", target.user);
        let headers = [headers.as_slice(), &[("Content-Type", URLENCODED)]].concat();
        let reply =
            target
                .wire
                .exchange(&request("POST", &target_path, &headers, b"identity_form=1"));
        assert_b2evolution_refuses("two credentials", &reply);
    }
    assert_eq!(
        target.read()["first_name"],
        Value::Null,
        "nothing was changed"
    );

    let ordinary = format!("{update}&phone_number=first&phone_number=last");
    target.grupo(URLENCODED, ordinary.as_bytes());
    assert_eq!(target.read()["phone"], "last");
}

#[test]
fn a_key_in_the_query_string_is_refused_and_not_logged() {
    let mut target = Target::new();
    let key = target.gateway.key.clone();
    for query in [
        format!("api_secret_key={key}&update=site_users&user=ana"),
        format!("api.secret_key={key}"),
        format!("x={key}"),
    ] {
        let reply = target.wire.post(
            &format!("{GRUPO}?{query}"),
            URLENCODED,
            b"update=site_users&user=ana",
        );
        assert_grupo_refuses(&query, &reply);
        let reply = target
            .wire
            .exchange(&request("GET", &format!("{GRUPO}?{query}"), &[], b""));
        assert_grupo_refuses(&query, &reply);
    }
    let (_, log) = target.gateway.served.stop();
    assert!(log.contains("call refused"), "{log}");
    assert!(!log.contains(&key), "{log}");
}

#[test]
fn a_body_of_another_type_than_it_says_is_refused() {
    let mut target = Target::new();
    let update = target.update();
    let key = target.gateway.key.clone();
    let json = json!({"api_secret_key": key, "update": "site_users", "user": "ana"}).to_string();
    for (what, content_type, body) in [
        ("JSON", "application/json", json.as_str()),
        ("JSON as a form", URLENCODED, json.as_str()),
        ("JSON as multipart", MULTIPART, json.as_str()),
        ("a form as JSON", "application/json", update.as_str()),
        ("a form as text", "text/plain", update.as_str()),
        ("a form as multipart", MULTIPART, update.as_str()),
        (
            "a form in UTF-16",
            "application/x-www-form-urlencoded; charset=utf-16",
            update.as_str(),
        ),
        (
            "two types in one header",
            "application/x-www-form-urlencoded, text/plain",
            update.as_str(),
        ),
        ("no type", "", update.as_str()),
        ("half a type", "application", update.as_str()),
    ] {
        assert_grupo_refuses(what, &target.grupo(content_type, body.as_bytes()));
        if what != "JSON as a form" {
            assert_b2evolution_refuses(what, &target.b2evolution(content_type, body.as_bytes()));
        }
    }
    for types in [
        &[][..],
        &[("Content-Type", URLENCODED), ("Content-Type", "text/plain")],
    ] {
        let reply = target
            .wire
            .exchange(&request("POST", GRUPO, types, update.as_bytes()));
        assert_grupo_refuses("no type, or two", &reply);
    }
    let reply = target
        .wire
        .post(VISION6, "application/json", update.as_bytes());
    assert_eq!(
        (reply.status, &reply.json()["error"]["code"]),
        (200, &json!(-32700))
    );
    let encoded = format!("json={json}");
    let reply = target.wire.post(VISION6, URLENCODED, encoded.as_bytes());
    assert_eq!(
        (reply.status, &reply.json()["error"]["code"]),
        (200, &json!(-32700))
    );
}
