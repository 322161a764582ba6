//! A gateway with one pass route, and a site that shows what it was sent.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{Served, command};

/// The binary with a pass route to that address; further options may follow, and other tables.
pub(crate) struct Passing {
    pub(crate) served: Served,
    _directory: TempDir,
}

impl Passing {
    pub(crate) fn start(site: SocketAddr, options: &str) -> Self {
        Self::configured(&format!("[routes.site]\npass = 'http://{site}'\n{options}"))
    }

    pub(crate) fn configured(text: &str) -> Self {
        Self::of(Path::new(env!("CARGO_BIN_EXE_dragoman")), text)
    }

    /// The same with that binary.
    pub(crate) fn of(binary: &Path, text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("routes.toml"), text).unwrap();
        Self {
            served: Served::run(command(binary, directory.path()).arg("serve")),
            _directory: directory,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let address = self.served.url.strip_prefix("http://").unwrap();
        address.parse().unwrap()
    }

    /// What is answered to these bytes until the connection ends, which they should ask for.
    pub(crate) fn ask(&self, bytes: impl AsRef<[u8]>) -> String {
        exchange(self.address(), bytes.as_ref())
    }
}

/// What comes back until the connection ends.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

/// A site of raw bytes: each connection is handed to a function, with all that its first read and the rest of
/// its head brought.
pub(crate) struct RawSite {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl RawSite {
    pub(crate) fn start(serve: impl Fn(&mut TcpStream, &str) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let (heard, serve) = (Arc::clone(&heads), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, heard, serve) =
                    (stream.unwrap(), Arc::clone(&heard), Arc::clone(&serve));
                std::thread::spawn(move || {
                    while let Some(head) = read_head(&mut stream) {
                        heard.lock().unwrap().push(head.clone());
                        serve(&mut stream, &head);
                    }
                });
            }
        });
        Self { address, heads }
    }

    /// The heads that came since this was last asked.
    pub(crate) fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.heads.lock().unwrap())
    }
}

fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return None;
        }
        head.push(byte[0]);
    }
    Some(String::from_utf8(head).unwrap())
}

/// The number in the header, if it is there.
pub(crate) fn length(head: &str) -> usize {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths
        .next()
        .map_or(0, |(_, value)| value.parse().unwrap())
}
