//! Host and path → route.

use http::Uri;
use http::header::{HOST, HeaderMap};

use crate::route::{Entry, PathRule};

/// The routes, most specific first.
#[derive(Clone, Debug, Default)]
pub struct Router {
    entries: Vec<Entry>,
}

impl Router {
    /// A router over these routes, whatever their order: one that names a host goes before one
    /// that does not, a longer path before a shorter one, and one that is meant exactly before one
    /// that goes on.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by_key(|entry| {
            let path = entry.path();
            std::cmp::Reverse((entry.host().is_some(), path.prefix.len(), path.is_exact))
        });
        Self { entries }
    }

    /// The route of a request, if there is one.
    pub fn find(&self, uri: &Uri, headers: &HeaderMap) -> Option<&Entry> {
        let host = host(uri, headers);
        self.entries.iter().find(|entry| {
            let host_matches = match entry.host() {
                None => true,
                Some(wanted) => host.is_some_and(|host| host.eq_ignore_ascii_case(wanted)),
            };
            host_matches && matches(entry.path(), uri.path())
        })
    }
}

/// The host a request is for, without its port: the target's own, else the `Host` header's
/// (RFC 9112 section 3.2.2).
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let authority = match uri.host() {
        Some(host) => return Some(host),
        None => headers.get(HOST)?.to_str().ok()?,
    };
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(host),
        _ => Some(authority),
    }
}

/// Whether the path is the rule's prefix, or goes on after it with a slash. Bytes are compared as
/// they were sent: an escaped slash or dot is neither.
fn matches(rule: &PathRule, path: &str) -> bool {
    let Some((start, rest)) = path.split_at_checked(rule.prefix.len()) else {
        return false;
    };
    let starts = if rule.ignore_case {
        start.eq_ignore_ascii_case(&rule.prefix)
    } else {
        start == rule.prefix
    };
    if rule.is_exact {
        // A prefix has no slash at its end, and the path of the root is nothing else.
        return starts && (rest.is_empty() || (rule.prefix.is_empty() && rest == "/"));
    }
    starts
        && (ends_at_border(rest)
            || rule.optional_suffix.is_some_and(|suffix| {
                rest.split_at_checked(suffix.len())
                    .is_some_and(|(start, rest)| {
                        start.eq_ignore_ascii_case(suffix) && ends_at_border(rest)
                    })
            }))
}

fn ends_at_border(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(prefix: &str) -> PathRule {
        PathRule {
            prefix: prefix.to_owned(),
            ..PathRule::default()
        }
    }

    #[test]
    fn a_prefix_ends_at_a_segment_border() {
        let rule = rule("/api_request");
        for path in ["/api_request", "/api_request/", "/api_request/x"] {
            assert!(matches(&rule, path), "{path}");
        }
        for path in [
            "/",
            "/api_requests",
            "/API_REQUEST",
            "/api_request%2f",
            "/x/api_request",
        ] {
            assert!(!matches(&rule, path), "{path}");
        }
    }

    #[test]
    fn a_suffix_and_any_case_match_where_the_dialect_has_them() {
        let rule = PathRule {
            ignore_case: true,
            optional_suffix: Some(".php"),
            ..rule("/api/jsonrpcserver")
        };
        for path in [
            "/api/jsonrpcserver",
            "/api/jsonrpcServer.php",
            "/API/JSONRPCSERVER.PHP/",
        ] {
            assert!(matches(&rule, path), "{path}");
        }
        assert!(!matches(&rule, "/api/jsonrpcserver.php3"));
    }

    #[test]
    fn an_empty_prefix_matches_every_path() {
        assert!(matches(&rule(""), "/"));
        assert!(matches(&rule(""), "/anything/at/all"));
    }
}
