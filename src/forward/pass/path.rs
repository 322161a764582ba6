//! The path of a request as it goes on.

use http::Uri;
use http::uri::PathAndQuery;

use crate::route::PassRoute;

/// The target at the site: the bytes that came, but for the prefixes that the route takes and puts.
pub(super) fn onward(uri: &Uri, route: &PassRoute) -> Result<Uri, &'static str> {
    let Some(target) = uri.path_and_query() else {
        // Only CONNECT has none, which the server refuses.
        return Ok(uri.clone());
    };
    if target
        .path()
        .as_bytes()
        .windows(3)
        .any(|code| code == b"%00")
    {
        return Err("the path has a NUL in it; send it without\n");
    }
    if route.strip_prefix.is_empty() && route.add_prefix.is_empty() {
        return Ok(Uri::from(target.clone()));
    }
    let whole = target.as_str();
    let rest = whole
        .strip_prefix(&route.strip_prefix)
        .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        .unwrap_or(whole);
    let slash = if rest.starts_with('/') || (!route.add_prefix.is_empty() && !whole.ends_with('/'))
    {
        ""
    } else {
        "/"
    };
    let onward = format!("{}{slash}{rest}", route.add_prefix);
    PathAndQuery::try_from(onward)
        .map(Uri::from)
        .map_err(|_| "the path cannot be handed on\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::{HeaderEdits, PathRule};

    fn sent(strip: &str, add: &str, target: &str) -> String {
        let route = PassRoute {
            name: "site".to_owned(),
            host: None,
            path: PathRule::default(),
            site: 0,
            strip_prefix: strip.to_owned(),
            add_prefix: add.to_owned(),
            allows_underscores: false,
            request_headers: HeaderEdits::default(),
            response_headers: HeaderEdits::default(),
        };
        match onward(&target.parse().unwrap(), &route) {
            Ok(uri) => uri.to_string(),
            Err(message) => message.to_owned(),
        }
    }

    #[test]
    fn the_bytes_go_on_as_they_came() {
        for target in ["/", "/a//b/../c;d=%2F%7e?x=%00&y", "/%E4/\u{e4}", "/a?b?c"] {
            assert_eq!(sent("", "", target), target);
        }
        assert_eq!(sent("", "", "http://x/a?b"), "/a?b");
        assert!(sent("", "", "/a%00b").contains("NUL"));
    }

    #[test]
    fn prefixes_are_taken_at_segment_borders_and_put_before_the_rest() {
        assert_eq!(sent("/shop", "", "/shop/a?b"), "/a?b");
        assert_eq!(sent("/shop", "", "/shop?b"), "/?b");
        assert_eq!(sent("/shop", "", "/shop"), "/");
        assert_eq!(sent("/shop", "", "/shopping"), "/shopping");
        assert_eq!(sent("", "/v2", "/a"), "/v2/a");
        assert_eq!(sent("/shop", "/v2", "/shop/a"), "/v2/a");
        assert_eq!(sent("/shop", "/v2", "/shop"), "/v2");
    }
}
