//! The PROXY protocol, versions 1 and 2: how a proxy in front says who it speaks for.
//!
//! The header stands before the first byte of HTTP, and its form is that of
//! <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>. What is read here was sent by a proxy that is trusted; it is held to the
//! form all the same.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use bytes::BytesMut;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

/// What every header of version 2 begins with.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The longest header of version 1, line end included.
const LONGEST_LINE: usize = 107;

/// The longest header of version 2 that is taken, extensions included; the form allows 64 KiB.
const LONGEST_BLOCK: usize = 4096;

/// A header that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    /// Its length in bytes.
    length: usize,
    /// Whom the proxy speaks for; nobody where it checks on us or does not know.
    source: Option<SocketAddr>,
}

/// Why there is no header.
#[derive(Debug, Error)]
pub(super) enum Fault {
    /// What was sent is none.
    #[error("no PROXY protocol header")]
    Malformed,
    /// The connection broke or ended first.
    #[error("no PROXY protocol header before the end")]
    Broken(#[from] io::Error),
}

/// Reads a header: whom the proxy speaks for, and what came behind it already.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<(Option<SocketAddr>, BytesMut), Fault> {
    let mut bytes = BytesMut::with_capacity(512);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        if let Some(header) = parse(&bytes)? {
            let behind = bytes.split_off(header.length);
            return Ok((header.source, behind));
        }
    }
}

/// The header that the bytes begin with; nothing while it is not all there.
fn parse(bytes: &[u8]) -> Result<Option<Header>, Fault> {
    let common = bytes.len().min(SIGNATURE.len());
    if bytes.get(..common) == SIGNATURE.get(..common) {
        parse_block(bytes)
    } else {
        parse_line(bytes)
    }
}

/// Version 1: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443` and a line end.
fn parse_line(bytes: &[u8]) -> Result<Option<Header>, Fault> {
    let begun = bytes.len().min(6);
    if bytes.get(..begun) != b"PROXY ".get(..begun) {
        return Err(Fault::Malformed);
    }
    let longest = bytes.get(..LONGEST_LINE).unwrap_or(bytes);
    let Some(end) = longest.iter().position(|byte| *byte == b'\n') else {
        return if bytes.len() < LONGEST_LINE {
            Ok(None)
        } else {
            Err(Fault::Malformed)
        };
    };
    let line = longest.get(..end).and_then(|line| line.strip_suffix(b"\r"));
    let line = line.and_then(|line| str::from_utf8(line).ok());
    let words: Vec<_> = line.ok_or(Fault::Malformed)?.split(' ').collect();
    let source = match words.as_slice() {
        ["PROXY", "UNKNOWN", ..] => None,
        ["PROXY", "TCP4", rest @ ..] => Some(addresses::<Ipv4Addr>(rest).ok_or(Fault::Malformed)?),
        ["PROXY", "TCP6", rest @ ..] => Some(addresses::<Ipv6Addr>(rest).ok_or(Fault::Malformed)?),
        _ => return Err(Fault::Malformed),
    };
    let length = end + 1;
    Ok(Some(Header { length, source }))
}

/// The source, if source, target and their ports are right.
fn addresses<A: FromStr + Into<IpAddr>>(words: &[&str]) -> Option<SocketAddr> {
    let [source, target, from, to] = words else {
        return None;
    };
    let source: A = source.parse().ok()?;
    target.parse::<A>().ok()?;
    port(to)?;
    Some(SocketAddr::new(source.into().to_canonical(), port(from)?))
}

/// Digits alone, without zeros before them.
fn port(text: &str) -> Option<u16> {
    let port: u16 = text.parse().ok()?;
    (port.to_string() == text).then_some(port)
}

/// Version 2: the signature, version and command, family and transport, a length, and as many bytes.
fn parse_block(bytes: &[u8]) -> Result<Option<Header>, Fault> {
    let Some(&[command, family, high, low]) = bytes
        .get(SIGNATURE.len()..)
        .and_then(|rest| rest.first_chunk())
    else {
        return Ok(None);
    };
    let start = SIGNATURE.len() + 4;
    let length = start + usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST_BLOCK || !matches!(command, 0x20 | 0x21) {
        return Err(Fault::Malformed);
    }
    let Some(rest) = bytes.get(start..length) else {
        return Ok(None);
    };
    let source = match (command, family) {
        // LOCAL: the proxy speaks for itself, e.g. to check on us, and what else it says is not looked
        // at. The others are callers it knows nothing of, and callers on a Unix socket of its own.
        (0x20, _) | (_, 0x00 | 0x31) => None,
        (_, 0x11) => Some(source_4(rest).ok_or(Fault::Malformed)?),
        (_, 0x21) => Some(source_6(rest).ok_or(Fault::Malformed)?),
        _ => return Err(Fault::Malformed),
    };
    Ok(Some(Header { length, source }))
}

/// Source and target, then their ports.
fn source_4(rest: &[u8]) -> Option<SocketAddr> {
    let &[a, b, c, d, _, _, _, _, high, low, _, _] = rest.first_chunk()?;
    let port = u16::from_be_bytes([high, low]);
    Some(SocketAddr::from(([a, b, c, d], port)))
}

fn source_6(rest: &[u8]) -> Option<SocketAddr> {
    let (address, rest) = rest.split_first_chunk::<16>()?;
    let (_, ports) = rest.split_first_chunk::<16>()?;
    let &[high, low, _, _] = ports.first_chunk()?;
    let address = Ipv6Addr::from(*address).to_canonical();
    Some(SocketAddr::new(address, u16::from_be_bytes([high, low])))
}

#[cfg(test)]
mod tests;
