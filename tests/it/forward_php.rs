//! Every caller's dialect onto PHP servers that behave as each vendor's: what PHP read of every
//! request, what it kept, and what the caller was told.
//!
//! `tests/golden/forward/UPSTREAM.txt` tells the whole story. `GOLDEN=write` writes it anew; read
//! the difference before committing it.

use std::fmt::Write;
use std::path::Path;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::forward_fixture::{CALLERS_KEY, Front, php_at};
use crate::php_upstream::{KEY, LOGIN, PASSWORD, PhpUpstream};

const DIALECTS: [&str; 3] = ["grupo", "vision6", "b2evolution"];

/// A gateway whose callers speak all three, each under a path of its own, and its upstream.
struct Pairs {
    front: Front,
    upstream: PhpUpstream,
    dialect: &'static str,
}

impl Pairs {
    fn start(dialect: &'static str, options: &str) -> Self {
        let upstream = PhpUpstream::start(dialect);
        let at = php_at(dialect, &upstream);
        let mut config = format!(
            "scopes = ['user:*', 'group:*', 'member:*']\n[upstreams.back]\n{at}{options}\n"
        );
        for caller in DIALECTS {
            let group = if caller == "grupo" {
                "group = 'back'\n"
            } else {
                ""
            };
            let _ = write!(
                config,
                "[routes.{caller}]\ndialect = '{caller}'\npath = '/{caller}'\nuser = 'back'\n{group}"
            );
        }
        Self {
            front: Front::new(&config),
            upstream,
            dialect,
        }
    }

    /// What PHP has seen since then, without what proves who calls, which is checked.
    fn seen(&self, since: usize) -> Vec<String> {
        let requests = self.upstream.requests();
        requests[since..]
            .iter()
            .map(|seen| self.told(seen))
            .collect()
    }

    fn told(&self, seen: &Value) -> String {
        assert!(!seen.to_string().contains(CALLERS_KEY), "{seen}");
        match self.dialect {
            "grupo" => {
                let mut post = seen["post"].clone();
                let key = post.as_object_mut().unwrap().remove("api_secret_key");
                assert_eq!(key, Some(json!(KEY)));
                post.to_string()
            }
            "vision6" => {
                let call: Value = serde_json::from_str(seen["body"].as_str().unwrap()).unwrap();
                let parameters = call["params"].as_array().unwrap();
                assert_eq!(parameters[0], KEY);
                let rest = Value::from(parameters[1..].to_vec());
                format!("{} {rest}", call["method"].as_str().unwrap())
            }
            _ => {
                let proof = basic();
                assert_eq!(seen["headers"]["authorization"], proof);
                let text = |name: &str| seen[name].as_str().unwrap().to_owned();
                let post = if seen["post"] == json!([]) {
                    String::new()
                } else {
                    format!(" {}", seen["post"])
                };
                format!("{} {}{post}", text("method"), text("uri"))
            }
        }
    }

    /// The number of a user, as the upstream keeps it.
    fn id(&self, name: &str) -> Option<String> {
        let state = self.upstream.state();
        let users = state["users"].as_object().unwrap().iter();
        let mut found = users.filter(|(_, user)| user["username"] == name);
        found.next().map(|(id, _)| id.clone())
    }
}

/// The gateway's own login as a header.
fn basic() -> String {
    use base64::Engine as _;
    let pair = format!("{LOGIN}:{PASSWORD}");
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(pair)
    )
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Create,
    Read,
    List,
    Count,
    Update,
    Rename,
    Delete,
}

const STEPS: [Step; 7] = [
    Step::Create,
    Step::Read,
    Step::List,
    Step::Count,
    Step::Update,
    Step::Rename,
    Step::Delete,
];

fn form(path: &str, body: &str) -> Request<Bytes> {
    Request::post(path)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("X-API-Key", CALLERS_KEY)
        .body(Bytes::from(body.to_owned()))
        .unwrap()
}

