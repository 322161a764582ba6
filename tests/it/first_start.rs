//! What a newcomer meets: one command, three lines to paste, and everything kept.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::{Served, command, curl, dragoman, finish, release_binary};

/// The lines of the file that a first start without a terminal writes.
fn curl_lines(directory: &std::path::Path) -> Vec<String> {
    let text = fs::read_to_string(directory.join("data/first-start.txt")).unwrap();
    text.lines()
        .filter(|line| line.trim_start().starts_with("curl "))
        .map(|line| line.trim().to_owned())
        .collect()
}

fn paste(line: &str) -> String {
    let (status, shown, errors) = finish(Command::new("bash").args(["-c", line]));
    assert_eq!(status, Some(0), "{line}: {errors}");
    shown
}

#[test]
fn the_printed_curl_line_of_each_dialect_works_and_a_restart_keeps_what_they_did() {
    let directory = tempfile::tempdir().unwrap();
    let served = Served::start(directory.path());
    let lines = curl_lines(directory.path());
    let answers: Vec<_> = lines.iter().map(|line| paste(line)).collect();
    assert!(answers[0].contains(r#"{"success":true}"#), "{answers:?}");
    assert!(
        answers[1].contains(r#""result":true,"error":null"#),
        "{answers:?}"
    );
    assert!(
        answers[2].contains(r#""code":"update_success""#),
        "{answers:?}"
    );

    let (status, _) = served.stop();
    assert_eq!(status.code(), Some(0));
    let again = Served::start(directory.path());
    let key = lines[0]
        .split("api_secret_key=")
        .nth(1)
        .unwrap()
        .split(['\'', ' '])
        .next()
        .unwrap();
    let body = format!(r#"{{"id":1,"method":"getUserById","params":["{key}",1,2]}}"#);
    let kept = curl(&["-d", &body, &format!("{}/api/jsonrpcserver", again.url)]);
    assert!(kept.contains(r#""username":"ada""#), "{kept}");
}

#[test]
fn the_printed_curl_line_works_where_only_its_own_dialect_is_spoken() {
    for (dialect, success) in [
        ("vision6", r#""result":true,"error":null"#),
        ("b2evolution", r#""code":"update_success""#),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let route = format!("[routes.only]\ndialect = \"{dialect}\"\n");
        fs::write(directory.path().join("routes.toml"), route).unwrap();
        let _served = Served::start(directory.path());
        let lines = curl_lines(directory.path());
        assert_eq!(lines.len(), 1, "{lines:?}");
        let answer = paste(&lines[0]);
        assert!(answer.contains(success), "{answer}");
    }
}

#[test]
fn secrets_of_the_first_start_are_for_the_owner_only_and_not_in_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let served = Served::start(directory.path());
    let file = directory.path().join("data/first-start.txt");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let lines = curl_lines(directory.path());
    let key = lines[0]
        .split("api_secret_key=")
        .nth(1)
        .unwrap()
        .split(['\'', ' '])
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(key.len(), 64);
    paste(&lines[0]);
    let (_, log) = served.stop();
    assert!(log.contains("first-start.txt"), "{log}");
    assert!(!log.contains(&key), "the key is in the log");
    assert!(
        !log.contains("ada@example.com"),
        "an e-mail address is in the log"
    );
}

#[test]
fn a_second_start_makes_no_second_key() {
    let directory = tempfile::tempdir().unwrap();
    Served::start(directory.path()).stop();
    fs::remove_file(directory.path().join("data/first-start.txt")).unwrap();
    Served::start(directory.path()).stop();
    assert!(!directory.path().join("data/first-start.txt").exists());
    let (_, keys, _) = finish(dragoman(directory.path()).args(["keys", "list", "--json"]));
    assert_eq!(keys.matches("\"name\"").count(), 1, "{keys}");
}

#[test]
fn every_call_leaves_one_line_that_names_caller_command_and_outcome() {
    let directory = tempfile::tempdir().unwrap();
    let served = Served::start(directory.path());
    let lines = curl_lines(directory.path());
    paste(&lines[0]);
    let refused = paste(&lines[0]);
    assert!(refused.contains("username_exists"), "{refused}");
    let (_, log) = served.stop();
    let calls: Vec<_> = log
        .lines()
        .filter(|line| line.contains("call.action"))
        .collect();
    assert_eq!(calls.len(), 2, "{log}");
    assert!(
        calls
            .iter()
            .all(|line| line.contains(r#""call.action":"user.create""#)),
        "{calls:?}"
    );
    assert!(
        calls
            .iter()
            .all(|line| line.contains(r#""call.dialect":"grupo""#)),
        "{calls:?}"
    );
    assert!(
        calls
            .iter()
            .all(|line| line.contains(r#""call.caller":"key:"#)),
        "{calls:?}"
    );
    assert!(
        calls[1].contains(r#""error.kind":"username_taken""#),
        "{calls:?}"
    );
}

#[test]
fn a_revoked_key_stops_working_within_a_second() {
    let directory = tempfile::tempdir().unwrap();
    let served = Served::start(directory.path());
    let (status, key, _) =
        finish(dragoman(directory.path()).args(["keys", "create", "--name", "short-lived"]));
    assert_eq!(status, Some(0));
    let key = key.trim();
    let body = format!(r#"{{"id":1,"method":"countUsers","params":["{key}",1]}}"#);
    let url = format!("{}/api/jsonrpcserver", served.url);
    let ask = || curl(&["-d", &body, &url]);
    let until = |wanted: &str| {
        let begin = Instant::now();
        while !ask().contains(wanted) {
            assert!(
                begin.elapsed() < Duration::from_secs(1),
                "still no {wanted} after a second"
            );
        }
    };
    until(r#""result":1"#);
    let (status, _, errors) =
        finish(dragoman(directory.path()).args(["keys", "revoke", "short-lived"]));
    assert_eq!(status, Some(0), "{errors}");
    until(r#""code":300"#);
}

#[test]
fn the_release_binary_is_small_and_an_idle_gateway_is_too() {
    let binary = release_binary();
    let size = fs::metadata(&binary).unwrap().len();
    assert!(size <= 15 << 20, "the binary has {size} bytes");

    let directory = tempfile::tempdir().unwrap();
    Served::run(command(&binary, directory.path()).arg("serve")).stop();
    let served = Served::run(command(&binary, directory.path()).arg("serve"));
    assert!(curl(&[&format!("{}/api_request/", served.url)]).contains("invalid_api_secret_key"));
    let kib = served.resident_kib();
    assert!(kib <= 15 * 1024, "an idle gateway has {kib} KiB resident");
    println!("release binary {size} bytes, idle {kib} KiB resident");
}
