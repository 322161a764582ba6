//! The bare parts: hyper with an answer that is ready, and a writer with nothing around it.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rusqlite::{Connection, params};
use tokio::net::TcpListener;

use super::process::Server;

/// The argument that makes this program the bare server.
pub(crate) const SERVE: &str = "serve-bare";

/// How many writes share a commit, as in the gateway.
const BATCH: u32 = 64;

/// Starts a server that answers everything with these bytes.
pub(crate) fn server(directory: &Path, answer: &[u8]) -> Server {
    let file = directory.join("answer");
    fs::write(&file, answer).expect("a file for the answer");
    let program = std::env::current_exe().expect("this program has a path");
    Server::start(Command::new(program).arg(SERVE).arg(file))
}

/// Serves until it is killed, with as many workers as the gateway has.
#[expect(
    clippy::print_stdout,
    reason = "its address is what whoever started it waits for"
)]
pub(crate) fn serve(file: Option<String>) {
    let answer = fs::read(file.expect("a file with the answer")).expect("it can be read");
    let answer = Arc::new(Answer::parse(&answer));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!(
            "listening on http://{}",
            listener.local_addr().expect("an address")
        );
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("a socket option");
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let service = service_fn(|_: Request<Incoming>| {
                    let response = answer.response();
                    async { Ok::<_, Infallible>(response) }
                });
                drop(
                    http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await,
                );
            });
        }
    });
}

/// An answer that is ready.
struct Answer {
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// The headers that hyper does not write itself, and the body.
    fn parse(answer: &[u8]) -> Self {
        let text = str::from_utf8(answer).expect("the answer is text");
        let (head, body) = text.split_once("\r\n\r\n").expect("the answer has a head");
        let lines = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        let lines = lines.filter(|(name, _)| !["date", "content-length"].contains(name));
        let parsed = lines.map(|(name, value)| {
            let name = HeaderName::try_from(name).expect("a name of a header");
            (name, HeaderValue::try_from(value).expect("a value of one"))
        });
        Self {
            headers: parsed.collect(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body.clone()));
        response.headers_mut().clone_from(&self.headers);
        response
    }
}

/// A writer that keeps what an update leaves behind, the changed row and a record of it, as durably
/// as the gateway does, and looks for nothing else.
pub(crate) struct Writer {
    connection: Connection,
    users: u32,
    next: u32,
}

impl Writer {
    pub(crate) fn open(directory: &Path, users: u32) -> Self {
        let connection = Connection::open(directory.join("bare.db")).expect("a database");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL;
                 CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT, name TEXT, email TEXT);
                 CREATE TABLE records (id INTEGER PRIMARY KEY, at INTEGER, principal TEXT,
                     action TEXT, user INTEGER, request TEXT, before BLOB, after BLOB, hash BLOB);",
            )
            .expect("its tables");
        let writer = Self {
            connection,
            users,
            next: 0,
        };
        writer.batch(1..=users, |id| {
            writer.connection.execute(
                "INSERT INTO users VALUES (?1, 'user' || ?1, 'User ' || ?1, ?1 || '@example.com')",
                [id],
            )
        });
        writer
    }

    /// How many updates it does a second.
    pub(crate) fn rate(&mut self, time: Duration) -> f64 {
        let began = Instant::now();
        let mut batches = 0;
        while began.elapsed() < time {
            let first = self.next;
            self.next += BATCH;
            self.batch(first..self.next, |number| self.update(number));
            batches += 1;
        }
        f64::from(batches * BATCH) / began.elapsed().as_secs_f64()
    }

    fn batch(
        &self,
        numbers: impl IntoIterator<Item = u32>,
        work: impl Fn(u32) -> rusqlite::Result<usize>,
    ) {
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE");
        begun.expect("a transaction");
        for number in numbers {
            let written = work(number).expect("a write");
            assert_eq!(written, 1);
        }
        self.connection.execute_batch("COMMIT").expect("a commit");
    }

    fn update(&self, number: u32) -> rusqlite::Result<usize> {
        let id = 1 + number % self.users;
        let digest = [7_u8; 32];
        self.connection
            .prepare_cached(
                "INSERT INTO records (at, principal, action, user, request, before, after, hash)
                 VALUES (?1, 'key:bench', 'update_user', ?2, ?3, ?4, ?4, ?4)",
            )?
            .execute(params![
                1_790_000_000_000_i64 + i64::from(number),
                id,
                "01a0c450-6c00-7bab-abab-abababababab",
                digest
            ])?;
        self.connection
            .prepare_cached("UPDATE users SET name = ?2 WHERE id = ?1")?
            .execute(params![id, format!("User {id} as of {number}")])
    }
}
