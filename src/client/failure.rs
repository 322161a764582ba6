//! Why there is no answer, and whether the request may have arrived.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

/// A request without an answer.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Whether the upstream may have the request.
    pub sent: Sent,
    /// What went wrong.
    pub cause: Cause,
    /// Shared by all who waited for the same connection.
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// Whether the upstream may have the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// No byte of it left this machine, or the upstream says that it did not look at it (RFC 9113, section
    /// 8.7): it can be sent again, whatever it asks for.
    Nothing,
    /// Some of it was sent, and nobody knows what became of it.
    Maybe,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No connection: the name does not resolve, or the upstream refused.
    Connect,
    /// No common ground in TLS: an unknown authority, a wrong name, an expired certificate.
    Tls,
    /// HTTP/2 is to be spoken, which the upstream does not.
    NotHttp2,
    /// The time was over.
    Timeout {
        /// At this stage.
        stage: Stage,
    },
    /// The connection, or the request's stream, ended before the first byte of an answer, or was reset.
    Reset,
    /// The answer ended before it was whole.
    Truncated,
    /// The answer is larger than it may be.
    TooLarge {
        /// This part of it.
        part: Part,
    },
    /// The answer is no HTTP, contradicts itself about its length, or goes on after its end.
    BadFraming,
    /// The body is compressed, which was not asked for.
    Encoded,
    /// Whoever sends the request's body failed.
    Body,
    /// Nobody was asked: the upstream failed of late, and is left alone for a while.
    Unavailable,
}

/// What a request goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for one of the connections.
    Queue,
    /// Resolving the name and connecting.
    Connect,
    /// Shaking hands over TLS.
    Handshake,
    /// Sending the request and waiting for the head of the answer.
    Head,
    /// Reading the body of the answer.
    Body,
}

/// What an answer consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Status line and headers, interim answers included.
    Head,
    /// The body.
    Body,
}

impl Failure {
    /// Nothing was sent, since there is nobody to send it to at the moment.
    pub fn unavailable() -> Self {
        Self::new(Sent::Nothing, Cause::Unavailable)
    }

    pub(super) fn new(sent: Sent, cause: Cause) -> Self {
        Self {
            sent,
            cause,
            source: None,
        }
    }

    pub(super) fn timeout(stage: Stage, sent: Sent) -> Self {
        Self::new(sent, Cause::Timeout { stage })
    }

    #[must_use]
    pub(super) fn with(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Whether another connection may do better: this one had ended, and nothing was sent.
    pub(super) fn is_stale(&self) -> bool {
        self.sent == Sent::Nothing && self.cause == Cause::Reset
    }
}

impl Cause {
    /// What an error of the socket or of TLS means once there is a connection.
    pub(super) fn of(error: &io::Error) -> Self {
        let inner = error.get_ref();
        if inner.is_some_and(<dyn Error + Send + Sync>::is::<rustls::Error>) {
            return Self::Tls;
        }
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Truncated;
        }
        if matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
        ) {
            return Self::BadFraming;
        }
        Self::Reset
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.cause, self.sent)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source: &(dyn Error + 'static) = self.source.as_deref()?;
        Some(source)
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing was sent",
            Self::Maybe => "the request may have arrived",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "the upstream cannot be connected to",
            Self::Tls => "TLS with the upstream failed",
            Self::NotHttp2 => {
                "the upstream does not speak HTTP/2: turn that on there, or write http_version = \"1.1\""
            }
            Self::Timeout { stage } => return write!(f, "the time was over {stage}"),
            Self::Reset => "the upstream broke off without an answer",
            Self::Truncated => "the upstream's answer ended before it was whole",
            Self::TooLarge { part: Part::Head } => "the head of the upstream's answer is too large",
            Self::TooLarge { part: Part::Body } => "the upstream's answer is too large",
            Self::BadFraming => "the upstream's answer is no proper HTTP",
            Self::Encoded => "the upstream's answer is compressed, which was not asked for",
            Self::Body => "the request's body did not arrive whole",
            Self::Unavailable => "the upstream failed of late and is left alone for a while",
        })
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queue => "while waiting for a connection",
            Self::Connect => "while connecting",
            Self::Handshake => "during the TLS handshake",
            Self::Head => "before the head of the answer was there",
            Self::Body => "before the body of the answer was there",
        })
    }
}
