//! `dragoman crosswalk`, in a store and by the control socket of a gateway without one.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::forward_fixture::{CALLERS_KEY, php_at};
use crate::php_upstream::PhpUpstream;
use crate::process::{Served, curl, dragoman, finish};

const PAIRS: &str = "upstream,dialect,id,upstream_id\nback,vision6,4217,2\n";

/// A directory with a configuration: Vision6 callers in front of a b2evolution.
fn configured(upstream: &PhpUpstream, more: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let at = php_at("b2evolution", upstream);
    let config = format!(
        "[admin]\ncontrol = 'control.sock'\n[keys.crm]\nvalue = '{CALLERS_KEY}'\n\
         [upstreams.back]\n{at}own_ids = ['vision6']\n\
         [routes.front]\ndialect = 'vision6'\nuser = 'back'\n\
         [routes.chat]\ndialect = 'grupo'\nuser = 'back'\ngroup = 'back'\n{more}"
    );
    fs::write(directory.path().join("routes.toml"), config).unwrap();
    fs::write(directory.path().join("pairs.csv"), PAIRS).unwrap();
    directory
}

const STORE: &str = "[store]\nurl = 'sqlite:data/dragoman.db'\n";

fn crosswalk(directory: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    finish(dragoman(directory).arg("crosswalk").args(arguments))
}

fn done(directory: &Path, arguments: &[&str]) -> String {
    let (code, said, remarks) = crosswalk(directory, arguments);
    assert_eq!(code, Some(0), "{said}{remarks}");
    said
}

