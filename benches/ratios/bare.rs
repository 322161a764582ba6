//! The bare part: hyper with an answer that is ready.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::process::Server;

/// The argument that makes this program the bare server.
pub(crate) const SERVE: &str = "serve-bare";

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
