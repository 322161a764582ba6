//! What an upstream has no place for, kept here and given back to whoever reads.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use dragoman::store::Store;
use http::Request;

use crate::forward_fixture::{Answered, CALLERS_KEY, Front, b2evolution_at, php_at, vision6_at};
use crate::php_upstream::PhpUpstream;
use crate::process::{dragoman, finish};
use crate::upstream_script::{Asked, Reply, Script};
use crate::wire::URLENCODED;

/// The vendor's own example of editUser, with every key it documents.
const EDIT_USER: &str = r#"1,{"id":2,"username":"ada","password":"correct horse","first_name":"Ada","last_name":"Lovelace","email":"ada@example.com","phone":"+61 7 3000 0000","mobile":"0400 000 000","fax":"07 3000 0001","position":"Head of R\/D","timezone":"Australia\/Brisbane","is_confirmed":true,"is_read_only":false,"is_active":true}"#;
const READ_BACK: &str = r#""phone":"+61 7 3000 0000","mobile":"0400 000 000","fax":"07 3000 0001","position":"Head of R/D","timezone":"Australia/Brisbane","is_confirmed":true,"is_read_only":false"#;

const DONE: &str =
    r#"{"code":"update_success","message":"Profile has been updated.","data":{"status":200}}"#;
const PROFILE: &str = r#"{"id":5,"picture":"http://blog/ada.png","pictures":[],"login":"ada","firstname":null,"lastname":null,"gender":null,"location":{"country":null,"region":null,"subregion":null,"city":null},"organizations":[],"userfields":[]}"#;

/// Callers of all three dialects, each under a path of its own, and a store.
fn config(upstream: &str, rule: &str) -> String {
    let mut config = format!(
        "scopes = ['user:*', 'user.role', 'user.level']\n[store]\nurl = 'sqlite:db'\n[upstreams.back]\n{upstream}\n"
    );
    for caller in ["grupo", "vision6", "b2evolution"] {
        // No group goes anywhere.
        let group = if caller == "grupo" {
            "group = 'store'\n"
        } else {
            ""
        };
        let _ = write!(
            config,
            "[routes.{caller}]\ndialect = '{caller}'\npath = '/{caller}'\nuser = 'back'\n{group}{rule}\n"
        );
    }
    config
}

