//! Guessing at keys and passwords over a socket: refused after 20 in each dialect's wording, whatever
//! address the guesser claims, while good keys and other sources notice nothing.

use std::collections::BTreeMap;
use std::path::Path;

use dragoman::command::Dialect;
use http::Request;
use http::header::CONTENT_TYPE;
use serde_json::Value;
use tempfile::TempDir;

use crate::caller::{Caller, Credential, KEY, configure};
use crate::process::Served;

const GOOD: Credential<'_> = Credential::Key(KEY);

/// A running gateway and its directory.
struct Gateway {
    directory: TempDir,
    served: Served,
}

impl Gateway {
    fn start(configuration: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        configure(directory.path(), configuration);
        let served = Served::start(directory.path());
        Self { directory, served }
    }

    fn caller(&self, from: &str) -> Caller {
        Caller::new(&self.served.url, from)
    }

    /// How many calls ended so: by source and kind of the error.
    fn stop(self) -> Log {
        let (status, log) = self.served.stop();
        assert_eq!(status.code(), Some(0), "{log}");
        let mut found = Log::default();
        for line in log.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let source = line["call.source"].as_str().unwrap_or_default().to_owned();
            if line["message"].as_str().unwrap().starts_with("too many") {
                found.refusals.push(source);
            } else if let Some(kind) = line["error.kind"].as_str() {
                *found.errors.entry((source, kind.to_owned())).or_default() += 1;
            }
        }
        found
    }
}

#[derive(Debug, Default)]
struct Log {
    errors: BTreeMap<(String, String), usize>,
    /// Sources of which a refusal began.
    refusals: Vec<String>,
}

impl Log {
    fn errors(&self, source: &str, kind: &str) -> usize {
        let key = (source.to_owned(), kind.to_owned());
        self.errors.get(&key).copied().unwrap_or_default()
    }
}

/// The password of the administrator that the first start made.
fn password(directory: &Path) -> String {
    let note = std::fs::read_to_string(directory.join("data/first-start.txt")).unwrap();
    let line = note.lines().find(|line| line.contains("Password")).unwrap();
    line.split_whitespace().last().unwrap().to_owned()
}

/// What a wrong key and what a refused one is told, and a part of what a good one is.
fn wordings(dialect: Dialect) -> [&'static str; 3] {
    match dialect {
        Dialect::Grupo => [
            r#""error_key":"invalid_api_secret_key""#,
            r#""error_key":"invalid_api_secret_key""#,
            r#"{"success":true}"#,
        ],
        Dialect::Vision6 => [
            r#""code":300,"message":"Authorisation Failed - Invalid Login""#,
            r#""code":300,"message":"Authorisation Failed - Invalid Login""#,
            r#""username":"admin""#,
        ],
        Dialect::B2evolution => [
            r#""code":"wrong_login_pass""#,
            r#""code":"login_attempt_failed","message":"There have been too many failed login attempts."#,
            r#""login":"admin""#,
        ],
    }
}

#[tokio::test]
async fn of_a_thousand_wrong_keys_20_are_judged_and_the_right_key_works_from_there_and_elsewhere() {
    let gateway = Gateway::start("");
    for (dialect, from) in Dialect::ALL
        .into_iter()
        .zip(["127.0.0.2", "127.0.0.3", "127.0.0.4"])
    {
        let [wrong, refused, good] = wordings(dialect);
        let guesser = gateway.caller(from);
        for number in 0..1000 {
            let guess = format!("wrong-key-{number}");
            let (_, answer) = guesser.call(dialect, Credential::Key(&guess)).await;
            let expected = if number < 20 { wrong } else { refused };
            assert!(answer.contains(expected), "{dialect} {number}: {answer}");
        }
        for from in [from, "127.0.0.9"] {
            let (_, answer) = gateway.caller(from).call(dialect, GOOD).await;
            assert!(answer.contains(good), "{dialect} {from}: {answer}");
        }
        let newcomer = gateway.caller("127.0.0.10");
        let (_, answer) = newcomer.call(dialect, Credential::Key("wrong-key")).await;
        assert!(answer.contains(wrong), "{dialect}: {answer}");
    }
    let log = gateway.stop();
    for source in ["127.0.0.2", "127.0.0.3", "127.0.0.4"] {
        assert_eq!(log.errors(source, "unauthenticated"), 20, "{log:?}");
        assert_eq!(log.errors(source, "locked_out"), 980, "{log:?}");
    }
    assert_eq!(log.refusals, ["127.0.0.2", "127.0.0.3", "127.0.0.4"]);
}

#[tokio::test]
async fn each_item_of_a_batch_is_an_attempt() {
    let gateway = Gateway::start("");
    let call = r#"{"id":1,"method":"getUserById","params":["wrong-key",1,1]}"#;
    let batch = format!("[{}]", [call; 15].join(","));
    for _ in 0..2 {
        let request = Request::post(format!("{}/api/jsonrpcserver", gateway.served.url))
            .header(CONTENT_TYPE, "application/json");
        let request = request.body(batch.clone().into()).unwrap();
        gateway.caller("127.0.0.2").send(request).await;
    }
    let log = gateway.stop();
    assert_eq!(log.errors("127.0.0.2", "unauthenticated"), 20, "{log:?}");
    assert_eq!(log.errors("127.0.0.2", "locked_out"), 10, "{log:?}");
}

