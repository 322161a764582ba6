//! The set-ups of the README, run as they are written there.
//!
//! Of a text only the address of its upstream is replaced. Where callers connect is said by the
//! environment, which chooses free ports, as for every process in these tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clients::{in_package, php, python, run};
use crate::front_proxies::FrontProxy;
use crate::json_rpc_clients::node;
use crate::php_upstream::{PASSWORD, PhpUpstream};
use crate::process::{Served, command, curl, dragoman, finish, release_binary};
use crate::wire::Wire;

/// The key that the application of the sidecar has already.
const KEY: &str = "applicationkey0applicationkey1applicationkey2applicationkey3abcd";

/// A directory with a configuration of the README, and the PHP upstream that it names.
struct SetUp {
    directory: TempDir,
    upstream: PhpUpstream,
}

/// The block of TOML in the README with that line.
pub(crate) fn block(line: &str) -> String {
    let readme = fs::read_to_string(in_package("README.md")).unwrap();
    let blocks = readme.split("```toml\n").skip(1);
    let blocks = blocks.map(|rest| rest.split_once("```\n").unwrap().0);
    let found: Vec<_> = blocks.filter(|block| block.contains(line)).collect();
    let [block] = found[..] else {
        panic!("{} blocks have {line}", found.len());
    };
    block.to_owned()
}

/// Lines that say something.
pub(crate) fn count(block: &str) -> usize {
    let lines = block.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .count()
}

#[test]
fn the_sidecar_has_at_most_nine_lines_and_the_migration_fourteen() {
    let sidecar = count(&block("keys.application.value_file"));
    let migration = count(&block("on_loss = \"warn\""));
    assert!(sidecar <= 9 && migration <= 14, "{sidecar}, {migration}");
}

impl SetUp {
    fn new(text: &str, address: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let upstream = PhpUpstream::start("b2evolution");
        assert_eq!(text.matches(address).count(), 1, "{text}");
        let text = text.replace(address, &format!("http://{}/", upstream.address()));
        let secrets = directory.path().join("secrets");
        fs::create_dir(&secrets).unwrap();
        fs::write(secrets.join("blog"), format!("{PASSWORD}\n")).unwrap();
        fs::write(directory.path().join("routes.toml"), text).unwrap();
        Self {
            directory,
            upstream,
        }
    }

