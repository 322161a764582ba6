//! Where a server listens: an address of TCP, with TLS or without, or the file of a Unix socket.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Whom a caller on a Unix socket counts as: it is on this host, and there is no more to say of it.
pub(super) const ON_A_UNIX_SOCKET: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Where callers connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An IP address and a port; port 0 stands for any free one.
    Tcp(SocketAddr),
    /// The same, for TLS.
    Tls(SocketAddr),
    /// A Unix socket.
    Unix {
        /// Its file, made when it is bound and removed when accepting ends.
        path: PathBuf,
        /// The permissions of the file: who may write to it may connect.
        mode: u32,
    },
}

impl Address {
    /// The longest path of a Unix socket, in bytes.
    pub const LONGEST_PATH: usize = 107;

    /// The address of TCP, with TLS or without; nothing for a Unix socket.
    pub const fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) | Self::Tls(address) => Some(*address),
            Self::Unix { .. } => None,
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

/// `127.0.0.1:8080`, `https://127.0.0.1:8443`, `unix:/run/dragoman/dragoman.sock`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Tls(address) => write!(f, "https://{address}"),
            Self::Unix { path, .. } => write!(f, "unix:{}", path.display()),
        }
    }
}
