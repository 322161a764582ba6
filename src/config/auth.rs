//! `[auth]`: the server's own secret, whose word on a caller's address is taken, and what wrong keys
//! and passwords lead to.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::Deserialize;

use super::fault::Faults;
use super::place::Place;
use super::value::{List, Span};
use crate::auth::attempts::Policy;
use crate::auth::sign_in;

/// The parameters of authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// The file of the pepper.
    pub pepper_file: PathBuf,
    /// The networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// What wrong keys and passwords lead to, and how long right passwords are remembered.
    pub sign_in: sign_in::Parameters,
}

/// `[auth]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AuthSection {
    /// The secret that key digests are made with; `pepper` beside the database where absent.
    /// Without it no stored key is recognised, so it belongs into the backup, apart from the
    /// database.
    pepper_file: Option<PathBuf>,
    /// Addresses or networks, e.g. `10.0.0.0/8`. A caller behind one of them is known by the
    /// address the proxy states; anyone else's `X-Forwarded-For` is ignored.
    trusted_proxies: List<String>,
    /// Wrong keys of one source, and wrong passwords of one source for one login, 1 to 1000; for all
    /// logins together five times as many. One more begins a refusal; a good key is never refused.
    failures_per_minute: u16,
    /// How long the first refusal lasts. Each further one lasts twice as long.
    first_refusal: Span,
    /// How long a refusal lasts at most, and after what quiet the next one is a first one.
    longest_refusal: Span,
    /// How long a password that was right needs no argon2; 0 turns it off. A changed password, a
    /// closed user and a deleted one count at once all the same.
    remember_passwords: Span,
}

impl Default for AuthSection {
    fn default() -> Self {
        let usual = sign_in::Parameters::default();
        Self {
            pepper_file: None,
            trusted_proxies: List::default(),
            failures_per_minute: usual.attempts.per_minute,
            first_refusal: Span(usual.attempts.first_refusal),
            longest_refusal: Span(usual.attempts.longest_refusal),
            remember_passwords: Span(usual.remember),
        }
    }
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
        let sign_in = self.sign_in(place, faults);
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
            sign_in,
        })
    }

    fn sign_in(&self, place: Place<'_>, faults: &mut Faults) -> sign_in::Parameters {
        if !(1..=1000).contains(&self.failures_per_minute) {
            let message = format!("{} is out of range: 1 to 1000", self.failures_per_minute);
            faults.push(place.fault("failures_per_minute", message));
        }
        if self.first_refusal.0.is_zero() {
            faults.push(place.fault("first_refusal", "must be more than 0"));
        }
        if self.longest_refusal.0 < self.first_refusal.0 {
            let message = "is shorter than first_refusal: make it as long or longer";
            faults.push(place.fault("longest_refusal", message));
        }
        sign_in::Parameters {
            attempts: Policy {
                per_minute: self.failures_per_minute,
                first_refusal: self.first_refusal.0,
                longest_refusal: self.longest_refusal.0,
            },
            remember: self.remember_passwords.0,
        }
    }
}

/// A network, or the network of one address.
fn network(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpNet>().ok();
    network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
