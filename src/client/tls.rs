//! Whom to trust, and who to be.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::load_native_certs;

use super::parameters::{Identity, InvalidParameters, TlsParameters};

/// HTTP/2 in ALPN.
pub(super) const HTTP2: &[u8] = b"h2";

/// rustls for TLS 1.2 and 1.3, with its provider named: a second one in the build would otherwise make
/// it panic.
pub(super) fn config(parameters: &TlsParameters) -> Result<ClientConfig, InvalidParameters> {
    let roots = match &parameters.ca {
        Some(pem) => own_roots(pem)?,
        None => system_roots()?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match &parameters.identity {
        Some(identity) => {
            let (certificates, key) = read_identity(identity)?;
            builder
                .with_client_auth_cert(certificates, key)
                .map_err(|error| InvalidParameters::Identity(error.to_string()))?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The same for HTTP/2, and nothing else: what does not agree on it is told so, and not spoken to otherwise.
pub(super) fn for_http2(config: &ClientConfig) -> ClientConfig {
    let mut config = config.clone();
    config.alpn_protocols = vec![HTTP2.to_vec()];
    config
}

/// The name the upstream's certificate must be for.
pub(super) fn name(name: &str) -> Result<ServerName<'static>, InvalidParameters> {
    ServerName::try_from(name.to_owned())
        .map_err(|_| InvalidParameters::ServerName(name.to_owned()))
}

fn own_roots(pem: &[u8]) -> Result<RootCertStore, InvalidParameters> {
    let refused = InvalidParameters::Authorities;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| refused(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| refused(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(refused("there is no certificate in them".to_owned()));
    }
    Ok(roots)
}

/// What the system trusts. A root that cannot be read is left out: systems carry such, and nothing
/// that needs it would be trusted.
fn system_roots() -> Result<RootCertStore, InvalidParameters> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(load_native_certs().certs);
    if roots.is_empty() {
        return Err(InvalidParameters::NoSystemRoots);
    }
    Ok(roots)
}

fn read_identity(
    identity: &Identity,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), InvalidParameters> {
    let refused =
        |error: rustls::pki_types::pem::Error| InvalidParameters::Identity(error.to_string());
    let certificates = CertificateDer::pem_slice_iter(&identity.certificate)
        .collect::<Result<Vec<_>, _>>()
        .map_err(refused)?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.reveal().as_bytes()).map_err(refused)?;
    Ok((certificates, key))
}
