//! Names of users at upstreams: what a look-up answered saves a later one, and is never wrong about a
//! write.

use std::time::Duration;

use bytes::Bytes;
use dragoman::store::Store;
use dragoman::store::crosswalk::{Line, Which};
use http::Request;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::forward_fixture::{Answered, CALLERS_KEY, Front, php_at};
use crate::php_upstream::PhpUpstream;

const LIST: &str = "GET /api/v1/users?";

/// Something that the store does, so that there is one.
const STORE: &str = "[routes.own]\ndialect = 'grupo'\npath = '/own'\n";

/// Callers of Grupo in front of a PHP server.
struct Pair {
    front: Front,
    upstream: PhpUpstream,
    config: String,
}

impl Pair {
    fn start(dialect: &str, options: &str) -> Self {
        let upstream = PhpUpstream::start(dialect);
        let at = php_at(dialect, &upstream);
        let config = format!(
            "scopes = ['user:*']\n[upstreams.back]\n{at}\n{options}\n\
             [routes.front]\ndialect = 'grupo'\npath = '/grupo'\nuser = 'back'\ngroup = 'back'\n"
        );
        Self {
            front: Front::new(&config),
            upstream,
            config,
        }
    }

    async fn ask(&self, fields: &str) -> Answered {
        let request = Request::post("/grupo/")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(Bytes::from(format!(
                "api_secret_key={CALLERS_KEY}&{fields}"
            )));
        self.front.ask(request.unwrap()).await
    }

    /// Does it, and what the upstream was asked for it: method and address, or the Vision6 method.
    async fn done(&self, fields: &str) -> Vec<String> {
        let before = self.upstream.requests().len();
        let answered = self.ask(fields).await;
        assert_eq!(answered.body, r#"{"success":true}"#, "{fields}");
        self.asked_after(before)
    }

    fn asked_after(&self, before: usize) -> Vec<String> {
        let requests = self.upstream.requests_after(before);
        requests.iter().map(shown).collect()
    }

    /// Changes what the upstream keeps, behind the gateway's back.
    fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut state = self.upstream.state();
        change(&mut state);
        self.upstream.keep(&state);
    }

    fn user(&self, id: &str) -> Value {
        self.upstream.state()["users"][id].clone()
    }
}

fn shown(request: &Value) -> String {
    let called: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap_or_default();
    match called["method"].as_str() {
        Some(method) => method.to_owned(),
        None => format!(
            "{} {}",
            request["method"].as_str().unwrap(),
            request["uri"].as_str().unwrap()
        ),
    }
}

/// Mary is called otherwise, and somebody new has her name.
fn hand_the_name_over(state: &mut Value) {
    state["users"]["3"] = state["users"]["2"].clone();
    state["next"] = json!(4);
    state["users"]["2"]["username"] = json!("maria");
    state["users"]["2"]["email"] = json!("maria@example.com");
}

fn rename(to: &str) -> String {
    format!("update=site_users&user=mary&full_name={to}+Major")
}

#[tokio::test]
async fn a_second_update_by_name_needs_no_look_up_at_a_b2evolution() {
    let pair = Pair::start("b2evolution", "");
    let first = pair.done(&rename("May")).await;
    assert_eq!(first.len(), 4, "{first:?}");
    assert!(first[0].starts_with(LIST), "{first:?}");
    let second = pair.done(&rename("Marie")).await;
    let user = "/api/v1/users/2";
    let wanted = [
        format!("GET {user}"),
        format!("POST {user}"),
        format!("GET {user}"),
    ];
    assert_eq!(second, wanted);
    assert_eq!(pair.user("2")["firstname"], "Marie");
}

#[tokio::test]
async fn a_second_call_by_address_needs_no_two_searches_at_a_vision6() {
    let pair = Pair::start("vision6", "");
    let update =
        |name: &str| format!("update=site_users&user=mary@example.com&full_name={name}+Major");
    let first = pair.done(&update("May")).await;
    assert_eq!(first, ["searchUsers", "searchUsers", "editUser"]);
    let second = pair.done(&update("Marie")).await;
    assert_eq!(second, ["getUserById", "editUser"]);
    assert_eq!(pair.user("2")["first_name"], "Marie");
    let removed = pair.done("remove=site_users&user=mary@example.com").await;
    assert_eq!(removed, ["getUserById", "deleteUser"]);
    assert!(pair.front.forward.crosswalk().is_empty());
}

