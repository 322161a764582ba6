//! New connections.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, Error as TlsError};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::connection::Connection;
use super::failure::{Cause, Failure, Sent, Stage};
use super::http2::connection::{self, Driver, Multiplexed};
use super::names::{Addresses, Name};
use super::parameters::{Endpoint, HttpVersion, InvalidParameters, Parameters};
use super::socket::{Meter, Socket, Wire};
use super::tls;

/// Opens connections to one endpoint.
pub(super) struct Dialer {
    address: Address,
    tls: Option<Tls>,
    /// The same where HTTP/2 is to be agreed on.
    tls_for_http2: Option<Tls>,
    patience: Duration,
    head_bytes: usize,
}

enum Address {
    Fixed(SocketAddr),
    Named(Arc<Name>),
    Unix(PathBuf),
}

struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Dialer {
    pub(super) fn new(parameters: &Parameters) -> Result<Self, InvalidParameters> {
        let (mut tls, mut tls_for_http2) = (None, None);
        let address = match &parameters.endpoint {
            Endpoint::Http { host, port } => Address::tcp(host, *port, parameters),
            Endpoint::Https { host, port } => {
                let config = tls::config(&parameters.tls)?;
                let name = tls::name(parameters.tls.server_name.as_ref().unwrap_or(host))?;
                tls_for_http2 = (parameters.http_version == HttpVersion::Http2)
                    .then(|| Tls::new(tls::for_http2(&config), name.clone()));
                tls = Some(Tls::new(config, name));
                Address::tcp(host, *port, parameters)
            }
            Endpoint::Unix { path } => Address::Unix(path.clone()),
        };
        Ok(Self {
            address,
            tls,
            tls_for_http2,
            patience: parameters.connect,
            head_bytes: parameters.head_bytes,
        })
    }

    /// A new connection, unless it takes too long.
    pub(super) async fn dial(&self, until: Instant) -> Result<Box<Connection>, Failure> {
        let (wire, meter, peer) = self.reach(self.tls.as_ref(), until).await?;
        let connection = Connection::new(wire, meter, peer, self.head_bytes).await;
        let connection =
            connection.map_err(|error| Failure::new(Sent::Nothing, Cause::Connect).with(error))?;
        Ok(Box::new(connection))
    }

    /// A new connection of HTTP/2, and what drives it.
    pub(super) async fn dial_http2(&self) -> Result<(Multiplexed, Driver), Failure> {
        let until = Instant::now() + Parameters::LONGEST;
        let (wire, meter, peer) = self.reach(self.tls_for_http2.as_ref(), until).await?;
        if let Wire::Tls(stream) = &wire
            && stream.get_ref().1.alpn_protocol() != Some(tls::HTTP2)
        {
            return Err(Failure::new(Sent::Nothing, Cause::NotHttp2));
        }
        let opened = connection::open(wire, meter, peer, self.head_bytes);
        timeout_at(self.patience(until), opened)
            .await
            .map_err(|_| Failure::timeout(Stage::Handshake, Sent::Nothing))?
    }

    /// A socket, with TLS on it or not, and which of the name's addresses it leads to.
    async fn reach(
        &self,
        tls: Option<&Tls>,
        until: Instant,
    ) -> Result<(Wire, Arc<Meter>, Option<SocketAddr>), Failure> {
        let patience = self.patience(until);
        let connecting = timeout_at(patience, self.address.connect(patience));
        let (socket, peer) = connecting
            .await
            .map_err(|_| Failure::timeout(Stage::Connect, Sent::Nothing))?
            .map_err(no_connection)?;
        let meter = socket.meter();
        let wire = match tls {
            Some(tls) => timeout_at(self.patience(until), tls.shake_hands(socket))
                .await
                .map_err(|_| Failure::timeout(Stage::Handshake, Sent::Nothing))??,
            None => Wire::Plain(socket),
        };
        Ok((wire, meter, peer))
    }

    /// Whether a connection to that still leads where a new one would.
    pub(super) fn leads_to(&self, peer: Option<SocketAddr>) -> bool {
        match &self.address {
            Address::Named(name) => name.leads_to(peer),
            Address::Fixed(_) | Address::Unix(_) => true,
        }
    }

    /// The addresses that the name has, where it is one and was looked up.
    pub(super) fn resolved(&self) -> Option<Addresses> {
        match &self.address {
            Address::Named(name) => name.known(),
            Address::Fixed(_) | Address::Unix(_) => None,
        }
    }

    fn patience(&self, until: Instant) -> Instant {
        until.min(Instant::now() + self.patience)
    }
}

