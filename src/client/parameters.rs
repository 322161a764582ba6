//! What a client is made of.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderValue;
use thiserror::Error;

use crate::secret::Secret;

/// Where the upstream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Plain TCP.
    Http {
        /// A name, or an address without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// TLS over TCP.
    Https {
        /// As for [`Endpoint::Http`]; also the name the certificate must be for, unless
        /// [`TlsParameters::server_name`] says otherwise.
        host: String,
        /// The port.
        port: u16,
    },
    /// A Unix domain socket, without TLS.
    Unix {
        /// Its path.
        path: PathBuf,
    },
}

/// The URL of it, without a path.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host, port) = match self {
            Self::Http { host, port } => ("http", host, port),
            Self::Https { host, port } => ("https", host, port),
            Self::Unix { path } => return write!(f, "unix:{}", path.display()),
        };
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{port}")
        } else {
            write!(f, "{scheme}://{host}:{port}")
        }
    }
}

/// What is spoken with an upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1: a connection carries one request at a time.
    #[default]
    Http1,
    /// HTTP/2: a connection carries many. Over TLS both sides agree on it by ALPN; otherwise it is known
    /// beforehand (RFC 9113, section 3.3). What asks to leave HTTP goes over HTTP/1.1.
    Http2,
}

/// One upstream, and how long each step towards it may take.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// Where it is.
    pub endpoint: Endpoint,
    /// `Host` of every request.
    pub host: HeaderValue,
    /// What is spoken there.
    pub http_version: HttpVersion,
    /// Whom to trust and who to be, for [`Endpoint::Https`].
    pub tls: TlsParameters,
    /// Connections at a time; with HTTP/2, requests at a time. Who comes later waits in turn until its deadline.
    pub connections: usize,
    /// How long a connection rests before it is closed. Should be shorter than the upstream's own
    /// keep-alive: a connection that the upstream closes first can cost a request its certainty.
    pub idle: Duration,
    /// How old a connection becomes before it is not used again.
    pub lifetime: Duration,
    /// How old the addresses of a name may be before it is looked up again, beside the requests. A
    /// connection to one that the name has no longer is not used again.
    pub resolve: Duration,
    /// To resolve the name and connect, and again to shake hands over TLS and agree on HTTP/2.
    pub connect: Duration,
    /// From handing the request to a connection to the last byte of the answer's head.
    pub head: Duration,
    /// All of it: waiting for a connection, connecting, the exchange with its body.
    pub total: Duration,
    /// Bytes of an answer's head, at least [`Parameters::SMALLEST_HEAD`], in no more than 100 lines. Interim answers (1xx) count
    /// towards twice of it.
    pub head_bytes: usize,
    /// Bytes of an answer's body.
    pub response_bytes: usize,
}

/// Trust and identity of TLS 1.2 and 1.3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsParameters {
    /// Certificates (PEM) of the authorities to trust instead of the system's.
    pub ca: Option<Vec<u8>>,
    /// What the client shows who asks for a certificate.
    pub identity: Option<Identity>,
    /// The name the certificate must be for, where it is not the host's.
    pub server_name: Option<String>,
}

/// A client certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate and its intermediates (PEM).
    pub certificate: Vec<u8>,
    /// The private key (PEM).
    pub key: Secret,
}

/// Parameters that no client can be made of.
#[derive(Debug, Error)]
pub enum InvalidParameters {
    /// A pool that no request would get through.
    #[error("an upstream needs at least one connection")]
    NoConnections,
    /// No clock counts that far.
    #[error("a limit of time is longer than {} days", Parameters::LONGEST.as_secs() / 86_400)]
    TooLong,
    /// hyper cannot be held to less.
    #[error(
        "the limit of an answer's head is below {} bytes",
        Parameters::SMALLEST_HEAD
    )]
    HeadTooSmall,
    /// No certificate, or one that cannot be read, among the authorities.
    #[error("the certificate authorities cannot be read: {0}")]
    Authorities(String),
    /// The system has no certificates.
    #[error(
        "the system has no trust roots; install ca-certificates, or name the authority of the upstream"
    )]
    NoSystemRoots,
    /// The client certificate or its key.
    #[error("the client certificate or its key cannot be used: {0}")]
    Identity(String),
    /// Neither a host name nor an address.
    #[error("{0:?} is no name that a certificate can be for")]
    ServerName(String),
    /// The cryptography cannot do what TLS 1.2 and 1.3 ask for.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl Parameters {
    /// The smallest head buffer hyper works with.
    pub const SMALLEST_HEAD: usize = 8 * 1024;

    /// The longest limit of time.
    pub const LONGEST: Duration = Duration::from_secs(365 * 86_400);

    pub(super) fn check(&self) -> Result<(), InvalidParameters> {
        if self.connections == 0 {
            return Err(InvalidParameters::NoConnections);
        }
        if self.head_bytes < Self::SMALLEST_HEAD {
            return Err(InvalidParameters::HeadTooSmall);
        }
        let times = [
            self.idle,
            self.lifetime,
            self.resolve,
            self.connect,
            self.head,
            self.total,
        ];
        if times.iter().any(|&time| time > Self::LONGEST) {
            return Err(InvalidParameters::TooLong);
        }
        Ok(())
    }
}