#[tokio::test]
async fn a_wrong_key_in_a_call_that_is_at_fault_is_an_attempt() {
    let gateway = Gateway::start("");
    let call = "api_secret_key=wrong-key&update=site_users&user=admin&timezone=Mars";
    for _ in 0..25 {
        let request = Request::post(format!("{}/api_request/", gateway.served.url))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(call.into()).unwrap();
        let (_, answer) = gateway.caller("127.0.0.2").send(request).await;
        assert!(answer.contains("invalid_api_secret_key"), "{answer}");
    }
    let log = gateway.stop();
    assert_eq!(log.errors("127.0.0.2", "unauthenticated"), 20, "{log:?}");
    assert_eq!(log.errors("127.0.0.2", "locked_out"), 5, "{log:?}");
}

#[tokio::test]
async fn nobody_locks_the_login_of_another_from_elsewhere() {
    let gateway = Gateway::start("");
    let password = password(gateway.directory.path());
    let right = Credential::Basic("admin", &password);
    let [wrong, refused, good] = wordings(Dialect::B2evolution);
    let guesser = gateway.caller("127.0.0.2");
    for number in 0..30 {
        let guess = format!("guess-{number}");
        let guess = Credential::Basic("admin", &guess);
        let (_, answer) = guesser.call(Dialect::B2evolution, guess).await;
        let expected = if number < 20 { wrong } else { refused };
        assert!(answer.contains(expected), "{number}: {answer}");
    }
    let (status, answer) = guesser.call(Dialect::B2evolution, right).await;
    assert!(status == 403 && answer.contains(refused), "{answer}");
    let other = gateway.caller("127.0.0.3");
    let (_, answer) = other.call(Dialect::B2evolution, right).await;
    assert!(answer.contains(good), "{answer}");
    let (_, answer) = guesser.call(Dialect::B2evolution, GOOD).await;
    assert!(answer.contains(good), "{answer}");
}

#[tokio::test]
async fn who_is_no_trusted_proxy_is_known_by_its_own_address_whatever_it_claims() {
    let gateway = Gateway::start("");
    let mut guesser = gateway.caller("127.0.0.2");
    for number in 0..60 {
        guesser.headers = vec![
            ("x-forwarded-for", format!("192.0.2.{number}")),
            ("x-real-ip", format!("192.0.2.{number}")),
            ("forwarded", format!("for=192.0.2.{number}")),
        ];
        guesser
            .call(Dialect::Vision6, Credential::Key("wrong"))
            .await;
    }
    guesser.call(Dialect::Grupo, GOOD).await;
    assert_eq!(audited(&gateway), ["127.0.0.2"]);
    let log = gateway.stop();
    assert_eq!(log.errors("127.0.0.2", "unauthenticated"), 20, "{log:?}");
    assert_eq!(log.errors("127.0.0.2", "locked_out"), 40, "{log:?}");
}

#[tokio::test]
async fn whom_a_trusted_proxy_names_last_is_who_guesses_and_the_proxy_is_not() {
    let gateway = Gateway::start("[auth]\ntrusted_proxies = [\"127.0.0.2\", \"10.0.0.0/8\"]");
    let mut proxy = gateway.caller("127.0.0.2");
    for number in 0..30 {
        proxy.headers = vec![
            (
                "x-forwarded-for",
                format!("198.51.100.{number}, 192.0.2.7, 10.0.0.1"),
            ),
            ("x-real-ip", format!("198.51.100.{number}")),
            ("forwarded", format!("for=198.51.100.{number}")),
        ];
        proxy.call(Dialect::Vision6, Credential::Key("wrong")).await;
    }
    proxy.headers = vec![("x-forwarded-for", "192.0.2.8".to_owned())];
    proxy.call(Dialect::Vision6, Credential::Key("wrong")).await;
    proxy.call(Dialect::Grupo, GOOD).await;
    assert_eq!(audited(&gateway), ["192.0.2.8"]);
    let log = gateway.stop();
    assert_eq!(log.errors("192.0.2.7", "unauthenticated"), 20, "{log:?}");
    assert_eq!(log.errors("192.0.2.7", "locked_out"), 10, "{log:?}");
    assert_eq!(log.errors("192.0.2.8", "unauthenticated"), 1, "{log:?}");
    assert_eq!(log.refusals, ["192.0.2.7"]);
}

#[tokio::test]
async fn whom_the_proxy_protocol_names_is_who_guesses() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let settings = "[server]\nproxy_protocol = true\n[auth]\ntrusted_proxies = [\"127.0.0.1\"]";
    let gateway = Gateway::start(settings);
    let address = gateway.served.url.strip_prefix("http://").unwrap();
    let body = r#"{"id":1,"method":"getUserById","params":["wrong",1,1]}"#;
    for _ in 0..25 {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "PROXY TCP4 192.0.2.7 192.0.2.1 1234 80\r\nPOST /api/jsonrpcserver HTTP/1.1\r\nHost: x\r\n\
             X-Forwarded-For: 198.51.100.1\r\nContent-Type: application/json\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains(wordings(Dialect::Vision6)[0]), "{answer}");
    }
    let log = gateway.stop();
    assert_eq!(log.errors("192.0.2.7", "unauthenticated"), 20, "{log:?}");
    assert_eq!(log.errors("192.0.2.7", "locked_out"), 5, "{log:?}");
}

/// The sources of the audited updates of users.
fn audited(gateway: &Gateway) -> Vec<String> {
    let database = gateway.directory.path().join("data/dragoman.db");
    let raw = rusqlite::Connection::open(database).unwrap();
    let mut statement = raw
        .prepare("SELECT source FROM audit WHERE action = 'user.update'")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}
