//! One endpoint: its connections, and whether it is used.

use std::time::Duration;

use super::Parameters;
use super::gate::Gate;
use super::sticky;
use crate::client::{self, Client, InvalidParameters};

/// An endpoint in use, over reloads as long as it is the same.
#[derive(Debug)]
pub(in crate::forward) struct Endpoint {
    made_of: client::Parameters,
    pub(in crate::forward) client: Client,
    pub(in crate::forward) gate: Gate,
    /// What requests that stick are drawn by.
    pub(super) hash: u64,
}

impl Endpoint {
    /// One that has not connected yet. Beside others that are known it starts slowly.
    pub(super) fn new(
        client: &client::Parameters,
        all: &Parameters,
        is_added: bool,
    ) -> Result<Self, InvalidParameters> {
        let address = client.endpoint.to_string();
        Ok(Self {
            made_of: client.clone(),
            client: Client::new(client.clone())?,
            hash: sticky::hash(&address),
            gate: Gate::new(address, all, is_added),
        })
    }

    /// The shortest of its limits of time.
    pub(super) fn least_limit(&self) -> Duration {
        let limits = &self.made_of;
        limits.connect.min(limits.head).min(limits.total)
    }

    /// Whether one of these parameters would be no other.
    pub(super) fn is_made_of(&self, client: &client::Parameters, all: &Parameters) -> bool {
        self.made_of == *client && self.gate.is_made_of(all)
    }
}
