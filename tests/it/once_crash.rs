//! A gateway that is killed between an effect and its answer: the same call, sent again, is not done again.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::forward_fixture::{CALLERS_KEY, vision6_at};
use crate::process::{Served, curl};
use crate::upstream_script::{Reply, Script};

fn configure(directory: &Path, more: &str) {
    let text = format!(
        "[keys.crm]\nvalue = '{CALLERS_KEY}'\n[store]\nurl = 'sqlite:data/db'\n\
         [routes.front]\ndialect = 'vision6'\n{more}"
    );
    std::fs::write(directory.join("routes.toml"), text).unwrap();
}

fn body(name: &str) -> String {
    format!(r#"{{"id":1,"method":"addUser","params":["{CALLERS_KEY}",1,{{"username":"{name}"}}]}}"#)
}

/// Sends the call and does not listen.
fn send(served: &Served, name: &str) -> TcpStream {
    let address = served.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let body = body(name);
    write!(
        stream,
        "POST /api/jsonrpcserver HTTP/1.1\r\nHost: x\r\nIdempotency-Key: \"{name}\"\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    stream
}

/// Sends the same call again; head and body of the answer.
fn again(served: &Served, name: &str) -> String {
    let url = format!("{}/api/jsonrpcserver", served.url);
    let key = format!("Idempotency-Key: {name}");
    curl(&["-i", "-H", &key, "-d", &body(name), &url])
}

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_there() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn number(directory: &Path, sql: &str) -> i64 {
    let database = rusqlite::Connection::open(directory.join("data/db")).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// The caller never read an answer; whether it had been written by then does not matter to it.
#[test]
fn a_gateway_killed_after_the_commit_answers_the_same_call_when_it_is_back() {
    let directory = tempfile::tempdir().unwrap();
    configure(directory.path(), "");
    for round in 1..=3 {
        let served = Served::start(directory.path());
        let name = format!("user{round}");
        let is_there = format!("SELECT count(*) FROM users WHERE username = '{name}'");
        let _stream = send(&served, &name);
        wait_for("the user is made", || {
            number(directory.path(), &is_there) == 1
        });
        // SIGKILL.
        drop(served);
        let kept = number(directory.path(), "SELECT count(*) FROM idempotency");
        assert_eq!(kept, round);
        let served = Served::start(directory.path());
        let answer = again(&served, &name).to_lowercase();
        assert!(answer.contains("idempotent-replayed: true"), "{answer}");
        let id = format!("SELECT id FROM users WHERE username = '{name}'");
        let id = number(directory.path(), &id);
        let result = format!("\"result\":{id},\"error\":null");
        assert!(answer.contains(&result), "{answer}");
        let (_, log) = served.stop();
        let line = log
            .lines()
            .find(|line| line.contains("call answered again"));
        assert!(line.unwrap().contains("\"call.replayed\":true"), "{log}");
    }
    let trail = "SELECT count(*) FROM audit WHERE action = 'user.create' AND principal = 'key:crm'";
    assert_eq!(number(directory.path(), trail), 3);
    let users = "SELECT count(*) FROM users WHERE username LIKE 'user_'";
    assert_eq!(number(directory.path(), users), 3);
}

/// Each has places of its own for what it carries out: only the store knows what the other does.
#[test]
fn two_gateways_over_one_store_do_one_call_once() {
    let directory = tempfile::tempdir().unwrap();
    let script = Script::start(|_| {
        let made = r#"{"id":1,"result":5,"error":null}"#.to_owned();
        Reply::After(
            Duration::from_millis(50),
            Box::new(Reply::Answer(200, made)),
        )
    });
    let back = format!("[upstreams.back]\n{}", vision6_at(script.address));
    let users = "SELECT count(*) FROM users WHERE username LIKE 'user-_'";
    for (number, more) in [(1, String::new()), (2, format!("user = 'back'\n{back}"))] {
        configure(directory.path(), &more);
        let both = [
            Served::start(directory.path()),
            Served::start(directory.path()),
        ];
        let name = format!("user-{number}");
        let answers: Vec<_> = std::thread::scope(|scope| {
            let ask = |served| {
                let name = name.as_str();
                move || again(served, name).to_lowercase()
            };
            let asking: Vec<_> = (0..16)
                .map(|place| scope.spawn(ask(&both[place % 2])))
                .collect();
            asking.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let is_done = |answer: &&String| answer.contains("\"error\":null");
        let is_first = |answer: &&String| is_done(answer) && !answer.contains("replayed");
        assert_eq!(answers.iter().filter(is_first).count(), 1, "{answers:?}");
        for answer in answers.iter().filter(|it| !is_done(it)) {
            // One that the other gateway has sent on is nothing that this one knows the end of.
            let told = ["\"code\":399", "\"code\":103"];
            assert!(told.iter().any(|code| answer.contains(code)), "{answer}");
        }
        assert_eq!(script.asked().len(), number - 1);
    }
    assert_eq!(number(directory.path(), users), 1);
}

#[test]
fn a_gateway_killed_while_an_upstream_works_answers_that_the_outcome_is_unknown() {
    let directory = tempfile::tempdir().unwrap();
    let script = Script::start(|_| Reply::Silence(Duration::from_secs(30)));
    let more = format!(
        "user = 'back'\n[upstreams.back]\n{}",
        vision6_at(script.address)
    );
    configure(directory.path(), &more);
    let served = Served::start(directory.path());
    let _stream = send(&served, "ann");
    wait_for("the call is sent on", || script.asked().len() == 1);
    drop(served);
    let served = Served::start(directory.path());
    for _ in 0..2 {
        let answer = again(&served, "ann");
        assert!(answer.contains("\"code\":103"), "{answer}");
    }
    assert_eq!(script.asked().len(), 1);
}
