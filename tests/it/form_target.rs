//! A running gateway and the callers of its two dialects of forms.

use std::time::Duration;

use serde_json::{Value, json};

use crate::clients::Gateway;
use crate::wire::{GRUPO, Reply, Wire, request};

/// How long a refusal may take.
const SOON: Duration = Duration::from_millis(50);

pub(crate) const BOUNDARY: &str = "------------------------d74496d66958873e";
pub(crate) const MULTIPART: &str =
    "multipart/form-data; boundary=------------------------d74496d66958873e";

/// A gateway with one user, and what calls it.
pub(crate) struct Target {
    pub(crate) gateway: Gateway,
    pub(crate) user: i64,
    pub(crate) wire: Wire,
}

impl Target {
    pub(crate) fn new() -> Self {
        let gateway = Gateway::start();
        let user = gateway.add_user("ana");
        let wire = Wire::open(&gateway.served.url);
        Self {
            gateway,
            user,
            wire,
        }
    }

    /// The fields of an update by a Grupo client, urlencoded.
    pub(crate) fn update(&self) -> String {
        format!(
            "api_secret_key={}&update=site_users&user=ana",
            self.gateway.key
        )
    }

    /// The same as parts, to be ended by a delimiter.
    pub(crate) fn update_parts(&self) -> Vec<u8> {
        let fields = [
            ("api_secret_key", self.gateway.key.as_str()),
            ("update", "site_users"),
            ("user", "ana"),
        ];
        fields
            .iter()
            .flat_map(|(name, value)| part(&format!("name=\"{name}\""), value))
            .collect()
    }

    pub(crate) fn grupo(&mut self, content_type: &str, body: &[u8]) -> Reply {
        self.wire.post(GRUPO, content_type, body)
    }

    pub(crate) fn b2evolution(&mut self, content_type: &str, body: &[u8]) -> Reply {
        let authorization = format!("Bearer {}", self.gateway.key);
        let headers = [
            ("Content-Type", content_type),
            ("Authorization", &authorization),
        ];
        let target = format!("/api/v1/users/{}", self.user);
        self.wire
            .exchange(&request("POST", &target, &headers, body))
    }

    pub(crate) fn read(&mut self) -> Value {
        let call =
            json!({"id": 1, "method": "getUserById", "params": [self.gateway.key, 1, self.user]});
        self.wire.vision6(&call)["result"][0].clone()
    }

    /// Both dialects of forms refuse the body in their own words; the fastest of a few attempts
    /// counts, because other tests run beside this one.
    pub(crate) fn assert_both_refuse(&mut self, what: &str, content_type: &str, body: &[u8]) {
        let attempts = |refuse: &mut dyn FnMut() -> Duration| (0..4).map(|_| refuse()).min();
        let grupo = attempts(&mut || {
            let reply = self.grupo(content_type, body);
            assert_grupo_refuses(what, &reply);
            reply.took
        });
        let b2evolution = attempts(&mut || {
            let reply = self.b2evolution(content_type, body);
            assert_b2evolution_refuses(what, &reply);
            reply.took
        });
        for took in [grupo, b2evolution].into_iter().flatten() {
            assert!(took < SOON, "{what} was refused after {took:?}");
        }
    }
}

pub(crate) fn assert_grupo_refuses(what: &str, reply: &Reply) {
    assert_eq!(reply.status, 200, "{what}: {reply:?}");
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=UTF-8"),
        "{what}"
    );
    let answer = reply.json();
    assert_eq!(answer["success"], false, "{what}: {answer}");
    for member in ["error_key", "error_message"] {
        assert!(
            answer[member].as_str().is_some_and(|text| !text.is_empty()),
            "{what}: {answer}"
        );
    }
}

pub(crate) fn assert_b2evolution_refuses(what: &str, reply: &Reply) {
    assert!((400..500).contains(&reply.status), "{what}: {reply:?}");
    assert_eq!(
        reply.header("content-type"),
        Some("application/json; charset=utf-8"),
        "{what}"
    );
    let answer = reply.json();
    assert!(
        answer["code"].is_string() || answer["error_status"].is_string(),
        "{what}: {answer}"
    );
}

/// One part with these parameters of its Content-Disposition.
pub(crate) fn part(parameters: &str, value: &str) -> Vec<u8> {
    raw_part(
        &format!("Content-Disposition: form-data; {parameters}"),
        value,
    )
}

pub(crate) fn raw_part(headers: &str, value: &str) -> Vec<u8> {
    format!("--{BOUNDARY}\r\n{headers}\r\n\r\n{value}\r\n").into_bytes()
}

pub(crate) fn end() -> Vec<u8> {
    format!("--{BOUNDARY}--\r\n").into_bytes()
}
