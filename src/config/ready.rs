//! `[ready]`: what the gateway needs to be ready, beside itself.

use serde::Deserialize;

use super::fault::Faults;
use super::place::Place;
use super::suggest::did_you_mean;
use super::value::List;

/// `[ready]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ReadySection {
    /// Upstreams by name: while a call would not be sent to one of them, `/health/ready` says no.
    require: List<String>,
}

impl ReadySection {
    /// The names, if there are upstreams of them.
    pub(super) fn build(self, place: Place<'_>, faults: &mut Faults) -> Vec<String> {
        let known = place.at("upstreams").names();
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        for name in &self.require.0 {
            // One with faults of its own is known all the same.
            if !known.contains(&name.as_str()) {
                let message = format!(
                    "unknown upstream {name:?} (known: {}){}",
                    known.join(", "),
                    did_you_mean(name, &known)
                );
                faults.push(place.fault("require", message));
            }
        }
        self.require.0
    }
}
