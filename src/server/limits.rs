//! How long a connection may take over each step, and how many there may be.

use std::time::Duration;

use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto;
use ipnet::IpNet;

use super::tasks::Tasks;

/// Limits of the connections of one listener.
///
/// None of them covers the request body or the handler: a request in progress is the service's own
/// matter, as long as its response is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From accepting, or from the end of the TLS handshake, to the first byte that tells the protocol; an
    /// unfinished HTTP/2 preface counts as nothing. Default 5 s.
    pub first_byte: Duration,
    /// From accepting to the end of the TLS handshake, on addresses of TLS; a handshake that nobody begins
    /// counts too. Default 5 s.
    pub tls_handshake: Duration,
    /// From the first byte of an HTTP/1 request head to its last. Default 10 s.
    pub head: Duration,
    /// Without a request on an open connection; for HTTP/2 without an open stream, whatever other frames
    /// arrive. Default 60 s.
    pub idle: Duration,
    /// Without progress while bytes of a response wait for the peer to take them. Default 15 s.
    ///
    /// Progress of HTTP/1 is what the kernel takes, and it takes more only after a good part of its send
    /// buffer has drained.
    pub stalled_write: Duration,
    /// To finish closing: for the peer to acknowledge an HTTP/2 GOAWAY, and to read and drop what it still
    /// sends of a refused body, which would otherwise reset the connection before it reads the answer.
    /// Default 2 s.
    pub linger: Duration,
    /// Connections in all; the next one is closed at once. Default 15,000.
    pub connections: usize,
    /// Connections of one source, an IPv4 address or an IPv6 /64; the next one is closed at once.
    /// Default 256.
    pub connections_per_source: usize,
    /// Whether loopback addresses are held to `connections_per_source` too. Off by default: what comes from
    /// there is mostly a proxy speaking for many clients.
    pub count_loopback: bool,
    /// Networks that `connections_per_source` is not for: proxies that speak for many clients.
    pub uncounted: Vec<IpNet>,
    /// Bytes of a request head, HTTP/1 start line included. Default 16 KiB; below [`Limits::SMALLEST_HEAD`]
    /// that is used instead.
    pub head_bytes: u32,
    /// Header lines of a request. Default 64.
    pub headers: usize,
    /// Bytes of a request target. Default 8 KiB.
    pub uri_bytes: usize,
    /// What only concerns HTTP/2.
    pub http2: Http2Limits,
}

/// Limits of an HTTP/2 connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http2Limits {
    /// Streams open at a time. Default 100.
    pub streams: u32,
    /// Bytes of a request body the peer may send ahead on one stream. Default 64 KiB.
    pub stream_window: u32,
    /// Bytes of request bodies the peer may send ahead on all streams. Default 1 MiB.
    pub connection_window: u32,
    /// Bytes of a response buffered per stream. Default 64 KiB.
    pub send_buffer: u32,
    /// Streams reset for the peer's own errors before the connection is closed. Default 1,024.
    pub local_error_resets: usize,
    /// Streams the peer may reset before they were looked at. Default 20.
    pub pending_accept_resets: usize,
    /// Interval of the keep-alive PING. Default 20 s.
    pub ping_interval: Duration,
    /// Wait for its answer before the connection is closed. Default 10 s.
    pub ping_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(5),
            tls_handshake: Duration::from_secs(5),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            stalled_write: Duration::from_secs(15),
            linger: Duration::from_secs(2),
            connections: 15_000,
            connections_per_source: 256,
            count_loopback: false,
            uncounted: Vec::new(),
            head_bytes: 16 * 1024,
            headers: 64,
            uri_bytes: 8 * 1024,
            http2: Http2Limits::default(),
        }
    }
}

impl Default for Http2Limits {
    fn default() -> Self {
        Self {
            streams: 100,
            stream_window: 64 * 1024,
            connection_window: 1024 * 1024,
            send_buffer: 64 * 1024,
            local_error_resets: 1024,
            pending_accept_resets: 20,
            ping_interval: Duration::from_secs(20),
            ping_timeout: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The smallest head buffer hyper works with; configuration may refuse less.
    pub const SMALLEST_HEAD: u32 = 8 * 1024;

    /// Bytes of a request head, as hyper can be held to it.
    pub(super) fn held_head_bytes(&self) -> usize {
        let head_bytes = self.head_bytes.max(Self::SMALLEST_HEAD);
        usize::try_from(head_bytes).unwrap_or(usize::MAX)
    }

    /// hyper's settings for these limits.
    ///
    /// Its own head timeout is off: it also runs while a kept-alive connection is idle, and does not see a
    /// connection that never sends a byte.
    pub(super) fn protocol(&self, tasks: Tasks) -> auto::Builder<Tasks> {
        let head_bytes = self.head_bytes.max(Self::SMALLEST_HEAD);
        let mut builder = auto::Builder::new(tasks);
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_buf_size(self.held_head_bytes())
            .max_headers(self.headers);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(head_bytes)
            .max_concurrent_streams(self.http2.streams)
            .initial_stream_window_size(self.http2.stream_window)
            .initial_connection_window_size(self.http2.connection_window)
            .max_send_buf_size(usize::try_from(self.http2.send_buffer).unwrap_or(usize::MAX))
            .max_local_error_reset_streams(self.http2.local_error_resets)
            .max_pending_accept_reset_streams(self.http2.pending_accept_resets)
            .keep_alive_interval(self.http2.ping_interval)
            .keep_alive_timeout(self.http2.ping_timeout);
        builder
    }
}
