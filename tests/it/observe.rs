//! Observed routes: what is noted of calls that go to the site, and what is never noted.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clients::in_package;
use crate::golden::same_as_recorded;
use crate::pass_fixture::{RawSite, exchange, length};
use crate::process::{Served, curl, dragoman, finish};

/// Whoever finds `canary` in what is noted has found a secret or a value.
const KEY: &str = "canarykey0canarykey1canarykey2canarykey3canarykey4canarykey5abcd";
const UNKNOWN: &str = "anothercanary0anothercanary1anothercanary2anothercanary3anothewxyz";

fn site() -> RawSite {
    RawSite::start(|stream, head| {
        let mut body = vec![0; length(head)];
        std::io::Read::read_exact(stream, &mut body).unwrap();
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nthe site";
        stream.write_all(answer).unwrap();
    })
}

/// All three dialects before one site, with a b2evolution that users of Vision6 would go to.
fn start(site: &RawSite, more: &str) -> (TempDir, Served) {
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "{more}[keys.crm]\nvalue = '{KEY}'\n[store]\nurl = 'sqlite:db'\n\
         [upstreams.blog]\ndialect = 'b2evolution'\nurl = 'http://127.0.0.1:9/'\nlogin = 'gateway'\npassword = 'canary'\n\
         [routes.site]\npass = 'http://{}'\n\
         [routes.chat]\ndialect = 'grupo'\notherwise = 'site'\nmode = 'observe'\nbody_bytes = '4KiB'\n\
         [routes.mail]\ndialect = 'vision6'\nuser = 'blog'\notherwise = 'site'\nmode = 'observe'\n\
         loss = {{ phone = 'warn', mobile = 'keep' }}\n\
         [routes.press]\ndialect = 'b2evolution'\notherwise = 'site'\nmode = 'observe'\n",
        site.address
    );
    fs::write(directory.path().join("routes.toml"), text).unwrap();
    let served = Served::start(directory.path());
    (directory, served)
}

/// Sends a form or a document to the site by way of the gateway.
fn send(served: &Served, path: &str, body: &str, more: &[&str]) {
    let url = format!("{}{path}", served.url);
    let agent = format!("agent of {KEY}");
    let arguments = ["-A", &agent, "--path-as-is", "-d", body, &url];
    assert_eq!(curl(&[&arguments[..], more].concat()), "the site");
}

/// The lines of a file, once there are so many.
fn lines(file: &Path, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        if text.lines().count() >= count {
            let lines = text.lines().map(serde_json::from_str);
            return lines.collect::<Result<_, _>>().unwrap();
        }
        assert!(Instant::now() < deadline, "{text}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn form(key: &str, rest: &str) -> String {
    format!("api_secret_key={key}&{rest}")
}

/// Ten calls on all three routes, and what is none.
fn call_all(served: &Served) {
    let chat = |body: &str| send(served, "/api_request/", body, &[]);
    chat(&form(
        KEY,
        "add=site_users&full_name=canary&username=canary&email_address=canary@x.example&password=canary-canary&custom_field_1=canary&canarycanarycanarycanarycanarycanarycanary=1",
    ));
    chat(&form(
        UNKNOWN,
        "update=site_users&user=canary&full_name=canary",
    ));
    chat(&form(KEY, "update=site_users&user=canary&timezone=canary"));
    chat(&form(KEY, "add=message&user=canary&its%20name=canary"));
    chat(&form(
        KEY,
        &format!(
            "update=site_users&user=canary&full_name={}",
            "canary".repeat(1000)
        ),
    ));
    send(
        served,
        "/api_request//",
        &form(KEY, "update=site_users"),
        &[],
    );
    // These are the site's own, and nothing of them is noted.
    chat("load=canary");
    send(served, "/api/v1/collections", "canary", &[]);
    let edit = json!({"id": 2, "phone": "canary", "mobile": "canary", "fax": "canary", "first_name": "canary"});
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "editUser", "params": [KEY, 1, edit]},
        {"jsonrpc": "2.0", "id": 2, "method": "countUsers", "params": [KEY, 1]},
    ]);
    send(served, "/api/jsonrpcserver", &batch.to_string(), &[]);
    send(
        served,
        "/api/v1/users/2",
        "identity_form=1&edited_user_nickname=canary",
        &["-u", "ada:canary-password-of-ada"],
    );
    send(served, "/api/v1/users/2", "identity_form=1", &[]);
}

