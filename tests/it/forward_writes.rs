//! Writes at upstreams: to their end and into the trail, and one user at a time.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use tokio::time::timeout;

use crate::forward_fixture::{CALLERS_KEY, Front, b2evolution_at, vision6_at};
use crate::upstream_script::{Reply, Script};
use crate::wire::URLENCODED;

const DONE: &str = r#"{"id":1,"result":true,"error":null}"#;
const UPDATE: &str = r#"1,{"id":5,"position":"Analyst"}"#;
/// Something that the store does, so that there is one.
const STORE: &str = "[routes.own]\ndialect = 'grupo'\n";

fn slowly(reply: Reply) -> Reply {
    Reply::After(Duration::from_millis(300), Box::new(reply))
}

fn line(action: &str, user: i64, outcome: &str) -> (String, Option<i64>, String) {
    (action.to_owned(), Some(user), outcome.to_owned())
}

#[tokio::test]
async fn a_write_whose_caller_left_is_done_and_audited() {
    let script = Script::start(|_| slowly(Reply::Answer(200, DONE.to_owned())));
    let front = Front::vision6(&vision6_at(script.address), STORE);
    let left = timeout(Duration::from_millis(50), front.call("editUser", UPDATE)).await;
    assert!(left.is_err());
    front.forward.finished().await;
    assert_eq!(script.asked().len(), 1);
    assert_eq!(front.trail(), [line("user.update", 5, "done")]);
}

#[tokio::test]
async fn a_write_whose_caller_left_and_whose_answer_never_came_is_audited_as_unknown() {
    let script = Script::start(|_| slowly(Reply::Raw(Vec::new())));
    let front = Front::vision6(&vision6_at(script.address), STORE);
    let left = timeout(Duration::from_millis(50), front.call("editUser", UPDATE)).await;
    assert!(left.is_err());
    front.forward.finished().await;
    assert_eq!(front.trail(), [line("user.update", 5, "unknown")]);
}

