//! `dragoman explain`: for every `tests/golden/explain/CASE.http`, `CASE.txt` is what it prints and
//! `CASE.json` what it prints with `--json`, each after a line with the exit code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::bulk_fixture::{done, run};
use crate::golden::same_as_recorded;
use crate::upstream_script::{Reply, Script};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/explain")
}

/// A directory with the configuration of the cases and nothing else.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let config = fs::read_to_string(folder().join("routes.toml")).unwrap();
    fs::write(directory.path().join("routes.toml"), config).unwrap();
    directory
}

fn cases() -> Vec<PathBuf> {
    let files = fs::read_dir(folder()).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|it| it == "http"))
        .collect();
    cases.sort();
    cases
}

fn explain(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    run(directory, &[&["explain"], arguments].concat())
}

#[test]
fn every_case_is_explained_as_recorded() {
    let directory = directory();
    let cases = cases();
    assert!(cases.len() > 12, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for path in cases {
        let file = path.to_str().unwrap();
        for (extension, arguments) in [("txt", vec![file]), ("json", vec![file, "--json"])] {
            let (code, said, errors) = explain(directory.path(), &arguments);
            assert_eq!(errors, "", "{file}");
            let recorded = path.with_extension(extension);
            if !same_as_recorded(&recorded, &format!("exit {code}\n{said}")) {
                wrong.push(recorded.display().to_string());
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ; GOLDEN=write records them, git diff shows how:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let kept = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(kept, 1, "something was written");
}

/// Every secret of the configuration and of the cases has `canary` in it, or is a word of it.
#[test]
fn no_secret_of_the_request_or_of_the_configuration_is_printed() {
    let directory = directory();
    for path in cases() {
        let file = path.to_str().unwrap();
        for arguments in [vec![file], vec![file, "--json"]] {
            let (_, said, _) = explain(directory.path(), &arguments);
            let said = said.to_lowercase();
            assert!(!said.contains("canary"), "{file}: {said}");
            assert!(!said.contains("z2f0zxdhe"), "{file}: {said}");
        }
    }
}

#[test]
fn what_is_no_request_and_a_file_that_is_not_there_are_64() {
    let directory = directory();
    fs::write(directory.path().join("x"), "GET /canary\n").unwrap();
    for arguments in [&["x", "y"][..], &["missing"], &["routes.toml"], &[]] {
        let (code, said, errors) = explain(directory.path(), arguments);
        assert_eq!(code, 64, "{arguments:?}");
        assert!(said.is_empty() && !errors.is_empty(), "{arguments:?}");
        assert!(!errors.to_lowercase().contains("canary0"), "{errors}");
    }
}

/// Runs it with the request on standard input.
fn piped(directory: &Path, request: &str) -> Output {
    use std::io::Write;
    let mut child = Command::new(env!("CARGO_BIN_EXE_dragoman"))
        .args(["explain", "-", "--json"])
        .current_dir(directory)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(request.as_bytes()).unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

#[test]
fn a_key_of_the_store_is_named_and_nothing_is_written_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let key = done(directory.path(), &["keys", "create", "--name", "forum"]);
    let names = || {
        let files = fs::read_dir(directory.path().join("data")).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let request = |key: &str| {
        format!(
            "POST /api_request HTTP/1.1\nHost: a\nContent-Type: application/x-www-form-urlencoded\n\napi_secret_key={key}&remove=site_users&user=ada"
        )
    };
    let known = piped(directory.path(), &request(key.trim()));
    let said: serde_json::Value = serde_json::from_slice(&known.stdout).unwrap();
    assert_eq!(said["calls"][0]["principal"], "key:forum");
    assert_eq!(said["calls"][0]["scopes"][0], "user:delete");
    assert_eq!(said["calls"][0]["refusal"]["kind"], "permission_denied");
    assert_eq!(known.status.code(), Some(1));
    let unknown = piped(directory.path(), &request("another-key-0123456789"));
    let said: serde_json::Value = serde_json::from_slice(&unknown.stdout).unwrap();
    assert_eq!(said["calls"][0]["refusal"]["kind"], "unauthenticated");
    assert_eq!(names(), before);

    // A key that is not yet in the file itself, but in the log of who has it open.
    let _gateway = crate::bulk_fixture::open(directory.path());
    let key = done(directory.path(), &["keys", "create", "--name", "late"]);
    let known = piped(directory.path(), &request(key.trim()));
    let said: serde_json::Value = serde_json::from_slice(&known.stdout).unwrap();
    assert_eq!(said["calls"][0]["principal"], "key:late");
}

/// What is shown is what a gateway sends, but for the secrets.
#[tokio::test(flavor = "multi_thread")]
async fn the_request_that_is_shown_is_the_one_that_is_sent() {
    let script = Script::start(|_| Reply::Answer(200, r#"{"success":true}"#.to_owned()));
    let routes = format!(
        "[upstreams.back]\ndialect = 'grupo'\nurl = 'http://{}/'\nkey = 'gateways-key-0123456789'\n\
         [routes.front]\ndialect = 'vision6'\nuser = 'back'\non_loss = 'drop'\nallow_split = true\n\
         commands = {{ 'user.read' = 'store', 'user.list' = 'store', 'user.count' = 'store' }}\n",
        script.address
    );
    let front = crate::forward_fixture::Front::new(&routes);
    let parameters =
        r#"1,{"id":2,"first_name":"Zoë","last_name":"& co","password":"a-secret-password"}"#;
    let answered = front.call("editUser", parameters).await;
    assert!(answered.body.contains(r#""error":null"#), "{answered:?}");
    let asked = script.asked();
    let sent = &asked[0];

    let key = crate::forward_fixture::CALLERS_KEY;
    let directory = tempfile::tempdir().unwrap();
    let config = format!("[keys.crm]\nvalue = '{key}'\n{routes}");
    fs::write(directory.path().join("routes.toml"), config).unwrap();
    let body = format!(r#"{{"id":1,"method":"editUser","params":["{key}",{parameters}]}}"#);
    let request = format!("POST /api/jsonrpcserver HTTP/1.1\nHost: a\n\n{body}");
    let explained = piped(directory.path(), &request);
    assert_eq!(explained.status.code(), Some(0), "{explained:?}");
    let said: serde_json::Value = serde_json::from_slice(&explained.stdout).unwrap();
    let shown = said["calls"][0]["upstream"]["request"].as_str().unwrap();
    let masked = |text: &str| {
        text.replace("gateways-key-0123456789", "***")
            .replace("a-secret-password", "***")
    };
    assert_eq!(
        shown,
        masked(&format!("{}\r\n{}", sent.head, sent.body)),
        "what is shown is not what was sent"
    );
    assert_eq!(script.asked().len(), 1, "explaining sends nothing");
}
