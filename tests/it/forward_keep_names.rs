//! What is kept of a user goes with its number, however an update names it.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::forward_fixture::{Answered, CALLERS_KEY, Front, php_at};
use crate::php_upstream::PhpUpstream;
use crate::wire::URLENCODED;

/// What a read does not show of a form that replaces all it holds.
const PREFERENCES: &str = "preferences_form=1&edited_user_locale=fr-FR&edited_user_showonline=1\
    &edited_user_set_login_multiple_sessions=1";

/// Callers of Grupo with a field that goes to the preferences, and callers of b2evolution.
fn front(upstream: &PhpUpstream, options: &str, home: &str) -> Front {
    Front::new(&format!(
        "scopes = ['user:*']\n[store]\nurl = 'sqlite:db'\n[upstreams.back]\n{}{options}\n\
         [routes.site]\ndialect = 'b2evolution'\nuser = 'back'\non_loss = 'keep'\n\
         [routes.chat]\ndialect = 'grupo'\nuser = 'back'\ngroup = 'back'\non_loss = 'keep'\n\
         path = '/chat'\nmap = {{ 'grupo.custom_field_1' = '{home}' }}\n",
        php_at("b2evolution", upstream)
    ))
}

async fn keep_preferences(front: &Front) {
    let request = Request::post("/api/v1/users/2")
        .header("X-API-Key", CALLERS_KEY)
        .header("Content-Type", URLENCODED)
        .body(Bytes::from(PREFERENCES));
    let done = front.ask(request.unwrap()).await;
    assert_eq!(done.status, 200, "{done:?}");
}

async fn chat(front: &Front, value: &str) -> Answered {
    let form =
        format!("api_secret_key={CALLERS_KEY}&update=site_users&user=mary&custom_field_1={value}");
    let request = Request::post("/chat/").header("Content-Type", URLENCODED);
    front.ask(request.body(Bytes::from(form)).unwrap()).await
}

/// What a user was sent last.
fn sent(upstream: &PhpUpstream, user: &str) -> Value {
    let requests = upstream.requests();
    let uri = json!(format!("/api/v1/users/{user}"));
    let is_write = |seen: &&Value| seen["method"] == "POST" && seen["uri"] == uri;
    requests.iter().rfind(is_write).unwrap()["post"].clone()
}

#[tokio::test]
async fn what_is_kept_of_a_user_does_not_go_to_another_who_has_its_name_by_now() {
    let upstream = PhpUpstream::start("b2evolution");
    let front = front(&upstream, "", "locale");
    keep_preferences(&front).await;
    let first = chat(&front, "de-DE").await;
    assert_eq!(first.body, r#"{"success":true}"#, "{first:?}");
    assert_eq!(sent(&upstream, "2")["edited_user_showonline"], "1");

    let mut state = upstream.state();
    state["users"]["3"] = state["users"]["2"].clone();
    state["next"] = json!(4);
    state["users"]["2"]["username"] = json!("maria");
    state["users"]["2"]["email"] = json!("maria@example.com");
    upstream.keep(&state);
    let second = chat(&front, "en-GB").await;
    assert_eq!(second.body, r#"{"success":true}"#, "{second:?}");
    assert_eq!(upstream.state()["users"]["2"]["locale"], "de-DE");
    assert_eq!(upstream.state()["users"]["3"]["locale"], "en-GB");
    let theirs = sent(&upstream, "3");
    assert_eq!(theirs.get("edited_user_showonline"), None, "{theirs}");
}

/// A preference needs the locale beside it, which is kept.
#[tokio::test]
async fn an_update_by_name_is_judged_by_what_is_kept_of_whom_it_names() {
    let upstream = PhpUpstream::start("b2evolution");
    let home = "b2evolution.edited_user_showonline";
    let front = front(&upstream, "identity_unknown = 'reject'", home);
    keep_preferences(&front).await;
    let done = chat(&front, "0").await;
    assert_eq!(done.body, r#"{"success":true}"#, "{done:?}");
    let theirs = sent(&upstream, "2");
    assert_eq!(theirs["edited_user_locale"], "fr-FR", "{theirs}");
    let multiple = &theirs["edited_user_set_login_multiple_sessions"];
    assert_eq!(multiple, "1", "{theirs}");
}

#[tokio::test]
async fn an_update_by_name_that_would_take_away_what_is_not_kept_is_refused() {
    let upstream = PhpUpstream::start("b2evolution");
    let front = front(&upstream, "identity_unknown = 'reject'", "locale");
    let refused = chat(&front, "en-GB").await;
    assert!(refused.body.contains("false"), "{refused:?}");
    let requests = upstream.requests();
    assert!(requests.iter().all(|seen| seen["method"] == "GET"));
}
