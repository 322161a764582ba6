//! The clients that callers have, unmodified: PHP's own curl, with an array (multipart) and with
//! `http_build_query`, and Python's requests. Each is a process of its own and talks over a socket.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Served, dragoman, finish};
use crate::wire::Wire;

const BODIES: [&str; 2] = ["multipart", "urlencoded"];

#[test]
fn a_grupo_client_creates_and_updates_a_user() {
    let gateway = Gateway::start();
    for client in Client::ALL {
        for body in BODIES {
            let username = format!("ana-{}-{body}", client.name());
            let id = create_user(&gateway, client, body, &username);

            let user = format!("user={username}");
            let fields = [user.as_str(), "full_name=Zoë Søn", "custom_field_1=a+b=c/d"];
            let answer = client.grupo(&gateway, "update=site_users", body, &fields);
            answer.assert(200, "text/html; charset=UTF-8", r#"{"success":true}"#);

            let stored = read_user(&gateway, client, id);
            assert_eq!(stored["first_name"], "Zoë", "{client:?} {body}");
            assert_eq!(stored["last_name"], "Søn", "{client:?} {body}");
        }
    }
}

#[test]
fn a_grupo_client_creates_a_group_and_learns_its_id() {
    let gateway = Gateway::start();
    let bodies = Client::ALL
        .into_iter()
        .flat_map(|client| BODIES.map(|body| (client, body)));
    for (made, (client, body)) in bodies.enumerate() {
        let fields = ["group_name=Café & co", "description=", "secret_group=yes"];
        let answer = client.grupo(&gateway, "add=groups", body, &fields);
        let expected = format!(r#"{{"success":true,"group_id":"{}"}}"#, made + 1);
        answer.assert(200, "text/html; charset=UTF-8", &expected);
    }
}

#[test]
fn a_grupo_client_with_a_wrong_key_is_told_so_in_vendor_wording() {
    let mut gateway = Gateway::start();
    gateway.key = "wrong".to_owned();
    for client in Client::ALL {
        let answer = client.grupo(&gateway, "update=site_users", "multipart", &["user=ana"]);
        let expected = r#"{"success":false,"error_message":"Invalid API Secret Key","error_key":"invalid_api_secret_key"}"#;
        answer.assert(200, "text/html; charset=UTF-8", expected);
    }
}

#[test]
fn a_vision6_client_edits_a_user() {
    let gateway = Gateway::start();
    for client in Client::ALL {
        let id = create_user(
            &gateway,
            client,
            "multipart",
            &format!("ana-{}", client.name()),
        );
        let bare = json!({"id": id, "first_name": "Zoë", "timezone": "Australia/Brisbane"});
        // The vendor's own example wraps the details in a list.
        let wrapped = json!([{"id": id, "last_name": "O'Brien"}]);
        for details in [bare, wrapped] {
            let answer = client.vision6(&gateway, "editUser", &["1", &details.to_string()]);
            answer.assert(
                200,
                "application/json",
                r#"{"id":1,"result":true,"error":null}"#,
            );
        }
        let stored = read_user(&gateway, client, id);
        assert_eq!(stored["first_name"], "Zoë", "{client:?}");
        assert_eq!(stored["last_name"], "O'Brien", "{client:?}");
        assert_eq!(stored["timezone"], "Australia/Brisbane", "{client:?}");
    }
}

#[test]
fn a_b2evolution_client_updates_a_user() {
    let gateway = Gateway::start();
    for client in Client::ALL {
        for body in BODIES {
            let username = format!("ana-{}-{body}", client.name());
            let id = create_user(&gateway, client, "multipart", &username);
            let fields = [
                "identity_form=1",
                "edited_user_firstname=Zoë",
                "edited_user_lastname=O'Brien & co",
            ];
            let answer = client.b2evolution(&gateway, id, body, &fields);
            answer.assert(
                200,
                "application/json; charset=utf-8",
                r#"{"code":"update_success","message":"Profile has been updated.","data":{"status":200}}"#,
            );
            let stored = read_user(&gateway, client, id);
            assert_eq!(stored["first_name"], "Zoë", "{client:?} {body}");
            assert_eq!(stored["last_name"], "O'Brien & co", "{client:?} {body}");
        }
    }
}

/// A gateway of its own, and a key with the scopes that a key has without any being named.
pub(crate) struct Gateway {
    pub(crate) served: Served,
    pub(crate) key: String,
    pub(crate) directory: TempDir,
}

impl Gateway {
    pub(crate) fn start() -> Self {
        Self::start_with(&[], |_| {})
    }

    /// A key with these scopes, and settings that are added to the command.
    pub(crate) fn start_with(scopes: &[&str], settings: impl FnOnce(&mut Command)) -> Self {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let mut create = dragoman(directory.path());
        create.args(["keys", "create", "--name", "clients"]);
        create.args(scopes.iter().flat_map(|scope| ["--scope", scope]));
        let (status, key, errors) = finish(&mut create);
        assert_eq!(status, Some(0), "{errors}");
        let mut serve = dragoman(directory.path());
        settings(serve.arg("serve"));
        Self {
            served: Served::run(&mut serve),
            key: key.trim_end().to_owned(),
            directory,
        }
    }

    /// Adds a user with nothing but a username; its id.
    pub(crate) fn add_user(&self, username: &str) -> i64 {
        let mut wire = Wire::open(&self.served.url);
        let call =
            json!({"id": 1, "method": "addUser", "params": [self.key, 1, {"username": username}]});
        let added = wire.vision6(&call);
        added["result"]
            .as_i64()
            .unwrap_or_else(|| panic!("{added}"))
    }
}

/// Creates a user as a Grupo client does, and looks its id up as a Vision6 client does.
fn create_user(gateway: &Gateway, client: Client, body: &str, username: &str) -> i64 {
    let named = format!("username={username}");
    let addressed = format!("email_address={username}@example.com");
    let fields = [
        "full_name=Ana Bell",
        &named,
        &addressed,
        "password=correct horse battery",
    ];
    let answer = client.grupo(gateway, "add=site_users", body, &fields);
    answer.assert(200, "text/html; charset=UTF-8", r#"{"success":true}"#);

    let criteria = json!([["username", "exactly", username]]).to_string();
    let found = client
        .vision6(gateway, "searchUsers", &["1", &criteria])
        .result();
    let id = found.pointer("/0/id").and_then(Value::as_i64);
    id.unwrap_or_else(|| panic!("{username} is not in {found}"))
}

fn read_user(gateway: &Gateway, client: Client, id: i64) -> Value {
    let found = client
        .vision6(gateway, "getUserById", &["1", &id.to_string()])
        .result();
    found.pointer("/0").cloned().unwrap_or_default()
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Client {
    Php,
    Python,
}

impl Client {
    const ALL: [Self; 2] = [Self::Php, Self::Python];

    const fn name(self) -> &'static str {
        match self {
            Self::Php => "php",
            Self::Python => "python",
        }
    }

    pub(crate) fn grupo(
        self,
        gateway: &Gateway,
        operation: &str,
        body: &str,
        fields: &[&str],
    ) -> Answer {
        let mut client = self.command("grupo", gateway);
        run(client
            .args([gateway.key.as_str(), operation, body])
            .args(fields))
    }

    fn vision6(self, gateway: &Gateway, method: &str, parameters: &[&str]) -> Answer {
        let mut client = self.command("vision6", gateway);
        run(client.args([gateway.key.as_str(), method]).args(parameters))
    }

    fn b2evolution(self, gateway: &Gateway, id: i64, body: &str, fields: &[&str]) -> Answer {
        let login = format!("client:{}", gateway.key);
        let mut client = self.command("b2evolution", gateway);
        run(client
            .args([login, id.to_string(), body.to_owned()])
            .args(fields))
    }

    fn command(self, dialect: &str, gateway: &Gateway) -> Command {
        let mut command = match self {
            Self::Php => php(&format!("{dialect}.php")),
            Self::Python => python("clients.py"),
        };
        command.arg(&gateway.served.url);
        if matches!(self, Self::Python) {
            command.arg(dialect);
        }
        command
    }
}

pub(crate) fn php(script: &str) -> Command {
    let mut command = Command::new("php");
    command.arg(in_package("tests/clients").join(script));
    command
}

/// Python with the packages that `tests/run` installs.
pub(crate) fn python(script: &str) -> Command {
    let mut command = Command::new(in_package("target/clients/bin/python"));
    command.arg(in_package("tests/clients").join(script));
    command
}

pub(crate) fn in_package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The line that a client prints.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    status: u16,
    content_type: Option<String>,
    body: String,
    pub(crate) seconds: f64,
}

impl Answer {
    pub(crate) fn assert(&self, status: u16, content_type: &str, body: &str) {
        let seen = (
            self.status,
            self.content_type.as_deref(),
            self.body.as_str(),
        );
        assert_eq!(seen, (status, Some(content_type), body));
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("an answer is JSON")
    }

    /// The result of a Vision6 call.
    fn result(&self) -> Value {
        let answer = self.json();
        let result = answer.get("result").filter(|result| !result.is_null());
        result.unwrap_or_else(|| panic!("{answer}")).clone()
    }
}

pub(crate) fn run(client: &mut Command) -> Answer {
    let output = client.output().unwrap_or_else(|error| {
        panic!("{client:?}: {error}; ./tests/run installs what is missing")
    });
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    assert!(
        status.success(),
        "{client:?}: {status}\n{}",
        String::from_utf8_lossy(&stderr)
    );
    serde_json::from_slice(&stdout)
        .unwrap_or_else(|error| panic!("{client:?}: {error}\n{}", String::from_utf8_lossy(&stdout)))
}
