//! `dragoman kept import`: what a b2evolution never shows, from users that were imported.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::forward_fixture::{CALLERS_KEY, php_at};
use crate::php_upstream::PhpUpstream;
use crate::process::{Served, curl, dragoman, finish};

const MARY: &str = r#"{"username":"mary","ids":{"b2evolution":2},"nickname":"mj","locale":"en-GB","title":"Dr",
    "organizations":[{"id":7,"role":"Analyst"}],"extensions":{"b2evolution":{"edited_user_birthday_day":"10",
    "edited_user_birthday_month":"12","edited_user_birthday_year":"1985","edited_user_age_min":"20",
    "edited_user_age_max":"40","uf_12":"chess","edited_user_source":"import"}}}"#;

/// Vision6 callers in front of a b2evolution that is never to lose what nobody knows, and callers of
/// b2evolution whose writes are kept.
fn configured(upstream: &PhpUpstream, store: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let at = php_at("b2evolution", upstream);
    let config = format!(
        "[keys.crm]\nvalue = '{CALLERS_KEY}'\n{store}\n[upstreams.back]\n{at}identity_unknown = 'reject'\n\
         [upstreams.mail]\ndialect = 'vision6'\nurl = 'http://127.0.0.1:9'\nkey = 'own-0123456789abcdef'\n\
         [routes.front]\ndialect = 'vision6'\nuser = 'back'\n\
         [routes.chat]\ndialect = 'grupo'\nuser = 'back'\ngroup = 'back'\n"
    );
    fs::write(directory.path().join("routes.toml"), config).unwrap();
    directory
}

const STORE: &str = "[store]\nurl = 'sqlite:data/dragoman.db'";

fn import_users(directory: &Path, lines: &str) {
    // One object a line.
    fs::write(directory.join("users.json"), lines.replace("\n    ", "")).unwrap();
    let import = ["users", "import", "users.json"];
    let (code, said, errors) = finish(dragoman(directory).args(import));
    assert_eq!(code, Some(0), "{said}{errors}");
}

fn kept(directory: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = dragoman(directory);
    let (code, said, remarks) = finish(command.args(["kept", "import"]).args(arguments));
    assert_eq!(said, "");
    (code, remarks)
}

fn rename(served: &Served, name: &str) -> String {
    let body = format!(
        r#"{{"id":1,"method":"editUser","params":["{CALLERS_KEY}",1,{{"id":2,"last_name":"{name}"}}]}}"#
    );
    curl(&[&format!("{}/api/jsonrpcserver", served.url), "-d", &body])
}

