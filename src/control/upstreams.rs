//! The upstreams of a running gateway and their endpoints, as they are said and printed.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::forward::endpoints::{Shown, State};
use crate::forward::{Condition, Forward};

/// One upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// Its name in the configuration.
    pub name: String,
    /// What it speaks.
    pub dialect: String,
    /// Whether a call would be sent to it now, and a check has passed where there are any.
    pub ready: bool,
    /// Whether more than half of its endpoints are out, so that all of them are used.
    pub panic: bool,
    /// Its endpoints, in the order of the configuration.
    pub endpoints: Vec<Endpoint>,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its URL, without a path.
    pub url: String,
    /// The addresses that its name has at the moment.
    pub addresses: Vec<IpAddr>,
    /// Its weight.
    pub weight: u32,
    /// `in`, `warming`, `ejected`, `probed` or `down`.
    pub state: String,
    /// The percentage of its share that it gets: 0 where it is out.
    pub share: u32,
    /// Milliseconds until one that is ejected is probed.
    pub ejected_ms: Option<u64>,
    /// Connections with a request on them.
    pub busy: usize,
    /// Connections at rest.
    pub idle: usize,
    /// Failures since the start.
    pub failures: u64,
    /// How often it was ejected of late.
    pub ejections: u32,
    /// What went wrong last.
    pub last_failure: Option<String>,
}

pub(super) fn list(forward: &Forward) -> Vec<Upstream> {
    let conditions = forward.conditions().into_iter();
    conditions.map(Upstream::from).collect()
}

impl From<Condition> for Upstream {
    fn from(condition: Condition) -> Self {
        Self {
            name: condition.name,
            dialect: condition.dialect.name().to_owned(),
            ready: condition.is_ready,
            panic: condition.is_panicking,
            endpoints: condition
                .endpoints
                .into_iter()
                .map(Endpoint::from)
                .collect(),
        }
    }
}

impl From<Shown> for Endpoint {
    fn from(shown: Shown) -> Self {
        let (state, share, ejected) = match shown.state {
            State::In => ("in", 100, None),
            State::Warming { share } => ("warming", share / 10, None),
            State::Ejected { left } => ("ejected", 0, Some(left)),
            State::Probed => ("probed", 0, None),
            State::Down => ("down", 0, None),
        };
        let millis = |left: std::time::Duration| u64::try_from(left.as_millis());
        Self {
            url: shown.address,
            addresses: shown.resolved,
            weight: shown.weight,
            state: state.to_owned(),
            share,
            ejected_ms: ejected.map(|left| millis(left).unwrap_or(u64::MAX)),
            busy: shown.busy,
            idle: shown.idle,
            failures: shown.failures,
            ejections: shown.ejections,
            last_failure: shown.last_failure,
        }
    }
}