fn lines(directory: &Path) -> Vec<Value> {
    let listed = done(directory, &["list", "--json"]);
    listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn read_user(served: &Served, id: &str) -> Value {
    let body =
        format!(r#"{{"id":1,"method":"getUserById","params":["{CALLERS_KEY}",123456,{id}]}}"#);
    let url = format!("{}/api/jsonrpcserver", served.url);
    serde_json::from_str(&curl(&[&url, "-d", &body])).unwrap()
}

fn rename(served: &Served) -> String {
    let url = format!("{}/api_request/", served.url);
    let form = format!("api_secret_key={CALLERS_KEY}&update=site_users&user=mary&full_name=May+M");
    curl(&[&url, "-d", &form])
}

/// What the command line does is the same with a store and without one.
fn imports_lists_and_forgets(more: &str) {
    let upstream = PhpUpstream::start("b2evolution");
    let directory = configured(&upstream, more);
    let directory = directory.path();
    let served = Served::start(directory);
    assert_eq!(read_user(&served, "4217")["result"], Value::Null);
    done(directory, &["import", "pairs.csv"]);
    let patience = Instant::now() + Duration::from_secs(1);
    while read_user(&served, "4217")["result"] == Value::Null {
        assert!(Instant::now() < patience, "the gateway does not notice");
    }
    assert_eq!(read_user(&served, "4217")["result"][0]["username"], "mary");
    assert_eq!(rename(&served), r#"{"success":true}"#);
    let listed = lines(directory);
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!(listed[0]["kind"], "imported");
    assert_eq!(
        (&listed[0]["id"], &listed[0]["upstream_id"]),
        (&4217.into(), &2.into())
    );
    assert_eq!(
        (&listed[1]["name"], &listed[1]["upstream_id"]),
        (&"mary".into(), &2.into())
    );
    let table = done(directory, &["list"]);
    assert!(
        table.starts_with("UPSTREAM  KIND        CALLED  BY"),
        "{table}"
    );
    assert!(
        table.contains("back      imported    4217    callers of vision6  2"),
        "{table}"
    );

    done(directory, &["forget", "back", "--name", "Mary"]);
    assert_eq!(lines(directory).len(), 1);
    let (code, _, said) = crosswalk(directory, &["forget", "back", "--remembered"]);
    assert_eq!(code, Some(1), "{said}");
    fs::write(directory.join("other.csv"), PAIRS.replace("4217", "5")).unwrap();
    let (code, _, said) = crosswalk(directory, &["import", "other.csv"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("2 of back for vision6 5 contradicts"),
        "{said}"
    );
    fs::write(
        directory.join("other.csv"),
        PAIRS.replace("vision6", "grupo"),
    )
    .unwrap();
    let (code, _, said) = crosswalk(directory, &["import", "other.csv"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("upstreams.back.own_ids does not name grupo"),
        "{said}"
    );
    done(
        directory,
        &["forget", "back", "--dialect", "vision6", "--id", "4217"],
    );
    assert_eq!(lines(directory), [Value::Null; 0]);
    let patience = Instant::now() + Duration::from_secs(1);
    while read_user(&served, "4217")["result"] != Value::Null {
        assert!(Instant::now() < patience, "the gateway does not notice");
    }
    let (status, log) = served.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn with_a_store_a_running_gateway_follows_within_a_second() {
    imports_lists_and_forgets(STORE);
}

#[test]
fn without_a_store_a_running_gateway_is_asked_by_its_control_socket() {
    imports_lists_and_forgets("");
}

#[test]
fn imports_and_what_was_forgotten_are_in_the_audit_trail_and_kept_over_a_restart() {
    let upstream = PhpUpstream::start("b2evolution");
    let directory = configured(&upstream, STORE);
    let directory = directory.path();
    done(directory, &["import", "pairs.csv"]);
    done(directory, &["import", "pairs.csv"]);
    let served = Served::start(directory);
    assert_eq!(read_user(&served, "4217")["result"][0]["id"], 4217);
    served.stop();
    done(directory, &["forget", "back", "--all"]);
    let (code, trail, _) = finish(dragoman(directory).args(["audit", "list", "--json"]));
    assert_eq!(code, Some(0));
    let count = |what: &str| trail.matches(what).count();
    assert_eq!(
        (count("crosswalk.import"), count("crosswalk.forget")),
        (1, 1),
        "{trail}"
    );
    let (code, _, said) = finish(dragoman(directory).args(["audit", "verify"]));
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn the_ids_elsewhere_of_the_stores_users_are_pairs() {
    let upstream = PhpUpstream::start("b2evolution");
    let directory = configured(&upstream, STORE);
    let directory = directory.path();
    let users = "username,id.vision6,id.b2evolution\nmary,4217,2\nada,4218,\nbob,,9\n";
    fs::write(directory.join("users.csv"), users).unwrap();
    let (code, said, errors) = finish(dragoman(directory).args(["users", "import", "users.csv"]));
    assert_eq!(code, Some(0), "{said}{errors}");
    done(directory, &["import", "--users", "back"]);
    let listed = lines(directory);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(
        (&listed[0]["id"], &listed[0]["upstream_id"]),
        (&4217.into(), &2.into())
    );
    let (code, _, said) = crosswalk(directory, &["import", "--users", "front"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("there is no upstreams.front"), "{said}");
}

#[test]
fn the_control_socket_is_for_its_user_and_ends_with_the_gateway() {
    let upstream = PhpUpstream::start("b2evolution");
    let directory = configured(&upstream, "");
    let socket = directory.path().join("control.sock");
    let (code, _, said) = crosswalk(directory.path(), &["list"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("no gateway answers at"), "{said}");
    let mut served = Served::start(directory.path());
    let file = fs::symlink_metadata(&socket).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let path = socket.to_str().unwrap();
    assert_eq!(
        curl(&["--unix-socket", path, "http://localhost/crosswalk"]),
        "[]"
    );
    let other = curl(&["--unix-socket", path, "http://localhost/secrets"]);
    assert!(other.contains("knows nothing of that"), "{other}");
    let garbage = curl(&[
        "--unix-socket",
        path,
        "http://localhost/crosswalk/import",
        "-d",
        "{",
    ]);
    assert!(garbage.contains("no such JSON"), "{garbage}");

    // A second gateway leaves it alone.
    let (code, _, said) = finish(dragoman(directory.path()).arg("serve"));
    assert_eq!(code, Some(1));
    assert!(said.contains("another gateway answers at"), "{said}");
    assert_eq!(done(directory.path(), &["list", "--json"]), "");

    // One that was killed leaves it behind, and the next replaces it.
    served.signal("KILL");
    served.wait(Duration::from_secs(5));
    assert!(socket.exists());
    let served = Served::start(directory.path());
    assert_eq!(done(directory.path(), &["list", "--json"]), "");
    served.stop();
    assert!(!socket.exists());
}

#[test]
fn without_a_store_and_a_socket_the_configuration_is_at_fault() {
    let upstream = PhpUpstream::start("b2evolution");
    let directory = configured(&upstream, "");
    let file = directory.path().join("routes.toml");
    let config = fs::read_to_string(&file).unwrap();
    fs::write(&file, config.replace("control = 'control.sock'", "")).unwrap();
    let (code, _, said) = crosswalk(directory.path(), &["list"]);
    assert_eq!(code, Some(64));
    assert!(said.contains("admin.control"), "{said}");
}
