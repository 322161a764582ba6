//! A user that is made read-only by a call of Vision6 signs in with its password and changes nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::harness::{self, FULL_KEY, Gateway, Seed};

/// An administrator of account 1, and a user.
const ADMINISTRATOR: (i64, &str) = (1, "admin:Adm1nPass!x");
const USER: (i64, &str) = (2, "mary:MaryPass1");

async fn gateway() -> Gateway {
    Seed::new().await.gateway(harness::routes(""))
}

async fn edit(gateway: &Gateway, key: &str, id: i64, is_read_only: bool) -> Value {
    let call = json!({"id": 1, "method": "editUser",
                      "params": [key, 1, {"id": id, "is_read_only": is_read_only}]});
    let request = Request::post("/api/jsonrpcserver").body(Bytes::from(call.to_string()));
    let (_, answer) = gateway.answer(request.unwrap()).await;
    serde_json::from_str(&answer).unwrap()
}

/// What a user who signs in with a password is answered.
async fn call(gateway: &Gateway, pair: &str, method: &str, uri: &str, body: &str) -> StatusCode {
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header("authorization", format!("Basic {}", STANDARD.encode(pair)))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body.to_owned()));
    gateway.answer(request.unwrap()).await.0
}

async fn rename(gateway: &Gateway, (id, pair): (i64, &str)) -> StatusCode {
    let uri = format!("/api/v1/users/{id}");
    let body = "identity_form=1&edited_user_nickname=n";
    call(gateway, pair, "POST", &uri, body).await
}

#[tokio::test]
async fn a_read_only_user_reads_and_is_refused_every_write_until_it_may_again() {
    let gateway = gateway().await;
    for user in [USER, ADMINISTRATOR] {
        assert_eq!(rename(&gateway, user).await, StatusCode::OK);
        assert_eq!(edit(&gateway, FULL_KEY, user.0, true).await["result"], true);

        assert_eq!(rename(&gateway, user).await, StatusCode::FORBIDDEN);
        let read = call(&gateway, user.1, "GET", "/api/v1/users/2", "").await;
        assert_eq!(read, StatusCode::OK);

        assert_eq!(
            edit(&gateway, FULL_KEY, user.0, false).await["result"],
            true
        );
        assert_eq!(rename(&gateway, user).await, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_read_only_administrator_makes_and_removes_nobody() {
    let gateway = gateway().await;
    let (id, pair) = ADMINISTRATOR;
    edit(&gateway, FULL_KEY, id, true).await;
    let new =
        "edited_user_login=newone&edited_user_email=newone@example.com&edited_user_pass1=secret-7";
    let made = call(&gateway, pair, "POST", "/api/v1/users", new).await;
    assert_eq!(made, StatusCode::FORBIDDEN);
    let removed = call(&gateway, pair, "DELETE", "/api/v1/users/4", "").await;
    assert_eq!(removed, StatusCode::FORBIDDEN);
    edit(&gateway, FULL_KEY, id, false).await;
    let removed = call(&gateway, pair, "DELETE", "/api/v1/users/4", "").await;
    assert_eq!(removed, StatusCode::OK);
}

/// A key is nobody's: what a user may does not bind the keys of its account.
#[tokio::test]
async fn a_key_edits_a_read_only_user() {
    let gateway = gateway().await;
    edit(&gateway, FULL_KEY, USER.0, true).await;
    let call = json!({"id": 1, "method": "editUser",
                      "params": [FULL_KEY, 1, {"id": USER.0, "position": "Editor"}]});
    let request = Request::post("/api/jsonrpcserver").body(Bytes::from(call.to_string()));
    let (_, answer) = gateway.answer(request.unwrap()).await;
    assert_eq!(answer, r#"{"id":1,"result":true,"error":null}"#);
}