fn imports_in_the_trail(directory: &Path) -> Vec<Value> {
    let list = [
        "audit",
        "list",
        "--action",
        "kept.import",
        "--json",
        "--limit",
        "0",
    ];
    let (code, trail, _) = finish(dragoman(directory).args(list));
    assert_eq!(code, Some(0));
    let lines = trail.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_running_gateway_sends_what_was_imported_and_nothing_is_unknown() {
    let upstream = PhpUpstream::start("b2evolution");
    let directory = configured(&upstream, STORE);
    let directory = directory.path();
    let elsewhere = r#"{"account":2,"username":"eve","ids":{"b2evolution":2},"nickname":"wrong"}"#;
    let unknown = r#"{"username":"bob","nickname":"b"}"#;
    import_users(directory, &format!("{MARY}\n{elsewhere}\n{unknown}\n"));
    let served = Served::start(directory);
    let refused = rename(&served, "King");
    assert!(refused.contains("nickname"), "{refused}");
    let (code, said) = kept(directory, &["--users", "back"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(
            "with an id at back: 1; without one: 1. Fields that are kept from now on: 9."
        ),
        "{said}"
    );
    let before = upstream.requests().len();
    let renamed = rename(&served, "King");
    assert!(renamed.contains(r#""result":true"#), "{renamed}");
    let there = upstream.state()["users"]["2"].clone();
    assert_eq!(
        (&there["lastname"], &there["nickname"]),
        (&json!("King"), &json!("mj"))
    );
    assert_eq!(there["organizations"], json!([7]));
    let requests = upstream.requests_after(before);
    let mut posts = requests.iter().map(|seen| &seen["post"]);
    let post = posts.find(|post| post["identity_form"] == "1").unwrap();
    assert_eq!(post["org_roles"], json!(["Analyst"]));
    assert_eq!(post["edited_user_birthday_year"], "1985");
    assert_eq!(
        (&post["edited_user_age_max"], &post["uf_12"]),
        (&json!("40"), &json!("chess"))
    );
    assert_eq!(post["edited_user_source"], Value::Null);
    let (status, log) = served.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn what_is_kept_already_is_newer_and_a_second_import_is_none() {
    let upstream = PhpUpstream::start("b2evolution");
    let directory = configured(&upstream, STORE);
    let directory = directory.path();
    let file = directory.join("routes.toml");
    let config = fs::read_to_string(&file).unwrap();
    let keeping = "[routes.site]\ndialect = 'b2evolution'\nuser = 'back'\non_loss = 'keep'\n";
    fs::write(
        &file,
        format!("{config}{keeping}").replace("'reject'", "'warn'"),
    )
    .unwrap();
    import_users(directory, MARY);
    let served = Served::start(directory);
    let key = format!("X-API-Key: {CALLERS_KEY}");
    let form = "identity_form=1&edited_user_nickname=newer&edited_user_age_min=";
    let users = format!("{}/api/v1/users/2", served.url);
    let written = curl(&[&users, "-H", &key, "-d", form]);
    assert!(written.contains("update_success"), "{written}");
    for new in [7, 0] {
        let (code, said) = kept(directory, &["--users", "back"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(
            said.contains(&format!("kept from now on: {new}.")),
            "{said}"
        );
    }
    let trail = imports_in_the_trail(directory);
    assert_eq!(trail.len(), 1, "{trail:?}");
    assert_eq!(
        (&trail[0]["attempts"], &trail[0]["reason"]),
        (&json!(7), &json!("back"))
    );
    let before = upstream.requests().len();
    let renamed = rename(&served, "King");
    assert!(renamed.contains(r#""result":true"#), "{renamed}");
    assert_eq!(upstream.state()["users"]["2"]["nickname"], "newer");
    let requests = upstream.requests_after(before);
    let mut posts = requests.iter().map(|seen| &seen["post"]);
    let post = posts.find(|post| post["identity_form"] == "1").unwrap();
    assert_eq!(
        (&post["edited_user_age_min"], &post["edited_user_age_max"]),
        (&json!(""), &json!("40"))
    );
    served.stop();
    let (code, _, said) = finish(dragoman(directory).args(["audit", "verify"]));
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn what_a_user_does_not_have_is_unknown_unless_the_command_says_that_it_is_empty() {
    let upstream = PhpUpstream::start("b2evolution");
    let directory = configured(&upstream, STORE);
    let directory = directory.path();
    import_users(
        directory,
        r#"{"username":"mary","ids":{"b2evolution":2},"nickname":"mj"}"#,
    );
    let served = Served::start(directory);
    kept(
        directory,
        &["--users", "back", "--empty", "nickname,organizations"],
    );
    let refused = rename(&served, "King");
    assert!(refused.contains("birthday, age;"), "{refused}");
    assert!(!refused.contains("nickname"), "{refused}");
    let (code, said) = kept(directory, &["--users", "back", "--empty", "birthday,age"]);
    assert!(said.contains("kept from now on: 5."), "{code:?} {said}");
    let renamed = rename(&served, "King");
    assert!(renamed.contains(r#""result":true"#), "{renamed}");
    assert_eq!(upstream.state()["users"]["2"]["nickname"], "mj");
    served.stop();
}

#[test]
fn a_value_that_the_upstream_would_not_take_is_named_and_the_others_are_kept() {
    let upstream = PhpUpstream::start("b2evolution");
    let directory = configured(&upstream, STORE);
    let directory = directory.path();
    import_users(
        directory,
        &MARY.replace("mj", "<b>mj</b>").replace("1985", "x"),
    );
    let (code, said) = kept(directory, &["--users", "back", "--empty", "nickname"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("kept from now on: 7."), "{said}");
    assert!(
        said.contains("\nuser 2 there: nickname: nickname must have no tags"),
        "{said}"
    );
    assert!(
        said.contains("\nuser 2 there: b2evolution.edited_user_birthday_year: "),
        "{said}"
    );
    assert!(!said.contains("<b>"), "{said}");
}

#[test]
fn many_users_are_several_transactions_each_with_its_record() {
    let upstream = PhpUpstream::start("b2evolution");
    let directory = configured(&upstream, STORE);
    let mut lines = String::new();
    for number in 1..=501 {
        let id = 1000 - number;
        let user =
            format!(r#"{{"username":"u{number}","ids":{{"b2evolution":{id}}},"nickname":"n"}}"#);
        writeln!(lines, "{user}").unwrap();
    }
    import_users(directory.path(), &lines);
    let (code, said) = kept(directory.path(), &["--users", "back"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("at back: 501; without one: 0. Fields that are kept from now on: 501."),
        "{said}"
    );
    let trail = imports_in_the_trail(directory.path());
    let counts: Vec<_> = trail
        .iter()
        .map(|record| record["attempts"].clone())
        .collect();
    assert_eq!(counts, [1, 500]);
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_done() {
    let upstream = PhpUpstream::start("b2evolution");
    let directory = configured(&upstream, STORE);
    let refused = |arguments: &[&str], code, what: &str| {
        let (ended, said) = kept(directory.path(), arguments);
        assert_eq!(ended, Some(code), "{said}");
        assert!(said.contains(what), "{said}");
    };
    refused(&[], 64, "--users <UPSTREAM>");
    refused(&["--users", "blog"], 64, "there is no upstreams.blog in ");
    refused(&["--users", "mail"], 64, "upstreams.mail speaks vision6");
    let others = "\"locale\" is none of nickname, organizations, birthday, age";
    refused(&["--users", "back", "--empty", "age,locale"], 64, others);
    refused(&["--users", "back"], 1, "there is no store at ");
    assert!(!directory.path().join("data").exists());
    let without = configured(&upstream, "");
    let (code, said) = kept(without.path(), &["--users", "back"]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("store.url: there is no store"), "{said}");
}
