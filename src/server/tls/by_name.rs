//! Which certificate is shown: the one for the name that the caller asks for.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::Certificate;

/// Certificates by the names they are for.
#[derive(Debug)]
pub(super) struct ByName {
    /// In small letters; `*.example.com` as it stands in the certificate.
    named: HashMap<String, Arc<CertifiedKey>>,
    /// For callers who name nobody, or somebody else.
    default: Option<Arc<CertifiedKey>>,
}

impl ByName {
    /// Of several certificates for a name the first counts. A single one is the default.
    pub(super) fn new(certificates: &[Certificate]) -> Self {
        let mut named = HashMap::new();
        for certificate in certificates {
            for name in certificate.names() {
                let key = || Arc::clone(certificate.key());
                named.entry(name.clone()).or_insert_with(key);
            }
        }
        let default = match certificates {
            [only] => Some(only),
            several => several.iter().find(|certificate| certificate.is_default),
        };
        Self {
            named,
            default: default.map(|certificate| Arc::clone(certificate.key())),
        }
    }

    /// A star stands for the first label of a name, and for nothing else.
    fn find(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        self.named.get(name).or_else(|| {
            let (_, parent) = name.split_once('.')?;
            self.named.get(&format!("*.{parent}"))
        })
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let found = name.and_then(|name| self.find(&name));
        found.or(self.default.as_ref()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(table: &str, names: &[&str]) -> Certificate {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        Certificate::read(table, chain.as_bytes(), key.as_bytes()).unwrap()
    }

    fn is_shown(by_name: &ByName, name: &str, certificate: &Certificate) -> bool {
        let found = by_name.find(name);
        found.is_some_and(|found| Arc::ptr_eq(found, certificate.key()))
    }

    #[test]
    fn a_name_finds_its_certificate_and_a_star_is_for_one_label() {
        let exact = certificate("exact", &["www.example.com", "Example.ORG"]);
        let star = certificate("star", &["*.example.com"]);
        let by_name = ByName::new(&[star.clone(), exact.clone()]);
        assert!(is_shown(&by_name, "www.example.com", &exact));
        assert!(is_shown(&by_name, "example.org", &exact));
        assert!(is_shown(&by_name, "api.example.com", &star));
        for nobody in ["example.com", "a.b.example.com", "com", ""] {
            assert!(by_name.find(nobody).is_none(), "{nobody}");
        }
    }

    #[test]
    fn one_certificate_is_for_everybody_and_of_several_the_one_that_is_marked() {
        let mut one = certificate("one", &["one.example"]);
        let other = certificate("other", &["other.example"]);
        assert!(ByName::new(&[one.clone()]).default.is_some());
        assert!(ByName::new(&[one.clone(), other.clone()]).default.is_none());
        one.is_default = true;
        let shown = ByName::new(&[other, one.clone()]).default.unwrap();
        assert!(Arc::ptr_eq(&shown, one.key()));
    }
}