#[test]
fn every_call_is_noted_with_names_and_without_a_value() {
    let site = site();
    let (directory, served) = start(&site, "[observe]\nfile = 'observed.jsonl'\n");
    call_all(&served);
    let file = directory.path().join("observed.jsonl");
    let noted = lines(&file, 10);
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.to_lowercase().contains("canary"), "{text}");
    assert_eq!(noted.len(), 10, "{noted:#?}");
    let kind = |line: &Value| {
        line["refused"]["kind"]
            .as_str()
            .unwrap_or("none")
            .to_owned()
    };
    let seen: Vec<_> = noted
        .iter()
        .map(|line| {
            let word = |key: &str| line[key].as_str().unwrap_or("-").to_owned();
            [word("dialect"), word("operation"), kind(line)].join(" ")
        })
        .collect();
    let expected = [
        "grupo user.create none",
        "grupo user.update unauthenticated",
        "grupo - invalid_argument",
        "grupo add=message unsupported",
        "grupo - too_large",
        "grupo - malformed",
        "vision6 user.update unsupported",
        "vision6 user.count none",
        "b2evolution user.update none",
        "b2evolution user.update unauthenticated",
    ];
    assert_eq!(seen, expected, "{noted:#?}");

    let callers: Vec<_> = noted.iter().map(|line| line["caller"].clone()).collect();
    assert_eq!(callers[0], "key:crm");
    assert!(
        callers[1].as_str().unwrap().starts_with("unknown:"),
        "{callers:?}"
    );
    assert_eq!(noted[1]["key_end"], "wxyz");
    assert_eq!(noted[0]["key_end"], Value::Null);
    assert!(
        callers[8].as_str().unwrap().starts_with("login:"),
        "{callers:?}"
    );
    assert_eq!(noted[8]["key_end"], Value::Null);
    assert_eq!(callers[9], "nobody");
    let fields = json!([
        "display_name",
        "email",
        "grupo.***",
        "grupo.custom_field_1",
        "password",
        "username"
    ]);
    assert_eq!(noted[0]["fields"], fields);
    assert_eq!(noted[0]["user_agent"], "agent of ***");
    assert_eq!(noted[0]["source"], "127.0.0.1");
    assert_eq!(
        noted[6]["lost"],
        json!([{"field": "phone", "rule": "warn"}, {"field": "fax", "rule": "reject"}])
    );
    assert_eq!(noted[6]["kept"], json!(["mobile"]));
    assert!(
        noted[6]["refused"]["messages"][0]
            .as_str()
            .unwrap()
            .starts_with("fax has no place")
    );
    let ids: Vec<_> = noted
        .iter()
        .map(|line| line["request_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids[6], ids[7]);
    assert_eq!(ids[0].len(), 36);
    let (_, log) = served.stop();
    assert!(
        log.contains(&format!(
            r#""request.id":"{}","call.source":"127.0.0.1","call.route":"chat""#,
            ids[0]
        )),
        "{log}"
    );
    assert!(!log.contains("canary"), "{log}");
}

#[test]
fn a_key_that_is_only_observed_does_not_count_as_used() {
    let site = site();
    let (directory, served) = start(&site, "[observe]\nfile = 'observed.jsonl'\n");
    let at = directory.path();
    let (code, key, said) = finish(dragoman(at).args(["keys", "create", "--name", "new"]));
    assert_eq!(code, Some(0), "{said}");
    let file = at.join("observed.jsonl");
    let deadline = Instant::now() + Duration::from_secs(20);
    let call = form(key.trim(), "update=site_users&user=ada&full_name=Ada");
    // It is known within a second.
    let mut count = 0;
    loop {
        send(&served, "/api_request/", &call, &[]);
        count += 1;
        if lines(&file, count)[count - 1]["caller"] == "key:new" {
            break;
        }
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(served.stop().0.code(), Some(0));
    let (_, listed, _) = finish(dragoman(at).args(["keys", "list", "--json"]));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let new = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["name"] == "new");
    assert_eq!(new.unwrap()["last_used_at"], Value::Null, "{listed}");
}

#[test]
fn without_a_file_it_is_in_the_log_and_the_report_reads_either() {
    let site = site();
    let (directory, served) = start(&site, "");
    for _ in 0..3 {
        send(
            &served,
            "/api_request/",
            &form(KEY, "update=site_users&user=ada&full_name=Ada"),
            &[],
        );
    }
    let (status, log) = served.stop();
    assert_eq!(status.code(), Some(0));
    let file = directory.path().join("log.jsonl");
    fs::write(&file, &log).unwrap();
    let report = ["report", "callers", "log.jsonl", "--json"];
    let (code, said, failed) = finish(dragoman(directory.path()).args(report));
    assert_eq!(code, Some(0), "{failed}");
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&report["calls"], &report["broken"]),
        (&json!(3), &json!(0)),
        "{said}"
    );
    let caller = &report["callers"][0];
    assert_eq!(caller["caller"], "key:crm");
    assert_eq!(caller["operations"], json!({"user.update": 3}));
    assert_eq!(caller["fields"], json!({"display_name": 3}));
}

