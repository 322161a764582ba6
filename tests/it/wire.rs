//! A client of the running gateway that is nothing but a socket: what it sends is sent to the byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

/// One kept connection; opened anew when the gateway closes it.
pub(crate) struct Wire {
    address: String,
    stream: Option<BufReader<TcpStream>>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// From the last byte sent to the last byte read.
    pub(crate) took: Duration,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("an answer is UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.body.escape_ascii()))
    }
}

impl Wire {
    pub(crate) fn open(url: &str) -> Self {
        let address = url.strip_prefix("http://").unwrap_or(url).to_owned();
        Self {
            address,
            stream: None,
        }
    }

    /// Sends a whole request and reads its answer.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> Reply {
        let mut stream = self.stream.take().unwrap_or_else(|| {
            let stream = TcpStream::connect(&self.address).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.set_nodelay(true).unwrap();
            BufReader::new(stream)
        });
        // A gateway that refuses early closes early; what it said is there to be read all the same.
        drop(stream.get_mut().write_all(request));
        let sent = Instant::now();
        let has_body = !request.starts_with(b"HEAD ");
        let (reply, is_kept) = read(&mut stream, has_body, sent);
        if is_kept {
            self.stream = Some(stream);
        }
        reply
    }

    pub(crate) fn post(&mut self, target: &str, content_type: &str, body: &[u8]) -> Reply {
        self.exchange(&request(
            "POST",
            target,
            &[("Content-Type", content_type)],
            body,
        ))
    }

    pub(crate) fn vision6(&mut self, call: &Value) -> Value {
        self.post(VISION6, "application/json", call.to_string().as_bytes())
            .json()
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const URLENCODED: &str = "application/x-www-form-urlencoded";
pub(crate) const VISION6: &str = "/api/jsonrpcserver";
pub(crate) const GRUPO: &str = "/api_request/";

/// A request with a length, as bytes.
pub(crate) fn request(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: gateway\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    if !body.is_empty() || method == "POST" {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// Reads one answer, and says whether the connection stays.
fn read(stream: &mut BufReader<TcpStream>, has_body: bool, sent: Instant) -> (Reply, bool) {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status: u16 = status.unwrap_or_else(|| panic!("no status line but {line:?}"));
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut reply = Reply {
        status,
        headers,
        body: Vec::new(),
        took: Duration::ZERO,
    };
    if status == 100 {
        return read(stream, has_body, sent);
    }
    let length = reply.header("content-length").map(|it| it.parse().unwrap());
    match length {
        Some(length) if has_body => {
            reply.body.resize(length, 0);
            stream.read_exact(&mut reply.body).unwrap();
        }
        Some(_) => {}
        None => drop(stream.read_to_end(&mut reply.body).unwrap()),
    }
    reply.took = sent.elapsed();
    let is_kept = length.is_some() && reply.header("connection") != Some("close");
    (reply, is_kept)
}