fn blog(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Script {
    Script::start(move |asked| {
        if asked.target.starts_with("GET ") {
            return Reply::Answer(200, PROFILE.to_owned());
        }
        reply(asked)
    })
}

async fn vision6(front: &Front, method: &str, parameters: &str) -> Answered {
    let body = format!(r#"{{"id":1,"method":"{method}","params":["{CALLERS_KEY}",{parameters}]}}"#);
    let request = Request::post("/vision6").body(Bytes::from(body));
    let mut answered = front.ask(request.unwrap()).await;
    answered.body = answered.body.replace("\\/", "/");
    answered
}

async fn grupo(front: &Front, fields: &str) -> Answered {
    let body = format!("api_secret_key={CALLERS_KEY}&{fields}");
    let request = Request::post("/grupo/").header("Content-Type", URLENCODED);
    front.ask(request.body(Bytes::from(body)).unwrap()).await
}

/// Rows of what is kept: of whom, what, and the value.
fn rows(front: &Front) -> Vec<(i64, String, Option<String>)> {
    let database = rusqlite::Connection::open(front.directory.path().join("db")).unwrap();
    let sql = "SELECT user_id, field, value FROM kept_user_fields ORDER BY user_id, field";
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

fn not_done(front: &Front) -> Vec<Option<String>> {
    let database = rusqlite::Connection::open(front.directory.path().join("db")).unwrap();
    let mut statement = database
        .prepare("SELECT not_done FROM audit ORDER BY id")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0));
    rows.unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn the_vendors_example_works_with_the_lines_that_check_suggests_where_there_is_a_store() {
    let upstream = PhpUpstream::start("b2evolution");
    let directory = tempfile::tempdir().unwrap();
    let routes = format!(
        "[keys.crm]\nvalue = '{CALLERS_KEY}'\n{}",
        config(&php_at("b2evolution", &upstream), "")
    );
    std::fs::write(directory.path().join("routes.toml"), &routes).unwrap();
    let (code, lines, said) = finish(dragoman(directory.path()).args(["check", "--suggest"]));
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(lines.contains("\"title\" = \"keep\""), "{lines}");
    assert!(lines.contains("\"notify\" = \"warn\""), "{lines}");

    let routes = config(&php_at("b2evolution", &upstream), "");
    let front = Front::new(&format!("{routes}{lines}"));
    let answered = vision6(&front, "editUser", EDIT_USER).await;
    assert!(answered.body.contains(r#""result":true"#), "{answered:?}");
    assert_eq!(answered.lost, None);
    let read = vision6(&front, "getUserById", "1,2").await;
    assert!(read.body.contains(READ_BACK), "{read:?}");
    let listed = vision6(&front, "searchUsers", "1,[]").await;
    assert!(listed.body.contains(READ_BACK), "{listed:?}");
    assert_eq!(
        not_done(&front),
        [Some(
            "fields that the upstream has no place for are kept here".to_owned()
        )]
    );
    let there = upstream.state().to_string();
    assert!(!there.contains("Brisbane"), "{there}");
}

#[tokio::test]
async fn a_new_user_is_kept_by_the_number_that_is_looked_up_and_forgotten_when_it_is_deleted() {
    let upstream = PhpUpstream::start("b2evolution");
    let front = Front::new(&config(
        &php_at("b2evolution", &upstream),
        "on_loss = 'keep'",
    ));
    let details = r#"1,{"username":"ada","password":"engine-1","email":"ada@example.com","position":"Analyst","is_read_only":true,"receives_promotional":true}"#;
    let added = vision6(&front, "addUser", details).await;
    assert!(added.body.contains(r#""result":3"#), "{added:?}");
    let read = vision6(&front, "getUserById", "1,3").await;
    for part in [
        r#""position":"Analyst""#,
        r#""is_read_only":true"#,
        r#""receives_promotional":true"#,
    ] {
        assert!(read.body.contains(part), "{part}: {read:?}");
    }
    assert_eq!(rows(&front).len(), 3);
    let removed = grupo(&front, "remove=site_users&user=ada").await;
    assert!(removed.body.contains(r#""success":true"#), "{removed:?}");
    assert_eq!(rows(&front), []);
}

#[tokio::test]
async fn a_write_by_name_and_one_by_number_reach_the_same_user_in_every_dialect() {
    let upstream = PhpUpstream::start("b2evolution");
    let front = Front::new(&config(
        &php_at("b2evolution", &upstream),
        "on_loss = 'keep'",
    ));
    let fields = "update=site_users&user=mary&phone_number=%2B61+7&timezone=Europe/Paris\
                  &avatarURL=http://a/b.png&custom_field_1=x&meta_color=red";
    let named = grupo(&front, fields).await;
    assert!(named.body.contains(r#""success":true"#), "{named:?}");
    let read = vision6(&front, "getUserById", "1,2").await;
    assert!(
        read.body.contains(r#""phone":"+61 7""#) && read.body.contains("Europe/Paris"),
        "{read:?}"
    );
    let emptied = vision6(&front, "editUser", r#"1,{"id":2,"phone":"","fax":"9"}"#).await;
    assert!(emptied.body.contains(r#""result":true"#), "{emptied:?}");
    let read = vision6(&front, "getUserById", "1,2").await;
    assert!(read.body.contains(r#""phone":null"#), "{read:?}");
    assert!(read.body.contains(r#""fax":"9""#), "{read:?}");
    let kept: Vec<_> = rows(&front)
        .into_iter()
        .map(|(user, field, _)| (user, field))
        .collect();
    let kept: Vec<_> = kept
        .iter()
        .map(|(user, field)| (*user, field.as_str()))
        .collect();
    assert_eq!(
        kept,
        [
            (2, "fax"),
            (2, "grupo.custom_field_1"),
            (2, "grupo.meta_color"),
            (2, "picture_url"),
            (2, "timezone")
        ]
    );
}

#[tokio::test]
async fn what_is_kept_survives_a_restart_and_is_shown_by_routes_that_keep_only() {
    let script = blog(|_| Reply::Answer(200, DONE.to_owned()));
    let at = b2evolution_at(script.address);
    let front = Front::new(&config(&at, "on_loss = 'keep'"));
    vision6(&front, "editUser", r#"1,{"id":5,"position":"Analyst"}"#).await;
    let front = front.again(&config(&at, "on_loss = 'drop'")).await;
    let read = vision6(&front, "getUserById", "1,5").await;
    assert!(read.body.contains(r#""position":null"#), "{read:?}");
    let front = front.again(&config(&at, "loss = { title = 'keep' }")).await;
    let read = vision6(&front, "getUserById", "1,5").await;
    assert!(read.body.contains(r#""position":"Analyst""#), "{read:?}");
}

#[tokio::test]
async fn what_the_upstream_tells_is_not_overridden_by_what_is_kept() {
    let script = blog(|_| Reply::Answer(200, DONE.to_owned()));
    let front = Front::new(&config(&b2evolution_at(script.address), "on_loss = 'keep'"));
    // The picture has no place in an update, and is told by reads.
    let fields = "update=site_users&user_id=5&avatarURL=http://ours/ada.png";
    let done = grupo(&front, fields).await;
    assert!(done.body.contains(r#""success":true"#), "{done:?}");
    assert_eq!(rows(&front).len(), 1);
    let request = Request::get("/b2evolution/users/5").header("X-API-Key", CALLERS_KEY);
    let read = front.ask(request.body(Bytes::new()).unwrap()).await;
    assert!(read.body.contains("blog\\/ada.png"), "{read:?}");
}

#[tokio::test]
async fn nothing_is_kept_of_a_write_that_was_refused_or_whose_outcome_is_unknown() {
    let breaks = Arc::new(AtomicBool::new(false));
    let is_broken = Arc::clone(&breaks);
    let script = blog(move |_| {
        if is_broken.load(Ordering::SeqCst) {
            return Reply::Raw(Vec::new());
        }
        let refused = r#"{"code":"update_failed","message":"<ul class=\"message_group\">Validation errors:<li>No.</li></ul>","data":{"status":403}}"#;
        Reply::Answer(403, refused.to_owned())
    });
    let front = Front::new(&config(&b2evolution_at(script.address), "on_loss = 'keep'"));
    let update = r#"1,{"id":5,"position":"Analyst","username":"ada2"}"#;
    for expected in ["error", r#""code":103"#] {
        let answered = vision6(&front, "editUser", update).await;
        assert!(answered.body.contains(expected), "{answered:?}");
        assert!(!answered.body.contains(r#""error":null"#), "{answered:?}");
        breaks.store(true, Ordering::SeqCst);
    }
    assert_eq!(rows(&front), []);
    // The second three times, since it only sets.
    let writes = script.asked();
    let writes = writes
        .iter()
        .filter(|asked| asked.target.starts_with("POST "));
    assert_eq!(writes.count(), 4);
}

#[tokio::test]
async fn what_a_caller_who_left_wrote_is_kept() {
    let script = blog(|_| {
        let done = Reply::Answer(200, DONE.to_owned());
        Reply::After(std::time::Duration::from_millis(300), Box::new(done))
    });
    let front = Front::new(&config(&b2evolution_at(script.address), "on_loss = 'keep'"));
    let write = vision6(&front, "editUser", r#"1,{"id":5,"position":"Analyst"}"#);
    let left = tokio::time::timeout(std::time::Duration::from_millis(100), write).await;
    assert!(left.is_err());
    front.forward.finished().await;
    let kept = rows(&front);
    assert_eq!(kept, [(5, "title".to_owned(), Some("Analyst".to_owned()))]);
}

#[tokio::test]
async fn concurrent_callers_keep_what_each_of_them_wrote() {
    let script = blog(|_| Reply::Answer(200, DONE.to_owned()));
    let front = Front::new(&config(&b2evolution_at(script.address), "on_loss = 'keep'"));
    let fields = ["phone", "mobile", "fax", "position"];
    let writes = (0..32).map(|number| {
        let field = fields[number % fields.len()];
        let details = format!(r#"1,{{"id":5,"{field}":"{number}"}}"#);
        let front = &front;
        async move { vision6(front, "editUser", &details).await }
    });
    for answered in futures_util::future::join_all(writes).await {
        assert!(answered.body.contains(r#""result":true"#), "{answered:?}");
    }
    let read = vision6(&front, "getUserById", "1,5").await;
    let kept = rows(&front);
    assert_eq!(kept.len(), fields.len());
    for (_, field, value) in kept {
        let number: usize = value.as_deref().unwrap().parse().unwrap();
        let name = fields[number % fields.len()];
        let shown = format!(r#""{name}":"{number}""#);
        assert!(read.body.contains(&shown), "{field}: {read:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_kept_after_all_is_named_as_lost() {
    let script =
        Script::start(|_| Reply::Answer(200, r#"{"id":1,"result":true,"error":null}"#.to_owned()));
    let at = format!("{}\naccount = 7", vision6_at(script.address));
    let front = Front::new(&config(&at, "on_loss = 'keep'"));
    front.store.as_ref().unwrap().close().await.unwrap();
    let request = Request::post("/b2evolution/users/5")
        .header("X-API-Key", CALLERS_KEY)
        .header("Content-Type", URLENCODED);
    let form = "identity_form=1&edited_user_firstname=Ada&edited_user_nickname=ada";
    let answered = front.ask(request.body(Bytes::from(form)).unwrap()).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    assert_eq!(answered.lost.as_deref(), Some("nickname"));
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn a_new_user_whose_number_nobody_tells_loses_what_should_be_kept_and_its_caller_hears_of_it()
{
    let script = blog(|_| {
        let made = r#"{"code":"update_success","message":"New user has been created.","data":{"status":201}}"#;
        Reply::Answer(201, made.to_owned())
    });
    let front = Front::new(&config(&b2evolution_at(script.address), "on_loss = 'keep'"));
    let details = r#"1,{"username":"ada","password":"engine-1","email":"ada@example.com","position":"Analyst"}"#;
    let added = vision6(&front, "addUser", details).await;
    assert_eq!(added.lost.as_deref(), Some("title"), "{added:?}");
    assert_eq!(rows(&front), []);
    let said = "fields that the upstream has no place for could not be kept and are lost";
    assert_eq!(not_done(&front), [Some(said.to_owned())]);
}

#[tokio::test]
async fn every_field_goes_by_its_own_rule() {
    let script = blog(|_| Reply::Answer(200, DONE.to_owned()));
    let rules = "on_loss = 'keep'\nloss = { fax = 'warn', mobile = 'drop' }";
    let front = Front::new(&config(&b2evolution_at(script.address), rules));
    let details = r#"1,{"id":5,"fax":"1","mobile":"2","phone":"3"}"#;
    let answered = vision6(&front, "editUser", details).await;
    assert_eq!(answered.lost.as_deref(), Some("fax"), "{answered:?}");
    let phone = (5, "phone".to_owned(), Some("3".to_owned()));
    assert_eq!(rows(&front), [phone]);
    let said = "fields that the upstream has no place for were left out, and others are kept here";
    assert_eq!(not_done(&front), [Some(said.to_owned())]);
    let notify = r#"1,{"id":5,"phone":"4","email_user":true}"#;
    let refused = vision6(&front, "editUser", notify).await;
    assert!(refused.body.contains(r#""code":302"#), "{refused:?}");
    assert_eq!(script.asked().len(), 1);
}
