//! The three vendors' servers, as far as they matter here: PHP scripts of `tests/upstreams`.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::clients::in_package;
use crate::php_server::PhpServer;

/// The key of a Grupo and of a Vision6 server.
pub(crate) const KEY: &str = "upstreamkey0upstreamkey1upstreamkey2upstreamkey3upstreamkey4abcd";
/// The administrator of a b2evolution server, and its password.
pub(crate) const LOGIN: &str = "gateway";
pub(crate) const PASSWORD: &str = "a secret of the gateway's";

/// A running server and what it keeps.
pub(crate) struct PhpUpstream {
    server: PhpServer,
    state: TempDir,
}

impl PhpUpstream {
    /// The server of a dialect.
    pub(crate) fn start(dialect: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let script = in_package("tests/upstreams").join(format!("{dialect}.php"));
        let directory = state.path().to_str().unwrap();
        let variables = [
            ("STATE", directory),
            ("KEY", KEY),
            ("LOGIN", LOGIN),
            ("PASSWORD", PASSWORD),
        ];
        let server = PhpServer::start_with(&script, &variables);
        Self { server, state }
    }

    /// `127.0.0.1:` and its port.
    pub(crate) fn address(&self) -> &str {
        self.server.address()
    }

    /// Posts a form straight to it.
    pub(crate) fn post(&self, content_type: &str, body: &[u8]) -> String {
        self.server.post(content_type.as_bytes(), body)
    }

    /// Every request up to now, as PHP saw it.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.requests_after(0)
    }

    /// The same without the first so many.
    pub(crate) fn requests_after(&self, first: usize) -> Vec<Value> {
        let lines = fs::read_to_string(self.file("requests.jsonl")).unwrap_or_default();
        let requests = lines.lines().skip(first).map(serde_json::from_str);
        requests.collect::<Result<_, _>>().unwrap()
    }

    /// What it keeps, once it was asked for something.
    pub(crate) fn state(&self) -> Value {
        serde_json::from_slice(&fs::read(self.file("state.json")).unwrap()).unwrap()
    }

    /// Keeps this from now on.
    pub(crate) fn keep(&self, state: &Value) {
        fs::write(self.file("state.json"), state.to_string()).unwrap();
    }

    /// What it does wrong from now on, one word a request.
    pub(crate) fn commit(&self, faults: &[&str]) {
        fs::write(self.file("fault"), faults.join("\n")).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.state.path().join(name)
    }
}

#[test]
fn a_grupo_upstream_reads_forms_and_answers_as_the_vendor_does() {
    let upstream = PhpUpstream::start("grupo");
    let form = b"application/x-www-form-urlencoded";
    let body = format!("api_secret_key={KEY}&update=site_users&user=mary&full_name=M");
    let answer = upstream.server.post(form, body.as_bytes());
    assert_eq!(answer, r#"{"success":true}"#);
    assert_eq!(upstream.state()["users"]["2"]["full_name"], "M");
    assert_eq!(upstream.requests()[0]["post"]["user"], "mary");
    upstream.commit(&["html"]);
    let answers = [0, 1].map(|_| upstream.server.post(form, body.as_bytes()));
    assert!(answers[0].contains("It works!") && answers[1].contains("true"));
}

#[test]
fn a_vision6_upstream_reads_a_document_and_answers_as_the_vendor_does() {
    let upstream = PhpUpstream::start("vision6");
    let body = format!(r#"{{"id":7,"method":"getUserById","params":["{KEY}",123456,2]}}"#);
    let answer = upstream.server.post(b"application/json", body.as_bytes());
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["id"], 7);
    assert_eq!(answer["result"][0]["username"], "mary");
    let wrong = body.replace(KEY, "another");
    let answer = upstream.server.post(b"application/json", wrong.as_bytes());
    assert!(answer.contains(r#""code":300"#), "{answer}");
}

#[test]
fn a_b2evolution_upstream_replaces_the_identity_as_the_vendor_does() {
    let upstream = PhpUpstream::start("b2evolution");
    let url = format!("http://{}/api/v1/users/2", upstream.address());
    let user = format!("{LOGIN}:{PASSWORD}");
    let form = "identity_form=1&edited_user_firstname=M";
    let called = std::process::Command::new("curl")
        .args(["--silent", "--user", &user, "--data", form, &url])
        .output()
        .unwrap();
    let answer = String::from_utf8(called.stdout).unwrap();
    assert!(answer.contains("update_success"), "{answer}");
    let state = upstream.state();
    assert_eq!(state["users"]["2"]["firstname"], "M");
    assert_eq!(state["users"]["2"]["nickname"], Value::Null);
    assert_eq!(state["sessions"], 1);
}
