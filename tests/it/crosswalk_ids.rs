//! Callers with numbers of their own for the users of an upstream.

use std::thread;

use dragoman::command::{Dialect, Id};
use dragoman::store::crosswalk::{Imported, Pair, Which};
use serde_json::{Value, json};

use crate::forward_fixture::{CALLERS_KEY, Front, php_at};
use crate::php_upstream::PhpUpstream;

const OPTIONS: &str = "own_ids = ['vision6']\n";
const NEW: &str = r#"123456,{"username":"ada","password":"engine-1","email":"ada@example.com","first_name":"Ada"}"#;

struct Blog {
    front: Front,
    upstream: PhpUpstream,
}

impl Blog {
    /// Vision6 callers in front of a b2evolution.
    fn start(options: &str) -> Self {
        let upstream = PhpUpstream::start("b2evolution");
        let at = php_at("b2evolution", &upstream);
        let front = Front::new(&format!(
            "scopes = ['user:*']\n[upstreams.back]\n{at}{options}\
             [routes.front]\ndialect = 'vision6'\nuser = 'back'\non_loss = 'drop'\n\
             [routes.own]\ndialect = 'grupo'\n"
        ));
        Self { front, upstream }
    }

    fn import(&self, pairs: &[(i64, i64)]) -> Imported {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(own, there)| pair(*own, *there))
            .collect();
        self.front.forward.import_pairs(&pairs)
    }

    async fn call(&self, method: &str, parameters: &str) -> Value {
        let answered = self.front.call(method, parameters).await;
        serde_json::from_str(&answered.body).unwrap()
    }

    fn last_asked(&self) -> String {
        let requests = self.upstream.requests();
        let last = requests.iter().rev().find(|asked| asked["method"] != "GET");
        let last = last.or(requests.last()).unwrap();
        format!(
            "{} {}",
            last["method"].as_str().unwrap(),
            last["uri"].as_str().unwrap()
        )
    }
}

fn pair(own: i64, there: i64) -> Pair {
    let id = |number| Id::new(number).unwrap();
    Pair {
        upstream: "back".to_owned(),
        dialect: Dialect::Vision6,
        own: id(own),
        there: id(there),
    }
}

