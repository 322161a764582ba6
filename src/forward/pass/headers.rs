//! The headers of a request as they go on.

use std::net::IpAddr;

use http::header::{CONNECTION, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use http::request::Parts;

use super::Origin;
use crate::auth::call::IdText;
use crate::route::PassRoute;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Whether a request asks for another protocol on its connection. HTTP/2 is not taken up that way (RFC 9113,
/// section 3.1).
pub(super) fn asks_to_leave(headers: &HeaderMap) -> bool {
    let names = headers.get_all(CONNECTION).iter();
    let mut names = names.flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    let is_named = names.any(|name| name.trim_ascii().eq_ignore_ascii_case(b"upgrade"));
    let upgrade = headers.get(UPGRADE).map(HeaderValue::as_bytes);
    is_named && upgrade.is_some_and(|it| !it.is_empty() && !it.starts_with(b"h2"))
}

/// Says who asked and how, takes out what the site could take for something else, and edits the rest. What
/// a caller says of its own origin goes no further, unless it is a trusted proxy.
pub(super) fn prepare(head: &mut Parts, route: &PassRoute, origin: &Origin) {
    let authority = head.uri.authority();
    let headers = &mut head.headers;
    if !headers.contains_key(HOST)
        && let Some(host) = authority.and_then(|it| HeaderValue::from_str(it.as_str()).ok())
    {
        headers.insert(HOST, host);
    }
    if !route.allows_underscores {
        drop_underscores(headers);
    }
    if !origin.is_trusted {
        drop_origin(headers);
    }
    let scheme = if origin.is_over_tls { "https" } else { "http" };
    if let Some(peer) = origin.peer {
        let peer = peer.to_canonical();
        let text = peer.to_string();
        let forwarded = forwarded(peer, &text, scheme, headers.get(HOST));
        extend(headers, FORWARDED, forwarded);
        extend(headers, X_FORWARDED_FOR, text);
    }
    if !headers.contains_key(X_FORWARDED_PROTO) {
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    }
    if !headers.contains_key(X_FORWARDED_HOST)
        && let Some(host) = headers.get(HOST).cloned()
    {
        headers.insert(X_FORWARDED_HOST, host);
    }
    if let Ok(id) = HeaderValue::from_str(origin.id.text(&mut IdText::default())) {
        headers.insert(X_REQUEST_ID, id);
    }
    route.request_headers.apply(headers);
}

/// Mostly there is nothing, which a look at the names tells sooner than a search for each.
fn drop_origin(headers: &mut HeaderMap) {
    const OF_ORIGIN: [HeaderName; 5] = [
        X_FORWARDED_FOR,
        X_FORWARDED_HOST,
        X_FORWARDED_PROTO,
        X_REAL_IP,
        FORWARDED,
    ];
    if headers.keys().any(|name| OF_ORIGIN.contains(name)) {
        for name in OF_ORIGIN {
            headers.remove(name);
        }
    }
}

fn drop_underscores(headers: &mut HeaderMap) {
    let has = |name: &HeaderName| name.as_str().contains('_');
    if headers.keys().any(has) {
        let names: Vec<_> = headers.keys().filter(|name| has(name)).cloned().collect();
        for name in names {
            headers.remove(name);
        }
    }
}

/// One element of `Forwarded` (RFC 7239).
fn forwarded(peer: IpAddr, text: &str, scheme: &str, host: Option<&HeaderValue>) -> String {
    let (open, close) = match peer {
        IpAddr::V4(_) => ("for=", ";proto="),
        IpAddr::V6(_) => ("for=\"[", "]\";proto="),
    };
    // What may stand in a host needs no escape.
    match host.and_then(|host| host.to_str().ok()) {
        None => [open, text, close, scheme].concat(),
        Some(host) => [open, text, close, scheme, ";host=\"", host, "\""].concat(),
    }
}

/// Adds to the end of a list, in one line.
fn extend(headers: &mut HeaderMap, name: HeaderName, element: String) {
    let mut lines = headers.get_all(&name).iter().peekable();
    let text = if lines.peek().is_none() {
        element
    } else {
        let lines = lines.map(|line| line.to_str().unwrap_or_default());
        let mut all: Vec<_> = lines.collect();
        all.push(&element);
        all.join(", ")
    };
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}
