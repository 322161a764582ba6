//! An upstream's answer to a native operation ↔ the answer that the caller gets.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, SET_COOKIE};
use http::request::Parts as RequestParts;
use http::response::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::outcome::Relayed;
use crate::route::Route;

/// Whose the cookies of an answer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookies {
    /// The caller's: the session it asked for.
    Callers,
    /// The gateway's: the session of its own login, which is nobody else's.
    Gateways,
}

/// The host that callers know, as this one wrote it, for a system that writes addresses of its own.
/// Only where the route answers for that host and no other: else callers could choose which site of
/// a web server is sent the gateway's key.
pub fn public_host(route: &Route, head: &RequestParts) -> Option<HeaderValue> {
    route.host.as_ref().filter(|_| route.targets.relays)?;
    match head.uri.authority() {
        // A user and a password in front of it are no part of a host.
        Some(authority) => {
            let port = authority.port().map(|port| format!(":{port}"));
            let host = format!("{}{}", authority.host(), port.unwrap_or_default());
            HeaderValue::try_from(host).ok()
        }
        None => head.headers.get(HOST).cloned(),
    }
}

/// Keeps an answer as it is. What concerned one connection only the client has left out; the length
/// is written anew.
pub(super) fn take(head: &Parts, body: &[u8], is_refusal: bool, cookies: Cookies) -> Relayed {
    let is_kept = |name: &HeaderName| {
        *name != CONTENT_LENGTH && (*name != SET_COOKIE || cookies == Cookies::Callers)
    };
    let headers = head.headers.iter().filter(|(name, _)| is_kept(name));
    Relayed {
        status: head.status.as_u16(),
        headers: headers
            .map(|(name, value)| {
                let value = Bytes::copy_from_slice(value.as_bytes());
                (name.as_str().to_owned(), value)
            })
            .collect(),
        body: Bytes::copy_from_slice(body),
        is_refusal,
    }
}

/// The answer again. What was taken from one is valid in one.
pub(super) fn hand_back(relayed: Relayed) -> Response<Bytes> {
    let mut response = Response::new(relayed.body);
    *response.status_mut() = StatusCode::from_u16(relayed.status).unwrap_or(StatusCode::OK);
    for (name, value) in relayed.headers {
        let name = HeaderName::try_from(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_maybe_shared(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Parts {
        let response = Response::builder()
            .status(203)
            .header("content-type", "text/html; charset=UTF-8")
            .header("content-length", "7")
            .header("set-cookie", "a=1; path=/")
            .header("set-cookie", "b=2; path=/")
            .header("x-odd", HeaderValue::from_bytes(b"\xe9").unwrap());
        response.body(()).unwrap().into_parts().0
    }

    #[test]
    fn an_answer_is_handed_back_as_it_is_but_for_its_length() {
        let back = hand_back(take(&answer(), b"{}", false, Cookies::Callers));
        assert_eq!(back.status(), 203);
        assert_eq!(back.body().as_ref(), b"{}");
        let mut wanted = answer().headers;
        wanted.remove("content-length");
        assert_eq!(back.headers(), &wanted);
    }

    #[test]
    fn the_session_of_the_gateways_own_login_is_handed_to_nobody() {
        let back = hand_back(take(&answer(), b"{}", false, Cookies::Gateways));
        assert!(!back.headers().contains_key("set-cookie"));
        assert!(back.headers().contains_key("content-type"));
    }
}
