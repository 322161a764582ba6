//! What is shown of endpoints.

use std::net::IpAddr;
use std::time::Duration;

use super::Endpoints;

/// What is shown of one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Its URL, without a path.
    pub address: String,
    /// The addresses that its name has at the moment.
    pub resolved: Vec<IpAddr>,
    /// Its weight.
    pub weight: u32,
    /// Whether it is used.
    pub state: State,
    /// Connections with a request on them.
    pub busy: usize,
    /// Connections at rest.
    pub idle: usize,
    /// Failures since the start.
    pub failures: u64,
    /// Ejections in a row.
    pub ejections: u32,
    /// What went wrong last.
    pub last_failure: Option<String>,
}

/// Whether an endpoint is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is.
    In,
    /// It is, and its share is still growing.
    Warming {
        /// The part of it, of 1000.
        share: u32,
    },
    /// It failed too often.
    Ejected {
        /// Until it is probed.
        left: Duration,
    },
    /// It failed too often, and one request is to show whether it works again.
    Probed,
    /// Its checks fail.
    Down,
}

impl Endpoints {
    pub(in crate::forward) fn shown(&self) -> Vec<Shown> {
        let all = self.list.iter().zip(self.made_of.all());
        all.map(|(endpoint, made_of)| {
            let (busy, idle) = endpoint.client.connections();
            let (failures, ejections, last_failure) = endpoint.gate.history();
            Shown {
                address: endpoint.gate.address().to_owned(),
                resolved: endpoint.client.addresses(),
                weight: made_of.weight,
                state: endpoint.gate.state(),
                busy,
                idle,
                failures,
                ejections,
                last_failure,
            }
        })
        .collect()
    }
}