impl Address {
    fn tcp(host: &str, port: u16, parameters: &Parameters) -> Self {
        match host.parse::<IpAddr>() {
            Ok(address) => Self::Fixed(SocketAddr::new(address, port)),
            Err(_) => Self::Named(Arc::new(Name::new(
                host.to_owned(),
                port,
                parameters.resolve,
            ))),
        }
    }

    /// A socket, and which of the name's addresses it leads to.
    async fn connect(&self, until: Instant) -> io::Result<(Socket, Option<SocketAddr>)> {
        match self {
            Self::Fixed(address) => Ok((connect_to(*address).await?, None)),
            Self::Named(name) => {
                // Whoever waits for the resolver takes room of its own, and not in every call.
                let addresses = Box::pin(name.addresses(until)).await?;
                connect_to_any(&addresses, until).await
            }
            Self::Unix(path) => Ok((Socket::unix(UnixStream::connect(path).await?), None)),
        }
    }
}

fn no_connection(error: io::Error) -> Failure {
    let failure = if error.kind() == io::ErrorKind::TimedOut {
        Failure::timeout(Stage::Connect, Sent::Nothing)
    } else {
        Failure::new(Sent::Nothing, Cause::Connect)
    };
    failure.with(error)
}

/// Tries one after the other: one that says nothing leaves its share of the time to those after it.
async fn connect_to_any(
    addresses: &[SocketAddr],
    until: Instant,
) -> io::Result<(Socket, Option<SocketAddr>)> {
    let mut last = io::Error::other("the name has no address");
    for (index, address) in addresses.iter().enumerate() {
        let now = Instant::now();
        let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let share = now + until.saturating_duration_since(now) / left;
        match timeout_at(share, connect_to(*address)).await {
            Ok(Ok(socket)) => return Ok((socket, Some(*address))),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

async fn connect_to(address: SocketAddr) -> io::Result<Socket> {
    let stream = TcpStream::connect(address).await?;
    // A request is written at once; holding back its last packet gains nothing.
    stream.set_nodelay(true)?;
    Ok(Socket::tcp(stream))
}

impl Tls {
    fn new(config: ClientConfig, name: ServerName<'static>) -> Self {
        let connector = TlsConnector::from(Arc::new(config));
        Self { connector, name }
    }

    fn is_for_http2(&self) -> bool {
        let offered = &self.connector.config().alpn_protocols;
        offered.iter().any(|name| name == tls::HTTP2)
    }

    async fn shake_hands(&self, socket: Socket) -> Result<Wire, Failure> {
        let shaken = self.connector.connect(self.name.clone(), socket).await;
        let stream = shaken.map_err(|error| {
            let cause = if self.is_for_http2() && is_of_protocol(&error) {
                Cause::NotHttp2
            } else {
                Cause::Tls
            };
            Failure::new(Sent::Nothing, cause).with(error)
        })?;
        Ok(Wire::Tls(Box::new(stream)))
    }
}

/// Whether the peer refused what ALPN offered.
fn is_of_protocol(error: &io::Error) -> bool {
    const REFUSED: TlsError = TlsError::AlertReceived(AlertDescription::NoApplicationProtocol);
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    inner == Some(&REFUSED)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_address_that_refuses_or_says_nothing_leaves_time_to_the_next() {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let refusing = gone.local_addr().unwrap();
        drop(gone);
        let alive = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = (alive.local_addr().unwrap(), alive);
        // Its queue is full, so that nobody is answered.
        let silent = tokio::net::TcpSocket::new_v4().unwrap();
        silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let silent = silent.listen(1).unwrap();
        let full = silent.local_addr().unwrap();
        let mut waiting = Vec::new();
        for _ in 0..3 {
            let connecting = TcpStream::connect(full);
            let begun = tokio::time::timeout(Duration::from_millis(200), connecting);
            waiting.push(begun.await);
        }
        let until = Instant::now() + Duration::from_secs(3);
        let addresses = [refusing, full, alive.0];
        let (_, peer) = connect_to_any(&addresses, until).await.unwrap();
        assert_eq!(peer, Some(alive.0));
        assert!(Instant::now() < until);
        let error = connect_to_any(&[refusing], until).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
