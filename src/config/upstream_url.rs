//! The address of an upstream.

use std::path::PathBuf;

use http::{HeaderValue, Uri};

use crate::client::Endpoint;

/// Where an upstream is, and under which path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Address {
    pub(super) endpoint: Endpoint,
    /// What `Host` says: name, and port where it is not the scheme's.
    pub(super) host: HeaderValue,
    /// Without a slash at its end; empty where the URL has none.
    pub(super) path: String,
}

impl Address {
    /// Stands for one that could not be read, so that the rest is checked all the same.
    pub(super) fn anywhere() -> Self {
        Self {
            endpoint: Endpoint::Unix {
                path: PathBuf::from("/"),
            },
            host: HeaderValue::from_static("localhost"),
            path: String::new(),
        }
    }

    pub(super) const fn is_tls(&self) -> bool {
        matches!(self.endpoint, Endpoint::Https { .. })
    }
}

/// Reads `http://host:port/path`, `https://…` or `unix:/path/of/socket`.
pub(super) fn parse(url: &str) -> Result<Address, String> {
    if let Some(path) = url.strip_prefix("unix:") {
        if !path.starts_with('/') || path.contains('\0') {
            return Err(format!(
                "{url:?} names no socket: write \"unix:\" and an absolute path"
            ));
        }
        return Ok(Address {
            endpoint: Endpoint::Unix {
                path: PathBuf::from(path),
            },
            host: HeaderValue::from_static("localhost"),
            path: String::new(),
        });
    }
    let fault = || {
        format!(
            "{} is no address: write \"http://HOST:PORT/PATH\", \"https://…\" or \"unix:/SOCKET\"",
            shown(url)
        )
    };
    let uri: Uri = url.parse().map_err(|_| fault())?;
    let authority = uri.authority().ok_or_else(fault)?;
    if authority.as_str().contains('@') {
        return Err("has a login in it: write it as `login` and `password_file`".to_owned());
    }
    if uri.query().is_some() || url.contains('#') {
        return Err(format!("{url:?} has more than a path: end it there"));
    }
    let name = authority.host();
    let host = name
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let has_port = authority.as_str() != name;
    if host.is_empty() || (has_port && authority.port_u16().is_none()) {
        return Err(fault());
    }
    let (endpoint, usual) = match uri.scheme_str() {
        Some("http") => {
            let port = authority.port_u16().unwrap_or(80);
            (Endpoint::Http { host, port }, 80)
        }
        Some("https") => {
            let port = authority.port_u16().unwrap_or(443);
            (Endpoint::Https { host, port }, 443)
        }
        Some(_) | None => return Err(fault()),
    };
    let shown = match authority.port_u16() {
        Some(port) if port != usual => format!("{name}:{port}"),
        Some(_) | None => name.to_owned(),
    };
    Ok(Address {
        endpoint,
        host: HeaderValue::try_from(shown).map_err(|_| fault())?,
        path: uri.path().trim_end_matches('/').to_owned(),
    })
}

/// A URL may have a password in it.
fn shown(url: &str) -> String {
    if url.contains('@') {
        "the URL".to_owned()
    } else {
        format!("{url:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_an_endpoint_a_host_and_a_path() {
        let read = |url| parse(url).map(|address| (address.endpoint, address.host, address.path));
        let http = |host: &str, port| Endpoint::Http {
            host: host.to_owned(),
            port,
        };
        let host = |host: &'static str| HeaderValue::from_static(host);
        assert_eq!(
            read("http://127.0.0.1:8085/"),
            Ok((
                http("127.0.0.1", 8085),
                host("127.0.0.1:8085"),
                String::new()
            ))
        );
        assert_eq!(
            read("http://[::1]:80/blog/api/v1/"),
            Ok((http("::1", 80), host("[::1]"), "/blog/api/v1".to_owned()))
        );
        assert!(parse("https://blog.example.com").unwrap().is_tls());
        assert!(parse("unix:/run/blog.sock").is_ok());
    }

    #[test]
    fn what_is_no_address_is_refused_and_a_password_in_it_is_not_repeated() {
        for url in [
            "",
            "blog",
            "ftp://blog/",
            "http://",
            "http://a:99999/",
            "unix:blog",
            "http://a/?b",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
        let refused = parse("ftp://admin:hunter2@blog/").unwrap_err();
        assert!(!refused.contains("hunter2"));
    }
}
