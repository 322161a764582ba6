//! `dragoman keys`, as a shell sees it.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

fn keys(directory: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dragoman"))
        .arg("keys")
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who does not read its input may be gone before it is written.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// That it is a key as published Vision6 clients take it, and nothing else.
fn assert_form(key: &str) {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    assert!(key.len() == 64 && key.bytes().all(is_letter), "{key}");
    assert!(key.starts_with("drg"), "{key}");
}

fn done(directory: &Path, arguments: &[&str]) -> String {
    let output = keys(directory, arguments, "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn refused(directory: &Path, arguments: &[&str], input: &str) -> (i32, String) {
    let output = keys(directory, arguments, input);
    assert!(output.stdout.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

fn listed(directory: &Path) -> serde_json::Value {
    serde_json::from_str(&done(directory, &["list", "--json"])).unwrap()
}

/// The states of the keys, in the order of the list.
fn states(directory: &Path) -> Vec<String> {
    let listed = listed(directory);
    let keys = listed.as_array().unwrap().iter();
    keys.map(|key| key["state"].as_str().unwrap().to_owned())
        .collect()
}

fn empty() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_new_key_is_alone_on_standard_output_and_nowhere_on_the_disk() {
    let directory = empty();
    let made = keys(directory.path(), &["create", "--name", "crm"], "");
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let key = std::str::from_utf8(&made.stdout)
        .unwrap()
        .strip_suffix('\n')
        .unwrap();
    assert_form(key);
    assert!(!String::from_utf8(made.stderr).unwrap().contains(key));
    for file in std::fs::read_dir(directory.path().join("data")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(
            !bytes
                .windows(key.len())
                .any(|window| window == key.as_bytes())
        );
    }
    let pepper = std::fs::metadata(directory.path().join("data/pepper")).unwrap();
    assert_eq!(pepper.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_key_is_listed_with_what_it_may_do() {
    let directory = empty();
    let create = [
        "create",
        "--name",
        "report",
        "--scope",
        "user:read",
        "--account",
        "7",
        "--route",
        "grupo",
        "--expires",
        "90d",
    ];
    let key = done(directory.path(), &create);
    done(directory.path(), &["create", "--name", "crm"]);
    let json = listed(directory.path());
    assert_eq!(json.as_array().unwrap().len(), 2);
    let report = &json[1];
    assert_eq!(report["name"], "report");
    assert!(key.trim().ends_with(report["hint"].as_str().unwrap()));
    assert_eq!(report["hint"].as_str().unwrap().len(), 4);
    assert_eq!(report["scopes"], serde_json::json!(["user:read"]));
    assert_eq!(report["accounts"], serde_json::json!([7]));
    assert_eq!(report["routes"], serde_json::json!(["grupo"]));
    assert_eq!(report["state"], "live");
    assert_eq!(report["notes"], serde_json::json!(["unused"]));
    assert_eq!(report["last_used_at"], serde_json::Value::Null);
    assert!(report["created_at"].is_string() && report["expires_at"].is_string());

    let table = done(directory.path(), &["list"]);
    let lines: Vec<_> = table.lines().collect();
    let cells = |line: usize| lines[line].split_whitespace().collect::<Vec<_>>();
    let head = [
        "NAME", "HINT", "STATE", "NOTES", "CREATED", "USED", "EXPIRES", "ACCOUNTS", "ROUTES",
        "SCOPES",
    ];
    assert_eq!(cells(0), head);
    let [
        name,
        _,
        state,
        notes,
        _,
        used,
        expires,
        accounts,
        routes,
        scopes,
    ] = cells(1)[..]
    else {
        panic!("{table}");
    };
    assert_eq!(
        [name, state, notes, used],
        ["crm", "live", "unused", "never"]
    );
    assert_eq!([expires, accounts, routes], ["-", "any", "any"]);
    assert!(scopes.starts_with("group:read,group:write"));
    assert_eq!(cells(2)[6], report["expires_at"].as_str().unwrap());
    assert_eq!(cells(2)[7..], ["7", "grupo", "user:read"]);
}

#[test]
fn a_revoked_key_stays_in_the_list_and_frees_its_name() {
    let directory = empty();
    done(directory.path(), &["create", "--name", "crm"]);
    let (code, said) = refused(directory.path(), &["create", "--name", "crm"], "");
    assert_eq!((code, said.contains("is taken")), (1, true), "{said}");
    done(directory.path(), &["revoke", "crm"]);
    assert_eq!(listed(directory.path())[0]["state"], "revoked");
    let (code, said) = refused(directory.path(), &["revoke", "crm"], "");
    assert_eq!(
        (code, said.contains("no live key is called crm")),
        (1, true),
        "{said}"
    );
    done(directory.path(), &["create", "--name", "crm"]);
    assert_eq!(listed(directory.path()).as_array().unwrap().len(), 2);
}

#[test]
fn an_imported_key_is_what_was_sent_without_one_newline() {
    let directory = empty();
    let import = |name: &str, key: &str| keys(directory.path(), &["import", "--name", name], key);
    let imported = import("legacy", "legacy-key-0123456789\n");
    assert_eq!(imported.status.code(), Some(0), "{imported:?}");
    assert!(imported.stdout.is_empty());
    assert_eq!(listed(directory.path())[0]["hint"], "6789");
    let again = refused(
        directory.path(),
        &["import", "--name", "again"],
        "legacy-key-0123456789",
    );
    assert!(
        again.0 == 1 && again.1.contains("registered already"),
        "{again:?}"
    );
}

#[test]
fn a_key_that_is_short_or_has_blanks_is_not_imported() {
    let directory = empty();
    for key in [
        "",
        "short",
        "0123456789abcde\n",
        "0123456789abcdef\n\n",
        "0123456789 abcdef",
    ] {
        let (code, said) = refused(directory.path(), &["import", "--name", "legacy"], key);
        assert_eq!(code, 64, "{said}");
        assert!(said.starts_with("the key "), "{said}");
    }
    assert!(!directory.path().join("data").exists());
}

#[test]
fn a_key_of_the_configuration_is_listed_and_keeps_its_name() {
    let directory = empty();
    let routes = "[keys.crm]\nvalue = 'the-key-the-client-already-has'";
    std::fs::write(directory.path().join("routes.toml"), routes).unwrap();
    let json = listed(directory.path());
    assert_eq!(
        (&json[0]["name"], &json[0]["state"]),
        (&"crm".into(), &"static".into())
    );
    for arguments in [
        &["create", "--name", "crm"][..],
        &["revoke", "crm"],
        &["rotate", "crm"],
    ] {
        let (code, said) = refused(directory.path(), arguments, "");
        assert!(code == 1 && said.contains("routes.toml"), "{said}");
    }
}

#[test]
fn looking_makes_no_store() {
    let directory = empty();
    assert_eq!(listed(directory.path()), serde_json::json!([]));
    assert_eq!(refused(directory.path(), &["revoke", "crm"], "").0, 1);
    assert_eq!(refused(directory.path(), &["rotate", "crm"], "").0, 1);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn an_expiry_in_the_past_is_refused() {
    let directory = empty();
    let arguments = [
        "create",
        "--name",
        "crm",
        "--expires",
        "2001-01-01T00:00:00Z",
    ];
    let (code, said) = refused(directory.path(), &arguments, "");
    assert!(code == 64 && said.contains("--expires"), "{said}");
}

#[test]
fn another_store_is_another_pepper() {
    let directory = empty();
    let create = ["create", "--name", "crm", "--store", "sqlite:other/keys.db"];
    done(directory.path(), &create);
    assert!(directory.path().join("other/pepper").exists());
    assert_eq!(listed(directory.path()), serde_json::json!([]));
    let list = ["list", "--json", "--store", "sqlite:other/keys.db"];
    assert!(done(directory.path(), &list).contains("\"crm\""));
}

#[test]
fn a_lost_pepper_is_not_replaced() {
    let directory = empty();
    done(directory.path(), &["create", "--name", "crm"]);
    std::fs::remove_file(directory.path().join("data/pepper")).unwrap();
    let (code, said) = refused(directory.path(), &["create", "--name", "shop"], "");
    assert!(code == 1 && said.contains("is lost"), "{said}");
    assert!(!directory.path().join("data/pepper").exists());
}

#[test]
fn a_rotated_key_has_a_new_secret_alone_on_standard_output_and_keeps_everything_else() {
    let directory = empty();
    let create = [
        "create",
        "--name",
        "crm",
        "--scope",
        "user:read",
        "--account",
        "7",
        "--route",
        "vision6",
        "--expires",
        "365d",
    ];
    let old = done(directory.path(), &create);
    let rotated = keys(directory.path(), &["rotate", "crm", "--overlap", "7d"], "");
    assert_eq!(rotated.status.code(), Some(0), "{rotated:?}");
    let new = String::from_utf8(rotated.stdout).unwrap();
    assert_form(new.trim_end_matches('\n'));
    assert_ne!(new, old);
    let said = String::from_utf8(rotated.stderr).unwrap();
    assert!(!said.contains(new.trim()), "{said}");

    assert_eq!(states(directory.path()), ["replaced", "live"]);
    let json = listed(directory.path());
    assert!(old.trim().ends_with(json[0]["hint"].as_str().unwrap()));
    assert!(new.trim().ends_with(json[1]["hint"].as_str().unwrap()));
    for kept in ["name", "scopes", "accounts", "routes"] {
        assert_eq!(json[0][kept], json[1][kept], "{kept}");
    }
    let end = json[0]["expires_at"].as_str().unwrap();
    assert!(said.contains(&format!("works until {end}")), "{said}");
    assert!(end < json[1]["expires_at"].as_str().unwrap());
}

#[test]
fn a_key_is_not_rotated_twice_during_an_overlap_unless_every_older_secret_is_to_end() {
    let directory = empty();
    done(directory.path(), &["create", "--name", "crm"]);
    done(directory.path(), &["rotate", "crm"]);
    let (code, said) = refused(directory.path(), &["rotate", "crm"], "");
    let remedy = said.contains("has two secrets until 2") && said.contains("--overlap 0s");
    assert!(code == 1 && remedy, "{said}");
    assert_eq!(states(directory.path()), ["replaced", "live"]);
    let ended = keys(directory.path(), &["rotate", "crm", "--overlap", "0s"], "");
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("works no more"), "{said}");
    assert_eq!(states(directory.path()), ["revoked", "revoked", "live"]);
}

#[test]
fn revoking_a_key_ends_both_secrets_of_an_overlap() {
    let directory = empty();
    done(directory.path(), &["create", "--name", "crm"]);
    done(directory.path(), &["rotate", "crm"]);
    done(directory.path(), &["revoke", "crm"]);
    assert_eq!(states(directory.path()), ["revoked", "revoked"]);
}

#[test]
fn an_expired_key_is_rotated_only_with_a_new_expiry() {
    let directory = empty();
    done(
        directory.path(),
        &["create", "--name", "crm", "--expires", "1s"],
    );
    while states(directory.path()) != ["expired"] {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let (code, said) = refused(directory.path(), &["rotate", "crm"], "");
    let remedy = said.contains("expired 2") && said.contains("--expires");
    assert!(code == 1 && remedy, "{said}");
    done(directory.path(), &["rotate", "crm", "--expires", "90d"]);
    assert_eq!(states(directory.path()), ["expired", "live"]);
    assert_eq!(
        listed(directory.path())[1]["notes"],
        serde_json::json!(["unused"])
    );
}

#[test]
fn a_rotation_that_says_no_duration_or_no_known_name_does_nothing() {
    let directory = empty();
    done(directory.path(), &["create", "--name", "crm"]);
    for overlap in ["-1d", "soon", "2030-01-31T00:00:00Z"] {
        let flag = format!("--overlap={overlap}");
        assert_eq!(
            refused(directory.path(), &["rotate", "crm", &flag], "").0,
            64
        );
    }
    let (code, said) = refused(directory.path(), &["rotate", "shop"], "");
    assert!(
        code == 1 && said.contains("no live key is called shop"),
        "{said}"
    );
    assert_eq!(states(directory.path()), ["live"]);
}

#[test]
fn a_key_for_a_route_that_is_not_there_is_refused_with_what_was_meant() {
    let directory = empty();
    let create = ["create", "--name", "crm", "--route", "grup"];
    let (code, said) = refused(directory.path(), &create, "");
    assert_eq!(code, 64);
    let wanted = "--route: unknown route \"grup\" (known: b2evolution, grupo, vision6); did you mean `grupo`?";
    assert_eq!(said.trim(), wanted);
    assert!(!directory.path().join("data").exists());
}
