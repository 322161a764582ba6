//! Routes with one answer.

use http::{HeaderValue, StatusCode};

use super::PathRule;

/// Requests that are all answered alike, without their bodies being read.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedRoute {
    /// Its name in the configuration and in logs.
    pub name: String,
    /// The host it answers for, lower case and without a port; any host where none is named.
    pub host: Option<String>,
    /// The paths it answers for.
    pub path: PathRule,
    /// The answer's status.
    pub status: StatusCode,
    /// Where a redirect leads; a target that ends with a slash gets the rest of the path and the query.
    pub location: Option<HeaderValue>,
    /// The answer's body, plain text.
    pub body: String,
}
