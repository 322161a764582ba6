//! PHP's own web server, as the judge of what a form says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::clients::in_package;

/// A running `php -S` without any php.ini: every limit is PHP's own default. Killed when dropped.
pub(crate) struct PhpServer {
    child: Child,
    address: String,
}

impl PhpServer {
    /// Starts the server with a script of `tests/clients` that answers every request.
    pub(crate) fn start(script: &str) -> Self {
        Self::start_with(&in_package("tests/clients").join(script), &[])
    }

    /// Starts the server with a script and what it finds in its environment.
    pub(crate) fn start_with(script: &Path, variables: &[(&str, &str)]) -> Self {
        Self::run(script, |php| {
            php.envs(variables.iter().copied());
        })
    }

    /// Starts the server with a script and settings that are added to the command.
    pub(crate) fn run(script: &Path, settings: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("php");
        // Warnings, e.g. of a field without an end, must not stand in the answer.
        command.args(["-n", "-d", "display_errors=0", "-d", "log_errors=0"]);
        settings(&mut command);
        let mut child = command
            .args(["-S", "127.0.0.1:0"])
            .arg(script)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("php is installed by tests/run");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, rest) = line.split_once("(http://")?;
            Some(rest.split_once(')')?.0.to_owned())
        });
        let address = address.expect("php says where it listens");
        // It logs every connection, which must not block it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// Where it listens: an address and a port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Posts a body; what the script printed.
    pub(crate) fn post(&self, content_type: &[u8], body: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let mut request = b"POST / HTTP/1.1\r\nHost: php\r\nContent-Type: ".to_vec();
        request.extend_from_slice(content_type);
        request.extend_from_slice(format!("\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes());
        request.extend_from_slice(body);
        stream.write_all(&request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        body.to_owned()
    }
}

impl Drop for PhpServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