fn grupo(step: Step, name: &str) -> Option<Request<Bytes>> {
    let fields = match step {
        Step::Create => format!(
            "add=site_users&full_name=Ada+Lovelace&username={name}&email_address={name}@example.com&password=engine-1"
        ),
        Step::Update => format!("update=site_users&user={name}&full_name=Ada+King"),
        Step::Rename => format!("update=site_users&user={name}&username={name}2"),
        Step::Delete => format!("remove=site_users&user={name}2"),
        Step::Read | Step::List | Step::Count => return None,
    };
    let body = format!("api_secret_key={CALLERS_KEY}&{fields}");
    let request =
        Request::post("/grupo/").header("Content-Type", "application/x-www-form-urlencoded");
    Some(request.body(Bytes::from(body)).unwrap())
}

fn vision6(step: Step, name: &str, id: &str) -> Request<Bytes> {
    let (method, parameters) = match step {
        Step::Create => (
            "addUser",
            format!(
                r#"{{"username":"{name}","password":"engine-1","email":"{name}@example.com","first_name":"Ada","last_name":"Lovelace"}}"#
            ),
        ),
        Step::Read => ("getUserById", id.to_owned()),
        Step::List => (
            "searchUsers",
            format!(r#"[["username","exactly","{name}"]]"#),
        ),
        Step::Count => (
            "countUsers",
            format!(r#"[["username","exactly","{name}"]]"#),
        ),
        Step::Update => ("editUser", format!(r#"{{"id":{id},"last_name":"King"}}"#)),
        Step::Rename => ("editUser", format!(r#"{{"id":{id},"username":"{name}2"}}"#)),
        Step::Delete => ("deleteUser", id.to_owned()),
    };
    let body =
        format!(r#"{{"id":1,"method":"{method}","params":["{CALLERS_KEY}",123456,{parameters}]}}"#);
    Request::post("/vision6").body(Bytes::from(body)).unwrap()
}

fn b2evolution(step: Step, name: &str, id: &str) -> Option<Request<Bytes>> {
    let user = format!("/b2evolution/users/{id}");
    let bare = |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("X-API-Key", CALLERS_KEY);
        request.body(Bytes::new()).unwrap()
    };
    Some(match step {
        Step::Create => form(
            "/b2evolution/users",
            &format!(
                "edited_user_login={name}&edited_user_email={name}@example.com&edited_user_pass1=engine-1\
                 &edited_user_pass2=engine-1&edited_user_firstname=Ada&edited_user_lastname=Lovelace"
            ),
        ),
        Step::Read => bare("GET", &user),
        Step::List => bare("GET", "/b2evolution/users?per_page=5&filter=new"),
        Step::Update => form(
            &user,
            "identity_form=1&edited_user_firstname=Ada&edited_user_lastname=King",
        ),
        Step::Rename => form(&user, &format!("edited_user_login={name}2")),
        Step::Delete => bare("DELETE", &user),
        Step::Count => return None,
    })
}

/// The number of a request is another one each time.
fn without_reference(body: &str) -> String {
    let Some((before, rest)) = body.split_once("(ref ") else {
        return body.to_owned();
    };
    let (_, after) = rest.split_once(')').unwrap();
    format!("{before}(ref){after}")
}

async fn story(pairs: &Pairs) -> String {
    let mut told = String::new();
    // So that there is a state to look into.
    let body = format!("api_secret_key={CALLERS_KEY}&update=site_users&user=mary&phone_number=");
    pairs.front.ask(form("/grupo/", &body)).await;
    for caller in DIALECTS {
        let name = format!("{}ada", caller.chars().next().unwrap());
        let _ = writeln!(told, "\n# {caller} onto {}", pairs.dialect);
        for step in STEPS {
            let id = pairs.id(&name).or_else(|| pairs.id(&format!("{name}2")));
            let id = id.unwrap_or_default();
            let request = match caller {
                "grupo" => grupo(step, &name),
                "vision6" => Some(vision6(step, &name, &id)),
                _ => b2evolution(step, &name, &id),
            };
            let Some(request) = request else {
                continue;
            };
            let before = pairs.upstream.requests().len();
            let answered = pairs.front.ask(request).await;
            let _ = writeln!(
                told,
                "\n{step:?}: {} {}",
                answered.status.as_u16(),
                without_reference(&answered.body)
            );
            for seen in pairs.seen(before) {
                let _ = writeln!(told, "  saw {seen}");
            }
            let id = pairs.id(&name).or_else(|| pairs.id(&format!("{name}2")));
            let kept = id.map(|id| pairs.upstream.state()["users"][id].clone());
            let _ = writeln!(told, "  has {}", kept.unwrap_or_default());
        }
    }
    told
}

async fn check(dialect: &'static str) {
    let pairs = Pairs::start(dialect, "");
    let told = story(&pairs).await;
    let path = format!("tests/golden/forward/{dialect}.txt");
    let path = Path::new(&path);
    if std::env::var_os("GOLDEN").is_some_and(|mode| mode == "write") {
        std::fs::write(path, &told).unwrap();
    }
    let wanted = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(told, wanted, "{}", path.display());
}

#[tokio::test]
async fn a_grupo_server_sees_and_keeps_what_callers_of_every_dialect_mean() {
    check("grupo").await;
}

#[tokio::test]
async fn a_vision6_server_sees_and_keeps_what_callers_of_every_dialect_mean() {
    check("vision6").await;
}

#[tokio::test]
async fn a_b2evolution_server_sees_and_keeps_what_callers_of_every_dialect_mean() {
    check("b2evolution").await;
}

/// Mary has a nickname, which no answer of b2evolution shows.
#[tokio::test]
async fn what_an_update_would_take_away_unknown_is_taken_or_refused_as_the_rules_say() {
    let update = || vision6(Step::Update, "mary", "2");
    let pairs = Pairs::start("b2evolution", "");
    let answered = pairs.front.ask(update()).await;
    assert!(answered.body.contains(r#""error":null"#), "{answered:?}");
    let mary = &pairs.upstream.state()["users"]["2"];
    assert_eq!(
        (&mary["firstname"], &mary["lastname"]),
        (&json!("Mary"), &json!("King"))
    );
    assert_eq!(
        (&mary["gender"], &mary["ctry_ID"]),
        (&json!("F"), &json!(74))
    );
    assert_eq!(mary["nickname"], Value::Null);

    let pairs = Pairs::start("b2evolution", "identity_unknown = 'reject'");
    let answered = pairs.front.ask(update()).await;
    assert!(answered.body.contains("nickname"), "{answered:?}");
    let seen = pairs.seen(0);
    assert!(seen.iter().all(|seen| seen.starts_with("GET ")), "{seen:?}");
    let whole = form(
        "/b2evolution/users/2",
        "identity_form=1&edited_user_firstname=Mary&edited_user_nickname=mm&edited_user_lastname=King",
    );
    let answered = pairs.front.ask(whole).await;
    // Birthday, age and organizations stay unknown.
    assert!(!answered.body.contains("nickname"), "{answered:?}");
    assert_eq!(pairs.upstream.state()["users"]["2"]["nickname"], "mm");
}

#[tokio::test]
async fn a_closed_user_of_a_b2evolution_can_be_updated_by_name() {
    let pairs = Pairs::start("b2evolution", "");
    let close = form(
        "/b2evolution/users/2",
        "admin_form=1&edited_user_status=closed",
    );
    pairs.front.ask(close).await;
    assert_eq!(pairs.upstream.state()["users"]["2"]["status"], "closed");
    let before = pairs.upstream.requests().len();
    let body = format!(
        "api_secret_key={CALLERS_KEY}&update=site_users&user=mary&email_address=m@example.com"
    );
    let request =
        Request::post("/grupo/").header("Content-Type", "application/x-www-form-urlencoded");
    let answered = pairs
        .front
        .ask(request.body(Bytes::from(body)).unwrap())
        .await;
    assert_eq!(
        answered.body,
        r#"{"success":true}"#,
        "{:?}",
        pairs.seen(before)
    );
    assert_eq!(
        pairs.upstream.state()["users"]["2"]["email"],
        "m@example.com"
    );
}
