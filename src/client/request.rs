//! The request as it goes out.

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, Entry, HOST, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use http_body::Body;
use http_body_util::Full;

use super::parameters::HttpVersion;
use super::upload::{Outgoing, Payload, Upload};

const NAMES: usize = 7;

/// Headers that concern one connection only (RFC 9110, section 7.6.1), the old spelling of one included.
static OF_ONE_CONNECTION: [HeaderName; NAMES] = [
    CONNECTION,
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
pub(super) fn relay(head: &mut Parts, body: Payload, upgrades: bool) -> Outgoing {
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
    match body {
        Payload::Empty => {
            if expects_body(&head.method) || headers.contains_key(CONTENT_LENGTH) {
                say_length(headers, 0);
            }
            Outgoing::Whole(Full::default())
        }
        Payload::Whole(body) => {
            say_length(headers, u64::try_from(body.len()).unwrap_or(u64::MAX));
            Outgoing::Whole(Full::new(body))
        }
        Payload::Streamed(body) => {
            if let Some(length) = body.size_hint().exact() {
                say_length(headers, length);
            } else {
                headers.remove(CONTENT_LENGTH);
            }
            Outgoing::Streamed(Upload::new(body))
        }
    }
}

/// Mostly the caller has said it already.
fn say_length(headers: &mut HeaderMap, length: u64) {
    let said = headers
        .get(CONTENT_LENGTH)
        .and_then(|said| said.to_str().ok()?.parse().ok());
    if said != Some(length) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}

/// Names the host where the request does not.
pub(super) fn add_host(headers: &mut HeaderMap, host: &HeaderValue) {
    if let Entry::Vacant(none) = headers.entry(HOST) {
        none.insert(host.clone());
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
    strip_but(headers, Some(&TRAILER));
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
    strip_but(headers, None);
}

fn strip_but(headers: &mut HeaderMap, kept: Option<&HeaderName>) {
    // Mostly there is nothing or one, which a look at the names tells sooner than a search for each.
    let mut there = [false; NAMES];
    for name in headers.keys() {
        let known = OF_ONE_CONNECTION.iter().zip(&mut there);
        for (_, is_there) in known.filter(|(known, _)| *known == name && Some(name) != kept) {
            *is_there = true;
        }
    }
    let [has_connection, ..] = there;
    let named = if has_connection {
        named(headers)
    } else {
        Vec::new()
    };
    for name in named.iter().filter(|name| Some(*name) != kept) {
        headers.remove(name);
    }
    for (name, _) in OF_ONE_CONNECTION.iter().zip(there).filter(|(_, it)| *it) {
        headers.remove(name);
    }
}

/// What `Connection` says concerns the connection, but for what does anyway.
fn named(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(CONNECTION).iter();
    let names = values.flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    let names = names.map(<[u8]>::trim_ascii).filter(|name| {
        let known = ["keep-alive", "close", "upgrade", "te"];
        !known
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
    });
    names
        .filter_map(|name| HeaderName::from_bytes(name).ok())
        .collect()
}

/// Whether a request without a body must say so (RFC 9110, section 8.6).
fn expects_body(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

fn origin_form(uri: &Uri) -> Uri {
    let path = uri.path_and_query().cloned();
    path.map_or_else(|| Uri::from_static("/"), Uri::from)
}
