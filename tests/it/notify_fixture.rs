//! A receiver of webhooks, and a gateway that tells it.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Served, dragoman, finish};
use crate::wire::Wire;

/// The 32 bytes `replace this by 32 random bytes!`.
pub(crate) const SECRET: &str = "whsec_cmVwbGFjZSB0aGlzIGJ5IDMyIHJhbmRvbSBieXRlcyE=";

/// The password of every user who is made here.
pub(crate) const PASSWORD: &str = "CanaryPassword77c1e0b2";

const PATIENCE: Duration = Duration::from_secs(30);

/// A request as the receiver read it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) at: Instant,
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn username(&self) -> String {
        let body = self.json();
        body["data"]["user"]["username"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// What is answered, after how long.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) head: String,
    pub(crate) after: Duration,
}

impl Reply {
    pub(crate) fn new(head: &str) -> Self {
        Self {
            head: head.to_owned(),
            after: Duration::ZERO,
        }
    }
}

type Answer = dyn Fn(&Received) -> Reply + Send + Sync;

/// A server that keeps every request and answers as it is told. It listens until the test ends.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    /// Answers the first requests with these, and everything after that with 204.
    pub(crate) fn start(heads: &[&str]) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), heads)
    }

    pub(crate) fn at(address: SocketAddr, heads: &[&str]) -> Self {
        let heads: VecDeque<_> = heads.iter().map(ToString::to_string).collect();
        let heads = Mutex::new(heads);
        Self::answering(address, move |_| {
            let head = heads.lock().unwrap().pop_front();
            Reply::new(&head.unwrap_or_else(|| "204 No Content".to_owned()))
        })
    }

    pub(crate) fn answering(
        address: SocketAddr,
        answer: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let (all, answer) = (Arc::clone(&received), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (all, answer) = (Arc::clone(&all), Arc::clone(&answer));
                std::thread::spawn(move || converse(stream, &all, &*answer));
            }
        });
        Self { address, received }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/users?from=dragoman", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Waits for so many requests.
    pub(crate) fn wait(&self, count: usize) -> Vec<Received> {
        until("the requests", || {
            Some(self.received()).filter(|received| received.len() >= count)
        })
    }
}

fn converse(stream: TcpStream, all: &Mutex<Vec<Received>>, answer: &Answer) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream) {
        all.lock().unwrap().push(request.clone());
        let reply = answer(&request);
        std::thread::sleep(reply.after);
        let head = format!("HTTP/1.1 {}\r\nContent-Length: 0\r\n\r\n", reply.head);
        if stream.get_mut().write_all(head.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers: Vec<_> = lines[1..]
        .iter()
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_lowercase(), value.to_owned())
        })
        .collect();
    let mut request = Received {
        at: Instant::now(),
        line: lines[0].clone(),
        headers,
        body: String::new(),
    };
    let length = request.header("content-length").parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}

/// A port on which nobody listens now.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Waits until there is something.
pub(crate) fn until<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A directory with a key, in which gateways are started one after another.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
    pub(crate) key: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut create = dragoman(directory.path());
        create.args(["keys", "create", "--name", "clients"]);
        let (status, key, errors) = finish(&mut create);
        assert_eq!(status, Some(0), "{errors}");
        Self {
            key: key.trim_end().to_owned(),
            directory,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A gateway that tells this address, and does not wait long before it tries again.
    pub(crate) fn serve(&self, url: &str) -> Served {
        self.serve_with(url, |_| {})
    }

    pub(crate) fn serve_with(&self, url: &str, settings: impl FnOnce(&mut Command)) -> Served {
        let mut serve = dragoman(self.path());
        serve
            .arg("serve")
            .env("DRAGOMAN__NOTIFY__WEBHOOK__URL", url)
            .env("DRAGOMAN__NOTIFY__WEBHOOK__SECRET", SECRET)
            .env("DRAGOMAN__NOTIFY__TIMEOUT", "2s")
            .env("DRAGOMAN__NOTIFY__FIRST_RETRY", "100ms");
        settings(&mut serve);
        Served::run(&mut serve)
    }

    /// Makes a user who is to be notified; its id.
    pub(crate) fn add(&self, served: &Served, username: &str) -> i64 {
        let details = json!({
            "username": username, "first_name": "Ana", "last_name": "Bell",
            "email": format!("{username}@example.com"), "password": PASSWORD, "email_user": true,
        });
        let added = self.call(served, "addUser", &details);
        added["result"]
            .as_i64()
            .unwrap_or_else(|| panic!("{added}"))
    }

    pub(crate) fn call(&self, served: &Served, method: &str, details: &Value) -> Value {
        Wire::open(&served.url)
            .vision6(&json!({"id": 1, "method": method, "params": [self.key, 1, details]}))
    }

    pub(crate) fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path().join("data/dragoman.db")).unwrap()
    }

    /// How many notifications were not sent.
    pub(crate) fn unsent(&self) -> i64 {
        self.raw()
            .query_row("SELECT count(*) FROM notifications", [], |row| row.get(0))
            .unwrap()
    }

    /// Waits until the store knows that all was sent.
    pub(crate) fn wait_until_sent(&self) {
        until("the queue is empty", || (self.unsent() == 0).then_some(()));
    }

    /// Outcome, user and reason of each `user.notify` in the audit trail.
    pub(crate) fn audited(&self) -> Vec<(String, i64, Option<String>)> {
        let raw = self.raw();
        let sql =
            "SELECT outcome, user_id, reason FROM audit WHERE action = 'user.notify' ORDER BY id";
        let mut statement = raw.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// Runs a subcommand; what it printed on standard output.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let (code, out, errors) = finish(dragoman(self.path()).args(arguments));
        assert_eq!(code, Some(0), "{arguments:?}: {errors}");
        out
    }
}
