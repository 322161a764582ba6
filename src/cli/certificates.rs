//! What is said of the certificates that callers see.

use std::fmt::Write;

use jiff::Timestamp;

use crate::clock;
use crate::config::Config;

/// What callers will object to at that time.
pub(super) fn objections(config: &Config, now: clock::Timestamp) -> impl Iterator<Item = String> {
    let now = Timestamp::from_second(now.as_seconds()).unwrap_or_default();
    let certificates = config.server.tls.iter();
    certificates.filter_map(move |certificate| certificate.objection(now))
}

/// A line for each: who sees it, and until when.
pub(super) fn summary(config: &Config) -> String {
    let certificates = &config.server.tls;
    let mut text = String::new();
    for certificate in certificates {
        let mut callers = certificate.names().to_vec();
        if certificates.len() == 1 || certificate.is_default {
            callers.push("any other host".to_owned());
        }
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "tls: {} for {}, until {}",
            certificate.name,
            callers.join(", "),
            certificate.until()
        );
    }
    text
}
