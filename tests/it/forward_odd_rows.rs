//! Users of an upstream that have what no caller could give them: they hide nobody, and are told as
//! they are.

use serde_json::{Value, json};

use crate::forward_fixture::{CALLERS_KEY, Front, php_at};
use crate::php_upstream::PhpUpstream;

const UPDATE: &str = r#"123456,{"id":2,"position":"x"}"#;

fn odd_user(upstream: &PhpUpstream, odd: &[(&str, Value)]) {
    let mut state = upstream.state();
    let mut user = state["users"]["2"].clone();
    user["username"] = "odd".into();
    user["email"] = "odd@example.com".into();
    for (name, value) in odd {
        user[*name] = value.clone();
    }
    state["users"]["3"] = user;
    upstream.keep(&state);
}

#[tokio::test]
async fn a_user_with_odd_fields_hides_nobody_of_a_vision6_list_and_is_told_as_it_is() {
    let upstream = PhpUpstream::start("vision6");
    let front = Front::vision6(&php_at("vision6", &upstream), "");
    front.call("editUser", UPDATE).await;
    let odd = [
        ("email", json!("nobody at home")),
        ("timezone", json!("(GMT+10:00) Brisbane")),
        ("is_active", json!("maybe")),
        ("is_confirmed", json!(7)),
        ("phone", json!(["1", "2"])),
        ("receives_promotional", json!("weekly")),
        ("nick\u{e9}", json!({"a": "b/c"})),
        ("api_key", json!("hunter2")),
        ("password", json!(false)),
    ];
    odd_user(&upstream, &odd);
    let answered = front.call("searchUsers", "123456,[]").await;
    let answer: Value = serde_json::from_str(&answered.body).unwrap();
    let users = answer["result"]
        .as_array()
        .unwrap_or_else(|| panic!("{answered:?}"));
    assert_eq!(users.len(), 3);
    assert_eq!(users[1]["username"], "mary");
    for (name, value) in &odd[..7] {
        assert_eq!(&users[2][*name], value, "{answered:?}");
    }
    assert!(!answered.body.contains("hunter2"));
    assert_eq!(answered.body.matches("\"timezone\"").count(), 3);

    let answered = front.call("getUserById", "123456,3").await;
    let answer: Value = serde_json::from_str(&answered.body).unwrap();
    assert_eq!(answer["result"][0]["timezone"], "(GMT+10:00) Brisbane");
}

#[tokio::test]
async fn a_user_with_odd_fields_hides_nobody_from_callers_of_another_dialect() {
    let upstream = PhpUpstream::start("vision6");
    let front = Front::new(&format!(
        "[upstreams.back]\n{}\n[routes.front]\ndialect = 'b2evolution'\nuser = 'back'\n",
        php_at("vision6", &upstream)
    ));
    let get = |path: &str| {
        let request = http::Request::get(path).header("X-API-Key", CALLERS_KEY);
        request.body(bytes::Bytes::new()).unwrap()
    };
    front.ask(get("/api/v1/users/2")).await;
    odd_user(
        &upstream,
        &[("email", json!("nobody")), ("timezone", json!("Mars"))],
    );
    let answered = front.ask(get("/api/v1/users?per_page=5")).await;
    let answer: Value = serde_json::from_str(&answered.body).unwrap();
    let users = answer["users"]
        .as_array()
        .unwrap_or_else(|| panic!("{answered:?}"));
    let logins: Vec<_> = users
        .iter()
        .map(|user| user["login"].as_str().unwrap())
        .collect();
    assert_eq!(logins.len(), 3, "{answered:?}");
    assert!(logins.contains(&"odd"), "{answered:?}");
}
