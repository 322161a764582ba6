//! Routes whose requests go on as they are.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::PathRule;

/// Requests that are handed on to a site, untranslated.
#[derive(Clone, Debug, PartialEq)]
pub struct PassRoute {
    /// Its name in the configuration and in logs.
    pub name: String,
    /// The host it answers for, lower case and without a port; any host where none is named.
    pub host: Option<String>,
    /// The paths it answers for.
    pub path: PathRule,
    /// Which of the sites gets them, by its place among them.
    pub site: usize,
    /// What is taken from the beginning of a path, where it ends at a segment border.
    pub strip_prefix: String,
    /// What is put before what is left.
    pub add_prefix: String,
    /// Whether headers with `_` in their names go on: much software takes them for those with `-`.
    pub allows_underscores: bool,
    /// What is changed of a request's headers.
    pub request_headers: HeaderEdits,
    /// What is changed of an answer's headers.
    pub response_headers: HeaderEdits,
}

/// Changes of headers, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderEdits {
    /// Those that are taken out.
    pub remove: Vec<HeaderName>,
    /// Those that stand alone afterwards.
    pub set: Vec<(HeaderName, HeaderValue)>,
    /// Those that come in addition.
    pub add: Vec<(HeaderName, HeaderValue)>,
}

impl HeaderEdits {
    /// Changes the headers.
    pub fn apply(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
        for (name, value) in &self.add {
            headers.append(name, value.clone());
        }
    }
}
