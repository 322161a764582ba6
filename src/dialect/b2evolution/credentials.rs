//! Where the caller says who it is: HTTP Basic, or an API key in a header.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::memchr;
use zeroize::Zeroizing;

use crate::auth::Credentials;
use crate::error::{Error, Kind};
use crate::secret::Secret;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

const BASIC: &str = "Basic ";

/// Reads the headers. Cookies are never looked at; what is no credential of a known scheme is none
/// (quirk B4), and more than one credential is a fault (quirk B3).
pub(super) fn decode(headers: &HeaderMap) -> Result<Credentials, Error> {
    let mut presented = headers
        .get_all(AUTHORIZATION)
        .iter()
        .map(authorization)
        .chain(headers.get_all(API_KEY).iter().map(key));
    let first = presented.next().unwrap_or(Credentials::None);
    if presented.next().is_some() {
        return Err(Error::new(
            Kind::Malformed,
            "there is more than one Authorization or X-API-Key header; send one of them once",
        ));
    }
    Ok(first)
}

/// Writes the header for an upstream, if there is anything to write.
pub(super) fn encode(credentials: &Credentials) -> Result<Option<HeaderValue>, Error> {
    let text = match credentials {
        Credentials::None => return Ok(None),
        Credentials::Key(key) => ["Bearer ", key.reveal()].concat(),
        Credentials::Basic { login, password } => {
            if login.contains(':') {
                return Err(unsupported("a login with a colon in it"));
            }
            let pair = Secret::from([login, ":", password.reveal()].concat());
            let length = base64::encoded_len(pair.reveal().len(), true).unwrap_or_default();
            let mut text = String::with_capacity(BASIC.len().saturating_add(length));
            text.push_str(BASIC);
            STANDARD.encode_string(pair.reveal(), &mut text);
            text
        }
    };
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| unsupported("an API key that no header can hold"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn unsupported(what: &str) -> Error {
    Error::new(
        Kind::Unsupported,
        format!("b2evolution cannot be sent {what}; use another"),
    )
}

fn authorization(value: &HeaderValue) -> Credentials {
    let Some((scheme, rest)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else {
        return Credentials::None;
    };
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        Credentials::Key(Secret::from(rest))
    } else if scheme.eq_ignore_ascii_case("basic") {
        basic(rest).unwrap_or(Credentials::None)
    } else {
        Credentials::None
    }
}

fn basic(encoded: &str) -> Option<Credentials> {
    let mut pair = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let colon = memchr(b':', &pair)?;
    let login = pair.get(..colon)?.to_vec();
    pair.drain(..=colon);
    let password = String::from_utf8(std::mem::take(&mut *pair));
    Some(Credentials::Basic {
        login: String::from_utf8(login).ok()?,
        password: Secret::from(password.ok()?),
    })
}

fn key(value: &HeaderValue) -> Credentials {
    value.to_str().map_or(Credentials::None, |text| {
        Credentials::Key(Secret::from(text.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(HeaderName, &'static str)]) -> HeaderMap {
        let values = lines.iter().cloned();
        values
            .map(|(name, value)| (name, HeaderValue::from_static(value)))
            .collect()
    }

    fn one(value: &'static str) -> Credentials {
        decode(&headers(&[(AUTHORIZATION, value)])).unwrap()
    }

    #[test]
    fn a_password_may_hold_a_colon() {
        assert_eq!(
            one("basic bWFyeTphOmI="),
            Credentials::Basic {
                login: "mary".to_owned(),
                password: Secret::from("a:b")
            }
        );
    }

    #[test]
    fn what_is_no_basic_pair_is_no_credential() {
        for value in [
            "Basic",
            "Basic ???",
            "Basic bWFyeQ==",
            "Basic /w==",
            "Digest x",
        ] {
            assert_eq!(one(value), Credentials::None, "{value}");
        }
    }

    #[test]
    fn two_credentials_are_refused_even_if_they_are_equal() {
        for second in [AUTHORIZATION, API_KEY] {
            let headers: HeaderMap = [
                (AUTHORIZATION, HeaderValue::from_static("Bearer a")),
                (second, HeaderValue::from_static("Bearer a")),
            ]
            .into_iter()
            .fold(HeaderMap::new(), |mut map, (name, value)| {
                map.append(name, value);
                map
            });
            assert_eq!(*decode(&headers).unwrap_err().kind(), Kind::Malformed);
        }
    }
}
