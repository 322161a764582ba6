//! The first week with a front door, as the README has it: observe, report, translate, bypass.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clients::in_package;
use crate::live_site::site;
use crate::process::{Served, curl, dragoman, finish};
use crate::readme_setups::{block, count};

const FIRST_WEEK: &str = "The front door in its first week";

/// The keys of the site's callers: one is in the configuration, the other in nobody's.
const KEY: &str = "applicationkey0applicationkey1applicationkey2applicationkey3abcd";
const LEGACY_KEY: &str = "callers-key-0123456789abcdefghijklmnopqr";

/// The commands of the README, without what they are for.
fn commands() -> Vec<String> {
    let readme = fs::read_to_string(in_package("README.md")).unwrap();
    let (_, section) = readme.split_once("\n### The first week\n").unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    let (block, _) = block.split_once("```\n").unwrap();
    let lines = block
        .lines()
        .map(|line| line.split(" #").next().unwrap().trim());
    lines.map(str::to_owned).collect()
}

#[test]
fn the_front_door_of_the_first_week_has_at_most_nine_lines() {
    let lines = count(&block(FIRST_WEEK));
    assert!(lines <= 9, "{lines}");
}

#[test]
fn what_a_report_looks_like_is_what_it_looks_like() {
    let recorded = fs::read_to_string(in_package("tests/golden/report/callers.txt")).unwrap();
    let entry = recorded
        .split("\n\n")
        .find(|entry| entry.starts_with("key:app"))
        .unwrap();
    let readme = fs::read_to_string(in_package("README.md")).unwrap();
    assert!(
        readme.contains(&format!("```text\n{entry}\n```\n")),
        "{entry}"
    );
}

#[test]
fn the_first_week_goes_as_it_is_written() {
    let site = site();
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let (text, address) = (block(FIRST_WEEK), "http://127.0.0.1:8081");
    assert_eq!(text.matches(address).count(), 1, "{text}");
    let text = text.replace(address, &format!("http://{}", site.address()));
    fs::write(at.join("routes.toml"), text).unwrap();
    fs::create_dir(at.join("secrets")).unwrap();
    fs::write(at.join("secrets/app"), KEY).unwrap();
    fs::write(at.join("legacy-key.txt"), LEGACY_KEY).unwrap();
    let (status, shown, said) = finish(dragoman(at).arg("check"));
    assert_eq!(status, Some(0), "{shown}{said}");
    assert!(
        shown.contains("all of it goes to site, and is looked at (observe)"),
        "{shown}"
    );

    let served = Served::start(at);
    let url = format!("{}/api_request/", served.url);
    let add = format!(
        "api_secret_key={LEGACY_KEY}&add=site_users&full_name=Ada&username=ada&email_address=a@b.example&password=engine-1"
    );
    let from_site = curl(&["-d", &add, &url]);
    assert!(
        from_site.contains(r#""success":true,"site":true"#),
        "{from_site}"
    );
    let page = curl(&["-d", "load=x", &url]);

    let run = |line: &str| {
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_dragoman"));
        let line = format!("PATH={}:$PATH\n{line}", binary.parent().unwrap().display());
        let mut shell = Command::new("sh");
        let command = shell.args(["-e", "-c", &line]).current_dir(at);
        let (status, said, remarks) = finish(command);
        assert_eq!(status, Some(0), "{line}: {remarks}");
        said + &remarks
    };
    let commands = commands();
    let [routes, report, import, translate, bypass] = &commands[..] else {
        panic!("{commands:?}");
    };
    let shown = run(routes);
    assert!(
        shown
            .lines()
            .any(|line| line.starts_with("api ") && line.contains(" observe ")),
        "{shown}"
    );
    // A moment, since nobody waits for what is noted.
    let deadline = Instant::now() + Duration::from_secs(20);
    let reported = loop {
        let reported = fs::exists(at.join("observed.jsonl"))
            .unwrap()
            .then(|| run(report));
        if let Some(reported) = reported.filter(|it| it.contains("1 call of 1 caller")) {
            break reported;
        }
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(
        reported.contains("unknown:") && reported.contains("once: unauthenticated"),
        "{reported}"
    );
    run(import);
    assert_eq!(run(translate), "api: translate (was observe)\n");
    // The key is known within a second.
    let translated = loop {
        let answer = curl(&["-d", &add, &url]);
        let said: Value = serde_json::from_str(&answer).unwrap();
        if said["success"] == true {
            break answer;
        }
        assert!(Instant::now() < deadline, "{answer}");
        std::thread::sleep(Duration::from_millis(300));
    };
    assert_eq!(translated, r#"{"success":true}"#);
    assert_eq!(curl(&["-d", "load=x", &url]), page);
    assert_eq!(run(bypass), "api: bypass (was translate)\n");
    assert_eq!(curl(&["-d", &add, &url]), from_site);
    assert_eq!(curl(&["-d", "load=x", &url]), page);
}
