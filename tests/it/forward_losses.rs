//! What an upstream has no place for: refused, left out with a word, or left out, as the route says.

use bytes::Bytes;
use http::Request;

use crate::forward_fixture::{CALLERS_KEY, Front, b2evolution_at, vision6_at};
use crate::process::{dragoman, finish};
use crate::upstream_script::{Reply, Script};

/// The vendor's own example of editUser, with every key it documents.
const EDIT_USER: &str = r#"123456,{"id":5,"username":"ada","password":"correct horse","first_name":"Ada","last_name":"Lovelace","email":"ada@example.com","phone":"+61 7 3000 0000","mobile":"0400 000 000","fax":"07 3000 0001","position":"Head of R\/D","timezone":"Australia\/Brisbane","is_confirmed":true,"is_read_only":false,"is_active":true}"#;
const HOMELESS: &str = "email_verified, phone, mobile, fax, title, timezone, read_only";

fn blog() -> Script {
    Script::start(|asked| {
        if asked.target.starts_with("POST ") {
            let done = r#"{"code":"update_success","message":"Profile has been updated.","data":{"status":200}}"#;
            return Reply::Answer(200, done.to_owned());
        }
        let profile = r#"{"id":5,"picture":"","pictures":[],"login":"ada","firstname":"Ada","lastname":"Lovelace","gender":null,"location":{"country":null,"region":null,"subregion":null,"city":null},"organizations":[],"userfields":[]}"#;
        Reply::Answer(200, profile.to_owned())
    })
}

/// The vendor's example needs a scope that a key has only if it is said so.
fn keyed(text: &str) -> String {
    format!("scopes = ['user:*', 'user.role']\n{text}")
}

fn front(script: &Script, route: &str) -> Front {
    Front::new(&keyed(&format!(
        "[upstreams.blog]\n{}\n[routes.front]\ndialect = 'vision6'\nuser = 'blog'\n{route}",
        b2evolution_at(script.address)
    )))
}

#[tokio::test]
async fn by_default_a_call_with_homeless_fields_is_refused_and_nothing_is_sent() {
    let script = blog();
    let answered = front(&script, "").call("editUser", EDIT_USER).await;
    assert!(answered.body.contains(r#""code":302"#), "{answered:?}");
    assert!(answered.lost.is_none());
    assert!(script.asked().is_empty());
}

#[tokio::test]
async fn the_vendors_example_works_with_the_lines_that_check_suggests() {
    let script = blog();
    let directory = tempfile::tempdir().unwrap();
    let upstream = format!(
        "[keys.crm]\nvalue = '{CALLERS_KEY}'\n[upstreams.blog]\n{}\n",
        b2evolution_at(script.address)
    );
    let routes = format!("{upstream}[routes.front]\ndialect = 'vision6'\nuser = 'blog'\n");
    std::fs::write(directory.path().join("routes.toml"), routes).unwrap();
    let (code, lines, said) = finish(dragoman(directory.path()).args(["check", "--suggest"]));
    assert_eq!((code, said.as_str()), (Some(0), ""));

    let answered = front(&script, &lines).call("editUser", EDIT_USER).await;
    assert!(answered.body.contains(r#""result":true"#), "{answered:?}");
    assert_eq!(answered.lost.as_deref(), Some(HOMELESS));
    let sent = script.asked();
    let update = sent
        .iter()
        .find(|asked| asked.target.starts_with("POST "))
        .unwrap();
    assert!(
        update.body.contains("edited_user_firstname=Ada"),
        "{update:?}"
    );
    assert!(!update.body.contains("Brisbane"), "{update:?}");
}

#[tokio::test]
async fn what_is_dropped_is_not_spoken_of() {
    let script = blog();
    let answered = front(&script, "on_loss = 'drop'")
        .call("editUser", EDIT_USER)
        .await;
    assert!(answered.body.contains(r#""result":true"#), "{answered:?}");
    assert_eq!(answered.lost, None);
}

#[tokio::test]
async fn an_empty_value_is_no_loss() {
    let script = blog();
    let empty = r#"1,{"id":5,"first_name":"Ada","position":"","phone":""}"#;
    let answered = front(&script, "").call("editUser", empty).await;
    assert!(answered.body.contains(r#""result":true"#), "{answered:?}");
    assert_eq!(answered.lost, None);
}

#[tokio::test]
async fn a_mapped_field_travels_as_another_and_nothing_is_lost() {
    let script =
        Script::start(|_| Reply::Answer(200, r#"{"id":1,"result":true,"error":null}"#.to_owned()));
    let front = Front::new(&format!(
        "[upstreams.crm]\n{}\naccount = 7\n[routes.front]\ndialect = 'grupo'\nuser = 'crm'\ngroup = 'store'\n\
         [routes.front.map]\n'grupo.custom_field_1' = 'title'\n",
        vision6_at(script.address)
    ));
    let body =
        format!("api_secret_key={CALLERS_KEY}&update=site_users&user_id=5&custom_field_1=Analyst");
    let request = Request::post("/api_request/")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
        .unwrap();
    let answered = front.ask(request).await;
    assert!(answered.body.contains(r#""success":true"#), "{answered:?}");
    let [asked] = &script.asked()[..] else {
        panic!("one request is all there is: {answered:?}");
    };
    assert!(
        asked.body.contains(r#"7,{"id":5,"position":"Analyst"}"#),
        "{asked:?}"
    );
}

#[tokio::test]
async fn every_entry_of_a_batch_goes_its_own_way_and_comes_back_in_its_place() {
    let script =
        Script::start(|_| Reply::Answer(200, r#"{"id":1,"result":41,"error":null}"#.to_owned()));
    let front = Front::vision6(&vision6_at(script.address), "");
    let entry = |id: i64, method: &str, params: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":["{CALLERS_KEY}"{params}]}}"#
        )
    };
    let body = format!(
        "[{},{},{}]",
        entry(1, "countUsers", ",1"),
        entry(2, "noSuchMethod", ""),
        entry(3, "countUsers", ",1")
    );
    let request = Request::post("/api/jsonrpcserver")
        .body(Bytes::from(body))
        .unwrap();
    let answered = front.ask(request).await;
    let places: Vec<_> = answered.body.split(r#"{"jsonrpc""#).skip(1).collect();
    assert_eq!(places.len(), 3, "{answered:?}");
    assert!(places[0].contains("41"), "{answered:?}");
    assert!(places[1].contains("-32601"), "{answered:?}");
    assert!(places[2].contains("41"), "{answered:?}");
    assert_eq!(script.asked().len(), 2);
}
