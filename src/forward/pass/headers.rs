//! The headers of a request as they go on.

use std::fmt::Write as _;
use std::net::IpAddr;

use bytes::Bytes;
use http::header::{
    CONNECTION, Entry, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, UPGRADE,
};
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
    let headers = &mut head.headers;
    let mut host = headers.get(HOST).cloned();
    if host.is_none()
        && let Some(authority) = head.uri.authority()
        && let Ok(named) = HeaderValue::from_str(authority.as_str())
    {
        headers.insert(HOST, named.clone());
        host = Some(named);
    }
    if !route.allows_underscores {
        drop_underscores(headers);
    }
    if !origin.is_trusted {
        drop_origin(headers);
    }
    let scheme = if origin.is_over_tls { "https" } else { "http" };
    let said = origin.peer.map(|peer| said(peer, scheme, host.as_ref()));
    if let Some((forwarded, peer)) = said {
        extend(headers, FORWARDED, forwarded);
        extend(headers, X_FORWARDED_FOR, peer);
    }
    if let Entry::Vacant(proto) = headers.entry(X_FORWARDED_PROTO) {
        proto.insert(HeaderValue::from_static(scheme));
    }
    if let Some(host) = host
        && let Entry::Vacant(forwarded) = headers.entry(X_FORWARDED_HOST)
    {
        forwarded.insert(host);
    }
    if let Ok(id) = HeaderValue::from_str(origin.id.text(&mut IdText::default())) {
        headers.insert(X_REQUEST_ID, id);
    }
    route.request_headers.apply(headers);
}

/// Mostly there is nothing, which a look at the names tells sooner than a search for each.
fn drop_origin(headers: &mut HeaderMap) {
    static OF_ORIGIN: [HeaderName; 5] = [
        X_FORWARDED_FOR,
        X_FORWARDED_HOST,
        X_FORWARDED_PROTO,
        X_REAL_IP,
        FORWARDED,
    ];
    if headers.keys().any(|name| OF_ORIGIN.contains(name)) {
        for name in &OF_ORIGIN {
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

/// One element of `Forwarded` (RFC 7239), and of it the peer's address alone.
fn said(peer: IpAddr, scheme: &str, host: Option<&HeaderValue>) -> (Bytes, Bytes) {
    let peer = peer.to_canonical();
    // What may stand in a host needs no escape.
    let host = host.and_then(|host| host.to_str().ok());
    let (open, close) = match peer {
        IpAddr::V4(_) => ("for=", ";proto="),
        IpAddr::V6(_) => ("for=\"[", "]\";proto="),
    };
    let room = 80 + host.map_or(0, str::len);
    let mut text = String::with_capacity(room);
    text.push_str(open);
    push_address(&mut text, peer);
    let address = open.len()..text.len();
    text.push_str(close);
    text.push_str(scheme);
    if let Some(host) = host {
        text.push_str(";host=\"");
        text.push_str(host);
        text.push('"');
    }
    let text = Bytes::from(text);
    let address = text.slice(address);
    (text, address)
}

/// What an address displays as, for the most part without the machinery of formatting.
fn push_address(text: &mut String, address: IpAddr) {
    let address = match address {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(address) => {
            // Writing to a string does not fail.
            let _ = write!(text, "{address}");
            return;
        }
    };
    for (index, octet) in address.into_iter().enumerate() {
        if index > 0 {
            text.push('.');
        }
        let digits = [octet / 100, octet / 10 % 10, octet % 10];
        let zeros = digits
            .iter()
            .take(2)
            .take_while(|&&digit| digit == 0)
            .count();
        for digit in digits.into_iter().skip(zeros) {
            text.push(char::from(b'0' + digit));
        }
    }
}

/// Adds to the end of a list, in one line.
fn extend(headers: &mut HeaderMap, name: HeaderName, element: Bytes) {
    match headers.entry(name) {
        Entry::Vacant(list) => {
            if let Ok(element) = HeaderValue::from_maybe_shared(element) {
                list.insert(element);
            }
        }
        Entry::Occupied(mut list) => {
            let lines = list.iter().map(HeaderValue::as_bytes);
            let all: Vec<_> = lines.chain([&element[..]]).collect();
            if let Ok(all) = HeaderValue::from_bytes(&all.join(&b", "[..])) {
                list.insert(all);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_it_displays() {
        let all = (0..=255).flat_map(|octet: u8| {
            [
                IpAddr::from([octet, 0, 10, 255]),
                IpAddr::from([9, 100, 99, octet]),
            ]
        });
        for address in all.chain(["::1".parse().unwrap(), "2001:db8::1:0".parse().unwrap()]) {
            let mut text = String::new();
            push_address(&mut text, address);
            assert_eq!(text, address.to_string());
        }
    }

    #[test]
    fn a_list_goes_on_in_one_line() {
        let mut headers = HeaderMap::new();
        extend(&mut headers, FORWARDED, "for=10.0.0.1".into());
        headers.append(FORWARDED, HeaderValue::from_static("for=10.0.0.2"));
        let (element, peer) = said("::1".parse().unwrap(), "https", None);
        extend(&mut headers, FORWARDED, element);
        assert_eq!(peer, "::1");
        let lines: Vec<_> = headers.get_all(FORWARDED).iter().collect();
        assert_eq!(
            lines,
            ["for=10.0.0.1, for=10.0.0.2, for=\"[::1]\";proto=https"]
        );
    }
}
