//! A panic is one line of the log, and does not tell what a caller sent.

use std::process::{Command, Stdio};
use std::thread;

use dragoman::telemetry::{self, Format};
use serde_json::Value;

const SECRET: &str = "canaryInAPanic7f3a9c";

/// Panics in the three ways there are: with a text of the program, with one that was put together,
/// and with no text at all.
#[test]
#[ignore = "it is run by the test below, in a process of its own: the log and the hook are global"]
fn panics_that_are_logged() {
    let _log = telemetry::start(Format::Json, "info").unwrap();
    let panics: [fn(); 3] = [
        || panic!("a text of the program"),
        || panic!("the key is {}", std::hint::black_box(SECRET)),
        || std::panic::panic_any(SECRET.to_owned()),
    ];
    for panic in panics {
        let named = thread::Builder::new().name("worker".to_owned());
        assert!(named.spawn(panic).unwrap().join().is_err());
    }
}

#[test]
fn a_panic_is_one_line_of_the_log_without_what_a_caller_sent() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "panics::panics_that_are_logged", "--ignored"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let log = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    assert_eq!(lines.len(), 3, "{log}");
    for line in &lines {
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["message"], "panicked");
        assert_eq!(line["panic.thread"], "worker");
        let at = line["panic.at"].as_str().unwrap();
        assert!(at.starts_with("tests/it/panics.rs:"), "{at}");
    }
    assert_eq!(lines[0]["panic.message"], "a text of the program");
    assert!(!log.contains(SECRET), "{log}");
    assert!(!String::from_utf8(output.stdout).unwrap().contains(SECRET));
}
