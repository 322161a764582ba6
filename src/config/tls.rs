//! `[server.tls.NAME]`: the certificates that https addresses show.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::fault::Faults;
use super::place::Place;
use super::secret_file::SecretFiles;
use crate::secret::Secret;
use crate::server::Address;
use crate::server::tls::{Certificate, Part};

/// Where they are.
const TABLE: &str = "server.tls";

/// `[server.tls.NAME]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CertificateSection {
    /// The certificate and behind it its intermediates (PEM).
    certificate_file: Option<PathBuf>,
    /// Its private key (PEM).
    key_file: Option<PathBuf>,
    /// Whether callers see it who name no host, or none that a certificate is for. A single one is seen
    /// by everybody.
    default: bool,
}

/// Reads all of them, and checks that each caller sees one at most.
pub(super) fn build(
    files: SecretFiles<'_>,
    listen: &[Address],
    server: Place<'_>,
    faults: &mut Faults,
) -> Vec<Certificate> {
    let place = server.at(TABLE);
    let names = place.entries(faults);
    let is_tls = |address: &&Address| matches!(address, Address::Tls(_));
    match listen.iter().find(is_tls) {
        Some(address) if names.is_empty() => {
            let message = format!(
                "{address} has no certificate to show: add a [server.tls.NAME] with certificate_file and key_file"
            );
            faults.push(server.fault("listen", message));
        }
        None if !names.is_empty() => {
            let message = "means nothing without an https address in server.listen: add one, e.g. \
                           \"https://0.0.0.0:443\"";
            faults.push(place.fault("", message));
        }
        Some(_) | None => {}
    }
    let mut certificates = Vec::new();
    for name in &names {
        let path = format!("{TABLE}.{name}");
        let at = place.at(&path);
        let section = at.read::<CertificateSection>(faults);
        certificates.extend(section.and_then(|section| section.build(name, files, at, faults)));
    }
    if certificates.len() == names.len() {
        refuse_ambiguous(&certificates, place, faults);
    }
    certificates
}

impl CertificateSection {
    fn build(
        self,
        name: &str,
        files: SecretFiles<'_>,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Option<Certificate> {
        let mut read = |key: &str, path: Option<&Path>| -> Option<Secret> {
            let Some(path) = path else {
                if !place.has(key) {
                    faults.push(place.fault("", format!("names no {key}: add `{key} = \"…\"`")));
                }
                return None;
            };
            let read = files.read(path);
            read.map_err(|message| faults.push(place.fault(key, message)))
                .ok()?
        };
        let chain = read("certificate_file", self.certificate_file.as_deref());
        let key = read("key_file", self.key_file.as_deref());
        let (chain, key) = (chain?, key?);
        let (chain, key) = (chain.reveal().as_bytes(), key.reveal().as_bytes());
        match Certificate::read(name, chain, key) {
            Ok(mut certificate) => {
                certificate.is_default = self.default;
                Some(certificate)
            }
            Err(error) => {
                let key = match error.part() {
                    Part::Certificate => "certificate_file",
                    Part::Key => "key_file",
                };
                faults.push(place.fault(key, error.to_string()));
                None
            }
        }
    }
}

fn refuse_ambiguous(certificates: &[Certificate], place: Place<'_>, faults: &mut Faults) {
    for (index, certificate) in certificates.iter().enumerate() {
        let Certificate {
            name, is_default, ..
        } = certificate;
        let before = || certificates.iter().take(index);
        for host in certificate.names() {
            let mut same = before().filter(|other| other.names().contains(host));
            if let Some(other) = same.next() {
                let message = format!(
                    "is for {host}, as that of {TABLE}.{} is: keep one of the two",
                    other.name
                );
                faults.push(place.fault(&format!("{name}.certificate_file"), message));
            }
        }
        if let Some(other) = before().find(|other| *is_default && other.is_default) {
            let message = format!("is set at {TABLE}.{} too: keep it at one", other.name);
            faults.push(place.fault(&format!("{name}.default"), message));
        }
        let is_seen = certificates.len() == 1 || *is_default || !certificate.names().is_empty();
        if !is_seen {
            let message = "names no host, so that nobody would see it: set default = true, or use one \
                           with subject alternative names";
            faults.push(place.fault(&format!("{name}.certificate_file"), message));
        }
    }
}
