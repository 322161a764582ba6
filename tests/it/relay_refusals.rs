//! Native operations that are not relayed, and what nobody may read of those that are.

use std::io::Write;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;

use crate::forward_fixture::{CALLERS_KEY, Front, OWN_KEY, load, php_at, vision6_at};
use crate::php_upstream::{KEY, PhpUpstream};
use crate::relay::{form, front};
use crate::upstream_script::{Reply, Script};

#[tokio::test]
async fn every_native_operation_needs_its_own_scope_in_every_dialect() {
    let every = "'user:*', 'group:*', 'member:*', 'user.role', 'user.level', 'native.load=x', \
                 'native.getListById', 'native.users/authors'";
    let calls = [
        (
            "grupo",
            form("add=message&sender=admin&user=mary&message=hi"),
        ),
        (
            "vision6",
            Request::post("/api/jsonrpcserver")
                .body(Bytes::from(format!(
                    r#"{{"id":1,"method":"getCreditBalance","params":["{CALLERS_KEY}","sms"]}}"#
                )))
                .unwrap(),
        ),
        (
            "b2evolution",
            Request::get("/api/v1/users/recipients")
                .header("X-API-Key", CALLERS_KEY)
                .body(Bytes::new())
                .unwrap(),
        ),
    ];
    let denied = [
        "permission_denied",
        r#""code":321"#,
        r#""code":"no_access""#,
    ];
    for ((dialect, call), denied) in calls.into_iter().zip(denied) {
        let upstream = PhpUpstream::start(dialect);
        let front = front(dialect, every, &upstream, "");
        let answered = front.ask(call).await;
        assert!(answered.body.contains(denied), "{dialect}: {answered:?}");
        assert!(upstream.requests().is_empty(), "{dialect}");
    }
}