#[tokio::test]
async fn no_more_writes_are_left_behind_than_an_upstream_may_have() {
    let script = Script::start(|_| Reply::Silence(Duration::from_secs(60)));
    let front = Front::vision6(&vision6_at(script.address), STORE);
    let writes = join_all((0..1024).map(|_| front.call("editUser", UPDATE)));
    let left = timeout(Duration::from_secs(2), writes).await;
    assert!(left.is_err());
    let refused = timeout(Duration::from_secs(2), front.call("editUser", UPDATE)).await;
    let refused = refused.expect("it is refused at once");
    assert!(refused.body.contains(r#""code":399"#), "{refused:?}");
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
}

#[tokio::test]
async fn an_answered_write_is_in_the_trail_once_whatever_became_of_it() {
    let script = Script::start(|asked| {
        if asked.body.contains("addUser") {
            return Reply::Raw(Vec::new());
        }
        Reply::Answer(200, DONE.to_owned())
    });
    let front = Front::vision6(&vision6_at(script.address), STORE);
    let done = front.call("editUser", UPDATE).await;
    assert!(done.body.contains("true"), "{done:?}");
    assert_eq!(front.trail(), [line("user.update", 5, "done")]);
    let unknown = front
        .call(
            "addUser",
            r#"1,{"username":"ada","password":"engine-1","email":"ada@example.com"}"#,
        )
        .await;
    assert!(unknown.body.contains("103"), "{unknown:?}");
    // The record of what nobody knows is written behind the caller's back.
    let store = front.store.clone().unwrap();
    dragoman::store::Store::close(&*store).await.unwrap();
    let trail = front.trail();
    assert_eq!(trail.len(), 2, "{trail:?}");
    assert_eq!(trail[1].2, "unknown");
    let adds = script
        .asked()
        .iter()
        .filter(|asked| asked.body.contains("addUser"))
        .count();
    assert_eq!(adds, 1);
}

#[tokio::test]
async fn a_read_whose_caller_left_is_given_up() {
    let script = Script::start(|_| slowly(Reply::Answer(200, DONE.to_owned())));
    let front = Front::vision6(&vision6_at(script.address), "");
    let left = timeout(Duration::from_millis(50), front.call("getUserById", "1,5")).await;
    assert!(left.is_err());
    // Nothing is left to wait for.
    timeout(Duration::from_millis(50), front.forward.finished())
        .await
        .unwrap();
}

fn value(form: &str, name: &str) -> Option<String> {
    form.split('&').find_map(|pair| {
        let (found, value) = pair.split_once('=')?;
        (found == name).then(|| value.to_owned())
    })
}

/// A b2evolution with one user, 5, whose identity each update replaces.
fn blog() -> Script {
    let names = Mutex::new((String::new(), String::new()));
    Script::start(move |asked| {
        if asked.target.starts_with("POST ") {
            let mut names = names.lock().unwrap();
            names.0 = value(&asked.body, "edited_user_firstname").unwrap_or_default();
            names.1 = value(&asked.body, "edited_user_lastname").unwrap_or_default();
            let done = r#"{"code":"update_success","message":"Profile has been updated.","data":{"status":200}}"#;
            return Reply::Answer(200, done.to_owned());
        }
        let (first, last) = names.lock().unwrap().clone();
        let text = |name: &str| {
            if name.is_empty() {
                "null".to_owned()
            } else {
                format!("\"{name}\"")
            }
        };
        let profile = format!(
            r#"{{"id":5,"picture":"","pictures":[],"login":"ada","firstname":{},"lastname":{},"gender":null,"location":{{"country":null,"region":null,"subregion":null,"city":null}},"organizations":[],"userfields":[]}}"#,
            text(&first),
            text(&last)
        );
        Reply::After(
            Duration::from_millis(50),
            Box::new(Reply::Answer(200, profile)),
        )
    })
}

#[tokio::test]
async fn two_updates_of_one_user_at_once_do_not_overwrite_each_other() {
    let script = blog();
    let front = Front::vision6(&b2evolution_at(script.address), "");
    // The first call finds out whether the credentials are good; others wait for it.
    front
        .call("editUser", r#"1,{"id":5,"first_name":"Augusta"}"#)
        .await;
    let (given, family) = tokio::join!(
        front.call("editUser", r#"1,{"id":5,"first_name":"Ada"}"#),
        front.call("editUser", r#"1,{"id":5,"last_name":"Lovelace"}"#),
    );
    for answered in [&given, &family] {
        assert!(answered.body.contains(r#""error":null"#), "{answered:?}");
    }
    let read = front.call("getUserById", "1,5").await;
    assert!(
        read.body
            .contains(r#""first_name":"Ada","last_name":"Lovelace""#),
        "{read:?}"
    );
}

#[tokio::test]
async fn what_only_who_may_change_roles_may_set_is_refused_before_anything_is_sent() {
    let script = blog();
    let front = Front::new(&format!(
        "[upstreams.back]\n{}\n[routes.front]\ndialect = 'b2evolution'\nuser = 'back'\n",
        b2evolution_at(script.address)
    ));
    for field in [
        "edited_user_secondary_grp_ID[]=1",
        "edited_user_grp_ID=1",
        "edited_user_level=9",
    ] {
        let request = Request::post("/api/v1/users/5")
            .header("X-API-Key", CALLERS_KEY)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(Bytes::from(format!("admin_form=1&{field}")))
            .unwrap();
        let answered = front.ask(request).await;
        assert_eq!(answered.status, 403, "{field}: {answered:?}");
    }
    assert!(script.asked().is_empty());
}

/// The user is gone between the look-up and the write, which says so.
#[tokio::test]
async fn a_write_whose_user_is_gone_by_then_is_not_unknown() {
    let script = Script::start(move |asked| {
        if asked.target.starts_with("POST ") {
            let gone =
                r#"{"code":"user_invalid_id","message":"Invalid user ID","data":{"status":404}}"#;
            return Reply::Answer(404, gone.to_owned());
        }
        let list = r#"{"found":1,"page":1,"page_size":100,"pages_total":1,"users":[{"id":5,"picture":"","login":"ada","fullname":"","city":""}]}"#;
        Reply::Answer(200, list.to_owned())
    });
    let front = Front::new(&format!(
        "[upstreams.back]\n{}\n[routes.front]\ndialect = 'grupo'\npath = '/grupo'\nuser = 'back'\n{STORE}",
        b2evolution_at(script.address)
    ));
    let body = format!("api_secret_key={CALLERS_KEY}&update=site_users&user=ada&username=ada2");
    let request = Request::post("/grupo/").header("Content-Type", URLENCODED);
    let answered = front.ask(request.body(Bytes::from(body)).unwrap()).await;
    assert!(answered.body.contains("account_not_found"), "{answered:?}");
    let asked: Vec<_> = script
        .asked()
        .iter()
        .map(|asked| asked.target.clone())
        .collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(asked[1], "POST /api/v1/users/5");
    let store = front.store.clone().unwrap();
    dragoman::store::Store::close(&*store).await.unwrap();
    assert_eq!(front.trail(), []);
}
