//! A key from its making to its end, in a gateway that runs meanwhile.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dragoman::clock::Clock;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Served, dragoman, finish};

/// Four workers, whatever the machine has.
fn serve(directory: &Path) -> Served {
    let mut command = dragoman(directory);
    Served::run(command.env("DRAGOMAN__SERVER__WORKERS", "4").arg("serve"))
}

fn keys(directory: &TempDir, arguments: &[&str]) -> String {
    let mut command = dragoman(directory.path());
    let (status, said, errors) = finish(command.arg("keys").args(arguments));
    assert_eq!(status, Some(0), "{arguments:?}: {errors}");
    said.trim_end().to_owned()
}

fn listed(directory: &TempDir, name: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(&keys(directory, &["list", "--json"])).unwrap();
    all.into_iter().filter(|key| key["name"] == name).collect()
}

/// A connection that is kept, as a client with many calls has it.
struct Client {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Client {
    fn new(served: &Served) -> Self {
        let host = served.url.strip_prefix("http://").unwrap().to_owned();
        let stream = TcpStream::connect(&host).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        Self {
            stream: BufReader::new(stream),
            host,
        }
    }

    /// Whether a call by that key is answered.
    fn works(&mut self, key: &str) -> bool {
        let answer = self.post(
            "/api/jsonrpcserver",
            &format!(r#"{{"id":1,"method":"countUsers","params":["{key}",1]}}"#),
        );
        let taken = answer.contains(r#""error":null"#);
        assert!(taken || answer.contains(r#""code":300"#), "{answer}");
        taken
    }

    fn post(&mut self, path: &str, body: &str) -> String {
        let (host, length) = (&self.host, body.len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }

    /// Waits for a key that was just made.
    fn wait_for(&mut self, key: &str) {
        let started = Instant::now();
        while !self.works(key) {
            assert!(started.elapsed() < Duration::from_secs(1), "a second");
        }
    }
}

#[test]
fn a_key_is_shown_once_and_is_in_no_file_and_no_log() {
    let directory = tempfile::tempdir().unwrap();
    let served = serve(directory.path());
    let mut client = Client::new(&served);
    let mut secrets = vec![keys(&directory, &["create", "--name", "canary"])];
    client.wait_for(&secrets[0]);
    secrets.push(keys(&directory, &["rotate", "canary"]));
    client.wait_for(&secrets[1]);
    let form = format!("api_secret_key={}&add=groups&group_name=Club", secrets[1]);
    assert!(client.post("/api_request/", &form).contains("true"));
    let table = keys(&directory, &["list"]);
    // What a backup finds while the gateway runs: the log is not yet in the database.
    let copy = tempfile::tempdir().unwrap();
    for file in fs::read_dir(directory.path().join("data")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    assert!(
        fs::metadata(copy.path().join("dragoman.db-wal"))
            .unwrap()
            .len()
            > 0
    );
    keys(&directory, &["revoke", "canary"]);
    let (_, log) = served.stop();

    let mut found = 0;
    for folder in [directory.path().join("data"), copy.path().to_owned()] {
        for file in fs::read_dir(folder).unwrap() {
            let file = file.unwrap().path();
            let bytes = fs::read(&file).unwrap();
            found += usize::from(holds(&bytes, b"canary"));
            for secret in &secrets {
                assert!(!holds(&bytes, secret.as_bytes()), "{}", file.display());
                assert!(!holds(&bytes, &secret.as_bytes()[16..48]), "a part of it");
            }
        }
    }
    assert!(found >= 2, "the name was found in {found} files");
    for secret in &secrets {
        assert!(!log.contains(secret) && !table.contains(secret));
    }
    assert!(log.contains("key:canary"), "{log}");
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|part| part == needle)
}

#[test]
fn a_replaced_key_works_beside_its_successor_until_the_overlap_ends_to_the_second() {
    let directory = tempfile::tempdir().unwrap();
    let served = serve(directory.path());
    let mut client = Client::new(&served);
    let old = keys(&directory, &["create", "--name", "crm"]);
    client.wait_for(&old);
    let new = keys(&directory, &["rotate", "crm", "--overlap", "3s"]);
    client.wait_for(&new);
    works_until(&mut client, &old, &listed(&directory, "crm")[0]);
    assert!(client.works(&new));
}

#[test]
fn a_key_works_until_it_expires_to_the_second() {
    let directory = tempfile::tempdir().unwrap();
    let served = serve(directory.path());
    let mut client = Client::new(&served);
    let key = keys(
        &directory,
        &["create", "--name", "brief", "--expires", "3s"],
    );
    client.wait_for(&key);
    works_until(&mut client, &key, &listed(&directory, "brief")[0]);
}

/// Every call before the time the list shows is answered, every call after it is not.
fn works_until(client: &mut Client, key: &str, shown: &Value) {
    let end: jiff::Timestamp = shown["expires_at"].as_str().unwrap().parse().unwrap();
    let clock = Clock::system();
    let (mut taken, mut refused) = (0, 0);
    while refused < 20 {
        let before = clock.now().as_millis();
        let works = client.works(key);
        let after = clock.now().as_millis();
        if after < end.as_millisecond() {
            assert!(works, "{} ms early", end.as_millisecond() - after);
            taken += 1;
        }
        if before >= end.as_millisecond() {
            assert!(!works, "{} ms late", before - end.as_millisecond());
            refused += 1;
        }
    }
    assert!(taken > 20, "only {taken} calls before the end");
}

#[test]
fn a_revoked_key_ends_within_a_second_on_every_worker_and_connection() {
    const CONNECTIONS: usize = 16;
    let directory = tempfile::tempdir().unwrap();
    let served = serve(directory.path());
    let key = keys(&directory, &["create", "--name", "crm"]);
    keys(&directory, &["rotate", "crm"]);
    Client::new(&served).wait_for(&key);
    let over = AtomicBool::new(false);
    let (revoked, last) = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::new(&served);
                    let mut last = None;
                    while !over.load(Ordering::Relaxed) {
                        if client.works(&key) {
                            last = Some(Instant::now());
                        }
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    last.expect("it worked before it was revoked")
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(300));
        keys(&directory, &["revoke", "crm"]);
        let revoked = Instant::now();
        std::thread::sleep(Duration::from_millis(1500));
        over.store(true, Ordering::Relaxed);
        let last = clients.into_iter().map(|client| client.join().unwrap());
        (revoked, last.max().unwrap())
    });
    let longer = last.saturating_duration_since(revoked);
    assert!(longer < Duration::from_secs(1), "{longer:?}");
    println!("it worked {longer:?} longer than it was revoked");
}

#[test]
fn the_last_use_of_a_key_is_kept_by_an_orderly_stop() {
    let directory = tempfile::tempdir().unwrap();
    let served = serve(directory.path());
    let used = keys(&directory, &["create", "--name", "used"]);
    keys(&directory, &["create", "--name", "idle"]);
    let begin = jiff::Timestamp::from_millisecond(Clock::system().now().as_millis()).unwrap();
    let mut client = Client::new(&served);
    client.wait_for(&used);
    // Without a write for it: that comes later, and only once.
    assert_eq!(listed(&directory, "used")[0]["last_used_at"], Value::Null);
    drop(client);
    let (status, log) = served.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    let key = &listed(&directory, "used")[0];
    let last: jiff::Timestamp = key["last_used_at"].as_str().unwrap().parse().unwrap();
    assert!(last.as_second() >= begin.as_second(), "{key}");
    assert_eq!(key["notes"], serde_json::json!([]));
    let idle = &listed(&directory, "idle")[0];
    assert_eq!(idle["last_used_at"], Value::Null);
    assert_eq!(idle["notes"], serde_json::json!(["unused"]));
}

#[test]
fn a_key_with_routes_works_on_those_only_wherever_it_lives() {
    let directory = tempfile::tempdir().unwrap();
    let routes = "[keys.fixed]\nvalue = 'the-key-the-client-already-has'\nroutes = ['grupo']\n\
                  [routes.grupo]\ndialect = 'grupo'\n[routes.vision6]\ndialect = 'vision6'\n";
    fs::write(directory.path().join("routes.toml"), routes).unwrap();
    let served = serve(directory.path());
    let mut client = Client::new(&served);
    let stored = keys(
        &directory,
        &["create", "--name", "stored", "--route", "vision6"],
    );
    client.wait_for(&stored);
    let mut grupo = |key: &str| {
        let form = format!("api_secret_key={key}&add=groups&group_name=Club");
        client.post("/api_request/", &form)
    };
    assert!(grupo(&stored).contains("invalid_api_secret_key"));
    let fixed = "the-key-the-client-already-has";
    assert!(grupo(fixed).contains(r#""success":true"#));
    assert!(!client.works(fixed));
    assert_eq!(
        listed(&directory, "fixed")[0]["routes"],
        serde_json::json!(["grupo"])
    );
}
