//! PHP servers that misbehave: whatever they do, a caller is told of no success that there was not,
//! and of no failure where nobody knows.

use crate::fault_server::{Act, End, FaultServer, until_close};
use crate::forward_fixture::{Front, php_at};
use crate::php_upstream::{KEY, PASSWORD, PhpUpstream};

/// Something that the store does, so that there is a trail.
const STORE: &str = "[routes.own]\ndialect = 'grupo'\n";

const READ: (&str, &str) = ("getUserById", "123456,2");
const UPDATE: (&str, &str) = (
    "editUser",
    r#"123456,{"id":2,"first_name":"May","last_name":"Major"}"#,
);
const CREATE: (&str, &str) = (
    "addUser",
    r#"123456,{"username":"ada","password":"engine-1","email":"ada@example.com","first_name":"Ada"}"#,
);

/// A code of Vision6; nothing for a success.
fn code(body: &str) -> Option<u32> {
    let (_, rest) = body.split_once(r#""code":"#)?;
    let mut rest = rest.split(|letter: char| !letter.is_ascii_digit());
    Some(rest.next().unwrap().parse().unwrap())
}

/// What a caller is told where its upstream answers like this, and what the trail says of it.
async fn told(
    dialect: &str,
    faults: &[&str],
    (method, parameters): (&str, &str),
) -> (Option<u32>, Vec<String>) {
    let upstream = PhpUpstream::start(dialect);
    upstream.commit(faults);
    let options = format!("{}head_timeout = '1s'\n", php_at(dialect, &upstream));
    let front = Front::vision6(&options, STORE);
    let answered = front.call(method, parameters).await;
    let store = front.store.clone().unwrap();
    dragoman::store::Store::close(&*store).await.unwrap();
    let outcomes = front.trail().into_iter().map(|(_, _, outcome)| outcome);
    (code(&answered.body), outcomes.collect())
}

/// Answers that are none of any dialect.
const UNREADABLE: [&str; 5] = ["html", "empty", "fatal", "truncated", "slow"];

async fn assert_unknown(dialect: &str, faults: &[&str], call: (&str, &str)) {
    let told = told(dialect, faults, call).await;
    let unknown = (Some(103), vec!["unknown".to_owned()]);
    assert_eq!(told, unknown, "{dialect} {faults:?} {}", call.0);
}

async fn assert_failed(dialect: &str, faults: &[&str], call: (&str, &str)) {
    let told = told(dialect, faults, call).await;
    assert_eq!(told, (Some(100), vec![]), "{dialect} {faults:?} {}", call.0);
}

async fn assert_done(dialect: &str, faults: &[&str], call: (&str, &str)) {
    let told = told(dialect, faults, call).await;
    let done = (None, vec!["done".to_owned()]);
    assert_eq!(told, done, "{dialect} {faults:?} {}", call.0);
}

#[tokio::test]
async fn a_grupo_server_that_answers_nonsense_to_a_write_leaves_it_unknown() {
    for fault in UNREADABLE {
        assert_unknown("grupo", &[fault], UPDATE).await;
        assert_unknown("grupo", &[fault], CREATE).await;
    }
}

#[tokio::test]
async fn a_vision6_server_that_answers_nonsense_fails_a_read_and_leaves_a_write_unknown() {
    for fault in UNREADABLE.iter().chain(&["mute"]) {
        assert_failed("vision6", &[fault], READ).await;
        assert_unknown("vision6", &[fault], UPDATE).await;
        assert_unknown("vision6", &[fault], CREATE).await;
    }
}

#[tokio::test]
async fn an_error_of_a_vision6_server_in_its_old_form_is_that_error() {
    for call in [READ, UPDATE, CREATE] {
        assert_eq!(
            told("vision6", &["string"], call).await,
            (Some(322), vec![]),
            "{}",
            call.0
        );
    }
}

#[tokio::test]
async fn a_b2evolution_server_that_answers_nonsense_fails_a_read_and_leaves_a_write_unknown() {
    for fault in UNREADABLE.iter().chain(&["database"]) {
        assert_failed("b2evolution", &[fault], READ).await;
        // The identity is read before it is replaced: nothing was sent that changes anything.
        assert_failed("b2evolution", &[fault], UPDATE).await;
        assert_unknown("b2evolution", &["fine", fault], UPDATE).await;
        assert_unknown("b2evolution", &[fault], CREATE).await;
    }
}

#[tokio::test]
async fn a_b2evolution_server_that_fails_after_its_success_has_done_the_update() {
    for fault in UNREADABLE.iter().chain(&["database"]) {
        assert_done("b2evolution", &["fine", "fine", fault], UPDATE).await;
    }
}

/// Callers of Vision6 are owed the number, and the user is there without it.
#[tokio::test]
async fn a_user_whose_number_cannot_be_looked_up_was_made_all_the_same() {
    for fault in UNREADABLE.iter().chain(&["database"]) {
        let (code, trail) = told("b2evolution", &["fine", fault], CREATE).await;
        assert_eq!(code, Some(103), "{fault}");
        assert_eq!(trail, ["done"], "{fault}");
    }
}

#[tokio::test]
async fn warnings_before_an_answer_of_b2evolution_change_nothing() {
    let warnings = ["warning", "warning", "warning"];
    assert_eq!(told("b2evolution", &warnings, READ).await, (None, vec![]));
    assert_done("b2evolution", &warnings, UPDATE).await;
    assert_done("b2evolution", &warnings, CREATE).await;
}

/// PHP's server says nothing of its answers' length: they end with the connection, and so does half
/// of one.
#[tokio::test]
async fn an_answer_that_ends_with_the_connection_is_none_until_its_syntax_is_complete() {
    let answers = [
        ("grupo", r#"{"success":true}"#),
        ("vision6", r#"{"id":1,"result":true,"error":null}"#),
        (
            "b2evolution",
            r#"{"code":"delete_success","message":"User &laquo;mary&raquo; deleted.","data":{"status":200}}"#,
        ),
    ];
    for (dialect, answer) in answers {
        let whole = until_close(answer);
        let head = whole.len() - answer.len();
        for length in head..=whole.len() {
            let server = FaultServer::always(Act::cut(&whole, length, End::Close)).await;
            let options = match dialect {
                "b2evolution" => format!("login = 'gateway'\npassword = \"{PASSWORD}\""),
                _ => format!("key = '{KEY}'"),
            };
            let front = Front::new(&format!(
                "scopes = ['user:*']\n[upstreams.back]\ndialect = '{dialect}'\nurl = 'http://{}'\n{options}\n\
                 [routes.front]\ndialect = 'vision6'\nuser = 'back'\n",
                server.address
            ));
            let answered = front.call("deleteUser", "1,2").await;
            let wanted = (length < whole.len()).then_some(103);
            assert_eq!(
                code(&answered.body),
                wanted,
                "{dialect} {length} {answered:?}"
            );
            assert_eq!(server.requests().len(), 1);
        }
    }
}

#[tokio::test]
async fn one_refused_login_is_all_that_a_server_sees_of_wrong_credentials() {
    for dialect in ["grupo", "vision6", "b2evolution"] {
        let upstream = PhpUpstream::start(dialect);
        let options = php_at(dialect, &upstream)
            .replace(KEY, "another-key-0123456789abcdef")
            .replace(PASSWORD, "another secret");
        let front = Front::vision6(&options, "");
        for call in [UPDATE, READ, CREATE, UPDATE] {
            // A Grupo system reads nothing, which takes no request.
            if (dialect, call.0) == ("grupo", READ.0) {
                continue;
            }
            let answered = front.call(call.0, call.1).await;
            assert_eq!(code(&answered.body), Some(100), "{dialect} {answered:?}");
            let said = answered.body.to_lowercase();
            for word in ["key", "login", "password", "auth", "credential"] {
                assert!(!said.contains(word), "{dialect}: {said}");
            }
        }
        assert_eq!(upstream.requests().len(), 1, "{dialect}");
        if dialect == "b2evolution" {
            assert_eq!(upstream.state()["failures"], 1);
        }
    }
}

#[tokio::test]
async fn a_name_that_is_taken_for_no_new_user_hides_nobody_else_of_a_list() {
    let upstream = PhpUpstream::start("vision6");
    let front = Front::vision6(&php_at("vision6", &upstream), "");
    front.call(UPDATE.0, UPDATE.1).await;
    let mut state = upstream.state();
    let mut odd = state["users"]["2"].clone();
    for (id, name) in [
        ("3", "zero\u{200b}width "),
        ("4", " eve"),
        ("5", "a\u{a0}b"),
    ] {
        odd["username"] = name.into();
        state["users"][id] = odd.clone();
    }
    upstream.keep(&state);
    let answered = front.call("searchUsers", "123456,[]").await;
    let answer: serde_json::Value = serde_json::from_str(&answered.body).unwrap();
    let names = answer["result"].as_array().unwrap().iter();
    let names: Vec<_> = names
        .map(|user| user["username"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["admin", "mary", "zero\u{200b}width ", " eve", "a\u{a0}b"]
    );
}

#[tokio::test]
async fn a_login_that_is_taken_for_no_new_user_hides_nobody_else_of_a_b2evolution() {
    let upstream = PhpUpstream::start("b2evolution");
    let front = Front::vision6(&php_at("b2evolution", &upstream), "");
    front.call(UPDATE.0, UPDATE.1).await;
    let mut state = upstream.state();
    state["users"]["3"] = state["users"]["2"].clone();
    state["users"]["3"]["username"] = "zero\u{200b}width ".into();
    upstream.keep(&state);
    let answered = front.call("searchUsers", "123456,[]").await;
    let answer: serde_json::Value = serde_json::from_str(&answered.body).unwrap();
    assert_eq!(
        answer["result"].as_array().map(Vec::len),
        Some(3),
        "{answered:?}"
    );
}