    fn sidecar() -> Self {
        let set_up = Self::new(
            &block("keys.application.value_file"),
            "http://blog.internal/",
        );
        let key = set_up.path().join("secrets/application");
        fs::write(key, format!("{KEY}\n")).unwrap();
        set_up
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// `dragoman check` finds no fault.
    fn check(&self) {
        let (status, shown, said) = finish(dragoman(self.path()).arg("check"));
        assert_eq!(status, Some(0), "{shown}{said}");
    }

    /// What the upstream keeps of Mary, its second user.
    fn mary(&self) -> Value {
        self.upstream.state()["users"]["2"].clone()
    }

    /// The last form that PHP was sent.
    fn last_form(&self) -> Value {
        let requests = self.upstream.requests();
        let mut forms = requests.iter().filter(|seen| seen["method"] == "POST");
        forms.next_back().unwrap()["post"].clone()
    }
}

/// Has a JSON-RPC library rename Mary and read her; what it handed to its application.
fn rename(client: &mut Command, library: &str, url: &str, key: &str, name: &str) -> Value {
    let url = format!("{url}/api/jsonrpcserver");
    let details = json!({"id": 2, "last_name": name});
    let steps = json!([
        ["call", "editUser", [key, 1, details]],
        ["call", "getUserById", [key, 1, 2]],
    ]);
    let (status, printed, said) = finish(client.args([library, &url, &steps.to_string()]));
    assert_eq!(status, Some(0), "{library}: {said}");
    serde_json::from_str(&printed).unwrap()
}

const FRONT_DOOR: &str = "The front door of a whole site";

#[test]
fn the_front_door_has_at_most_nine_lines() {
    let lines = count(&block(FRONT_DOOR));
    assert!(lines <= 9, "{lines}");
}

#[test]
fn the_front_door_runs_as_it_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let nginx = FrontProxy::nginx("");
    fs::write(nginx.site().join("index.html"), "the site").unwrap();
    let (text, address) = (block(FRONT_DOOR), "http://127.0.0.1:8081");
    assert_eq!(text.matches(address).count(), 1, "{text}");
    let text = text.replace(address, &format!("http://{}", nginx.address));
    fs::write(directory.path().join("routes.toml"), text).unwrap();
    fs::create_dir(directory.path().join("secrets")).unwrap();
    fs::write(directory.path().join("secrets/app"), KEY).unwrap();
    let (status, shown, said) = finish(dragoman(directory.path()).arg("check"));
    assert_eq!(status, Some(0), "{shown}{said}");
    assert!(shown.contains("is handed on to 127.0."), "{shown}");
    fs::create_dir(nginx.site().join("api_request")).unwrap();
    fs::write(nginx.site().join("api_request/index.html"), "its page").unwrap();
    let served = Served::start(directory.path());
    assert_eq!(curl(&[&format!("{}/", served.url)]), "the site");
    assert_eq!(curl(&[&format!("{}/api_request/", served.url)]), "its page");
    let call = format!(
        "api_secret_key={KEY}&add=site_users&full_name=Ada&username=ada&email_address=a@b.example&password=engine-1"
    );
    let answer = curl(&["-d", &call, &format!("{}/api_request/", served.url)]);
    assert!(answer.starts_with(r#"{"success":true"#), "{answer}");
}

#[test]
fn the_sidecar_runs_as_it_is_written() {
    let set_up = SetUp::sidecar();
    set_up.check();
    let served = Served::start(set_up.path());
    let seen = rename(
        &mut python("json_rpc.py"),
        "jsonrpc-requests",
        &served.url,
        KEY,
        "King",
    );
    assert_eq!(seen[0], json!({"result": true}));
    assert_eq!(seen[1]["result"][0]["last_name"], "King", "{seen}");
    assert_eq!(set_up.mary()["lastname"], "King");
    let form = set_up.last_form();
    assert_eq!(form["edited_user_lastname"], "King");
    let seen = Value::from(set_up.upstream.requests()).to_string();
    assert!(!seen.contains(KEY), "the caller's key went on");
    let (status, _) = served.stop();
    assert_eq!(status.code(), Some(0));
    let files = fs::read_dir(set_up.path()).unwrap();
    let names: BTreeSet<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["routes.toml", "secrets"].map(Into::into).into());
}

#[test]
fn the_sidecar_is_the_file_that_is_deployed() {
    let deployed = fs::read_to_string(in_package("deploy/sidecar.toml")).unwrap();
    assert_eq!(block("keys.application.value_file"), deployed);
}

#[test]
fn the_sidecar_listens_on_a_unix_socket_if_it_is_told_to() {
    let set_up = SetUp::sidecar();
    let socket = set_up.path().join("dragoman.sock").display().to_string();
    let mut serve = dragoman(set_up.path());
    serve.env("DRAGOMAN__SERVER__LISTEN", format!("unix:{socket}"));
    let _served = Served::run(serve.arg("serve"));
    let body =
        json!({"id": 1, "method": "editUser", "params": [KEY, 1, {"id": 2, "last_name": "K"}]});
    let url = "http://localhost/api/jsonrpcserver";
    let answer = curl(&["--unix-socket", &socket, "-d", &body.to_string(), url]);
    assert_eq!(answer, r#"{"id":1,"result":true,"error":null}"#);
    assert_eq!(set_up.mary()["lastname"], "K");
}

#[test]
fn a_sidecar_at_work_stays_within_12_mib() {
    let set_up = SetUp::sidecar();
    let served = Served::run(command(&release_binary(), set_up.path()).arg("serve"));
    let mut wires: Vec<_> = (0..8).map(|_| Wire::open(&served.url)).collect();
    for number in 0..400 {
        let call = if number % 2 == 0 {
            json!(["editUser", [KEY, 1, {"id": 2, "last_name": format!("K{number}")}]])
        } else {
            json!(["searchUsers", [KEY, 1]])
        };
        let wire = &mut wires[number % 8];
        let answer = wire.vision6(&json!({"id": number, "method": call[0], "params": call[1]}));
        assert_eq!(answer["error"], Value::Null, "{answer}");
    }
    let kib = served.resident_kib();
    println!("a sidecar has {kib} KiB resident after 400 calls");
    assert!(kib <= 12 * 1024, "a sidecar has {kib} KiB resident");
}

#[test]
fn the_migration_runs_as_it_is_written_for_php_python_and_node_clients() {
    let set_up = SetUp::new(&block("on_loss = \"warn\""), "http://127.0.0.1:8085/");
    let (status, key, said) =
        finish(dragoman(set_up.path()).args(["keys", "create", "--name", "crm"]));
    assert_eq!(status, Some(0), "{said}");
    let key = key.trim();
    set_up.check();
    let served = Served::start(set_up.path());

    let libraries = [
        ("jayson-1.0", node("json_rpc.js"), "Node1"),
        ("json-rpc-2.0", node("json_rpc.js"), "Node2"),
        ("jsonrpclib-pelix-1.0", python("json_rpc.py"), "Python1"),
        ("tinyrpc", python("json_rpc.py"), "Python2"),
    ];
    for (library, mut client, name) in libraries {
        let seen = rename(&mut client, library, &served.url, key, name);
        assert_eq!(seen[0], json!({"result": true}), "{library}");
        assert_eq!(seen[1]["result"][0]["last_name"], name, "{library}: {seen}");
        assert_eq!(set_up.mary()["lastname"], name, "{library}");
    }

    let details = json!({"id": 2, "last_name": "O'Brien & co", "phone": "1"}).to_string();
    let mut client = php("vision6.php");
    let answer = run(client.args([&served.url, key, "editUser", "1", &details]));
    answer.assert(
        200,
        "application/json",
        r#"{"id":1,"result":true,"error":null}"#,
    );
    assert_eq!(
        set_up.last_form()["edited_user_lastname"],
        "O'Brien & co",
        "{:?}",
        set_up.last_form()
    );
    assert_eq!(set_up.mary()["lastname"], "O'Brien & co");

    let call = json!({"id": 1, "method": "editUser", "params": [key, 1, {"id": 2, "fax": "1"}]});
    let url = format!("{}/api/jsonrpcserver", served.url);
    let answer = curl(&["-i", "-d", &call.to_string(), &url]);
    assert!(answer.contains("x-dragoman-lost: fax\r\n"), "{answer}");
    assert!(answer.ends_with(r#""result":true,"error":null}"#));
}
