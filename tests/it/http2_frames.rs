//! A client of HTTP/2 that writes its frames itself, so that they may say anything.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// The one stream of a connection here.
const STREAM: u32 = 1;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With an answer of this status.
    Answer(u16),
    /// With an error of its stream.
    Reset(u32),
    /// With an error of its connection.
    Goodbye(u32),
    /// The connection ended without a word.
    Closed,
}

/// The code of both errors for what is malformed (RFC 9113, section 7).
pub(crate) const PROTOCOL_ERROR: u32 = 1;

/// A connection for one request.
pub(crate) struct Frames(TcpStream);

/// A name and its value, of a pseudo-header or another.
pub(crate) type Field<'a> = (&'a str, &'a str);

impl Frames {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .unwrap();
        let mut frames = Self(stream);
        frames.write(SETTINGS, 0, 0, &[]);
        frames
    }

    /// Sends a head, or trailers.
    pub(crate) fn head(&mut self, fields: &[Field<'_>], ends: bool) {
        let mut block = Vec::new();
        for (name, value) in fields {
            // A literal without indexing and with a new name, nothing of it in Huffman's code (RFC 7541,
            // section 6.2.2).
            block.push(0);
            string(name, &mut block);
            string(value, &mut block);
        }
        let flags = END_HEADERS | if ends { END_STREAM } else { 0 };
        self.write(HEADERS, flags, STREAM, &block);
    }

    pub(crate) fn data(&mut self, bytes: &[u8], ends: bool) {
        self.write(DATA, if ends { END_STREAM } else { 0 }, STREAM, bytes);
    }

    /// The connection may have ended by then: what of it is read says so.
    fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        drop(self.0.write_all(&frame));
    }

    /// What becomes of the request.
    pub(crate) fn end(mut self) -> End {
        loop {
            let Some((kind, flags, stream, payload)) = self.read() else {
                return End::Closed;
            };
            let code = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
            match kind {
                SETTINGS if flags & ACK == 0 => self.write(SETTINGS, ACK, 0, &[]),
                HEADERS if stream == STREAM => return End::Answer(status(&payload)),
                RST_STREAM if stream == STREAM => return End::Reset(code(0)),
                GOAWAY => return End::Goodbye(code(4)),
                _ => {}
            }
        }
    }

    fn read(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).ok()?;
        let [high, middle, low, kind, flags, stream @ ..] = head;
        let length = u32::from_be_bytes([0, high, middle, low]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).ok()?;
        Some((kind, flags, u32::from_be_bytes(stream), payload))
    }
}

/// A length in a prefix of seven bits, and the bytes (RFC 7541, section 5.2).
fn string(text: &str, block: &mut Vec<u8>) {
    let length = u8::try_from(text.len()).unwrap();
    assert!(length < 127, "{text} is too long for this");
    block.push(length);
    block.extend(text.as_bytes());
}

/// The status at the beginning of an answer's head, if it is in the static table, else 0.
fn status(block: &[u8]) -> u16 {
    // The size of the dynamic table may be said first.
    let first = block.iter().find(|byte| **byte & 0xe0 != 0x20);
    match first {
        Some(0x88) => 200,
        Some(0x8c) => 400,
        Some(0x8d) => 404,
        _ => 0,
    }
}
