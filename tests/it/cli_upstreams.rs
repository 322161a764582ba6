//! `dragoman upstreams`, readiness, the log, and what a reload keeps of endpoints.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::endpoint_fixture::{Mood, Node, PATIENCE, upstream};
use crate::forward_fixture::load;
use crate::process::{curl, dragoman, finish};
use crate::reload_fixture::{KEY, Reloaded, key};

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

fn tables(nodes: &[Node], more: &str) -> String {
    format!(
        "{}[upstreams.back]\n{}\n[routes.front]\ndialect = 'vision6'\npath = '/front'\nuser = 'back'\n",
        key("one", KEY),
        upstream(nodes, more)
    )
}

fn upstreams(gateway: &Reloaded) -> Value {
    let (code, said, failed) = finish(dragoman(gateway.path()).args(["upstreams", "--json"]));
    assert_eq!(code, Some(0), "{failed}");
    serde_json::from_str(&said).unwrap()
}

fn states(gateway: &Reloaded) -> Vec<String> {
    let shown = upstreams(gateway);
    let endpoints = shown[0]["endpoints"].as_array().unwrap();
    let states = endpoints.iter().map(|it| it["state"].as_str().unwrap());
    states.map(str::to_owned).collect()
}

#[test]
fn the_command_shows_which_endpoints_are_used_and_a_reload_forgets_nothing_of_those_that_stay() {
    let runtime = runtime();
    let nodes: [Node; 3] = runtime.block_on(Node::start_many());
    let breaker = "[upstreams.back.breaker]\neject = '1m'\n";
    let text = tables(&nodes[..2], breaker);
    let gateway = Reloaded::start(&text);
    let mut caller = gateway.connect();
    let mut call = || caller.count("/front", KEY, 1).unwrap().1;
    call();
    assert_eq!(states(&gateway), ["in", "in"]);
    nodes[1].be(Mood::Fault);
    let begin = Instant::now();
    while states(&gateway)[1] != "ejected" {
        assert!(begin.elapsed() < PATIENCE);
        call();
    }
    let shown = upstreams(&gateway);
    let back = &shown[0];
    assert_eq!(
        (&back["name"], &back["dialect"]),
        (&"back".into(), &"vision6".into())
    );
    assert_eq!(
        (&back["ready"], &back["panic"]),
        (&true.into(), &false.into())
    );
    let endpoint = &back["endpoints"][1];
    assert_eq!(endpoint["url"], format!("http://{}", nodes[1].address));
    assert!(endpoint["ejected_ms"].as_u64().unwrap() <= 60_000);
    assert_eq!(
        (&endpoint["share"], &endpoint["ejections"]),
        (&0.into(), &1.into())
    );
    assert!(endpoint["failures"].as_u64().unwrap() >= 5);
    let (code, table, _) = finish(dragoman(gateway.path()).arg("upstreams"));
    assert_eq!(code, Some(0));
    let lines: Vec<_> = table.lines().collect();
    let columns = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let readme = include_str!("../../README.md");
    let shown = readme.lines().find(|line| line.starts_with("UPSTREAM "));
    assert_eq!(columns(lines[0]), columns(shown.unwrap()), "{table}");
    assert!(
        lines[1].starts_with("back") && lines[1].contains("  in  "),
        "{table}"
    );
    assert!(
        lines[2].contains("ejected, ") && lines[2].contains(" s left"),
        "{table}"
    );

    // Another one beside them, and another weight of one of them.
    let next = tables(&nodes, breaker).replacen(
        &format!("'http://{}'", nodes[0].address),
        &format!("{{ url = 'http://{}', weight = 2 }}", nodes[0].address),
        1,
    );
    let said = gateway.becomes(&next);
    let added = format!(
        "upstreams.back: http://{} is used from now on\n",
        nodes[2].address
    );
    assert!(said.ends_with(&added), "{said}");
    assert_eq!(states(&gateway), ["in", "ejected", "warming"]);
    assert_eq!(upstreams(&gateway)[0]["endpoints"][0]["weight"], 2);
    let said = gateway.becomes(&tables(&nodes[2..], breaker));
    assert_eq!(said.matches(" is used no more").count(), 2, "{said}");
    // Nobody is beside it: all is sent there.
    assert_eq!(states(&gateway).len(), 1);

    let (status, log) = gateway.served.stop();
    assert_eq!(status.code(), Some(0));
    let line = log
        .lines()
        .find(|line| line.contains("an endpoint is ejected"));
    let line = line.unwrap_or_else(|| panic!("{log}"));
    for part in [
        r#""level":"WARN""#,
        r#""upstream.name":"back""#,
        &format!(r#""endpoint.address":"http://{}""#, nodes[1].address),
        r#""ejection.ms":60000"#,
    ] {
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn readiness_follows_only_upstreams_that_are_required_and_a_reload_says_which() {
    let runtime = runtime();
    let nodes: [Node; 1] = runtime.block_on(Node::start_many());
    let health = "[upstreams.back.check]\npath = '/health'\nevery = '50ms'\nfall = 1\nrise = 1\n";
    let text = tables(&nodes, health);
    let gateway = Reloaded::start(&text);
    let ready = || curl(&[&format!("{}/health/ready", gateway.served.admin)]);
    let becomes = |wanted: &str| {
        let begin = Instant::now();
        while ready() != wanted {
            assert!(begin.elapsed() < PATIENCE, "{}", ready());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    becomes("ready");
    runtime.block_on(nodes[0].kill());
    let begin = Instant::now();
    while states(&gateway) != ["down"] {
        assert!(begin.elapsed() < PATIENCE);
    }
    assert_eq!(ready(), "ready");
    gateway.becomes(&format!("{text}[ready]\nrequire = ['back']\n"));
    assert_eq!(ready(), "waiting for what is required");
    let health = Command::new(env!("CARGO_BIN_EXE_dragoman"))
        .args([
            "health",
            "--admin",
            gateway.served.admin.trim_start_matches("http://"),
        ])
        .status();
    assert_eq!(health.unwrap().code(), Some(1));
    let (_, table, _) = finish(dragoman(gateway.path()).arg("upstreams"));
    assert!(
        table.ends_with(
            "back: it is not ready: nothing is sent to it, or no check has passed yet\n"
        ),
        "{table}"
    );
    runtime.block_on(nodes[0].revive());
    becomes("ready");
    let (_, log) = gateway.served.stop();
    for said in [
        "an endpoint is down: its checks fail",
        "an endpoint is up: its checks pass",
    ] {
        assert!(log.contains(said), "{log}");
    }
}

#[test]
fn the_example_of_the_readme_is_right() {
    let readme = include_str!("../../README.md");
    let (_, example) = readme.split_once("# Three machines").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let example =
        format!("# {example}").replace("key_file = \"secrets/mail\"", "key = 'own-key-0123'");
    let config = load(&format!("{example}[ready]\nrequire = [\"mail\"]\n"));
    let mail = &config.upstreams[0].endpoints;
    let weights: Vec<_> = mail.all().map(|endpoint| endpoint.weight).collect();
    assert_eq!(weights, [1, 1, 2]);
    assert!(mail.check.is_some() && mail.rules.is_some());
    assert_eq!(config.ready, ["mail"]);
}

#[test]
fn a_gateway_that_cannot_be_asked_is_said_so() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("routes.toml");
    let ask = || finish(dragoman(directory.path()).arg("upstreams"));
    std::fs::write(&file, "").unwrap();
    let (code, _, said) = ask();
    assert_eq!(code, Some(64));
    assert!(said.contains("there is no control socket"), "{said}");
    std::fs::write(&file, "[admin]\ncontrol = 'control.sock'\n").unwrap();
    let (code, _, said) = ask();
    assert_eq!(code, Some(1));
    assert!(
        said.contains("no gateway answers at control.sock"),
        "{said}"
    );
}
