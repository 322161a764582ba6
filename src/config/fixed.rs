//! `[routes.NAME]` with `respond` or `redirect`: requests that are all answered alike.

use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::fault::Faults;
use super::place::Place;
use super::routes::{host, prefix};
use crate::route::{FixedRoute, PathRule};

/// `[routes.NAME]` as it is written. What is absent is the default.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct FixedSection {
    /// The answer.
    respond: Option<Respond>,
    /// Where callers are sent, with 308.
    redirect: Option<String>,
    /// The host callers name; any host where absent.
    host: Option<String>,
    /// The path callers know; `/` where absent.
    path: Option<String>,
    /// Whether only that very path is meant.
    exact: bool,
}

/// An answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Respond {
    status: u16,
    body: String,
}

impl FixedSection {
    /// Parses and checks the parts.
    pub(super) fn build(
        self,
        name: &str,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Option<FixedRoute> {
        let mut noted = |key: &str, message: String| faults.push(place.fault(key, message));
        let host = self.host.as_deref().map(host).transpose();
        let host = host.map_err(|message| noted("host", message)).ok();
        let path = self
            .path
            .as_deref()
            .map_or_else(|| Ok(String::new()), prefix);
        let path = path.map_err(|message| noted("path", message)).ok();
        let (status, location, body) = match (self.respond, self.redirect) {
            (Some(Respond { status, body }), _) => {
                let known = StatusCode::from_u16(status).ok();
                let known = known.filter(|status| status.as_u16() >= 200 && status.as_u16() < 600);
                if known.is_none() {
                    let message = format!("{status} is no status of an answer: 200 to 599");
                    noted("respond.status", message);
                }
                (known?, None, body)
            }
            (None, Some(target)) => {
                let location = HeaderValue::try_from(&target).ok();
                let is_address = ["http://", "https://", "/"]
                    .iter()
                    .any(|start| target.starts_with(start));
                let location = location.filter(|_| is_address);
                if location.is_none() {
                    let message =
                        format!("{target:?} is no address: write \"https://HOST/\" or \"/PATH\"");
                    noted("redirect", message);
                }
                (
                    StatusCode::PERMANENT_REDIRECT,
                    Some(location?),
                    String::new(),
                )
            }
            // One that could not be read has its fault already.
            (None, None) => return None,
        };
        Some(FixedRoute {
            name: name.to_owned(),
            host: host?,
            path: PathRule {
                prefix: path?,
                is_exact: self.exact,
                ..PathRule::default()
            },
            status,
            location,
            body,
        })
    }
}
