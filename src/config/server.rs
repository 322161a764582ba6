//! `[server]`: where callers connect, and how much of it they get.

use std::net::SocketAddr;
use std::num::NonZero;
use std::thread::available_parallelism;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::fault::Faults;
use super::listen::{Listen, Mode};
use super::place::Place;
use super::secret_file::SecretFiles;
use super::tls;
use super::value::{List, Size, Span};
use crate::server::tls::Certificate;
use crate::server::{Address, Drain, Limits};

/// Less would refuse a single request of the usual limit.
const FEWEST_BUFFERED: usize = 1 << 20;

/// The parameters of the listening side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where to listen.
    pub listen: Vec<Address>,
    /// Threads that serve.
    pub workers: usize,
    /// Bytes that all request bodies in memory may have together.
    pub buffered_bodies: usize,
    /// Whether every connection must come from a trusted proxy and begin with a header of the PROXY
    /// protocol.
    pub proxy_protocol: bool,
    /// `[server.tls.NAME]`, by name: what is shown on addresses of TLS.
    pub tls: Vec<Certificate>,
    /// Limits of connections.
    pub limits: Limits,
    /// How serving ends.
    pub drain: Drain,
}

/// `[server]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServerSection {
    /// Addresses to listen on, `IP:PORT`, `https://IP:PORT` or `unix:/SOCKET`. Port 0 takes a free one, which is
    /// printed.
    listen: List<Listen>,
    /// The permissions of Unix sockets: who may write may connect.
    socket_mode: Mode,
    /// Threads that serve; the number of cores where absent.
    workers: Option<usize>,
    /// Bytes of all request bodies in memory; a request above it is refused as overload.
    buffered_bodies: Size,
    /// Whether every connection begins with a header of the PROXY protocol, version 1 or 2, and
    /// comes from `auth.trusted_proxies`. Others are closed.
    proxy_protocol: bool,
    /// Certificates by name, each read by itself.
    #[serde(rename = "tls")]
    _tls: IgnoredAny,
    limits: LimitsSection,
    drain: DrainSection,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: List(vec![Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 8080)))]),
            socket_mode: Mode(0o660),
            workers: None,
            buffered_bodies: Size(64 << 20),
            proxy_protocol: false,
            _tls: IgnoredAny,
            limits: LimitsSection::default(),
            drain: DrainSection::default(),
        }
    }
}

/// `[server.limits]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LimitsSection {
    /// A connection that has sent nothing by then is closed.
    first_byte: Span,
    /// A connection to an https address that has not shaken hands by then is closed.
    tls_handshake: Span,
    /// A head that is not complete by then is refused.
    head: Span,
    /// A connection without a request for that long is closed.
    idle: Span,
    /// A connection that takes no byte of its answer for that long is closed.
    write_stall: Span,
    /// Connections above this number are closed at once.
    connections: usize,
    /// The same for one source: an IPv4 address or an IPv6 /64. Loopback is none, and neither is a
    /// trusted proxy.
    connections_per_source: usize,
    /// Bytes of a request head, at least 8 KiB; a longer one is refused.
    head_bytes: Size,
    /// Header lines of a request; more are refused.
    headers: usize,
    /// Bytes of a request target; a longer one is refused.
    uri_bytes: Size,
}

impl Default for LimitsSection {
    fn default() -> Self {
        let usual = Limits::default();
        Self {
            first_byte: Span(usual.first_byte),
            tls_handshake: Span(usual.tls_handshake),
            head: Span(usual.head),
            idle: Span(usual.idle),
            write_stall: Span(usual.stalled_write),
            connections: usual.connections,
            connections_per_source: usual.connections_per_source,
            head_bytes: Size(usize::try_from(usual.head_bytes).unwrap_or(usize::MAX)),
            headers: usual.headers,
            uri_bytes: Size(usual.uri_bytes),
        }
    }
}

/// `[server.drain]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DrainSection {
    /// How long a load balancer has to notice before connections are refused; 0 is allowed.
    lame_duck: Span,
    /// What is still in flight after that is cut off, and the exit code is 1.
    deadline: Span,
}

