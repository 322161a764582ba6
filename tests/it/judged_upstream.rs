//! `auth = "upstream"`: callers whom PHP servers of their own dialect judge, without a key or a login
//! of the gateway's, and without a store.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::forward_fixture::Front;
use crate::php_upstream::{KEY, LOGIN, PASSWORD, PhpUpstream};
use crate::relay_refusals::Log;

fn front(dialect: &str, upstream: &PhpUpstream, native: &str) -> Front {
    let group = if dialect == "grupo" {
        "group = 'back'\n"
    } else {
        ""
    };
    let front = Front::bare(&format!(
        "[upstreams.back]\ndialect = '{dialect}'\nurl = 'http://{}'\n[routes.front]\ndialect = '{dialect}'\n\
         user = 'back'\nauth = 'upstream'\nnative = [{native}]\n{group}",
        upstream.address()
    ));
    assert!(front.store.is_none(), "a store was opened");
    front
}

fn grupo(key: &str, fields: &str) -> Request<Bytes> {
    let body = format!("api_secret_key={key}&{fields}");
    Request::post("/api_request/")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
        .unwrap()
}

fn vision6(key: &str, method: &str, rest: &str) -> Request<Bytes> {
    let body = format!(r#"{{"id":1,"method":"{method}","params":["{key}"{rest}]}}"#);
    Request::post("/api/jsonrpcserver")
        .body(Bytes::from(body))
        .unwrap()
}

fn basic(login: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{login}:{password}")))
}

fn b2evolution(login: &str, password: &str, user: &str, fields: &str) -> Request<Bytes> {
    let method = if fields.is_empty() { "GET" } else { "POST" };
    Request::builder()
        .method(method)
        .uri(format!("/api/v1/users/{user}"))
        .header("Authorization", basic(login, password))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Cookie", "session_b2evo=1_stolen")
        .body(Bytes::from(fields.to_owned()))
        .unwrap()
}

const WRONG: &str = "wrongkey0wrongkey1wrongkey2wrongkey3wrongkey4wrongkey5wrongkey60";

#[tokio::test]
async fn a_grupo_server_judges_its_callers_and_one_wrong_key_holds_nobody_up() {
    let upstream = PhpUpstream::start("grupo");
    let front = front("grupo", &upstream, "");
    let update = "update=site_users&user=mary&full_name=M";
    for _ in 0..3 {
        let refused = front.ask(grupo(WRONG, update)).await;
        assert_eq!(
            refused.body,
            r#"{"success":false,"error_message":"Invalid API Secret Key","error_key":"invalid_api_secret_key"}"#
        );
    }
    let done = front.ask(grupo(KEY, update)).await;
    assert_eq!(done.body, r#"{"success":true}"#);
    let keys: Vec<Value> = upstream
        .requests()
        .into_iter()
        .map(|seen| seen["post"]["api_secret_key"].clone())
        .collect();
    assert_eq!(keys, [WRONG, WRONG, WRONG, KEY]);
    assert_eq!(upstream.state()["users"]["2"]["full_name"], "M");
}

#[tokio::test]
async fn a_vision6_server_judges_its_callers_and_the_accounts_they_name() {
    let upstream = PhpUpstream::start("vision6");
    let front = front("vision6", &upstream, "'getCreditBalance'");
    let refused = front.ask(vision6(WRONG, "countUsers", ",123456")).await;
    assert!(
        refused
            .body
            .contains(r#""code":300,"message":"Authorisation Failed - Invalid Login""#),
        "{refused:?}"
    );
    let counted = front.ask(vision6(KEY, "countUsers", ",123456")).await;
    assert_eq!(counted.body, r#"{"id":1,"result":2,"error":null}"#);
    let foreign = front.ask(vision6(KEY, "countUsers", ",7")).await;
    assert!(
        foreign
            .body
            .contains(r#""code":321,"message":"Administrative Access Denied""#),
        "{foreign:?}"
    );
    let nobody = front.ask(vision6("", "countUsers", ",123456")).await;
    assert!(nobody.body.contains(r#""code":300"#), "{nobody:?}");
    assert_eq!(upstream.requests().len(), 3);
}

#[tokio::test]
async fn a_native_operation_is_relayed_if_the_route_names_it() {
    let upstream = PhpUpstream::start("vision6");
    let front = front("vision6", &upstream, "'getCreditBalance'");
    let named = front.ask(vision6(KEY, "getCreditBalance", "")).await;
    assert_eq!(
        named.body,
        r#"{"id":1,"result":9007199254740993,"error":null}"#
    );
    let wrong = front.ask(vision6(WRONG, "getCreditBalance", "")).await;
    assert!(wrong.body.contains(r#""code":300"#), "{wrong:?}");
    let other = front.ask(vision6(KEY, "getListById", ",5")).await;
    assert!(other.body.contains(r#""code":321"#), "{other:?}");
    let seen = upstream.requests();
    let keyless = front.ask(vision6("x", "login", "")).await;
    assert!(keyless.body.contains(r#""code":300"#), "{keyless:?}");
    assert_eq!(upstream.requests().len(), seen.len());
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn no_session_of_a_caller_is_used_for_another_and_none_is_kept() {
    let upstream = PhpUpstream::start("b2evolution");
    let front = front("b2evolution", &upstream, "");
    let name = |name: &str| format!("identity_form=1&edited_user_firstname={name}");
    // Two at a time, each of several requests.
    let (admin, mary) = tokio::join!(
        front.ask(b2evolution(LOGIN, PASSWORD, "1", &name("A"))),
        front.ask(b2evolution("mary", "secret-7", "2", &name("B")))
    );
    assert_eq!(
        (admin.status, mary.status),
        (200.try_into().unwrap(), 200.try_into().unwrap()),
        "{admin:?} {mary:?}"
    );
    let again = front.ask(b2evolution("mary", "secret-7", "2", "")).await;
    assert_eq!(again.status, 200, "{again:?}");
    for answered in [&admin, &mary, &again] {
        assert!(!answered.headers.contains_key("set-cookie"), "{answered:?}");
    }
    let requests = upstream.requests();
    let mut sessions: Vec<(String, String)> = Vec::new();
    for seen in &requests {
        let who = seen["headers"]["authorization"].as_str().unwrap();
        if let Some(session) = seen["cookies"]["session_b2evo"].as_str() {
            sessions.push((session.to_owned(), who.to_owned()));
        }
        assert!(!seen.to_string().contains("stolen"), "{seen}");
    }
    sessions.sort();
    sessions.dedup();
    let mut owners = sessions
        .iter()
        .map(|(session, _)| session)
        .collect::<Vec<_>>();
    owners.dedup();
    assert_eq!(owners.len(), sessions.len(), "{sessions:?}");
    // The last call began without the session that the one before it had.
    assert_eq!(requests.last().unwrap()["cookies"], json!([]));
}

#[tokio::test]
async fn a_b2evolution_refuses_in_its_own_words_and_compares_the_password_that_was_sent() {
    let upstream = PhpUpstream::start("b2evolution");
    let front = front("b2evolution", &upstream, "");
    let wrong = front.ask(b2evolution("mary", "wrong", "2", "")).await;
    assert_eq!(wrong.status, 403);
    assert!(
        wrong.body.contains(r#""code":"wrong_login_pass""#),
        "{wrong:?}"
    );
    let foreign = front.ask(b2evolution(
        "mary",
        "secret-7",
        "1",
        "identity_form=1&edited_user_firstname=A",
    ));
    let foreign = foreign.await;
    assert!(
        foreign
            .body
            .contains("You have no permission to edit other users!"),
        "{foreign:?}"
    );
    let change = |current: &str| {
        format!(
            "password_form=1&current_user_pass={current}&edited_user_pass1=engine-1&edited_user_pass2=engine-1"
        )
    };
    let guessed = front
        .ask(b2evolution("mary", "secret-7", "2", &change("guessed")))
        .await;
    assert_eq!(guessed.status, 403, "{guessed:?}");
    assert_eq!(upstream.state()["users"]["2"]["password"], "secret-7");
    let known = front
        .ask(b2evolution("mary", "secret-7", "2", &change("secret-7")))
        .await;
    assert_eq!(known.status, 200, "{known:?}");
    assert_eq!(upstream.state()["users"]["2"]["password"], "engine-1");
}

#[tokio::test]
async fn a_source_of_too_many_wrong_keys_is_refused_before_anything_is_sent() {
    let upstream = PhpUpstream::start("grupo");
    let front = front("grupo", &upstream, "");
    let update = "update=site_users&user=mary&full_name=M";
    for _ in 0..22 {
        let refused = front.ask(grupo(WRONG, update)).await;
        assert!(
            refused.body.contains("invalid_api_secret_key"),
            "{refused:?}"
        );
    }
    assert_eq!(upstream.requests().len(), 20);
}

#[tokio::test]
async fn a_call_that_cannot_be_read_is_shown_to_nobody() {
    let upstream = PhpUpstream::start("grupo");
    let front = front("grupo", &upstream, "");
    let unread = front.ask(grupo(WRONG, "add=groups")).await;
    assert!(unread.body.contains("invalid_value"), "{unread:?}");
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn what_a_caller_presents_is_in_no_line_of_the_log() {
    let log = Log::default();
    let _logged = log.start();
    let upstream = PhpUpstream::start("b2evolution");
    let front = front("b2evolution", &upstream, "");
    let update = "identity_form=1&edited_user_firstname=M";
    for password in ["secret-7", "wrong-canary"] {
        front.ask(b2evolution("mary", password, "2", update)).await;
    }
    let said = log.said();
    let basic = basic("mary", "secret-7");
    let pair = basic.strip_prefix("Basic ").unwrap();
    assert!(said.contains("call.caller=\"upstream:"), "{said}");
    // Without a store the trail is the log.
    assert!(said.contains("user.update"), "{said}");
    for secret in ["secret-7", "wrong-canary", pair, "mary", PASSWORD] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}
