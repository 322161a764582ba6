//! The addresses a server listens on, bound before anything else is started.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;
use tokio::net::TcpSocket;

use super::address::Address;
use super::socket::Socket;
use super::socket_file::SocketFile;

/// Connections the kernel completes before they are accepted; `net.core.somaxconn` may lower it.
const BACKLOG: u32 = 4096;

/// One or more bound addresses. Clients can connect from now on and are served once the server runs.
#[derive(Debug)]
pub struct Listener {
    bound: Vec<(Socket, Address)>,
}

/// An address that cannot be listened on.
#[derive(Debug, Error)]
pub enum BindError {
    /// No address was given.
    #[error("no address to listen on; name at least one, such as 127.0.0.1:8080")]
    NoAddress,
    /// The operating system refused the address.
    #[error("cannot listen on {address}: {}", remedy(.address, .error))]
    Refused {
        /// The address as it was given.
        address: Address,
        /// What the operating system said. The message has it, so it is no cause of its own.
        error: io::Error,
    },
}

impl Listener {
    /// Binds every address, or none. Port 0 takes any free port; see [`Listener::addresses`]. The
    /// file of a Unix socket is made, in the place of one that nobody serves any more.
    ///
    /// Must be called within a Tokio runtime.
    pub fn bind(addresses: &[Address]) -> Result<Self, BindError> {
        if addresses.is_empty() {
            return Err(BindError::NoAddress);
        }
        let bound = addresses
            .iter()
            .map(|address| {
                bind_one(address).map_err(|error| BindError::Refused {
                    address: address.clone(),
                    error,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { bound })
    }

    /// The addresses in use, with the ports that were assigned.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.bound.iter().map(|(_, address)| address)
    }

    /// The sockets, and whether TLS is spoken there.
    pub(super) fn into_sockets(self) -> impl Iterator<Item = (Socket, bool)> {
        let bound = self.bound.into_iter();
        bound.map(|(socket, address)| (socket, matches!(address, Address::Tls(_))))
    }
}

fn bind_one(address: &Address) -> io::Result<(Socket, Address)> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(io::Error::other("not within a Tokio runtime"));
    }
    match address {
        Address::Tcp(address) => {
            let (socket, address) = bind_tcp(*address)?;
            Ok((socket, Address::Tcp(address)))
        }
        Address::Tls(address) => {
            let (socket, address) = bind_tcp(*address)?;
            Ok((socket, Address::Tls(address)))
        }
        Address::Unix { path, mode } => {
            let (listener, file) = SocketFile::listen(path, *mode, BACKLOG)?;
            Ok((Socket::Unix(listener, file), address.clone()))
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<(Socket, SocketAddr)> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((Socket::Tcp(listener), address))
}

/// What the operating system said and what to do about it.
fn remedy(address: &Address, error: &io::Error) -> String {
    let kind = error.kind();
    let is_unix = matches!(address, Address::Unix { .. });
    let advice = match () {
        () if kind == io::ErrorKind::AddrInUse && is_unix => {
            "stop the program that uses it or choose another path"
        }
        () if kind == io::ErrorKind::AddrInUse => {
            "stop the program that uses it or choose another port"
        }
        () if kind == io::ErrorKind::AlreadyExists => {
            "what is there is no socket: remove it or choose another path"
        }
        () if kind == io::ErrorKind::NotFound => "there is no such directory: make it",
        () if kind == io::ErrorKind::AddrNotAvailable => {
            "this host has no such address; use one of its own, 127.0.0.1 or 0.0.0.0"
        }
        () if kind == io::ErrorKind::PermissionDenied && is_unix => {
            "let the user that runs dragoman write to the directory"
        }
        () if kind == io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege; choose a higher port or grant CAP_NET_BIND_SERVICE"
        }
        () => return error.to_string(),
    };
    format!("{error}; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(address: &str) -> Result<Listener, BindError> {
        let address = match address.strip_prefix("unix:") {
            Some(path) => Address::Unix {
                path: path.into(),
                mode: 0o600,
            },
            None => Address::Tcp(address.parse().unwrap()),
        };
        Listener::bind(&[address])
    }

    #[tokio::test]
    async fn port_0_reports_the_port_it_got() {
        let listener = bind("127.0.0.1:0").unwrap();
        let address = listener.addresses().next().unwrap();
        assert!(matches!(address, Address::Tcp(address) if address.port() != 0));
    }

    #[tokio::test]
    async fn a_taken_address_is_named_with_a_remedy() {
        let listener = bind("127.0.0.1:0").unwrap();
        let address = listener.addresses().next().unwrap().to_string();
        let error = bind(&address).unwrap_err().to_string();
        assert!(error.contains(&address), "{error}");
        assert!(error.contains("choose another port"), "{error}");
    }

    #[tokio::test]
    async fn a_foreign_address_is_named_with_a_remedy() {
        let error = bind("192.0.2.1:0").unwrap_err().to_string();
        assert!(error.contains("192.0.2.1:0"), "{error}");
        assert!(error.contains("this host has no such address"), "{error}");
    }

    #[tokio::test]
    async fn a_path_that_cannot_be_listened_on_is_named_with_a_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().display();
        std::fs::write(directory.path().join("file"), "").unwrap();
        let used = format!("unix:{folder}/used");
        let _listener = bind(&used).unwrap();
        for (address, advice) in [
            (used.clone(), "choose another path"),
            (format!("unix:{folder}/file"), "what is there is no socket"),
            (
                format!("unix:{folder}/none/socket"),
                "there is no such directory",
            ),
        ] {
            let error = bind(&address).unwrap_err().to_string();
            assert!(error.contains(&address), "{error}");
            assert!(error.contains(advice), "{error}");
        }
    }

    #[tokio::test]
    async fn no_address_is_an_error() {
        assert!(matches!(Listener::bind(&[]), Err(BindError::NoAddress)));
    }

    #[test]
    fn a_missing_runtime_is_an_error_and_no_panic() {
        let error = bind("127.0.0.1:0").unwrap_err();
        assert!(error.to_string().contains("Tokio runtime"), "{error}");
    }
}
