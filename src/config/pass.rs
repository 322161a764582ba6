//! `[routes.NAME]` with `pass`: requests that are handed on as they are.

use std::collections::BTreeMap;

use http::header::{CONNECTION, CONTENT_LENGTH, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use super::fault::Faults;
use super::place::Place;
use super::routes::{host, prefix};
use super::suggest::did_you_mean;
use super::upstream_address::Version;
use super::upstream_url::parse;
use super::value::{List, Span};
use crate::client::{self, TlsParameters};
use crate::forward::{self, endpoints};
use crate::route::{HeaderEdits, PassRoute, PathRule};

/// Headers that say where a message ends or what its connection does.
const OF_THE_CONNECTION: [HeaderName; 6] = [
    CONNECTION,
    CONTENT_LENGTH,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// `[routes.NAME]` as it is written. What is absent is the default.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PassSection {
    /// `http://`, `https://` or `unix:/path/of/socket`, or the name of an upstream.
    pass: Option<String>,
    /// The host callers name; any host where absent.
    host: Option<String>,
    /// The path callers know; `/` where absent.
    path: Option<String>,
    /// Whether only that very path is meant.
    exact: bool,
    /// What is taken from the beginning of a path.
    strip_prefix: Option<String>,
    /// What is put before what is left.
    add_prefix: Option<String>,
    /// Whether headers with `_` in their names go on.
    underscores: bool,
    /// Changes of a request's headers.
    request_headers: Option<EditsSection>,
    /// Changes of an answer's headers.
    response_headers: Option<EditsSection>,
    /// `1.1` or `2`.
    http_version: Option<Version>,
    /// Connections at once, tunnels not counted.
    connections: Option<usize>,
    /// To connect.
    connect_timeout: Option<Span>,
    /// From the last byte of a request to the end of the answer's head.
    head_timeout: Option<Span>,
}

/// Changes of headers.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct EditsSection {
    remove: List<String>,
    set: BTreeMap<String, String>,
    add: BTreeMap<String, String>,
}

