//! A gateway whose configuration changes while it runs, and callers that notice anything.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{Served, dragoman, finish};

pub(crate) const KEY: &str = "key-of-the-caller-0";
pub(crate) const OTHER_KEY: &str = "key-of-the-caller-1";

const PATIENCE: Duration = Duration::from_secs(20);

/// `[keys.NAME]` with that value.
pub(crate) fn key(name: &str, value: &str) -> String {
    format!("[keys.{name}]\nvalue = '{value}'\n")
}

/// A Vision6 route of that name, at `/NAME`.
pub(crate) fn route(name: &str) -> String {
    format!("[routes.{name}]\ndialect = 'vision6'\npath = '/{name}'\n")
}

/// A running gateway with a control socket, and its directory.
pub(crate) struct Reloaded {
    pub(crate) directory: TempDir,
    pub(crate) served: Served,
}

impl Reloaded {
    pub(crate) fn start(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), text);
        let served = Served::start(directory.path());
        Self { directory, served }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn write(&self, text: &str) {
        write(self.path(), text);
    }

    /// Exit code, standard output and standard error of `dragoman reload`.
    pub(crate) fn reload(&self) -> (Option<i32>, String, String) {
        finish(dragoman(self.path()).arg("reload"))
    }

    /// Has another configuration take effect.
    pub(crate) fn becomes(&self, text: &str) -> String {
        self.write(text);
        let (code, said, failed) = self.reload();
        assert_eq!(code, Some(0), "{failed}");
        said
    }

    pub(crate) fn connect(&self) -> Caller {
        let address = self.served.url.strip_prefix("http://").unwrap();
        Caller::connect(address.parse().unwrap())
    }
}

fn write(directory: &Path, text: &str) {
    let text = format!("[admin]\ncontrol = 'control.sock'\n{text}");
    // All of it or what was there: the gateway may be reading.
    fs::write(directory.join("next"), text).unwrap();
    fs::rename(directory.join("next"), directory.join("routes.toml")).unwrap();
}

/// One connection that is never opened again.
pub(crate) struct Caller(BufReader<TcpStream>);

/// Status and body.
pub(crate) type Answer = (u16, String);

impl Caller {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// Counts users, under an id of the caller's own.
    pub(crate) fn count(&mut self, path: &str, key: &str, id: usize) -> std::io::Result<Answer> {
        let call = format!(r#"{{"id":{id},"method":"countUsers","params":["{key}",1]}}"#);
        self.send(path, &call)?;
        self.answer()
    }

    pub(crate) fn send(&mut self, path: &str, body: &str) -> std::io::Result<()> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n",
            body.len()
        );
        let request = format!("{head}\r\n{body}");
        self.0.get_mut().write_all(request.as_bytes())
    }

    /// Posts a form.
    pub(crate) fn form(&mut self, path: &str, body: &str) -> std::io::Result<Answer> {
        let kind = "application/x-www-form-urlencoded";
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.0.get_mut().write_all((head + body).as_bytes())?;
        self.answer()
    }

    /// Sends some more of a body.
    pub(crate) fn go_on(&mut self, part: &str) {
        self.0.get_mut().write_all(part.as_bytes()).unwrap();
    }

    /// Sends a part of a body of that length.
    pub(crate) fn begin(&mut self, path: &str, length: usize, part: &str) {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        let stream = self.0.get_mut();
        stream.write_all((head + part).as_bytes()).unwrap();
    }

    pub(crate) fn answer(&mut self) -> std::io::Result<Answer> {
        let (head, body) = read_message(&mut self.0)?;
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Ok((status.unwrap_or_default(), body))
    }
}

/// Head and body of a message with a `Content-Length`.
fn read_message(stream: &mut BufReader<TcpStream>) -> std::io::Result<(String, String)> {
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((head, String::from_utf8(body).unwrap()))
}

/// A Vision6 that counts three users for whoever asks, after a while, and how often it was connected to.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Upstream {
    pub(crate) fn start(delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    let mut stream = BufReader::new(stream.unwrap());
                    while read_message(&mut stream).is_ok() {
                        thread::sleep(delay);
                        let body = r#"{"id":1,"result":3,"error":null}"#;
                        let length = body.len();
                        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
                        let answer = head + body;
                        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self {
            address,
            connections,
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// `[upstreams.back]`, and a route at `/front` that counts users there.
    pub(crate) fn tables(&self, more: &str) -> String {
        format!(
            "[upstreams.back]\ndialect = 'vision6'\nurl = 'http://{}/'\nkey = 'key-of-the-gateway'\naccount = 1\n{more}\
             [routes.front]\ndialect = 'vision6'\npath = '/front'\nuser = 'back'\n",
            self.address
        )
    }
}