#[tokio::test]
async fn a_key_that_is_bound_to_accounts_relays_nothing_to_vision6_and_the_same_elsewhere() {
    let bound = "'native.getAccountById', 'native.add=message']\naccounts = [123456";
    let upstream = PhpUpstream::start("vision6");
    let vision6 = front("vision6", bound, &upstream, "");
    let answered = vision6.call("getAccountById", "7").await;
    assert!(answered.body.contains(r#""code":321"#), "{answered:?}");
    assert!(upstream.requests().is_empty());
    let upstream = PhpUpstream::start("grupo");
    let grupo = front("grupo", bound, &upstream, "");
    let sent = form("add=message&sender=admin&user=mary&message=hi");
    assert!(grupo.ask(sent).await.body.contains("true"));
}

#[tokio::test]
async fn a_method_that_wants_a_session_is_relayed_and_does_not_hold_the_upstream() {
    let fault = r#"{"code":301,"message":"Authorisation Failed - Please log in first"}"#;
    let said = format!(r#"{{"id":1,"result":null,"error":{fault}}}"#);
    let upstream = Script::start(move |_| Reply::Answer(200, said.clone()));
    let front = Front::new(&format!(
        "scopes = ['native.getSessionInfo']\n[upstreams.back]\n{}\n\
         [routes.front]\ndialect = 'vision6'\nuser = 'back'\n",
        vision6_at(upstream.address)
    ));
    for _ in 0..3 {
        let answered = front.call("getSessionInfo", "").await;
        assert!(answered.body.contains(fault), "{answered:?}");
    }
    assert_eq!(upstream.asked().len(), 3);
}

#[tokio::test]
async fn a_native_operation_goes_to_no_upstream_of_another_dialect() {
    let upstream = PhpUpstream::start("vision6");
    let front = Front::new(&format!(
        "scopes = ['user:read', 'native.add=message']\n[upstreams.back]\n{}\
         [routes.front]\ndialect = 'grupo'\nuser = 'back'\ngroup = 'back'\n",
        php_at("vision6", &upstream)
    ));
    let answered = front.ask(form("add=message&user=mary&sender=admin")).await;
    let why = "add=message is an operation of grupo alone, and the system behind the gateway speaks vision6";
    assert!(answered.body.contains(why), "{answered:?}");
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn a_refused_key_of_the_gateway_is_not_told_and_holds_the_upstream() {
    let upstream = PhpUpstream::start("grupo");
    let config = php_at("grupo", &upstream).replace(KEY, "another-key-of-the-gateway");
    let front = Front::new(&format!(
        "scopes = ['native.add=message']\n[upstreams.back]\n{config}\
         [routes.front]\ndialect = 'grupo'\nuser = 'back'\ngroup = 'back'\n"
    ));
    for _ in 0..3 {
        let answered = front.ask(form("add=message&user=mary&sender=admin")).await;
        assert!(
            answered.body.contains("something_went_wrong"),
            "{answered:?}"
        );
        assert!(!answered.body.contains("Secret Key"), "{answered:?}");
    }
    assert_eq!(upstream.requests().len(), 1);
}

/// Everything that is logged, down to the smallest.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Logs here for as long as the guard lives. While there is one subscriber only, tracing asks that of
    /// whichever thread comes first whether a line is wanted at all; so there is a second one.
    pub(crate) fn start(&self) -> (DefaultGuard, Dispatch) {
        let other = Dispatch::new(
            tracing_subscriber::fmt()
                .with_writer(std::io::sink)
                .finish(),
        );
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (tracing::subscriber::set_default(subscriber), other)
    }

    pub(crate) fn said(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_line_of_the_log_has_a_key_a_field_or_a_session() {
    let log = Log::default();
    let _logged = log.start();
    let upstream = PhpUpstream::start("grupo");
    let scopes = "'native.add=message', 'native.add=login_session'";
    let front = front("grupo", scopes, &upstream, "");
    let sent = form("add=message&sender=admin&user=mary&message=canaryMessage");
    assert!(front.ask(sent).await.body.contains("true"));
    let opened = front.ask(form("add=login_session&user=mary")).await;
    assert!(opened.body.contains("canaryAccessCode0001"), "{opened:?}");
    let said = log.said();
    assert!(said.contains("call.operation=\"add=message\""), "{said}");
    for secret in [CALLERS_KEY, KEY, "canary"] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}

#[test]
fn files_on_a_route_that_relays_nothing_are_refused_at_load() {
    let relaying = "[upstreams.back]\ndialect = 'grupo'\nurl = 'http://127.0.0.1:1/'\nkey = 'x'\n\
                    [routes.front]\ndialect = 'grupo'\nuser = 'back'\nform = { files = 3 }\n";
    assert_eq!(load(relaying).routes[0].policy.form.files, 3);
    assert!(load(relaying).routes[0].targets.relays);
    let store = relaying.replace("user = 'back'\n", "");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), store).unwrap();
    let sources = dragoman::config::Sources::new(Some(file.path().to_owned()));
    let said = dragoman::config::load(&sources).unwrap_err().to_string();
    assert!(said.contains("routes.front.form.files"), "{said}");
}

#[tokio::test]
async fn a_success_that_is_no_boolean_is_neither_a_refusal_nor_done() {
    for said in [r#""true""#, "1", "null"] {
        let answer = format!(r#"{{"success":{said}}}"#);
        let script = Script::start(move |_| Reply::Answer(200, answer.clone()));
        let front = Front::new(&format!(
            "scopes = ['native.add=message']\n[store]\nurl = 'sqlite:db'\n[upstreams.back]\n\
             dialect = 'grupo'\nurl = 'http://{}'\nkey = '{OWN_KEY}'\n[routes.front]\n\
             dialect = 'grupo'\nuser = 'back'\n",
            script.address
        ));
        let message = form("add=message&sender=admin&user=mary&message=hi");
        let answered = front.ask(message).await;
        assert!(
            answered.body.contains("something_went_wrong"),
            "{answered:?}"
        );
        // The record of what nobody knows is written behind the caller's back.
        let store = front.store.clone().unwrap();
        dragoman::store::Store::close(&*store).await.unwrap();
        let unknown = ("native".to_owned(), None, "unknown".to_owned());
        assert_eq!(front.trail(), [unknown], "{said}");
    }
}
