//! New connections.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::connection::Connection;
use super::failure::{Cause, Failure, Sent, Stage};
use super::parameters::{Endpoint, InvalidParameters, Parameters};
use super::socket::{Socket, Wire};
use super::tls;

/// Opens connections to one endpoint.
pub(super) struct Dialer {
    address: Address,
    tls: Option<Tls>,
    patience: Duration,
    head_bytes: usize,
}

enum Address {
    Tcp(String, u16),
    Unix(PathBuf),
}

struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Dialer {
    pub(super) fn new(parameters: &Parameters) -> Result<Self, InvalidParameters> {
        let (address, tls) = match &parameters.endpoint {
            Endpoint::Http { host, port } => (Address::Tcp(host.clone(), *port), None),
            Endpoint::Https { host, port } => {
                let tls = Tls {
                    connector: TlsConnector::from(Arc::new(tls::config(&parameters.tls)?)),
                    name: tls::name(parameters.tls.server_name.as_ref().unwrap_or(host))?,
                };
                (Address::Tcp(host.clone(), *port), Some(tls))
            }
            Endpoint::Unix { path } => (Address::Unix(path.clone()), None),
        };
        Ok(Self {
            address,
            tls,
            patience: parameters.connect,
            head_bytes: parameters.head_bytes,
        })
    }

    /// A new connection, unless it takes too long.
    pub(super) async fn dial(&self, until: Instant) -> Result<Box<Connection>, Failure> {
        let connecting = timeout_at(self.patience(until), self.address.connect());
        let socket = connecting
            .await
            .map_err(|_| Failure::timeout(Stage::Connect, Sent::Nothing))?
            .map_err(|error| Failure::new(Sent::Nothing, Cause::Connect).with(error))?;
        let meter = socket.meter();
        let wire = match &self.tls {
            Some(tls) => timeout_at(self.patience(until), tls.shake_hands(socket))
                .await
                .map_err(|_| Failure::timeout(Stage::Handshake, Sent::Nothing))??,
            None => Wire::Plain(socket),
        };
        let connection = Connection::new(wire, meter, self.head_bytes).await;
        let connection =
            connection.map_err(|error| Failure::new(Sent::Nothing, Cause::Connect).with(error))?;
        Ok(Box::new(connection))
    }

    fn patience(&self, until: Instant) -> Instant {
        until.min(Instant::now() + self.patience)
    }
}

impl Address {
    async fn connect(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                // A request is written at once; holding back its last packet gains nothing.
                stream.set_nodelay(true)?;
                Ok(Socket::tcp(stream))
            }
            Self::Unix(path) => Ok(Socket::unix(UnixStream::connect(path).await?)),
        }
    }
}

impl Tls {
    async fn shake_hands(&self, socket: Socket) -> Result<Wire, Failure> {
        let shaken = self.connector.connect(self.name.clone(), socket).await;
        let stream = shaken.map_err(|error| Failure::new(Sent::Nothing, Cause::Tls).with(error))?;
        Ok(Wire::Tls(Box::new(stream)))
    }
}
