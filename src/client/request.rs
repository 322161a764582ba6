//! The request as it goes out.

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use http_body::Body;
use http_body_util::Full;

use super::parameters::HttpVersion;
use super::upload::{Outgoing, Source, Upload};

/// Headers that concern one connection only (RFC 9110, section 7.6.1), the old spelling of one included.
const OF_ONE_CONNECTION: [HeaderName; 6] = [
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// The request with the headers that are the client's own; a `Host` that it brings is kept.
pub(super) fn prepare(request: Request<Bytes>, host: &HeaderValue) -> Request<Outgoing> {
    let (mut head, body) = request.into_parts();
    head.version = Version::HTTP_11;
    if head.uri.authority().is_some() {
        head.uri = origin_form(&head.uri);
    }
    let headers = &mut head.headers;
    strip(headers);
    headers.remove(EXPECT);
    add_host(headers, host);
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if body.is_empty() && !expects_body(&head.method) {
        headers.remove(CONTENT_LENGTH);
    } else {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    Request::from_parts(head, Outgoing::Whole(Full::new(body)))
}

/// The request of somebody else as it goes on: what it says of its body is kept, and its trailers may come.
/// A `Host` is still to be added where there is none.
pub(super) fn relay(request: Request<Option<Source>>, upgrades: bool) -> (Parts, Outgoing) {
    let (mut head, body) = request.into_parts();
    if head.version == Version::HTTP_2 {
        join_cookies(&mut head.headers);
    }
    head.version = Version::HTTP_11;
    if head.uri.authority().is_some() {
        head.uri = origin_form(&head.uri);
    }
    let headers = &mut head.headers;
    let takes_trailers = headers
        .get_all(TE)
        .iter()
        .any(|te| te.as_bytes().trim_ascii().eq_ignore_ascii_case(b"trailers"));
    if upgrades {
        strip_but_upgrade(headers);
    } else {
        strip_but_trailer(headers);
    }
    headers.remove(EXPECT);
    if takes_trailers && !upgrades {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    let body = if let Some(body) = body {
        if let Some(length) = body.size_hint().exact() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        } else {
            headers.remove(CONTENT_LENGTH);
        }
        Outgoing::Streamed(Upload::new(body))
    } else {
        if headers.contains_key(CONTENT_LENGTH) || expects_body(&head.method) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
        }
        Outgoing::Whole(Full::default())
    };
    (head, body)
}

/// Names the host where the request does not.
pub(super) fn add_host(headers: &mut HeaderMap, host: &HeaderValue) {
    if !headers.contains_key(HOST) {
        headers.insert(HOST, host.clone());
    }
}

/// Makes one line of cookies, which HTTP/2 may send in pieces and nothing else takes in pieces (RFC 9113,
/// section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(COOKIE).iter();
    if lines.by_ref().nth(1).is_none() {
        return;
    }
    let lines = headers.get_all(COOKIE).iter();
    let lines: Vec<_> = lines.map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&lines.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

/// Strips all but what a change of the protocol needs.
pub(super) fn strip_but_upgrade(headers: &mut HeaderMap) {
    let upgrade = headers.remove(UPGRADE);
    strip(headers);
    if let Some(upgrade) = upgrade {
        headers.insert(UPGRADE, upgrade);
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

/// Strips all but the names of trailers, without which they could not be sent.
pub(super) fn strip_but_trailer(headers: &mut HeaderMap) {
    let trailer = headers.remove(TRAILER);
    strip(headers);
    if let Some(trailer) = trailer {
        headers.insert(TRAILER, trailer);
    }
}

/// The head of a request as HTTP/2 has it (RFC 9113, sections 8.2.2 and 8.3.1): `Host` is `:authority`, and
/// nothing concerns its connection. A `Host` that names no authority stays as it is.
pub(super) fn for_http2(mut head: Parts, scheme: &Scheme) -> Parts {
    // Only `TE: trailers` has left it there.
    head.headers.remove(CONNECTION);
    let host = head.headers.get(HOST);
    let authority = host
        .and_then(|host| Authority::try_from(host.as_bytes()).ok())
        .filter(|authority| !authority.as_str().contains('@'));
    if let Some(authority) = authority {
        let mut parts = std::mem::take(&mut head.uri).into_parts();
        parts.scheme = Some(scheme.clone());
        parts.authority = Some(authority);
        // A path is there wherever there was an authority.
        if parts.path_and_query.is_none() {
            parts.path_and_query = Some(PathAndQuery::from_static("/"));
        }
        if let Ok(uri) = Uri::from_parts(parts) {
            head.uri = uri;
            head.headers.remove(HOST);
            head.version = Version::HTTP_2;
        }
    }
    head
}

/// The bytes of a request as they go out.
pub(super) fn written(
    request: Request<Bytes>,
    host: &HeaderValue,
    version: HttpVersion,
) -> Vec<u8> {
    let body = request.body().clone();
    let (head, _) = prepare(request, host).into_parts();
    let version = match version {
        HttpVersion::Http1 => "HTTP/1.1",
        HttpVersion::Http2 => "HTTP/2",
    };
    let mut bytes = format!("{} {} {version}\r\n", head.method, head.uri).into_bytes();
    for (name, value) in &head.headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    bytes
}

/// Removes what concerns one connection only, and what `Connection` says does.
pub(super) fn strip(headers: &mut HeaderMap) {
    // Mostly there is nothing, which a look at the names tells sooner than a search for each.
    let concerns_one = |name: &HeaderName| *name == CONNECTION || OF_ONE_CONNECTION.contains(name);
    if !headers.keys().any(concerns_one) {
        return;
    }
    if headers.contains_key(CONNECTION) {
        let named: Vec<_> = headers
            .get_all(CONNECTION)
            .iter()
            .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
            .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    for name in &OF_ONE_CONNECTION {
        headers.remove(name);
    }
}

/// Whether a request without a body must say so (RFC 9110, section 8.6).
fn expects_body(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

fn origin_form(uri: &Uri) -> Uri {
    let path = uri.path_and_query().cloned();
    path.map_or_else(|| Uri::from_static("/"), Uri::from)
}
