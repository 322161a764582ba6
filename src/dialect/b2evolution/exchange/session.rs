//! The session of the gateway's own login.
//!
//! The server opens one for every request without a cookie and keeps it in a table for years. The
//! one of the gateway's login is sent along; it stands for that login only, so it is never a
//! caller's.

use http::HeaderValue;
use http::header::SET_COOKIE;
use http::response::Parts;

use crate::dialect::exchange::Session;
use crate::secret::Secret;

/// How the cookie's name begins; the rest is the installation's.
const NAME: &str = "session_";

/// What the server writes for the value of a session that is over.
const OVER: &str = "deleted";

/// What an answer says of the session; nothing if it goes on.
pub(super) fn read(head: &Parts) -> Option<Session> {
    let cookies = head.headers.get_all(SET_COOKIE).iter();
    let mut sessions = cookies.filter_map(|cookie| {
        let pair = cookie.to_str().ok()?.split(';').next()?.trim();
        let (name, value) = pair.split_once('=')?;
        if !name.starts_with(NAME) || value.is_empty() {
            return None;
        }
        Some(if value == OVER {
            Session::Closed
        } else {
            Session::Opened(Secret::from(pair))
        })
    });
    sessions.next_back()
}

/// The header of a request in the session; nothing if no header can hold it.
pub(super) fn header(session: &Secret) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(session.reveal()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    fn answer(cookies: &[&str]) -> Parts {
        let mut response = Response::new(());
        for cookie in cookies {
            let value = HeaderValue::from_str(cookie).unwrap();
            response.headers_mut().append(SET_COOKIE, value);
        }
        response.into_parts().0
    }

    #[test]
    fn a_session_is_opened_closed_or_goes_on() {
        let opened = "session_b2evo=5_zwfkDXGu; expires=Tue, 18 Nov 2036 20:41:38 GMT; path=/";
        let pair = Secret::from("session_b2evo=5_zwfkDXGu");
        assert_eq!(read(&answer(&[opened])), Some(Session::Opened(pair)));
        let closed = "session_b2evo=deleted; Max-Age=0";
        assert_eq!(read(&answer(&[opened, closed])), Some(Session::Closed));
        for other in ["lang=en", "session_b2evo", "session_b2evo=; path=/"] {
            assert_eq!(read(&answer(&[other])), None, "{other}");
        }
    }
}