#[tokio::test]
async fn a_user_is_called_by_its_callers_number_and_reached_by_the_upstreams() {
    let blog = Blog::start(OPTIONS);
    assert_eq!(blog.import(&[(4217, 2)]), Imported::New(1));
    let read = blog.call("getUserById", "123456,4217").await;
    assert_eq!(read["result"][0]["username"], "mary", "{read}");
    assert_eq!(read["result"][0]["id"], 4217);
    let edited = blog
        .call("editUser", r#"123456,{"id":4217,"first_name":"Marie"}"#)
        .await;
    assert_eq!(edited["result"], true, "{edited}");
    assert_eq!(blog.last_asked(), "POST /api/v1/users/2");
    let found = blog
        .call("searchUsers", r#"123456,[["username","exactly","mary"]]"#)
        .await;
    assert_eq!(found["result"][0]["id"], 4217, "{found}");
    let found = blog
        .call("searchUsers", r#"123456,[["id","in","4217,1"]]"#)
        .await;
    let ids: Vec<_> = found["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| &user["id"])
        .collect();
    assert_eq!(ids, [1, 4217], "{found}");
}

#[tokio::test]
async fn until_numbers_are_imported_nothing_about_users_is_sent() {
    let blog = Blog::start(OPTIONS);
    for (method, parameters) in [
        ("getUserById", "123456,2"),
        ("editUser", r#"123456,{"id":2,"first_name":"M"}"#),
        ("deleteUser", "123456,2"),
        ("addUser", NEW),
        ("searchUsers", "123456,[]"),
    ] {
        let answered = blog.call(method, parameters).await;
        assert_eq!(answered["result"], Value::Null, "{method} {answered}");
    }
    assert_eq!(blog.upstream.requests(), [json!(null); 0]);
    // And again once everything is forgotten.
    blog.import(&[(4217, 2)]);
    blog.front.forward.forget("back", &Which::All);
    let answered = blog.call("getUserById", "123456,4217").await;
    assert_eq!(answered["result"], Value::Null, "{answered}");
    assert_eq!(blog.upstream.requests(), [json!(null); 0]);
}

#[tokio::test]
async fn callers_without_numbers_of_their_own_use_the_upstreams() {
    let blog = Blog::start("");
    let read = blog.call("getUserById", "123456,2").await;
    assert_eq!(read["result"][0]["id"], 2, "{read}");
    assert!(!blog.front.forward.has_own_ids("back", Dialect::Vision6));
}

/// The upstream's next number is 3, which is mary's own.
#[tokio::test]
async fn a_new_user_whose_number_is_taken_gets_the_one_that_is_free_instead() {
    let blog = Blog::start(OPTIONS);
    blog.import(&[(3, 2)]);
    let added = blog.call("addUser", NEW).await;
    assert_eq!(added["result"], 2, "{added}");
    let read = blog.call("getUserById", "123456,2").await;
    assert_eq!(read["result"][0]["username"], "ada", "{read}");
    let read = blog.call("getUserById", "123456,3").await;
    assert_eq!(read["result"][0]["username"], "mary", "{read}");
    blog.call("editUser", r#"123456,{"id":2,"first_name":"Augusta"}"#)
        .await;
    assert_eq!(blog.last_asked(), "POST /api/v1/users/3");
    let users = blog.upstream.state()["users"].clone();
    assert_eq!(users["3"]["firstname"], "Augusta");
    assert_eq!(users["2"]["firstname"], "Mary");
}

#[tokio::test]
async fn the_number_of_a_removed_user_never_means_another() {
    let blog = Blog::start(OPTIONS);
    blog.import(&[(1, 2), (2, 1)]);
    let removed = blog.call("deleteUser", "123456,1").await;
    assert_eq!(removed["result"], true, "{removed}");
    assert_eq!(blog.last_asked(), "DELETE /api/v1/users/2");
    let again = blog.call("deleteUser", "123456,1").await;
    assert_eq!(again["error"]["code"], 331, "{again}");
    assert_eq!(blog.last_asked(), "DELETE /api/v1/users/2");
}

#[tokio::test]
async fn the_audit_trail_has_the_numbers_of_the_callers() {
    let blog = Blog::start(OPTIONS);
    blog.import(&[(4217, 2)]);
    blog.call("editUser", r#"123456,{"id":4217,"first_name":"Marie"}"#)
        .await;
    let trail = blog.front.trail();
    assert_eq!(
        trail,
        [("user.update".to_owned(), Some(4217), "done".to_owned())]
    );
}

#[tokio::test]
async fn numbers_are_compared_one_by_one_only() {
    let blog = Blog::start(OPTIONS);
    blog.import(&[(4217, 2)]);
    let before = blog.upstream.requests().len();
    let asked = blog
        .call("searchUsers", r#"123456,[["id","greater_than","1"]]"#)
        .await;
    assert_eq!(asked["error"]["code"], 302, "{asked}");
    assert_eq!(blog.upstream.requests().len(), before);
    assert!(!asked.to_string().contains(CALLERS_KEY));
}

/// The upstream has the operation and the key its scope: it is the numbers alone that forbid it.
#[tokio::test]
async fn native_operations_are_refused_where_callers_have_numbers_of_their_own() {
    let upstream = PhpUpstream::start("vision6");
    let at = php_at("vision6", &upstream);
    let front = |options: &str| {
        Front::new(&format!(
            "scopes = ['native.getCreditBalance']\n[store]\nurl = 'sqlite:db'\n[upstreams.back]\n{at}{options}\
             [routes.front]\ndialect = 'vision6'\nuser = 'back'\n"
        ))
    };
    let own = front(OPTIONS);
    own.forward.import_pairs(&[pair(4217, 2)]);
    let refused = own.call("getCreditBalance", r#""sms""#).await;
    let said = "getCreditBalance is not relayed where callers have numbers of their own";
    assert!(refused.body.contains(said), "{refused:?}");
    assert_eq!(upstream.requests(), [json!(null); 0]);
    let relayed = front("").call("getCreditBalance", r#""sms""#).await;
    assert!(relayed.body.contains(r#""error":null"#), "{relayed:?}");
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn an_import_that_contradicts_what_is_there_changes_nothing() {
    let blog = Blog::start(OPTIONS);
    assert_eq!(blog.import(&[(4217, 2)]), Imported::New(1));
    assert_eq!(blog.import(&[(4217, 2), (9, 1)]), Imported::New(1));
    assert_eq!(
        blog.import(&[(8, 8), (5, 2)]),
        Imported::Contradicts(pair(5, 2))
    );
    assert_eq!(blog.front.forward.crosswalk().len(), 2);
    let many: Vec<_> = (10_000..220_000).map(|number| (number, number)).collect();
    assert_eq!(blog.import(&many), Imported::TooMany);
    assert_eq!(blog.front.forward.crosswalk().len(), 2);
}

/// Who imports is told how many are new, so no pair of those may be lost to another import.
#[tokio::test]
async fn imports_at_once_and_what_is_forgotten_meanwhile_lose_nothing_of_each_other() {
    const IMPORTERS: i64 = 4;
    const EACH: i64 = 25;
    let blog = Blog::start(OPTIONS);
    let forward = &blog.front.forward;
    let old = |number: i64| pair(1_000_000 + number, 1_000_000 + number);
    let before: Vec<_> = (1..=2000).map(old).collect();
    forward.import_pairs(&before);
    thread::scope(|scope| {
        for importer in 0..IMPORTERS {
            scope.spawn(move || {
                for number in 1..=EACH {
                    let number = importer * EACH + number;
                    let imported = forward.import_pairs(&[pair(number, number)]);
                    assert_eq!(imported, Imported::New(1));
                }
            });
        }
        scope.spawn(|| {
            for pair in before.iter().take(20) {
                let which = Which::Pair(Dialect::Vision6, pair.own);
                assert_eq!(forward.forget("back", &which), Some(1));
            }
        });
    });
    let wanted = IMPORTERS * EACH + 2000 - 20;
    assert_eq!(i64::try_from(forward.crosswalk().len()), Ok(wanted));
}
