//! The addresses a server listens on, bound before anything else is started.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket};

/// Connections the kernel completes before they are accepted; `net.core.somaxconn` may lower it.
const BACKLOG: u32 = 4096;

/// One or more bound addresses. Clients can connect from now on and are served once the server runs.
#[derive(Debug)]
pub struct Listener {
    bound: Vec<(TcpListener, SocketAddr)>,
}

/// An address that cannot be listened on.
#[derive(Debug, Error)]
pub enum BindError {
    /// No address was given.
    #[error("no address to listen on; name at least one, such as 127.0.0.1:8080")]
    NoAddress,
    /// The operating system refused the address.
    #[error("cannot listen on {address}: {}", remedy(.error))]
    Refused {
        /// The address as it was given.
        address: SocketAddr,
        /// What the operating system said. The message has it, so it is no cause of its own.
        error: io::Error,
    },
}

impl Listener {
    /// Binds every address, or none. Port 0 takes any free port; see [`Listener::addresses`].
    ///
    /// Must be called within a Tokio runtime.
    pub fn bind(addresses: &[SocketAddr]) -> Result<Self, BindError> {
        if addresses.is_empty() {
            return Err(BindError::NoAddress);
        }
        let bound = addresses
            .iter()
            .map(|&address| {
                bind_one(address).map_err(|error| BindError::Refused { address, error })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { bound })
    }

    /// The addresses in use, with the ports that were assigned.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.bound.iter().map(|(_, address)| *address)
    }

    pub(super) fn into_sockets(self) -> impl Iterator<Item = TcpListener> {
        self.bound.into_iter().map(|(socket, _)| socket)
    }
}

fn bind_one(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(io::Error::other("not within a Tokio runtime"));
    }
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// What the operating system said and what to do about it.
fn remedy(error: &io::Error) -> String {
    let kind = error.kind();
    let advice = if kind == io::ErrorKind::AddrInUse {
        "stop the program that uses it or choose another port"
    } else if kind == io::ErrorKind::AddrNotAvailable {
        "this host has no such address; use one of its own, 127.0.0.1 or 0.0.0.0"
    } else if kind == io::ErrorKind::PermissionDenied {
        "ports below 1024 need a privilege; choose a higher port or grant CAP_NET_BIND_SERVICE"
    } else {
        return error.to_string();
    };
    format!("{error}; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn port_0_reports_the_port_it_got() {
        let listener = Listener::bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let address = listener.addresses().next().unwrap();
        assert_ne!(address.port(), 0);
    }

    #[tokio::test]
    async fn a_taken_address_is_named_with_a_remedy() {
        let listener = Listener::bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let address = listener.addresses().next().unwrap();
        let error = Listener::bind(&[address]).unwrap_err().to_string();
        assert!(error.contains(&address.to_string()), "{error}");
        assert!(error.contains("choose another port"), "{error}");
    }

    #[tokio::test]
    async fn a_foreign_address_is_named_with_a_remedy() {
        let address = "192.0.2.1:0".parse().unwrap();
        let error = Listener::bind(&[address]).unwrap_err().to_string();
        assert!(error.contains("192.0.2.1:0"), "{error}");
        assert!(error.contains("this host has no such address"), "{error}");
    }

    #[tokio::test]
    async fn no_address_is_an_error() {
        assert!(matches!(Listener::bind(&[]), Err(BindError::NoAddress)));
    }

    #[test]
    fn a_missing_runtime_is_an_error_and_no_panic() {
        let error = Listener::bind(&["127.0.0.1:0".parse().unwrap()]).unwrap_err();
        assert!(error.to_string().contains("Tokio runtime"), "{error}");
    }
}
