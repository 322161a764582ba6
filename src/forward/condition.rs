//! What condition the upstreams are in.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Forward;
use super::checks;
use super::endpoints::Shown;
use super::upstream::Upstream;
use crate::command::Dialect;

/// The condition of one upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Its name.
    pub name: String,
    /// What it speaks.
    pub dialect: Dialect,
    /// Whether a call would be sent to it now, and a check has passed where there are any.
    pub is_ready: bool,
    /// Whether more than half of its endpoints are out, and not all.
    pub is_panicking: bool,
    /// Its endpoints.
    pub endpoints: Vec<Shown>,
}

impl Forward {
    /// Has the endpoints checked of the upstreams whose configuration says so, for as long as those are in
    /// use. Must be called within a Tokio runtime if there are such.
    pub fn watch(&self) {
        for upstream in self.upstreams.values() {
            if !upstream.is_watched.swap(true, Ordering::Relaxed) {
                checks::watch(upstream);
            }
        }
    }

    /// Which endpoints come and go where this takes the place of another, in words; of upstreams that both have.
    pub fn moves_from(&self, before: &Self) -> Vec<String> {
        let mut moves = Vec::new();
        for (name, upstream) in &*self.upstreams {
            let Some(before) = before.upstreams.get(name) else {
                continue;
            };
            let addresses = |upstream: &Upstream| -> Vec<String> {
                let all = upstream.endpoints.all().iter();
                all.map(|it| it.gate.address().to_owned()).collect()
            };
            let (old, new) = (addresses(before), addresses(upstream));
            let come = new.iter().filter(|address| !old.contains(address));
            moves.extend(come.map(|it| format!("upstreams.{name}: {it} is used from now on")));
            let go = old.iter().filter(|address| !new.contains(address));
            moves.extend(go.map(|it| format!("upstreams.{name}: {it} is used no more")));
        }
        moves.sort_unstable();
        moves
    }

    /// Whether a call would be sent to the upstream now; not if there is none of that name.
    pub fn is_ready(&self, upstream: &str) -> bool {
        let upstream = self.upstreams.get(upstream);
        upstream.is_some_and(|upstream| upstream.endpoints.is_ready())
    }

    /// The condition of every upstream, by name.
    pub fn conditions(&self) -> Vec<Condition> {
        let condition = |upstream: &Arc<Upstream>| Condition {
            name: upstream.name.clone(),
            dialect: upstream.dialect,
            is_ready: upstream.endpoints.is_ready(),
            is_panicking: upstream.endpoints.panics(),
            endpoints: upstream.endpoints.shown(),
        };
        let mut conditions: Vec<_> = self.upstreams.values().map(condition).collect();
        conditions.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        conditions
    }
}
