//! What a request can be for.

use std::sync::Arc;

use super::{FixedRoute, PassRoute, PathRule, Route};

/// A route of any kind.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Its calls are translated.
    Dialect(Arc<Route>),
    /// Its requests are handed on.
    Pass(Arc<PassRoute>),
    /// Its requests are all answered alike.
    Fixed(Arc<FixedRoute>),
}

impl Entry {
    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        match self {
            Self::Dialect(route) => &route.name,
            Self::Pass(route) => &route.name,
            Self::Fixed(route) => &route.name,
        }
    }

    /// The host it answers for; any where there is none.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Dialect(route) => route.host.as_deref(),
            Self::Pass(route) => route.host.as_deref(),
            Self::Fixed(route) => route.host.as_deref(),
        }
    }

    /// The paths it answers for.
    pub fn path(&self) -> &PathRule {
        match self {
            Self::Dialect(route) => &route.path,
            Self::Pass(route) => &route.path,
            Self::Fixed(route) => &route.path,
        }
    }
}

impl From<Route> for Entry {
    fn from(route: Route) -> Self {
        Self::Dialect(Arc::new(route))
    }
}

impl From<PassRoute> for Entry {
    fn from(route: PassRoute) -> Self {
        Self::Pass(Arc::new(route))
    }
}

impl From<FixedRoute> for Entry {
    fn from(route: FixedRoute) -> Self {
        Self::Fixed(Arc::new(route))
    }
}
