//! TLS towards callers: which certificate is shown to whom, and the handshake's terms.
//!
//! rustls, TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN; nothing is taken before the handshake has ended
//! (no 0-RTT), since it could be sent twice.

mod by_name;
mod certificate;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::{Accept, TlsAcceptor};

pub use self::certificate::{Certificate, CertificateError, Part};

use self::by_name::ByName;
use super::wire::Wire;

/// What connections to the TLS addresses of a server are met with. Clones are the same.
#[derive(Clone)]
pub struct Tls(Arc<ArcSwap<ServerConfig>>);

impl Tls {
    /// Shows these certificates. Where there are none, every handshake is refused.
    pub fn new(certificates: &[Certificate]) -> Result<Self, rustls::Error> {
        let config = config(certificates)?;
        Ok(Self(Arc::new(ArcSwap::from_pointee(config))))
    }

    /// Shows what the other shows from the next handshake on, and resumes no session that began before.
    /// Connections that are open go on.
    pub fn become_as(&self, other: &Self) {
        self.0.store(other.0.load_full());
    }

    /// Shakes hands on a connection.
    pub(super) fn accept(&self, wire: Wire) -> Accept<Wire> {
        TlsAcceptor::from(self.0.load_full()).accept(wire)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// With its provider named: a second one in the build would otherwise make rustls panic.
pub(super) fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

fn config(certificates: &[Certificate]) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByName::new(certificates)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Callers that come back are spared the slow half of a handshake, and nothing is kept of them here.
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(config)
}
