//! `[upstreams.NAME.breaker]`, `[upstreams.NAME.check]` and `sticky`: which endpoints are used.

use std::str::FromStr;

use http::StatusCode;
use http::uri::PathAndQuery;
use serde::{Deserialize, Deserializer};

use super::fault::Faults;
use super::place::Place;
use super::suggest::did_you_mean;
use super::value::{List, Span, from_scalar};
use crate::auth::Credentials;
use crate::forward::checks::{Asks, Check};
use crate::forward::endpoints::Rules;
use crate::route::Sticky;

/// `[upstreams.NAME.breaker]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct BreakerSection {
    /// Failures in a row after which an endpoint is ejected; 0 for never.
    failures: u32,
    /// Failures of a hundred requests within `window` after which it is; 0 for never.
    percent: u32,
    /// Of fewer requests within `window` nothing is concluded.
    least: u32,
    window: Span,
    /// How long it is out the first time; each time after twice as long.
    eject: Span,
    /// The longest.
    eject_most: Span,
}

impl Default for BreakerSection {
    fn default() -> Self {
        Self {
            failures: 5,
            percent: 50,
            least: 20,
            window: Span::seconds(10),
            eject: Span::seconds(5),
            eject_most: Span::seconds(300),
        }
    }
}

impl BreakerSection {
    /// The rules; none where nothing is ever ejected.
    pub(super) fn build(self, place: Place<'_>, faults: &mut Faults) -> Option<Rules> {
        let mut refuse = |key: &str, message: String| {
            faults.push(place.fault(&format!("breaker.{key}"), message));
        };
        if self.percent > 100 {
            refuse("percent", format!("{} is more than 100", self.percent));
        }
        let times = [
            ("window", self.window),
            ("eject", self.eject),
            ("eject_most", self.eject_most),
        ];
        for (key, _) in times.iter().filter(|(_, time)| time.0.is_zero()) {
            refuse(key, "must be more than 0".to_owned());
        }
        if self.least == 0 {
            refuse("least", "must be more than 0".to_owned());
        }
        if self.eject_most.0 < self.eject.0 {
            refuse(
                "eject_most",
                "is shorter than eject: make it longer".to_owned(),
            );
        }
        let rules = Rules {
            failures: self.failures,
            percent: self.percent,
            least: self.least,
            window: self.window.0,
            eject: self.eject.0,
            longest: self.eject_most.0,
        };
        (self.failures > 0 || self.percent > 0).then_some(rules)
    }
}

/// `[upstreams.NAME.check]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CheckSection {
    /// The path that is asked for, from the root of the host.
    path: Option<String>,
    /// The statuses that are good; any of 200 to 399 without it.
    status: List<u16>,
    /// One harmless call with the gateway's own credentials, instead of a path.
    call: bool,
    every: Span,
    timeout: Span,
    /// Checks in a row that show that an endpoint is up, and down.
    rise: u32,
    fall: u32,
}

impl Default for CheckSection {
    fn default() -> Self {
        Self {
            path: None,
            status: List::default(),
            call: false,
            every: Span::seconds(5),
            timeout: Span::seconds(2),
            rise: 2,
            fall: 3,
        }
    }
}

impl CheckSection {
    pub(super) fn build(
        self,
        credentials: &Credentials,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Option<Check> {
        let mut refuse = |key: &str, message: String| {
            let key = ["check", key].join(".");
            faults.push(place.fault(key.trim_end_matches('.'), message));
        };
        for (key, time) in [("every", self.every), ("timeout", self.timeout)] {
            if time.0.is_zero() {
                refuse(key, "must be more than 0".to_owned());
            }
        }
        for (key, number) in [("rise", self.rise), ("fall", self.fall)] {
            if number == 0 {
                refuse(key, "must be more than 0".to_owned());
            }
        }
        let statuses = self.status.0.iter().map(|number| {
            let status = StatusCode::from_u16(*number).ok();
            status.filter(|status| status.as_u16() < 600).ok_or(number)
        });
        let statuses = statuses.collect::<Result<Vec<_>, _>>();
        let statuses = statuses
            .map_err(|number| refuse("status", format!("{number} is no status: use 100 to 599")))
            .ok();
        let asks = match (&self.path, self.call) {
            (Some(_), true) => {
                refuse(
                    "call",
                    "is there beside path: keep one of the two".to_owned(),
                );
                None
            }
            (None, false) => {
                let message = "asks nothing: add `path = \"/…\"` or `call = true`";
                refuse("", message.to_owned());
                None
            }
            (None, true) => {
                if !self.status.0.is_empty() {
                    let message = "means nothing to a call: remove it, or ask for a path";
                    refuse("status", message.to_owned());
                }
                if *credentials == Credentials::None {
                    let message =
                        "needs credentials of the gateway's own: add them, or ask for a path";
                    refuse("call", message.to_owned());
                }
                Some(Asks::Call)
            }
            (Some(path), false) => {
                let parsed = PathAndQuery::from_str(path).ok();
                let path_and_query =
                    parsed.filter(|_| path.starts_with('/') && !path.contains('#'));
                if path_and_query.is_none() {
                    let message = format!("{path:?} is no path: write e.g. \"/health\"");
                    refuse("path", message);
                }
                path_and_query
                    .zip(statuses.clone())
                    .map(|(path, statuses)| Asks::Path { path, statuses })
            }
        };
        Some(Check {
            asks: asks?,
            every: self.every.0,
            timeout: self.timeout.0,
            rise: self.rise,
            fall: self.fall,
        })
    }
}

/// `key` or `user`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StickyName(pub(super) Sticky);

impl FromStr for StickyName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "key" => Ok(Self(Sticky::Key)),
            "user" => Ok(Self(Sticky::User)),
            _ => Err(format!(
                "unknown word {text:?} (known: key, user){}",
                did_you_mean(text, &["key", "user"])
            )),
        }
    }
}

impl<'de> Deserialize<'de> for StickyName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_scalar(deserializer)
    }
}
