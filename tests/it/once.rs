//! Calls with an idempotency key that the store carries out: one effect, however often they are sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dragoman::clock::{Clock, Timestamp};
use dragoman::command::Dialect;
use dragoman::config::{self, Sources};
use dragoman::store::once::forget;
use http::Request;
use serde_json::{Value, json};

use crate::forward_fixture::{Answered, CALLERS_KEY, Front};
use crate::harness::NOW;
use crate::once_fixture::{Told, add, add_as, assert_done_once, fifty, routes, told};
use crate::process::{dragoman, finish};

const VISION6: Dialect = Dialect::Vision6;

fn front() -> Front {
    Front::new(&routes(""))
}

fn users(front: &Front) -> i64 {
    front.number("SELECT count(*) FROM users")
}

fn kept(front: &Front) -> i64 {
    front.number("SELECT count(*) FROM idempotency")
}

async fn ask(front: &Front, name: &str, key: &str) -> Told {
    told(VISION6, &front.ask(add(VISION6, name, Some(key))).await)
}

/// A Vision6 call of that method with an idempotency key.
fn call(method: &str, parameters: &Value, key: &str) -> Request<Bytes> {
    let mut params = vec![Value::from(CALLERS_KEY)];
    params.extend(parameters.as_array().unwrap().iter().cloned());
    let body = json!({"id": 1, "method": method, "params": params});
    Request::post("/api/jsonrpcserver")
        .header("idempotency-key", key)
        .body(Bytes::from(body.to_string()))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_calls_with_one_key_make_one_user_in_every_dialect() {
    let front = Arc::new(front());
    for (before, dialect) in (0..).zip(Dialect::ALL) {
        let answers = fifty(&front, dialect, dialect.name(), dialect.name()).await;
        assert_done_once(dialect, &answers);
        let first = answers.iter().find(|it| told(dialect, it) == Told::Done);
        let again = front.ask(add(dialect, dialect.name(), Some(dialect.name())));
        let again = again.await;
        assert_eq!(told(dialect, &again), Told::DoneBefore);
        let first = first.unwrap();
        assert_eq!((first.status, &first.body), (again.status, &again.body));
        assert_eq!(users(&front), before + 1);
        assert_eq!(kept(&front), before + 1);
    }
    let made = ("user.create".to_owned(), "done".to_owned());
    let trail = front.trail();
    let trail: Vec<_> = trail
        .into_iter()
        .map(|(what, _, how)| (what, how))
        .collect();
    assert_eq!(trail, [made.clone(), made.clone(), made]);
}

#[tokio::test]
async fn another_call_with_the_key_of_one_is_refused_in_every_dialect() {
    let front = front();
    for (before, dialect) in (0..).zip(Dialect::ALL) {
        let ask = async |name: &str| {
            let answered = front.ask(add(dialect, name, Some(dialect.name()))).await;
            told(dialect, &answered)
        };
        let name = dialect.name();
        assert_eq!(ask(name).await, Told::Done);
        assert_eq!(ask(&format!("{name}-2")).await, Told::OtherCall);
        assert_eq!(users(&front), before + 1);
        assert_eq!(ask(name).await, Told::DoneBefore);
    }
}

/// Grupo and Vision6 callers, and the two ways of writing a key.
#[tokio::test]
async fn a_key_is_the_same_in_quotes_and_without() {
    let front = front();
    assert_eq!(ask(&front, "ann", "\"8e03978e\"").await, Told::Done);
    assert_eq!(ask(&front, "ann", "8e03978e").await, Told::DoneBefore);
    assert_eq!(ask(&front, "bob", " 8e03978e ").await, Told::OtherCall);
}

#[tokio::test]
async fn what_is_no_key_is_refused_before_anything_is_done_and_reads_do_not_look_at_it() {
    let front = front();
    let long = "k".repeat(256);
    for key in ["", "\"\"", "a b", "\"a", &long] {
        for dialect in Dialect::ALL {
            let answered = front.ask(add(dialect, "ann", Some(key))).await;
            assert!(
                answered.body.contains("1 to 255 characters"),
                "{answered:?}"
            );
            let status = if dialect == Dialect::B2evolution {
                400
            } else {
                200
            };
            assert_eq!(answered.status, status);
        }
        let read = front.ask(call("countUsers", &json!([1]), key)).await;
        assert!(read.body.contains("\"result\":0"), "{read:?}");
        assert_eq!(read.headers.get("idempotent-replayed"), None);
    }
    let mut twice = add(VISION6, "ann", Some("a"));
    twice
        .headers_mut()
        .append("idempotency-key", "b".parse().unwrap());
    let answered = front.ask(twice).await;
    assert!(answered.body.contains("is there twice"), "{answered:?}");
    assert_eq!((users(&front), kept(&front)), (0, 0));
}

#[tokio::test]
async fn a_read_with_the_key_of_a_write_reads_what_is_there_now() {
    let front = front();
    assert_eq!(ask(&front, "ann", "k").await, Told::Done);
    for result in ["\"result\":1", "\"result\":2"] {
        let read = front.ask(call("countUsers", &json!([1]), "k")).await;
        assert!(read.body.contains(result), "{read:?}");
        front.ask(add(VISION6, "bob", None)).await;
    }
    assert_eq!(kept(&front), 1);
}

/// Nothing was done, so that the same call may be sent again once it has a chance, and another with its key.
#[tokio::test]
async fn a_call_that_was_refused_is_not_kept() {
    let front = front();
    front.ask(add(VISION6, "ann", None)).await;
    assert_eq!(ask(&front, "ann", "k").await, Told::Fault(322));
    let missing = json!([1, {"id": 77, "position": "x"}]);
    let missing = front.ask(call("editUser", &missing, "k")).await;
    assert_eq!(told(VISION6, &missing), Told::Fault(331));
    assert_eq!(kept(&front), 0);
    assert_eq!(ask(&front, "bob", "k").await, Told::Done);
}

#[tokio::test]
async fn each_operation_has_its_own_and_a_deletion_is_answered_again_as_done() {
    let front = Front::new(&format!("scopes = ['user:*']\n{}", routes("")));
    assert_eq!(ask(&front, "ann", "k").await, Told::Done);
    let edit = || {
        call(
            "editUser",
            &json!([1, {"id": 1, "position": "Analyst"}]),
            "k",
        )
    };
    let delete = || call("deleteUser", &json!([1, 1]), "k");
    for request in [edit(), delete()] {
        let first = front.ask(request.clone()).await;
        assert_eq!(told(VISION6, &first), Told::Done);
        let again = front.ask(request).await;
        assert_eq!(told(VISION6, &again), Told::DoneBefore);
        assert_eq!(first.body, again.body);
    }
    assert_eq!(front.trail().len(), 3);
}

#[tokio::test]
async fn each_call_of_a_batch_has_the_key_and_its_place() {
    let front = front();
    let entry = |id: i64, name: &str| {
        let params = json!([CALLERS_KEY, 1, {"username": name}]);
        json!({"id": id, "method": "addUser", "params": params})
    };
    let batch = |names: [&str; 2]| {
        let entries: Vec<_> = (1..).zip(names).map(|(id, name)| entry(id, name)).collect();
        Request::post("/api/jsonrpcserver")
            .header("idempotency-key", "k")
            .body(Bytes::from(json!(entries).to_string()))
            .unwrap()
    };
    let codes = |answered: &Answered| -> Vec<Option<u64>> {
        let answers: Vec<Value> = serde_json::from_str(&answered.body).unwrap();
        answers
            .iter()
            .map(|it| it["error"]["code"].as_u64())
            .collect()
    };
    let first = front.ask(batch(["ann", "bob"])).await;
    assert_eq!(codes(&first), [None, None]);
    assert_eq!(first.headers.get("idempotent-replayed"), None);
    let again = front.ask(batch(["ann", "bob"])).await;
    assert_eq!(first.body, again.body);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = front.ask(batch(["ann", "eve"])).await;
    assert_eq!(codes(&other), [None, Some(310)]);
    assert_eq!(users(&front), 2);
}

#[tokio::test]
async fn the_same_call_in_another_dialect_is_answered_in_that() {
    let front = Front::new(&format!("scopes = ['user:*']\n{}", routes("")));
    for name in ["ann", "bob"] {
        front.ask(add(VISION6, name, None)).await;
    }
    let first = front.ask(call("deleteUser", &json!([1, 2]), "k")).await;
    assert_eq!(told(VISION6, &first), Told::Done);
    let delete = Request::delete("/api/v1/users/2")
        .header("x-api-key", CALLERS_KEY)
        .header("idempotency-key", "k")
        .body(Bytes::new());
    let again = front.ask(delete.unwrap()).await;
    assert!(
        again.headers.contains_key("idempotent-replayed"),
        "{again:?}"
    );
    assert!(
        again.body.contains("User &laquo;bob&raquo; deleted."),
        "{again:?}"
    );
    assert_eq!((again.status.as_u16(), front.trail().len()), (200, 3));
}

/// With the very same key and command, the answer is not that of the other caller.
#[tokio::test]
async fn nobody_is_answered_what_another_caller_was() {
    let front = Front::bare(&format!(
        "[keys.one]\nvalue = '{CALLERS_KEY}'\n[keys.two]\nvalue = 'another-key-0123456789'\n{}",
        routes("")
    ));
    assert_eq!(ask(&front, "ann", "k").await, Told::Done);
    let request = add_as("another-key-0123456789", VISION6, "ann", Some("k"));
    let other = front.ask(request).await;
    assert_eq!(told(VISION6, &other), Told::Fault(322));
    let wrong = add_as("a-wrong-key-0123456789", VISION6, "ann", Some("k"));
    assert_eq!(told(VISION6, &front.ask(wrong).await), Told::Fault(300));
    assert_eq!(ask(&front, "ann", "k").await, Told::DoneBefore);
}

/// A clock that stands where it is set, in milliseconds after [`NOW`].
fn clock() -> (Clock, Arc<AtomicI64>) {
    let passed = Arc::<AtomicI64>::default();
    let read = Arc::clone(&passed);
    let now = move || {
        let passed = read.load(Ordering::SeqCst);
        Timestamp::from_millis(NOW.as_millis() + passed)
    };
    (Clock::set_by(now, 0xab), passed)
}

#[tokio::test]
async fn a_key_is_remembered_for_a_day_and_forgotten_then() {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let (clock, passed) = clock();
    let front = Front::by_clock(&routes(""), clock.clone());
    let store = front.store.clone().unwrap();
    assert_eq!(ask(&front, "ann", "k").await, Told::Done);
    passed.store(DAY - 1, Ordering::SeqCst);
    assert_eq!(ask(&front, "ann", "k").await, Told::DoneBefore);
    forget(&*store, clock.now()).await.unwrap();
    assert_eq!(kept(&front), 1);
    passed.store(DAY, Ordering::SeqCst);
    // It is another call by now: the name is taken, and another one is free.
    assert_eq!(ask(&front, "ann", "k").await, Told::Fault(322));
    assert_eq!(ask(&front, "bob", "k").await, Told::Done);
    assert_eq!(ask(&front, "bob", "k").await, Told::DoneBefore);
    passed.store(2 * DAY, Ordering::SeqCst);
    forget(&*store, clock.now()).await.unwrap();
    assert_eq!(kept(&front), 0);
}

#[tokio::test]
async fn a_user_who_is_made_again_within_the_window_is_made_once_where_a_route_says_so() {
    let (clock, passed) = clock();
    let front = Front::by_clock(&routes("idempotency_window = '10s'"), clock);
    for (number, dialect) in (1..).zip(Dialect::ALL) {
        let name = dialect.name();
        let ask = async || told(dialect, &front.ask(add(dialect, name, None)).await);
        assert_eq!(ask().await, Told::Done);
        passed.fetch_add(9_999, Ordering::SeqCst);
        assert_eq!(ask().await, Told::DoneBefore);
        passed.fetch_add(1, Ordering::SeqCst);
        assert!(matches!(ask().await, Told::Fault(_)), "{dialect}");
        assert_eq!(users(&front), number);
    }
    // Another id of JSON-RPC is another call, and so is one with a key.
    let body = |id: &str| {
        let params = json!([CALLERS_KEY, 1, {"username": "zoe"}]);
        let call = json!({"id": id, "method": "addUser", "params": params});
        Bytes::from(call.to_string())
    };
    let post = |id| Request::post("/api/jsonrpcserver").body(body(id)).unwrap();
    for (id, expected) in [
        ("a", Told::Done),
        ("b", Told::Fault(322)),
        ("a", Told::DoneBefore),
    ] {
        assert_eq!(told(VISION6, &front.ask(post(id)).await), expected, "{id}");
    }
    let mut keyed = post("a");
    keyed
        .headers_mut()
        .insert("idempotency-key", "k".parse().unwrap());
    assert_eq!(told(VISION6, &front.ask(keyed).await), Told::Fault(322));
}

/// Between two settings of the same value there may have been another.
#[tokio::test]
async fn what_only_sets_is_done_each_time_in_spite_of_a_window() {
    let front = Front::new(&routes("idempotency_window = '1h'"));
    front.ask(add(VISION6, "ann", None)).await;
    let set = async |position: &str| {
        let details = format!(r#"1,{{"id":1,"position":"{position}"}}"#);
        let answered = front.call("editUser", &details).await;
        assert_eq!(told(VISION6, &answered), Told::Done);
    };
    set("Analyst").await;
    set("Director").await;
    set("Analyst").await;
    let title = front.number("SELECT title = 'Analyst' FROM users");
    assert_eq!(title, 1);
}

#[tokio::test]
async fn without_a_window_the_same_call_is_two_calls() {
    let front = front();
    for dialect in Dialect::ALL {
        let ask = async || {
            told(
                dialect,
                &front.ask(add(dialect, dialect.name(), None)).await,
            )
        };
        assert_eq!(ask().await, Told::Done);
        assert!(matches!(ask().await, Told::Fault(_)));
    }
    assert_eq!(kept(&front), 0);
}

#[tokio::test]
async fn neither_a_key_nor_a_password_is_kept_in_plain() {
    let front = front();
    let request = add(Dialect::Grupo, "ann", Some("canary-of-a-key"));
    front.ask(request).await;
    assert_eq!(kept(&front), 1);
    let files = std::fs::read_dir(front.directory.path()).unwrap();
    let mut read = 0;
    for file in files {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        read += bytes.len();
        for canary in ["canary-of-a-key", "sesame-1", CALLERS_KEY] {
            let mut windows = bytes.windows(canary.len());
            assert!(
                !windows.any(|window| window == canary.as_bytes()),
                "{canary}"
            );
        }
    }
    assert!(read > 4096, "{read}");
}

#[test]
fn a_gateway_without_a_store_says_that_a_restart_forgets_keys() {
    let directory = tempfile::tempdir().unwrap();
    let text = "[keys.crm]\nvalue = 'a-key-0123456789'\n\
                [upstreams.back]\ndialect = 'vision6'\nurl = 'http://127.0.0.1:1'\nkey = 'k'\n\
                [routes.a]\ndialect = 'vision6'\nuser = 'back'\n";
    let said = |options: &str| {
        let text = format!("{text}{options}");
        std::fs::write(directory.path().join("routes.toml"), text).unwrap();
        let (code, _, said) = finish(dragoman(directory.path()).arg("check"));
        assert_eq!(code, Some(0), "{said}");
        said
    };
    let remark = "routes.a: without a store idempotency keys are remembered in memory only";
    assert!(said("idempotency_window = '5s'").contains(remark));
    assert!(!said("").contains("idempotency"));
}

#[test]
fn options_that_cannot_be_meant_are_faults() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("routes.toml");
    let said = |options: &str| {
        let text = format!(
            "[upstreams.back]\ndialect = 'vision6'\nurl = 'http://127.0.0.1:1'\n\
             [routes.a]\ndialect = 'vision6'\nuser = 'back'\n{options}"
        );
        std::fs::write(&file, text).unwrap();
        let sources = Sources::new(Some(file.clone()));
        config::load(&sources).unwrap_err().to_string()
    };
    let judged = said("auth = 'upstream'\nidempotency_window = '5s'");
    assert!(
        judged.contains("routes.a.idempotency_window: means nothing"),
        "{judged}"
    );
    let long = said("auth = 'upstream'\nidempotency_window = '61m'");
    assert!(long.contains("is too long: at most \"1h\""), "{long}");
    let none = said("auth = 'upstream'\nidempotency_keep = '0s'");
    assert!(
        none.contains("idempotency_keep: must be more than 0"),
        "{none}"
    );
}

/// The caller has left before the answer; what was queued is done, and answered to who asks again.
#[tokio::test]
async fn a_call_whose_caller_left_is_answered_to_the_caller_who_sends_it_again() {
    let front = front();
    let request = || add(Dialect::Grupo, "ann", Some("k"));
    let left = tokio::time::timeout(Duration::from_millis(1), front.ask(request())).await;
    // Whether it had been queued by then or not.
    let mut last = told(Dialect::Grupo, &front.ask(request()).await);
    while last == Told::StillRunning {
        last = told(Dialect::Grupo, &front.ask(request()).await);
    }
    assert!(
        matches!(last, Told::Done | Told::DoneBefore),
        "{left:?} {last:?}"
    );
    assert_eq!(users(&front), 1);
}
