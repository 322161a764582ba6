//! Modes that routes were given while the gateway was running.

use super::StoreFuture;
use crate::journal::Entry;
use crate::route::Mode;

/// A mode that a route has in the place of the one in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenMode {
    /// The route, by its name in the configuration.
    pub route: String,
    /// Its mode.
    pub mode: Mode,
    /// What the configuration said when it was given. Once that says something else, this is no longer
    /// meant.
    pub instead_of: Mode,
}

/// Where they are kept.
pub trait ModeStore {
    /// All of them, by route.
    fn list_modes(&self) -> StoreFuture<'_, Vec<GivenMode>>;

    /// Keeps a mode in the place of the route's earlier one, or forgets that one; an audit record says
    /// which mode the route has from then on.
    fn keep_mode(
        &self,
        route: String,
        mode: Mode,
        given: Option<GivenMode>,
        entry: Entry,
    ) -> StoreFuture<'_, ()>;
}
