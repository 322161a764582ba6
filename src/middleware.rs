//! The HTTP stack: one file a layer, each knowing nothing of users and groups.
//!
//! Above [`route`] a request is an [`http::Request`]; below it is a [`Routed`] one, so that a layer
//! that needs the route cannot stand where there is none.

pub mod body;
pub mod catch_panic;
pub mod client_ip;
pub mod in_flight;
pub mod otherwise;
pub mod request_id;
pub mod respond;
mod response_body;
pub mod route;
pub mod timeout;
pub mod unread_body;

use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;

pub use self::response_body::{BodyError, ResponseBody};
use crate::auth::call::RequestId;
use crate::route::Route;

/// Where a request came from: the peer's address, or the one a trusted proxy names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

/// A request whose route is known.
#[derive(Debug)]
pub struct Routed<B> {
    /// Everything but the body.
    pub head: Parts,
    /// The body.
    pub body: B,
    /// The route.
    pub route: Arc<Route>,
}

impl<B> Routed<B> {
    /// The request's id.
    pub fn id(&self) -> RequestId {
        self.head.extensions.get().copied().unwrap_or_default()
    }

    /// Where the request came from.
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.head.extensions.get().map(|ClientIp(ip)| *ip)
    }
}

/// Requests for the tests of the layers.
#[cfg(test)]
pub(crate) mod routed {
    use std::sync::Arc;
    use std::time::Duration;

    use super::Routed;
    use crate::command::Dialect;
    use crate::route::{Limits, PathRule, Policy, Route};

    pub(crate) fn route(in_flight: usize) -> Route {
        Route {
            name: "test".to_owned(),
            host: None,
            path: PathRule {
                prefix: String::new(),
                ignore_case: false,
                optional_suffix: None,
                is_exact: false,
            },
            dialect: Dialect::Grupo,
            policy: Policy {
                base_path: String::new(),
                key_in_query: false,
                anonymous: false,
                roles: Vec::new(),
                group_roles: crate::route::number_table::NumberTable::default(),
                group_categories: crate::route::number_table::NumberTable::default(),
                profile: crate::route::profile::Profile::default(),
                form: crate::route::FormLimits::default(),
                json: crate::route::JsonLimits::default(),
            },
            limits: Limits {
                body_bytes: 1024,
                body_timeout: Duration::from_secs(30),
                call_timeout: Duration::from_secs(30),
                in_flight,
            },
            targets: crate::route::Targets::default(),
            losses: crate::route::Losses::default(),
            otherwise: None,
            mode: crate::route::Mode::default(),
            idempotency: crate::route::Idempotency::default(),
            auth: crate::route::Auth::default(),
        }
    }

    pub(crate) fn request(route: &Route) -> Routed<()> {
        let (head, body) = http::Request::new(()).into_parts();
        Routed {
            head,
            body,
            route: Arc::new(route.clone()),
        }
    }
}