#[tokio::test]
async fn a_look_up_is_remembered_for_as_long_as_the_configuration_says() {
    let pair = Pair::start("b2evolution", "remember_users = '400ms'");
    assert_eq!(pair.done(&rename("May")).await.len(), 4);
    assert_eq!(pair.done(&rename("Marie")).await.len(), 3);
    sleep(Duration::from_millis(500)).await;
    assert!(pair.front.forward.crosswalk().is_empty());
    assert_eq!(pair.done(&rename("Mae")).await.len(), 4);
    let never = Pair::start("b2evolution", "remember_users = '0s'");
    for name in ["May", "Marie"] {
        assert_eq!(never.done(&rename(name)).await.len(), 4);
    }
    assert!(never.front.forward.crosswalk().is_empty());
}

#[tokio::test]
async fn a_name_that_passed_to_another_leads_no_write_to_who_had_it() {
    for dialect in ["b2evolution", "vision6"] {
        let name = if dialect == "vision6" {
            "mary@example.com"
        } else {
            "mary"
        };
        let pair = Pair::start(dialect, "");
        let update = |change: &str| format!("update=site_users&user={name}&{change}");
        pair.done(&update("full_name=May+Major")).await;
        pair.change(hand_the_name_over);
        let before = pair.user("2");
        pair.done(&update("full_name=Marie+Major")).await;
        assert_eq!(pair.user("2"), before, "{dialect}");
        let given = if dialect == "vision6" {
            "first_name"
        } else {
            "firstname"
        };
        assert_eq!(pair.user("3")[given], "Marie", "{dialect}");
    }
}

/// What reads nothing before it writes is looked up anew, whatever is remembered.
#[tokio::test]
async fn a_password_and_a_removal_by_a_name_that_passed_to_another_do_not_reach_who_had_it() {
    for change in [
        "update=site_users&user=mary&password=analytical-2",
        "remove=site_users&user=mary",
    ] {
        for dialect in ["b2evolution", "vision6"] {
            let pair = Pair::start(dialect, "");
            pair.done(&rename("May")).await;
            pair.change(hand_the_name_over);
            let before = pair.user("2");
            pair.done(change).await;
            assert_eq!(pair.user("2"), before, "{dialect} {change}");
            let changed = pair.user("3");
            assert!(
                changed.is_null() || changed["password"] == "analytical-2",
                "{changed}"
            );
        }
    }
}

#[tokio::test]
async fn a_number_that_is_nobodys_any_more_is_looked_up_once_more_and_written_to_once() {
    corrects_a_number(&Pair::start("b2evolution", "")).await;
    let mut pair = Pair::start("b2evolution", "");
    pair.front = Front::new(&format!("{}{STORE}", pair.config));
    corrects_a_number(&pair).await;
}

async fn corrects_a_number(pair: &Pair) {
    pair.done(&rename("May")).await;
    pair.change(|state| {
        let mary = state["users"].as_object_mut().unwrap().remove("2").unwrap();
        state["users"]["7"] = mary;
    });
    let asked = pair.done(&rename("Marie")).await;
    assert_eq!(asked[0], "GET /api/v1/users/2");
    assert!(asked[1].starts_with(LIST), "{asked:?}");
    let writes = asked
        .iter()
        .filter(|line| line.starts_with("POST "))
        .count();
    assert_eq!(writes, 1, "{asked:?}");
    assert_eq!(pair.user("7")["firstname"], "Marie");
    // The number that was found is remembered in the place of the other.
    assert_eq!(pair.done(&rename("Mae")).await.len(), 3);
}

#[tokio::test]
async fn a_name_that_is_nobodys_any_more_is_told_and_forgotten() {
    let pair = Pair::start("b2evolution", "");
    pair.done(&rename("May")).await;
    pair.change(|state| {
        state["users"].as_object_mut().unwrap().remove("2");
    });
    let answered = pair.ask(&rename("Marie")).await;
    assert!(answered.body.contains("account_not_found"), "{answered:?}");
    assert!(pair.front.forward.crosswalk().is_empty());
}