impl Default for DrainSection {
    fn default() -> Self {
        let usual = Drain::default();
        Self {
            lame_duck: Span(usual.lame_duck),
            deadline: Span(usual.deadline),
        }
    }
}

impl ServerSection {
    /// Checks what one value alone does not show.
    pub(super) fn build(
        self,
        files: SecretFiles<'_>,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Server {
        let mode = self.socket_mode;
        let listen = self.listen.0.into_iter();
        let listen: Vec<_> = listen.map(|address| address.build(mode)).collect();
        if listen.is_empty() {
            faults.push(place.fault("listen", "names no address: write at least one IP:PORT"));
        }
        for (index, address) in listen.iter().enumerate() {
            let is_any = address.tcp().is_some_and(|address| address.port() == 0);
            let is_same = |known: &Address| match known.tcp() {
                Some(tcp) => address.tcp() == Some(tcp),
                None => known == address,
            };
            if !is_any && listen.iter().take(index).any(is_same) {
                let message = format!("{address} is there twice: remove one");
                faults.push(place.fault("listen", message));
            }
        }
        let is_unix = |address: &Address| matches!(address, Address::Unix { .. });
        if place.has("socket_mode") && !listen.iter().any(is_unix) {
            let message = "means nothing without a Unix socket in server.listen: remove it";
            faults.push(place.fault("socket_mode", message));
        }
        let tls = tls::build(files, &listen, place, faults);
        let workers = self.workers.unwrap_or_else(cores);
        if !(1..=1024).contains(&workers) {
            let message =
                format!("{workers} is out of range: 1 to 1024, or leave it out for one a core");
            faults.push(place.fault("workers", message));
        }
        let buffered_bodies = self.buffered_bodies.0;
        if buffered_bodies < FEWEST_BUFFERED {
            let message = "must be \"1MiB\" or more, so that one request fits";
            faults.push(place.fault("buffered_bodies", message));
        }
        Server {
            listen,
            workers,
            buffered_bodies,
            proxy_protocol: self.proxy_protocol,
            tls,
            limits: self.limits.build(place, faults),
            drain: Drain {
                lame_duck: self.drain.lame_duck.0,
                deadline: self.drain.deadline.0,
            },
        }
    }
}

impl LimitsSection {
    fn build(self, place: Place<'_>, faults: &mut Faults) -> Limits {
        let spans = [
            ("limits.first_byte", self.first_byte),
            ("limits.tls_handshake", self.tls_handshake),
            ("limits.head", self.head),
            ("limits.idle", self.idle),
            ("limits.write_stall", self.write_stall),
        ];
        for (key, span) in spans {
            if span.0.is_zero() {
                faults.push(place.fault(key, "must be more than 0"));
            }
        }
        let smallest_head = usize::try_from(Limits::SMALLEST_HEAD).unwrap_or(usize::MAX);
        let ranges = [
            ("limits.connections", self.connections, 1..=1_000_000),
            (
                "limits.connections_per_source",
                self.connections_per_source,
                1..=1_000_000,
            ),
            (
                "limits.head_bytes",
                self.head_bytes.0,
                smallest_head..=1 << 20,
            ),
            ("limits.headers", self.headers, 1..=1000),
            ("limits.uri_bytes", self.uri_bytes.0, 1..=1 << 20),
        ];
        for (key, value, range) in ranges {
            if !range.contains(&value) {
                let message = format!(
                    "{value} is out of range: {} to {}",
                    range.start(),
                    range.end()
                );
                faults.push(place.fault(key, message));
            }
        }
        Limits {
            first_byte: self.first_byte.0,
            tls_handshake: self.tls_handshake.0,
            head: self.head.0,
            idle: self.idle.0,
            stalled_write: self.write_stall.0,
            connections: self.connections,
            connections_per_source: self.connections_per_source,
            head_bytes: u32::try_from(self.head_bytes.0).unwrap_or(u32::MAX),
            headers: self.headers,
            uri_bytes: self.uri_bytes.0,
            ..Limits::default()
        }
    }
}

fn cores() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}
