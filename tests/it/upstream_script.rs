//! An upstream that does what a test says: a socket, and a function from request to answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What was asked of it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Method, path and query.
    pub(crate) target: String,
    /// Everything up to the empty line.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// What it does.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Answers in good order.
    Answer(u16, String),
    /// Sends these bytes and closes.
    Raw(Vec<u8>),
    /// Says nothing for that long and closes.
    Silence(Duration),
    /// The first after the second.
    After(Duration, Box<Reply>),
}

pub(crate) struct Script {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Script {
    pub(crate) fn start(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let heard = Arc::clone(&asked);
        let reply = Arc::new(reply);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (heard, reply) = (Arc::clone(&heard), Arc::clone(&reply));
                std::thread::spawn(move || serve(stream.unwrap(), &heard, &*reply));
            }
        });
        Self { address, asked }
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, heard: &Mutex<Vec<Asked>>, reply: &dyn Fn(&Asked) -> Reply) {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        heard.lock().unwrap().push(asked.clone());
        let mut reply = reply(&asked);
        while let Reply::After(delay, next) = reply {
            std::thread::sleep(delay);
            reply = *next;
        }
        let stream = reader.get_mut();
        // Who asked may have left.
        let sent = match reply {
            Reply::Answer(status, body) => stream.write_all(
                format!(
                    "HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
                .as_bytes(),
            ),
            Reply::Raw(bytes) => {
                drop(stream.write_all(&bytes));
                return;
            }
            Reply::Silence(length) => {
                std::thread::sleep(length);
                return;
            }
            Reply::After(..) => unreachable!("it was waited for"),
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Chunks as they came, with their trailers. None of them shall have a line that looks like the last one.
fn read_chunks(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let (mut chunks, mut is_last) = (Vec::new(), false);
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        chunks.extend_from_slice(&line);
        match line.as_slice() {
            b"0\r\n" => is_last = true,
            b"\r\n" if is_last => return Some(chunks),
            _ => {}
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    if length.is_none()
        && head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked")
    {
        body = read_chunks(reader)?;
    }
    let line = head.lines().next().unwrap();
    Some(Asked {
        target: line.trim_end_matches(" HTTP/1.1").to_owned(),
        body: String::from_utf8(body).unwrap(),
        head,
    })
}