impl PassSection {
    /// Parses and checks the parts, and adds the site to those there are.
    pub(super) fn build(
        self,
        name: &str,
        upstreams: &[forward::Parameters],
        sites: &mut Vec<endpoints::Parameters>,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Option<PassRoute> {
        let site = self.site(upstreams, place, faults);
        let mut noted = |key: &str, message: String| faults.push(place.fault(key, message));
        let host = self.host.as_deref().map(host).transpose();
        let host = host.map_err(|message| noted("host", message)).ok();
        let mut prefix_of = |key: &str, text: Option<&str>| {
            let prefix = text.map_or_else(|| Ok(String::new()), prefix);
            prefix.map_err(|message| noted(key, message)).ok()
        };
        let path = prefix_of("path", self.path.as_deref());
        let strip_prefix = prefix_of("strip_prefix", self.strip_prefix.as_deref());
        let add_prefix = prefix_of("add_prefix", self.add_prefix.as_deref());
        let request_headers = edits("request_headers", self.request_headers, place, faults);
        let response_headers = edits("response_headers", self.response_headers, place, faults);
        sites.push(site?);
        Some(PassRoute {
            name: name.to_owned(),
            host: host?,
            path: PathRule {
                prefix: path?,
                is_exact: self.exact,
                ..PathRule::default()
            },
            site: sites.len() - 1,
            strip_prefix: strip_prefix?,
            add_prefix: add_prefix?,
            allows_underscores: self.underscores,
            request_headers: request_headers?,
            response_headers: response_headers?,
        })
    }

    fn site(
        &self,
        upstreams: &[forward::Parameters],
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Option<endpoints::Parameters> {
        let pass = self.pass.as_deref()?;
        let own = [
            "http_version",
            "connections",
            "connect_timeout",
            "head_timeout",
        ];
        if !pass.contains(':') {
            let Some(upstream) = upstreams.iter().find(|upstream| upstream.name == pass) else {
                let names: Vec<_> = upstreams.iter().map(|it| it.name.as_str()).collect();
                let message = format!(
                    "unknown upstream {pass:?} (known: {}): write \"http://HOST:PORT\", or one of these{}",
                    names.join(", "),
                    did_you_mean(pass, &names)
                );
                faults.push(place.fault("pass", message));
                return None;
            };
            for key in own.into_iter().filter(|key| place.has(key)) {
                let message = format!("is said by upstreams.{pass}: remove it here");
                faults.push(place.fault(key, message));
            }
            return Some(endpoints_of(upstream));
        }
        let address = parse(pass)
            .map_err(|message| faults.push(place.fault("pass", message)))
            .ok()?;
        if !address.path.is_empty() {
            let message = "has a path: write that as `add_prefix`";
            faults.push(place.fault("pass", message));
        }
        let parameters = client::Parameters {
            endpoint: address.endpoint,
            host: address.host,
            http_version: self.http_version.unwrap_or_default().0,
            tls: TlsParameters::default(),
            connections: self.connections.unwrap_or(1024),
            idle: Span::seconds(4).0,
            lifetime: Span::seconds(300).0,
            resolve: Span::seconds(2).0,
            connect: self.connect_timeout.unwrap_or(Span::seconds(5)).0,
            head: self.head_timeout.unwrap_or(Span::seconds(60)).0,
            total: client::Parameters::LONGEST,
            head_bytes: 64 * 1024,
            response_bytes: usize::MAX,
        };
        if !(1..=10_000).contains(&parameters.connections) {
            faults.push(place.fault("connections", "must be 1 to 10000"));
        }
        let times = [
            ("connect_timeout", parameters.connect),
            ("head_timeout", parameters.head),
        ];
        for (key, _) in times.into_iter().filter(|(_, time)| time.is_zero()) {
            faults.push(place.fault(key, "must be more than 0"));
        }
        if faults.is_empty()
            && let Err(error) = client::Client::new(parameters.clone())
        {
            faults.push(place.fault("pass", format!("cannot be used: {error}")));
        }
        Some(endpoints::Parameters::single(pass.to_owned(), parameters))
    }
}

/// Those of an upstream, as far as they are the same for what is no call: its checks are the upstream's own,
/// and one that has no others beside it is always asked, as long as it can be connected to or not.
fn endpoints_of(upstream: &forward::Parameters) -> endpoints::Parameters {
    let all = upstream.endpoints.clone();
    endpoints::Parameters {
        rules: all.rules.filter(|_| !all.others.is_empty()),
        check: None,
        sticky: None,
        ..all
    }
}

fn edits(
    key: &str,
    section: Option<EditsSection>,
    place: Place<'_>,
    faults: &mut Faults,
) -> Option<HeaderEdits> {
    let section = section.unwrap_or_default();
    let before = faults.len();
    let mut named = |part: &str, name: &str| match HeaderName::try_from(name) {
        Ok(name) if !OF_THE_CONNECTION.contains(&name) => Some(name),
        Ok(_) => {
            let message = format!("{name:?} is the gateway's own business: remove it");
            faults.push(place.fault(&format!("{key}.{part}"), message));
            None
        }
        Err(_) => {
            let message = format!("{name:?} is no name of a header: correct it");
            faults.push(place.fault(&format!("{key}.{part}"), message));
            None
        }
    };
    let remove: Vec<_> = section
        .remove
        .0
        .iter()
        .filter_map(|name| named("remove", name))
        .collect();
    let mut pairs = |part: &str, table: BTreeMap<String, String>| -> Vec<_> {
        table
            .into_iter()
            .filter_map(|(name, value)| Some((named(part, &name)?, value)))
            .collect()
    };
    let (set, add) = (pairs("set", section.set), pairs("add", section.add));
    let mut valued = |part: &str, pairs: Vec<(HeaderName, String)>| -> Vec<_> {
        pairs
            .into_iter()
            .filter_map(|(name, value)| {
                let parsed = HeaderValue::try_from(value);
                if parsed.is_err() {
                    let message =
                        format!("the value of {name} has a control character: correct it");
                    faults.push(place.fault(&format!("{key}.{part}"), message));
                }
                Some((name, parsed.ok()?))
            })
            .collect()
    };
    let (set, add) = (valued("set", set), valued("add", add));
    (faults.len() == before).then_some(HeaderEdits { remove, set, add })
}
