//! What a b2evolution takes and shows to nobody, kept here, so that an update does not take it away.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::forward_fixture::{Answered, CALLERS_KEY, Front, php_at};
use crate::php_upstream::PhpUpstream;
use crate::wire::URLENCODED;

/// A profile with everything that no read shows.
const IDENTITY: &str = "identity_form=1&edited_user_firstname=Mary&edited_user_nickname=mm\
    &organizations[]=7&org_roles[]=Analyst&edited_user_birthday_day=10&edited_user_birthday_month=12\
    &edited_user_birthday_year=1985&edited_user_age_min=20&edited_user_age_max=40";

/// Callers of b2evolution with that rule, and callers of Vision6 without any.
fn front(upstream: &PhpUpstream, rule: &str) -> Front {
    Front::new(&format!(
        "scopes = ['user:*', 'user.role']\n[store]\nurl = 'sqlite:db'\n[upstreams.back]\n{}identity_unknown = 'reject'\n\
         [routes.site]\ndialect = 'b2evolution'\nuser = 'back'\n{rule}\n\
         [routes.mail]\ndialect = 'vision6'\nuser = 'back'\n",
        php_at("b2evolution", upstream)
    ))
}

async fn profile(front: &Front, fields: &str) -> Answered {
    let request = Request::post("/api/v1/users/2")
        .header("X-API-Key", CALLERS_KEY)
        .header("Content-Type", URLENCODED);
    let form = fields.to_owned();
    front.ask(request.body(Bytes::from(form)).unwrap()).await
}

fn mary(upstream: &PhpUpstream) -> Value {
    upstream.state()["users"]["2"].clone()
}

#[tokio::test]
async fn an_update_sends_again_what_is_kept_and_nothing_is_unknown() {
    let upstream = PhpUpstream::start("b2evolution");
    let front = front(&upstream, "on_loss = 'keep'");
    let first = profile(&front, IDENTITY).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.lost, None);
    let before = upstream.requests().len();
    let renamed = front
        .call("editUser", r#"1,{"id":2,"last_name":"King"}"#)
        .await;
    assert!(renamed.body.contains(r#""result":true"#), "{renamed:?}");
    let there = mary(&upstream);
    assert_eq!(there["lastname"], "King");
    assert_eq!(there["nickname"], "mm");
    assert_eq!(there["organizations"], json!([7]));
    let requests = upstream.requests_after(before);
    let post = requests
        .iter()
        .map(|seen| &seen["post"])
        .find(|post| post["identity_form"] == "1")
        .unwrap();
    assert_eq!(post["org_roles"], json!(["Analyst"]));
    assert_eq!(post["edited_user_birthday_year"], "1985");
    assert_eq!(post["edited_user_age_max"], "40");
}

#[tokio::test]
async fn what_is_emptied_is_known_to_be_empty() {
    let upstream = PhpUpstream::start("b2evolution");
    let front = front(&upstream, "on_loss = 'keep'");
    profile(&front, IDENTITY).await;
    let emptied = profile(&front, "identity_form=1&edited_user_nickname=").await;
    assert_eq!(emptied.status, 200, "{emptied:?}");
    let renamed = front
        .call("editUser", r#"1,{"id":2,"last_name":"King"}"#)
        .await;
    assert!(renamed.body.contains(r#""result":true"#), "{renamed:?}");
    assert_eq!(mary(&upstream)["nickname"], Value::Null);
    assert_eq!(mary(&upstream)["organizations"], json!([7]));
}

/// A route that does not keep changes the nickname: what another had kept of it is out of date.
#[tokio::test]
async fn what_another_route_changed_is_not_put_back() {
    let upstream = PhpUpstream::start("b2evolution");
    let keeping = front(&upstream, "on_loss = 'keep'");
    profile(&keeping, IDENTITY).await;
    let text = format!(
        "scopes = ['user:*', 'user.role']\n[store]\nurl = 'sqlite:db'\n[upstreams.back]\n{}identity_unknown = 'reject'\n\
         [routes.site]\ndialect = 'b2evolution'\nuser = 'back'\n\
         [routes.mail]\ndialect = 'vision6'\nuser = 'back'\n",
        php_at("b2evolution", &upstream)
    );
    let front = keeping.again(&text).await;
    let other = profile(&front, "identity_form=1&edited_user_nickname=another").await;
    assert_eq!(other.status, 200, "{other:?}");
    let refused = front
        .call("editUser", r#"1,{"id":2,"last_name":"King"}"#)
        .await;
    assert!(refused.body.contains("nickname"), "{refused:?}");
    assert_eq!(mary(&upstream)["nickname"], "another");
}

/// The answer to the write is lost, so that it may have arrived.
#[tokio::test]
async fn what_an_update_of_unknown_outcome_may_have_changed_is_not_put_back() {
    let upstream = PhpUpstream::start("b2evolution");
    let front = front(&upstream, "on_loss = 'keep'");
    profile(&front, IDENTITY).await;
    upstream.commit(&["fine", "html"]);
    let lost = profile(&front, "identity_form=1&edited_user_nickname=new").await;
    assert_ne!(lost.status, 200, "{lost:?}");
    let before = upstream.requests().len();
    let refused = front
        .call("editUser", r#"1,{"id":2,"last_name":"King"}"#)
        .await;
    assert!(refused.body.contains("nickname"), "{refused:?}");
    assert!(!refused.body.contains("organizations"), "{refused:?}");
    let requests = upstream.requests_after(before);
    assert!(requests.iter().all(|seen| seen["method"] == "GET"));
}

/// A refusal is no doubt, but of memberships: they are changed before the rest of the form is
/// looked at.
#[tokio::test]
async fn of_a_refused_update_the_memberships_alone_are_not_known_any_more() {
    let upstream = PhpUpstream::start("b2evolution");
    let front = front(&upstream, "on_loss = 'keep'");
    profile(&front, IDENTITY).await;
    let form = "identity_form=1&edited_user_nickname=new&organizations[]=8&org_roles[]=Clerk\
        &edited_user_login=gateway";
    let refused = profile(&front, form).await;
    assert_ne!(refused.status, 200, "{refused:?}");
    let refused = front
        .call("editUser", r#"1,{"id":2,"last_name":"King"}"#)
        .await;
    assert!(refused.body.contains("organizations"), "{refused:?}");
    assert!(!refused.body.contains("nickname"), "{refused:?}");
}

#[tokio::test]
async fn without_a_rule_nothing_is_kept_and_the_update_is_refused() {
    let upstream = PhpUpstream::start("b2evolution");
    let front = front(&upstream, "");
    profile(&front, IDENTITY).await;
    let refused = front
        .call("editUser", r#"1,{"id":2,"last_name":"King"}"#)
        .await;
    for field in ["nickname", "organizations", "birthday", "age"] {
        assert!(refused.body.contains(field), "{field}: {refused:?}");
    }
}
