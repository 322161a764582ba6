//! Addresses of webhooks.

use http::{HeaderValue, Uri};

use crate::client::Endpoint;

/// The address of a webhook: `http` or `https`, a host, and no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    endpoint: Endpoint,
    host: HeaderValue,
    path: Uri,
}

impl Url {
    /// Takes an address apart; nothing if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let authority = uri.authority()?;
        if authority.as_str().contains('@') || text.contains('#') {
            return None;
        }
        let host = uri.host()?;
        let host = host
            .strip_prefix('[')
            .map_or(host, |host| host.strip_suffix(']').unwrap_or(host));
        if host.is_empty() {
            return None;
        }
        let host = host.to_owned();
        let endpoint = match uri.scheme_str()? {
            "http" => Endpoint::Http {
                host,
                port: port(&uri, 80)?,
            },
            "https" => Endpoint::Https {
                host,
                port: port(&uri, 443)?,
            },
            _ => return None,
        };
        let path = uri.path_and_query()?.as_str().parse().ok()?;
        Some(Self {
            endpoint,
            host: HeaderValue::try_from(authority.as_str()).ok()?,
            path,
        })
    }

    /// Where to connect to.
    pub(super) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What `Host` says.
    pub(super) const fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Path and query.
    pub(super) const fn path(&self) -> &Uri {
        &self.path
    }

    /// Without path and query, where some services put a secret.
    pub fn origin(&self) -> String {
        let scheme = match self.endpoint {
            Endpoint::Https { .. } => "https",
            Endpoint::Http { .. } | Endpoint::Unix { .. } => "http",
        };
        format!("{scheme}://{}", self.host.to_str().unwrap_or_default())
    }
}

/// The port that is named, or the usual one; nothing if what is named is no port to connect to.
fn port(uri: &Uri, usual: u16) -> Option<u16> {
    let authority = uri.authority()?.as_str();
    let after_host = authority
        .rsplit_once(']')
        .map_or(authority, |(_, rest)| rest);
    match after_host.rsplit_once(':') {
        None => Some(usual),
        Some((_, port)) => port.parse().ok().filter(|port| *port != 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_and_a_host_and_no_credentials() {
        for (text, origin) in [
            (
                "https://hooks.example.com/a?b=c",
                "https://hooks.example.com",
            ),
            ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
            ("http://[::1]:8081/", "http://[::1]:8081"),
            ("https://[2001:db8::1]/", "https://[2001:db8::1]"),
        ] {
            assert_eq!(Url::parse(text).unwrap().origin(), origin);
        }
        for text in [
            "",
            "hooks.example.com",
            "/path",
            "ftp://example.com/",
            "https:///path",
            "https://user:secret@example.com/",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://example.com:/",
            "https://example.com/#part",
        ] {
            assert_eq!(Url::parse(text), None, "{text}");
        }
    }
}
