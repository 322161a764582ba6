//! A certificate with its private key, and what it says of itself.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::InconsistentKeys;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use webpki::{EndEntityCert, KeyUsage};

/// A certificate that can be shown.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// What the configuration calls it.
    pub name: String,
    /// Whether it is shown to callers who name nobody, or nobody that any certificate is for.
    pub is_default: bool,
    key: Arc<CertifiedKey>,
    names: Vec<String>,
    from: Timestamp,
    until: Timestamp,
}

/// Why a certificate cannot be shown.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// There is none.
    #[error(
        "there is no certificate in it: it must be PEM, the server's own certificate first and its \
         intermediates behind it"
    )]
    NoCertificate,
    /// It is none that is understood.
    #[error("its first certificate cannot be read: {0}")]
    Unreadable(String),
    /// There is no key.
    #[error("there is no private key in it: it must be PEM, PKCS #8, PKCS #1 or SEC 1")]
    NoKey,
    /// A passphrase would be needed.
    #[error(
        "the private key is encrypted, and nobody could type the passphrase: decrypt it with \
         `openssl pkey -in OLD -out NEW`"
    )]
    Encrypted,
    /// The key is of a kind that is not known, or broken.
    #[error("the private key cannot be used: {0}")]
    UnusableKey(rustls::Error),
    /// They do not belong together.
    #[error(
        "the private key is not that of the certificate: name the one it was made with, or have the \
         server's own certificate first in its file"
    )]
    Mismatch,
}

/// Which of the two files is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The certificate's.
    Certificate,
    /// The private key's.
    Key,
}

impl CertificateError {
    /// The file to look at.
    pub const fn part(&self) -> Part {
        match self {
            Self::NoCertificate | Self::Unreadable(_) => Part::Certificate,
            Self::NoKey | Self::Encrypted | Self::UnusableKey(_) | Self::Mismatch => Part::Key,
        }
    }
}

impl Certificate {
    /// Reads the chain and the key, both PEM.
    pub fn read(name: &str, chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let chain = read_chain(chain)?;
        let own = chain.first().ok_or(CertificateError::NoCertificate)?;
        let parsed = EndEntityCert::try_from(own)
            .map_err(|error| CertificateError::Unreadable(error.to_string()))?;
        let names = parsed.valid_dns_names().map(str::to_ascii_lowercase);
        let names = names.collect();
        let from = limit_at(&parsed, 0).unwrap_or(Timestamp::MIN);
        let until = limit_at(&parsed, u64::MAX).unwrap_or(Timestamp::MAX);
        let key = certified(chain, read_key(key)?)?;
        Ok(Self {
            name: name.to_owned(),
            is_default: false,
            key: Arc::new(key),
            names,
            from,
            until,
        })
    }

    /// The names of hosts it is for, in small letters.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// When it expires.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// What callers will object to at that time.
    pub fn objection(&self, now: Timestamp) -> Option<String> {
        let (name, from, until) = (&self.name, self.from, self.until);
        if until < now {
            return Some(format!(
                "server.tls.{name}: the certificate expired at {until}: callers refuse it, so renew it"
            ));
        }
        (now < from).then(|| {
            format!(
                "server.tls.{name}: the certificate is not valid before {from}: callers refuse it until then"
            )
        })
    }

    pub(super) fn key(&self) -> &Arc<CertifiedKey> {
        &self.key
    }
}

/// The private key follows from the certificate, since both belong together.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.is_default == other.is_default
            && self.key.cert == other.key.cert
    }
}

impl Eq for Certificate {}

fn read_chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    CertificateDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(|error| CertificateError::Unreadable(error.to_string()))
}

fn read_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, CertificateError> {
    // The old form says it in a line of its own: `Proc-Type: 4,ENCRYPTED`.
    if memchr::memmem::find(text, b"ENCRYPTED").is_some() {
        return Err(CertificateError::Encrypted);
    }
    PrivateKeyDer::from_pem_slice(text).map_err(|error| {
        if matches!(error, pem::Error::NoItemsFound) {
            return CertificateError::NoKey;
        }
        CertificateError::UnusableKey(rustls::Error::General(error.to_string()))
    })
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, CertificateError> {
    let provider = super::provider();
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(CertificateError::UnusableKey)?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(CertificateError::Mismatch)
        }
        Err(error) => Err(CertificateError::Unreadable(error.to_string())),
    }
}

/// The end of its validity that a time lies beyond. webpki tells of both in no other way, and looks at
/// them before it looks for an issuer.
fn limit_at(certificate: &EndEntityCert<'_>, seconds: u64) -> Option<Timestamp> {
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let usage = KeyUsage::server_auth();
    let limit = match certificate.verify_for_usage(&[], &[], &[], time, usage, None, None) {
        Err(webpki::Error::CertExpired { not_after, .. }) => not_after,
        Err(webpki::Error::CertNotValidYet { not_before, .. }) => not_before,
        Err(_) | Ok(_) => return None,
    };
    let seconds = i64::try_from(limit.as_secs()).ok()?;
    Timestamp::from_second(seconds).ok()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn pem(change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let mut params = CertificateParams::new(vec!["Www.Example.com".to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn read(chain: &str, key: &str) -> Result<Certificate, CertificateError> {
        Certificate::read("site", chain.as_bytes(), key.as_bytes())
    }

    #[test]
    fn a_pair_that_belongs_together_is_read_with_its_names_in_small_letters() {
        let (chain, key) = pem(|_| {});
        let certificate = read(&chain, &key).unwrap();
        assert_eq!(certificate.names(), ["www.example.com"]);
        assert_eq!(certificate, read(&chain, &key).unwrap());
        let (chain, key) = pem(|_| {});
        assert_ne!(certificate, read(&chain, &key).unwrap());
    }

    #[test]
    fn what_is_wrong_is_said_of_the_file_that_is_at_fault() {
        let (chain, key) = pem(|_| {});
        let (other_chain, other_key) = pem(|_| {});
        let broken = chain.replace("MII", "AAA");
        let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
        let garbage = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for (chain, key, part, says) in [
            ("", key.as_str(), Part::Certificate, "no certificate"),
            (&key, &key, Part::Certificate, "no certificate"),
            (&broken, &key, Part::Certificate, "cannot be read"),
            (&chain, "", Part::Key, "no private key"),
            (&chain, &chain, Part::Key, "no private key"),
            (&chain, garbage, Part::Key, "cannot be used"),
            (&chain, &encrypted, Part::Key, "openssl pkey"),
            (&chain, &other_key, Part::Key, "not that of"),
            (&(other_chain + &chain), &key, Part::Key, "not that of"),
        ] {
            let error = read(chain, key).unwrap_err();
            assert_eq!(error.part(), part, "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn callers_object_to_what_has_expired_or_is_not_valid_yet() {
        let (chain, key) = pem(|params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 4, 1);
        });
        let certificate = read(&chain, &key).unwrap();
        let at = |text: &str| certificate.objection(text.parse().unwrap());
        assert_eq!(at("2020-02-01T00:00:00Z"), None);
        assert!(
            at("2020-05-01T00:00:00Z")
                .unwrap()
                .contains("expired at 2020-04-01")
        );
        assert!(
            at("2019-12-01T00:00:00Z")
                .unwrap()
                .contains("not valid before 2020-01-01")
        );
    }
}