#[tokio::test]
async fn a_write_that_may_have_arrived_is_not_sent_again_for_a_number_in_doubt() {
    let pair = Pair::start("b2evolution", "");
    pair.done(&rename("May")).await;
    pair.upstream.commit(&["fine", "html"]);
    let before = pair.upstream.requests().len();
    let answered = pair.ask(&rename("Marie")).await;
    assert!(answered.body.contains("went_wrong"), "{answered:?}");
    let asked = pair.asked_after(before);
    assert_eq!(asked, ["GET /api/v1/users/2", "POST /api/v1/users/2"]);
}

/// Each of them would count towards the lock of the gateway's own login.
#[tokio::test]
async fn refused_credentials_are_no_reason_to_look_a_user_up_again() {
    let pair = Pair::start("b2evolution", "");
    pair.done(&rename("May")).await;
    pair.change(|state| {
        state["sessions"] = json!(9);
        state["users"]["1"]["password"] = json!("another");
    });
    let before = pair.upstream.requests().len();
    pair.ask(&rename("Marie")).await;
    assert_eq!(pair.asked_after(before), ["GET /api/v1/users/2"]);
}

#[tokio::test]
async fn a_closed_user_does_not_hide_who_has_its_name_now() {
    let pair = Pair::start("b2evolution", "");
    pair.done(&rename("May")).await;
    pair.change(|state| {
        hand_the_name_over(state);
        state["users"]["2"]["status"] = json!("closed");
    });
    pair.done(&rename("Marie")).await;
    assert_eq!(pair.user("3")["firstname"], "Marie");
}

#[tokio::test]
async fn a_user_who_gets_another_name_through_the_gateway_is_forgotten_by_the_old_one() {
    let pair = Pair::start("b2evolution", "");
    pair.done(&rename("May")).await;
    assert_eq!(pair.front.forward.crosswalk().len(), 1);
    pair.done("update=site_users&user=mary&username=maria")
        .await;
    assert!(pair.front.forward.crosswalk().is_empty());
    pair.done("update=site_users&user=maria&full_name=Mae+Major")
        .await;
    assert_eq!(pair.front.forward.crosswalk().len(), 1);
    pair.done("remove=site_users&user=maria").await;
    assert!(pair.front.forward.crosswalk().is_empty());
}

#[tokio::test]
async fn what_is_forgotten_is_looked_up_again() {
    let pair = Pair::start("b2evolution", "");
    let forget = |which| pair.front.forward.forget("back", &which);
    pair.done(&rename("May")).await;
    assert_eq!(forget(Which::Name("otto".into())), Some(0));
    assert_eq!(pair.done(&rename("Marie")).await.len(), 3);
    assert_eq!(forget(Which::Name("mary".into())), Some(1));
    assert_eq!(pair.done(&rename("Mae")).await.len(), 4);
    assert_eq!(forget(Which::Remembered), Some(1));
    assert_eq!(pair.front.forward.forget("blog", &Which::All), None);
}

#[tokio::test]
async fn a_store_remembers_over_a_restart() {
    let mut pair = Pair::start("b2evolution", "");
    let config = format!("{}{STORE}", pair.config);
    pair.front = Front::new(&config);
    assert_eq!(pair.done(&rename("May")).await.len(), 4);
    let store = pair.front.store.clone().unwrap();
    store.close().await.unwrap();
    let directory = std::mem::replace(&mut pair.front.directory, tempfile::tempdir().unwrap());
    pair.front = Front::within(directory, &config);
    assert_eq!(pair.done(&rename("Marie")).await.len(), 3);
    let Line::Remembered { named, found, .. } = &pair.front.forward.crosswalk()[0] else {
        panic!("nothing was imported");
    };
    assert_eq!((named.name.key.as_str(), found.there.value()), ("mary", 2));
    // What was forgotten stays forgotten, too.
    pair.done("update=site_users&user=mary&username=maria")
        .await;
    let store = pair.front.store.clone().unwrap();
    store.close().await.unwrap();
    let directory = std::mem::replace(&mut pair.front.directory, tempfile::tempdir().unwrap());
    pair.front = Front::within(directory, &config);
    pair.change(|state| state["users"]["2"]["username"] = json!("mary"));
    assert_eq!(pair.done(&rename("Mae")).await.len(), 4);
}
