//! `[auth]`: the server's own secret, and whose word on a caller's address is taken.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::Deserialize;

use super::fault::Faults;
use super::place::Place;
use super::value::List;

/// The parameters of authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// The file of the pepper.
    pub pepper_file: PathBuf,
    /// The networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// `[auth]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AuthSection {
    /// The secret that key digests are made with; `pepper` beside the database where absent.
    /// Without it no stored key is recognised, so it belongs into the backup, apart from the
    /// database.
    pepper_file: Option<PathBuf>,
    /// Addresses or networks, e.g. `10.0.0.0/8`. A caller behind one of them is known by the
    /// address the proxy states; anyone else's `X-Forwarded-For` is ignored.
    trusted_proxies: List<String>,
}

impl AuthSection {
    /// Parses the networks; paths are relative to `directory`.
    pub(super) fn build(
        self,
        directory: &Path,
        store: Option<&super::Store>,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Option<Auth> {
        let mut trusted_proxies = Vec::new();
        for text in &self.trusted_proxies.0 {
            let Some(network) = network(text) else {
                let message =
                    format!("{text:?} is no network: write e.g. \"10.0.0.0/8\" or \"192.0.2.7\"");
                faults.push(place.fault("trusted_proxies", message));
                continue;
            };
            trusted_proxies.push(network);
        }
        let pepper_file = match self.pepper_file {
            Some(path) if path.as_os_str().is_empty() => {
                let message =
                    "names no file: write a path, or leave it out for `pepper` beside the database";
                faults.push(place.fault("pepper_file", message));
                return None;
            }
            Some(path) => directory.join(path),
            None => store?.database.with_file_name("pepper"),
        };
        Some(Auth {
            pepper_file,
            trusted_proxies,
        })
    }
}

/// A network, or the network of one address.
fn network(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpNet>().ok();
    network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
