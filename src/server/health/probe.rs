//! Asks another process whether it is ready, for images without curl.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use thiserror::Error;

/// For everything: connecting, asking and the answer.
const LIMIT: Duration = Duration::from_secs(2);

const ASK: &[u8] = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// A server that cannot be asked.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// Nobody listens, or no answer came within two seconds.
    #[error(
        "no answer from {address}: {error}; is it running, and is this its [admin] listen address?"
    )]
    Unreachable {
        /// The address asked.
        address: SocketAddr,
        /// What went wrong. The message has it, so it is no cause of its own.
        error: io::Error,
    },
    /// Something else listens there.
    #[error("{address} answered something else than health; is this the [admin] listen address?")]
    Foreign {
        /// The address asked.
        address: SocketAddr,
    },
}

/// Whether the server with this admin address is ready. Blocks for at most two seconds.
///
/// An unspecified address (`0.0.0.0`, `[::]`) is asked on loopback.
pub fn probe(address: SocketAddr) -> Result<bool, ProbeError> {
    let address = reachable(address);
    let answer = exchange(address).map_err(|error| ProbeError::Unreachable { address, error })?;
    match status(&answer) {
        Some(b"200") => Ok(true),
        Some(b"503") => Ok(false),
        _ => Err(ProbeError::Foreign { address }),
    }
}

fn exchange(address: SocketAddr) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + LIMIT;
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_write_timeout(Some(left(deadline)?))?;
    stream.write_all(ASK)?;
    let mut answer = Vec::new();
    let mut space = [0; 1024];
    while answer.len() < b"HTTP/1.1 200".len() {
        stream.set_read_timeout(Some(left(deadline)?))?;
        let read = stream.read(&mut space)?;
        if read == 0 {
            break;
        }
        answer.extend_from_slice(space.get(..read).unwrap_or_default());
    }
    Ok(answer)
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        Err(io::ErrorKind::TimedOut.into())
    } else {
        Ok(left)
    }
}

fn status(answer: &[u8]) -> Option<&[u8]> {
    answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)
}

fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    let loopback = match address {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(loopback, address.port())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn answered(answer: &'static [u8]) -> Result<bool, ProbeError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = vec![0; ASK.len()];
            stream.read_exact(&mut asked).unwrap();
            stream.write_all(answer).unwrap();
        });
        let result = probe(SocketAddr::from(([0, 0, 0, 0], port)));
        server.join().unwrap();
        result
    }

    #[test]
    fn the_status_decides() {
        assert!(answered(b"HTTP/1.1 200 OK\r\n\r\n").unwrap());
        assert!(!answered(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap());
    }

    #[test]
    fn something_else_is_no_answer() {
        let error = answered(b"HTTP/1.1 404 Not Found\r\n\r\n").unwrap_err();
        assert!(matches!(error, ProbeError::Foreign { .. }), "{error}");
        assert!(answered(b"").is_err());
    }

    #[test]
    fn a_silent_server_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let started = Instant::now();
        let error = probe(listener.local_addr().unwrap()).unwrap_err();
        assert!(matches!(error, ProbeError::Unreachable { .. }), "{error}");
        assert!(started.elapsed() < LIMIT + Duration::from_secs(1));
    }

    #[test]
    fn a_closed_port_names_the_address() {
        // An address of its own: no other test takes the port meanwhile.
        let listener = TcpListener::bind("127.0.0.78:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = probe(address).unwrap_err().to_string();
        assert!(error.contains(&address.to_string()), "{error}");
    }
}
