//! JSON-RPC libraries that nobody here wrote, as their own documentation uses them: what each hands
//! to its application when it calls the Vision6 dialect.

use std::process::Command;

use serde_json::{Value, json};

use crate::clients::{Gateway, in_package, python};
use crate::process::finish;

/// A library, in one of its modes.
#[derive(Clone, Copy, Debug)]
struct Library {
    name: &'static str,
    runs_on: Runtime,
    version: Version,
    has_batches: bool,
}

#[derive(Clone, Copy, Debug)]
enum Runtime {
    Node,
    Python,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Version {
    One,
    Two,
}

const fn library(name: &'static str, runs_on: Runtime, version: Version) -> Library {
    Library {
        name,
        runs_on,
        version,
        has_batches: true,
    }
}

const LIBRARIES: [Library; 9] = [
    library("jayson-2.0", Runtime::Node, Version::Two),
    Library {
        has_batches: false,
        ..library("jayson-1.0", Runtime::Node, Version::One)
    },
    library("json-rpc-2.0", Runtime::Node, Version::Two),
    library("jsonrpcclient", Runtime::Python, Version::Two),
    Library {
        has_batches: false,
        ..library("jsonrpc-requests", Runtime::Python, Version::Two)
    },
    library("jsonrpclib-pelix-1.0", Runtime::Python, Version::One),
    library("jsonrpclib-pelix-2.0", Runtime::Python, Version::Two),
    library("tinyrpc", Runtime::Python, Version::Two),
    library("pjrpc", Runtime::Python, Version::Two),
];

#[test]
fn every_json_rpc_library_reads_results_errors_batches_and_notifications_as_they_are_meant() {
    let gateway = Gateway::start();
    gateway.add_user("taken");
    for library in LIBRARIES {
        let id = gateway.add_user(&format!("ana-{}", library.name));
        check(&gateway, library, id);
    }
}

fn check(gateway: &Gateway, library: Library, id: i64) {
    let key = gateway.key.as_str();
    let edit = |details: Value| json!(["editUser", [key, 1, details]]);
    let read = json!(["getUserById", [key, 1, id]]);
    let count = json!(["countUsers", [key, 1, [["id", "exactly", id]]]]);
    let take = edit(json!({"id": id, "username": "taken"}));
    let nobody = edit(json!({"id": 999_999, "fax": "1"}));
    let steps = [
        step(
            "call",
            edit(json!({"id": id, "first_name": "Zoë", "last_name": "O'Brien"})),
        ),
        step("call", count.clone()),
        step("call", take.clone()),
        step("call", json!(["noSuchMethod", [key]])),
        step("notify", edit(json!({"id": id, "position": "told"}))),
        step("call", read),
        step("call", json!(["getTimezoneList", ["wrong"]])),
    ];
    let mut steps: Vec<Value> = steps.into();
    if library.has_batches {
        steps.push(json!(["batch", count, nobody, take]));
    }
    let seen = run(gateway, library, &Value::from(steps));

    let taken = "Username unavailable";
    let unknown = match library.version {
        Version::One => 104,
        Version::Two => -32601,
    };
    assert_eq!(seen[0], json!({"result": true}), "{library:?}");
    assert_eq!(seen[1], json!({"result": 1}), "{library:?}");
    assert_error(library, &seen[2], 322, taken);
    assert_error(library, &seen[3], unknown, "Method Not Found");
    assert_eq!(seen[4], json!({"notified": true}), "{library:?}");
    let user = &seen[5]["result"][0];
    let kept = [&user["first_name"], &user["last_name"], &user["position"]];
    assert_eq!(kept, ["Zoë", "O'Brien", "told"], "{library:?}: {seen}");
    assert_error(library, &seen[6], 300, "Authorisation Failed");
    if library.has_batches {
        let batch = &seen[7];
        assert_eq!(batch[0], json!({"result": 1}), "{library:?}");
        assert_error(library, &batch[1], 331, "Unable to load Account User");
        assert_error(library, &batch[2], 322, taken);
        assert_eq!(batch.as_array().map(Vec::len), Some(3), "{library:?}");
    }
}

fn step(verb: &str, call: Value) -> Value {
    let Value::Array(mut call) = call else {
        panic!("a call is a list");
    };
    call.insert(0, verb.into());
    call.into()
}

fn assert_error(library: Library, outcome: &Value, code: i64, message: &str) {
    let error = &outcome["error"];
    assert_eq!(error["code"], code, "{library:?}: {outcome}");
    let said = error["message"].as_str().unwrap_or_default();
    assert!(said.contains(message), "{library:?}: {outcome}");
}

fn run(gateway: &Gateway, library: Library, steps: &Value) -> Value {
    let mut command = match library.runs_on {
        Runtime::Node => node("json_rpc.js"),
        Runtime::Python => python("json_rpc.py"),
    };
    let url = format!("{}/api/jsonrpcserver", gateway.served.url);
    let (status, printed, errors) = finish(command.args([library.name, &url, &steps.to_string()]));
    assert_eq!(status, Some(0), "{library:?}: {errors}");
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{library:?}: {error}\n{printed}"))
}

/// Node with the modules that `tests/run` installs.
pub(crate) fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command
        .env("NODE_PATH", in_package("target/clients/node/node_modules"))
        .arg(in_package("tests/clients").join(script));
    command
}
