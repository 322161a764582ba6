//! Finds out where a request came from.

use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, HeaderMap, Request};
use ipnet::IpNet;
use tower::{Layer, Service};

use super::ClientIp;

/// Keeps the caller's address in the request's extensions: the peer's own, or, where the peer is a
/// trusted proxy, the right-most address in `X-Forwarded-For` that is no trusted proxy's.
///
/// *Position*: outside everything that limits or logs by address. *Failure*: none; a header that
/// cannot be read leaves the last address that could. *Cost*: one look at a header.
#[derive(Clone, Debug)]
pub struct ClientIpLayer {
    peer: Peer,
    trusted: Arc<[IpNet]>,
}

/// Reads the peer's address from where the server left it.
pub type Peer = fn(&Extensions) -> Option<IpAddr>;

impl ClientIpLayer {
    /// Believes `X-Forwarded-For` from these networks only.
    pub fn new(peer: Peer, trusted: impl Into<Arc<[IpNet]>>) -> Self {
        Self {
            peer,
            trusted: trusted.into(),
        }
    }
}

impl<S> Layer<S> for ClientIpLayer {
    type Service = SetClientIp<S>;

    fn layer(&self, inner: S) -> SetClientIp<S> {
        SetClientIp {
            inner,
            peer: self.peer,
            trusted: Arc::clone(&self.trusted),
        }
    }
}

/// The service of [`ClientIpLayer`].
#[derive(Clone, Debug)]
pub struct SetClientIp<S> {
    inner: S,
    peer: Peer,
    trusted: Arc<[IpNet]>,
}

impl<S, B> Service<Request<B>> for SetClientIp<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Some(peer) = (self.peer)(request.extensions()) {
            let ip = client_ip(peer, request.headers(), &self.trusted);
            request.extensions_mut().insert(ClientIp(ip));
        }
        self.inner.call(request)
    }
}

fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |ip: IpAddr| trusted.iter().any(|network| network.contains(&ip));
    let mut client = peer.to_canonical();
    if !is_trusted(client) {
        return client;
    }
    let forwarded = headers.get_all("x-forwarded-for");
    let lines = forwarded
        .iter()
        .rev()
        .map(|line| line.to_str().unwrap_or_default());
    for address in lines.flat_map(|line| line.rsplit(',')) {
        if !is_trusted(client) {
            break;
        }
        let Ok(named) = address.trim().parse::<IpAddr>() else {
            break;
        };
        client = named.to_canonical();
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        client_ip(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(seen("192.0.2.7", &["203.0.113.9"]), "192.0.2.7");
    }

    #[test]
    fn the_right_most_address_that_is_no_proxy_counts() {
        assert_eq!(
            seen("10.0.0.1", &["198.51.100.1, 203.0.113.9, 10.0.0.2"]),
            "203.0.113.9"
        );
        assert_eq!(seen("::1", &["198.51.100.1", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen("::ffff:10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn what_is_no_address_ends_the_search() {
        assert_eq!(
            seen("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.2"]),
            "10.0.0.2"
        );
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
    }
}
