//! `dragoman reload` and SIGHUP: what takes effect, what is refused, and what is said.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::process::{curl, finish};
use crate::reload_fixture::{KEY, OTHER_KEY, Reloaded, Upstream, key, route};

const COUNTED: &str = r#""error":null"#;
const UNKNOWN_KEY: &str = r#""code":300"#;

fn counts(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn an_open_connection_sees_the_new_routes_and_keys_with_its_next_request() {
    let gateway = Reloaded::start(&(key("one", KEY) + &route("a")));
    let mut caller = gateway.connect();
    assert!(counts(&caller.count("/a", KEY, 1).unwrap().1).contains(COUNTED));
    assert!(
        caller
            .count("/a", OTHER_KEY, 2)
            .unwrap()
            .1
            .contains(UNKNOWN_KEY)
    );
    // What is not read is not waited for: such a connection ends.
    assert_eq!(gateway.connect().count("/b", KEY, 3).unwrap().0, 404);

    gateway.becomes(&(key("two", OTHER_KEY) + &route("b")));
    assert!(caller.count("/b", KEY, 4).unwrap().1.contains(UNKNOWN_KEY));
    assert!(counts(&caller.count("/b", OTHER_KEY, 5).unwrap().1).contains(COUNTED));
    assert_eq!(caller.count("/a", OTHER_KEY, 6).unwrap().0, 404);
}

#[test]
fn files_of_secrets_are_read_again() {
    let text = "[keys.one]\nvalue_file = 'secret'\n".to_owned() + &route("a");
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    let text = text.replace("'secret'", &format!("'{}'", secret.display()));
    fs::write(&secret, KEY).unwrap();
    let gateway = Reloaded::start(&text);
    let mut caller = gateway.connect();
    assert!(counts(&caller.count("/a", KEY, 1).unwrap().1).contains(COUNTED));
    fs::write(&secret, OTHER_KEY).unwrap();
    gateway.becomes(&text);
    assert!(caller.count("/a", KEY, 2).unwrap().1.contains(UNKNOWN_KEY));
    assert!(counts(&caller.count("/a", OTHER_KEY, 3).unwrap().1).contains(COUNTED));
}

/// What is printed, to the letter.
#[test]
fn the_command_says_what_became_of_it() {
    let upstream = Upstream::start(Duration::ZERO);
    let first = key("one", KEY) + &upstream.tables("");
    let gateway = Reloaded::start(&first);
    let unchanged = gateway.reload();
    let said = "routes.toml: nothing has changed\n";
    assert_eq!(unchanged, (Some(0), said.to_owned(), String::new()));

    gateway.write(
        &(first.clone()
            + &key("two", OTHER_KEY)
            + &upstream
                .tables("")
                .replace("back", "mail")
                .replace("front", "post")),
    );
    let said = "routes.toml: reloaded: 2 routes, 2 upstreams (1 with the connections it had), 2 static keys\n";
    assert_eq!(gateway.reload(), (Some(0), said.to_owned(), String::new()));

    gateway
        .write(&(first.clone() + "[routes.chat]\ndialect = 'klingon'\n[log]\nfilter = 'loud'\n"));
    let said = "\
routes.toml: log.filter: unknown level \"loud\" (known: off, error, warn, info, debug, trace)
routes.toml: routes.chat.dialect: unknown dialect \"klingon\" (known: grupo, vision6, b2evolution)
Nothing was changed: the gateway goes on as before.
";
    assert_eq!(gateway.reload(), (Some(64), String::new(), said.to_owned()));

    gateway.write(
        &(first.clone()
            + "[log]\nfilter = 'debug'\n[server]\nworkers = 7\n[server.limits]\nidle = '5s'\n"),
    );
    let said = "\
dragoman: routes.toml: server.workers, server.limits, log.filter: a running gateway does not change this: \
restart it, or put back what was there
Nothing was changed: the gateway goes on as before.
";
    assert_eq!(gateway.reload(), (Some(1), String::new(), said.to_owned()));

    // What was refused is not taken for what is running.
    let said = gateway.becomes(&first);
    assert!(
        said.contains("reloaded: 1 route, 1 upstream (1 with"),
        "{said}"
    );
}

#[test]
fn a_hangup_with_a_broken_configuration_changes_nothing_and_is_logged() {
    let text = key("one", KEY) + &route("a");
    let gateway = Reloaded::start(&text);
    let mut caller = gateway.connect();
    for broken in [
        "[routes.a]\ndialect = 'klingon'\n",
        "not TOML",
        "[store]\nurl = 'sqlite:other'\n",
    ] {
        gateway.write(broken);
        gateway.served.signal("HUP");
        thread::sleep(Duration::from_millis(300));
        assert!(counts(&caller.count("/a", KEY, 1).unwrap().1).contains(COUNTED));
    }
    gateway.write("[routes.a]\ndialect = 'klingon'\n");
    let check = Command::new(env!("CARGO_BIN_EXE_dragoman"))
        .arg("check")
        .current_dir(gateway.path())
        .status();
    assert_eq!(check.unwrap().code(), Some(64));
    gateway.write(&(text + &key("two", OTHER_KEY)));
    gateway.served.signal("HUP");
    let patience = Instant::now() + Duration::from_secs(10);
    while caller
        .count("/a", OTHER_KEY, 1)
        .unwrap()
        .1
        .contains(UNKNOWN_KEY)
    {
        assert!(Instant::now() < patience, "the last one takes effect");
        thread::sleep(Duration::from_millis(20));
    }
    let (status, log) = gateway.served.stop();
    assert_eq!(status.code(), Some(0));
    let faults = log
        .lines()
        .filter(|line| line.contains("not reloaded: nothing was changed"));
    let faults: Vec<_> = faults.collect();
    assert_eq!(faults.len(), 3, "{log}");
    assert!(
        faults
            .iter()
            .all(|line| line.contains(r#""level":"ERROR""#)),
        "{log}"
    );
    assert!(faults[0].contains("unknown dialect"), "{log}");
    assert!(faults[2].contains("store.url"), "{log}");
    assert!(
        log.contains("routes.toml: reloaded: 1 route, 2 static keys"),
        "{log}"
    );
}

#[test]
fn a_call_under_way_ends_where_it_began() {
    let upstream = Upstream::start(Duration::from_millis(1500));
    let text = key("one", KEY) + &upstream.tables("");
    let gateway = Reloaded::start(&text);
    let mut caller = gateway.connect();
    let call = format!(r#"{{"id":9,"method":"countUsers","params":["{KEY}",1]}}"#);
    caller.send("/front", &call).unwrap();
    thread::sleep(Duration::from_millis(300));
    gateway.becomes(&(key("two", OTHER_KEY) + &upstream.tables("").replace("front", "other")));
    let (status, answer) = caller.answer().unwrap();
    assert_eq!(status, 200);
    assert!(counts(&answer).contains(r#""result":3"#), "{answer}");
    assert_eq!(caller.count("/front", KEY, 10).unwrap().0, 404);
}

#[test]
fn an_upstream_that_is_not_changed_keeps_its_connections_and_what_is_known_of_it() {
    let upstream = Upstream::start(Duration::ZERO);
    let text = |more: &str| {
        key("one", KEY) + &upstream.tables(&format!("idle = '1m'\nown_ids = ['grupo']\n{more}"))
    };
    let gateway = Reloaded::start(&text(""));
    let pairs = gateway.path().join("pairs.csv");
    fs::write(
        &pairs,
        "upstream,dialect,id,upstream_id\nback,grupo,4217,2\n",
    )
    .unwrap();
    let crosswalk = |arguments: &[&str]| {
        let done = finish(
            crate::process::dragoman(gateway.path())
                .arg("crosswalk")
                .args(arguments),
        );
        assert_eq!(done.0, Some(0), "{}", done.2);
        done.1
    };
    crosswalk(&["import", "pairs.csv"]);
    let mut caller = gateway.connect();
    let mut counted = |connections: usize| {
        let (_, answer) = caller.count("/front", KEY, 1).unwrap();
        assert!(counts(&answer).contains(r#""result":3"#), "{answer}");
        assert_eq!(upstream.connections(), connections);
        assert!(crosswalk(&["list"]).contains("4217"));
    };
    counted(1);
    gateway.becomes(&(text("") + &key("two", OTHER_KEY)));
    counted(1);
    // Another deadline: the connections are what they were. Another key: nobody's are used for it.
    gateway.becomes(&text("roles = {}\n").replace("roles = {}\n", "remember_users = '5m'\n"));
    counted(1);
    gateway.becomes(&text("timeout = '9s'\n"));
    counted(2);
}

#[test]
fn guesses_are_counted_over_a_reload() {
    let text = "[routes.b]\ndialect = 'b2evolution'\npath = '/b'\n".to_owned();
    let gateway = Reloaded::start(&text);
    let url = format!("{}/b/users/1", gateway.served.url);
    let guess = |source: &str| curl(&["--interface", source, "-u", "ada:a-guess", &url]);
    for number in 0..20 {
        let wrong = guess("127.0.0.5");
        assert!(wrong.contains("wrong_login_pass"), "{number}: {wrong}");
    }
    assert!(guess("127.0.0.5").contains("login_attempt_failed"));
    gateway.becomes(&(text + &key("two", OTHER_KEY)));
    let again = guess("127.0.0.5");
    assert!(
        again.contains("login_attempt_failed"),
        "a second twenty: {again}"
    );
    assert!(guess("127.0.0.6").contains("wrong_login_pass"));
}

#[test]
fn bodies_in_memory_are_counted_over_a_reload() {
    let limit = "[server]\nbuffered_bodies = '1MiB'\n";
    let roomy = route("a") + "body_bytes = '1MiB'\n";
    let text = limit.to_owned() + &key("one", KEY) + &roomy;
    let gateway = Reloaded::start(&text);
    let call = format!(r#"{{"id":1,"method":"countUsers","params":["{KEY}",1]}}"#);
    let long = call + &" ".repeat(500 << 10);
    let is_answered = || {
        let mut caller = gateway.connect();
        // What is refused may not be read to its end.
        drop(caller.send("/a", &long));
        let answered = caller.answer();
        answered.is_ok_and(|(_, body)| body.contains(r#""error":null"#))
    };
    assert!(is_answered());
    let mut holding = gateway.connect();
    holding.begin("/a", 900 << 10, &" ".repeat(800 << 10));
    thread::sleep(Duration::from_millis(300));
    assert!(!is_answered());
    gateway.becomes(&(text.clone() + &key("two", OTHER_KEY)));
    assert!(!is_answered(), "the memory twice");
    drop(holding);
    thread::sleep(Duration::from_millis(300));
    assert!(is_answered());
}

#[test]
fn a_gateway_that_is_not_there_is_told_from_one_that_has_no_control_socket() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("routes.toml");
    let reload = || {
        let binary = env!("CARGO_BIN_EXE_dragoman");
        finish(
            Command::new(binary)
                .arg("reload")
                .current_dir(directory.path()),
        )
    };
    fs::write(&file, "[admin]\ncontrol = 'control.sock'\n").unwrap();
    let (code, _, said) = reload();
    assert_eq!(code, Some(1));
    assert!(
        said.contains("no gateway answers at control.sock"),
        "{said}"
    );
    for (text, wanted) in [
        ("", "admin.control: there is no control socket"),
        (
            "[admin]\ncontrol = 3\n",
            "routes.toml: admin.control: must be",
        ),
        ("not TOML", "routes.toml: line 1"),
    ] {
        fs::write(&file, text).unwrap();
        let (code, _, said) = reload();
        assert_eq!(code, Some(64), "{said}");
        assert!(said.contains(wanted), "{said}");
    }
}
