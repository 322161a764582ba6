//! `[upstreams.NAME.retry]`: what is sent again that came to nothing.

use http::HeaderName;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE,
    EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use serde::Deserialize;

use super::fault::Faults;
use super::place::Place;
use super::value::Span;
use crate::forward::retry::Parameters;

/// `[upstreams.NAME.retry]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RetrySection {
    /// How often one request is sent again, 0 to 10.
    most: u32,
    /// How many requests are sent again, in percent of all, 0 to 100.
    percent: u32,
    /// And how many every second besides, 0 to 10000.
    per_second: u32,
    /// How long one try takes of what may be sent again; 0 for as long as there is time.
    try_timeout: Span,
    /// After what time a read is sent a second time that is not answered; 0 for never.
    hedge_after: Span,
    /// A header that tells the upstream how many milliseconds are left.
    deadline_header: Option<String>,
}

impl Default for RetrySection {
    fn default() -> Self {
        let usual = Parameters::default();
        Self {
            most: usual.retries,
            percent: usual.percent,
            per_second: usual.per_second,
            try_timeout: Span::seconds(0),
            hedge_after: Span::seconds(0),
            deadline_header: None,
        }
    }
}

/// What the gateway, its dialects and HTTP say by headers of their own.
const TAKEN: [HeaderName; 13] = [
    ACCEPT,
    ACCEPT_ENCODING,
    AUTHORIZATION,
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    COOKIE,
    EXPECT,
    HOST,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

impl RetrySection {
    /// Checks the ranges.
    pub(super) fn build(self, place: Place<'_>, faults: &mut Faults) -> Parameters {
        let ranges = [
            ("retry.most", self.most, 10),
            ("retry.percent", self.percent, 100),
            ("retry.per_second", self.per_second, 10_000),
        ];
        for (key, value, most) in ranges {
            if value > most {
                let message = format!("{value} is out of range: 0 to {most}");
                faults.push(place.fault(key, message));
            }
        }
        let deadline_header = self.deadline_header.and_then(|name| {
            let header = name.parse().ok();
            let header = header.filter(|header| !TAKEN.contains(header));
            if header.is_none() {
                let message = format!(
                    "{name:?} is no name of a header that is free: write e.g. \"x-timeout-ms\""
                );
                faults.push(place.fault("retry.deadline_header", message));
            }
            header
        });
        let some = |span: Span| Some(span.0).filter(|span| !span.is_zero());
        Parameters {
            retries: self.most,
            percent: self.percent,
            per_second: self.per_second,
            try_timeout: some(self.try_timeout),
            hedge_after: some(self.hedge_after),
            deadline_header,
        }
    }
}