#[test]
fn a_report_says_who_would_meet_trouble_first() {
    let folder = in_package("tests/golden/report");
    for (extension, more) in [("txt", &[][..]), ("json", &["--json"])] {
        let arguments = ["report", "callers", "observed.jsonl", "log.jsonl"];
        let (code, said, failed) = finish(dragoman(&folder).args(arguments).args(more));
        assert_eq!((code, failed.as_str()), (Some(0), ""));
        let recorded = folder.join(format!("callers.{extension}"));
        assert!(same_as_recorded(&recorded, &said), "{said}");
    }
    let (code, _, failed) = finish(dragoman(&folder).args(["report", "callers", "none.jsonl"]));
    assert_eq!(code, Some(1));
    assert!(failed.contains("cannot read none.jsonl"), "{failed}");
    let (code, _, _) = finish(dragoman(&folder).args(["report", "callers"]));
    assert_eq!(code, Some(64));
}

/// What nobody takes away, here a pipe that nobody reads, holds no answer up.
#[test]
fn a_file_that_nobody_takes_lines_of_slows_nobody_and_what_is_lost_is_told() {
    let site = site();
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    let (_directory, served) = start(&site, &format!("[observe]\nfile = '{}'\n", pipe.display()));
    let address = served.url.strip_prefix("http://").unwrap().parse().unwrap();
    let call = form(KEY, "update=site_users&user=ada&full_name=Ada");
    let request = format!(
        "POST /api_request/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{call}",
        call.len()
    );
    let mut longest = Duration::ZERO;
    for _ in 0..1500 {
        let since = Instant::now();
        let answer = exchange(address, request.as_bytes());
        longest = longest.max(since.elapsed());
        assert!(answer.ends_with("the site"), "{answer}");
    }
    assert!(longest < Duration::from_secs(5), "{longest:?}");
    // Somebody reads now.
    let reader = std::thread::spawn(move || fs::read_to_string(pipe).unwrap());
    let (status, log) = served.stop();
    assert_eq!(status.code(), Some(0));
    let text = reader.join().unwrap();
    let calls = text
        .lines()
        .filter(|line| line.contains("user.update"))
        .count();
    let lost = text.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["lost"].as_u64()
    });
    let lost: u64 = lost.sum();
    assert_eq!(
        u64::try_from(calls).unwrap() + lost,
        1500,
        "{calls} and {lost}"
    );
    assert!(lost > 100, "{lost}");
    assert!(log.contains("requests were not looked at"), "{log}");
}
