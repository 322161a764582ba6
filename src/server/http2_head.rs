//! What the protocol implementation takes of a head of HTTP/2 and nobody should: written down as a head of
//! HTTP/1, others could read it differently. That of HTTP/1 was judged by its bytes (`head_guard`).

use http::header::{CONTENT_LENGTH, HOST};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};

use super::head_guard;

/// Whether a request of HTTP/2 is malformed (RFC 9113, sections 8.1.1 to 8.3.1).
pub(super) fn is_malformed<B>(request: &Request<B>) -> bool {
    let (uri, headers) = (request.uri(), request.headers());
    !has_one_host(uri, headers)
        || !has_path(request.method(), uri)
        || !is_of_http(uri)
        || headers.get_all(CONTENT_LENGTH).iter().nth(1).is_some()
        || headers.values().any(|value| is_padded(value.as_bytes()))
}

/// Whether it says whom it is for, in one way: `:authority`, or else `Host`, or both alike.
fn has_one_host(uri: &Uri, headers: &HeaderMap) -> bool {
    let authority = uri.authority().map(|it| it.as_str().as_bytes());
    let mut hosts = headers.get_all(HOST).iter().map(HeaderValue::as_bytes);
    let (host, more) = (hosts.next(), hosts.next());
    let is_of_both = match (authority, host) {
        (Some(authority), Some(host)) => authority.eq_ignore_ascii_case(host),
        (Some(_), None) | (None, Some(_)) => true,
        (None, None) => false,
    };
    let is_host = authority.or(host).is_some_and(head_guard::is_host);
    more.is_none() && is_of_both && is_host
}

/// Whether the path begins as one: what does not would become part of the host where they are put together.
fn has_path(method: &Method, uri: &Uri) -> bool {
    // That of CONNECT has none.
    let target = uri.path_and_query().map(PathAndQuery::as_str);
    target.is_none_or(|it| it.starts_with('/') || (it == "*" && method == Method::OPTIONS))
}

/// Whether its scheme is one of HTTP/1's own. Without `:authority` it was left out.
fn is_of_http(uri: &Uri) -> bool {
    let scheme = uri.scheme_str();
    scheme.is_none_or(|it| it.eq_ignore_ascii_case("http") || it.eq_ignore_ascii_case("https"))
}

/// Whether a value begins or ends with a blank, which HTTP/1 does not count to it.
fn is_padded(value: &[u8]) -> bool {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    is_blank(value.first()) || is_blank(value.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(uri: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        is_malformed(&request.body(()).unwrap())
    }

    #[test]
    fn there_is_one_host_however_it_is_said() {
        for headers in [&[][..], &[("host", "X:80")]] {
            assert!(!judged("http://x:80/", headers), "{headers:?}");
        }
        assert!(!judged("/", &[("host", "[::1]:80")]));
        for headers in [&[("host", "x")][..], &[("host", "x:80"), ("host", "x:80")]] {
            assert!(judged("http://x:80/", headers), "{headers:?}");
        }
        for headers in [
            &[][..],
            &[("host", "")],
            &[("host", "a@x")],
            &[("host", "x"), ("host", "y")],
        ] {
            assert!(judged("/", headers), "{headers:?}");
        }
        assert!(judged("http://a@x/", &[]));
    }

    #[test]
    fn there_is_one_length_and_no_value_is_padded() {
        assert!(!judged(
            "http://x/",
            &[("content-length", "1"), ("x", ""), ("y", "a b")]
        ));
        assert!(judged(
            "http://x/",
            &[("content-length", "1"), ("content-length", "1")]
        ));
        for value in [" a", "a ", "\ta", "a\t", " "] {
            assert!(judged("http://x/", &[("x", value)]), "{value:?}");
        }
    }

    #[test]
    fn the_scheme_is_one_of_http() {
        for (uri, is_bad) in [
            ("http://x/", false),
            ("HTTPS://x/", false),
            ("ftp://x/", true),
        ] {
            assert_eq!(judged(uri, &[]), is_bad, "{uri}");
        }
    }

    #[test]
    fn a_path_begins_with_a_slash() {
        for (method, is_good) in [(Method::OPTIONS, true), (Method::GET, false)] {
            assert_eq!(has_path(&method, &Uri::from_static("*")), is_good);
        }
        let target = PathAndQuery::from_static("?a");
        assert!(!has_path(&Method::GET, &Uri::from(target)));
    }
}
