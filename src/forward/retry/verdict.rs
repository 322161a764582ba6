//! What came of a try: whether another may do better, and what nobody knows after it.

use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Response, StatusCode};

use super::{Answered, Repeat};
use crate::client::{Cause, Failure, Sent, Stage};

/// The least wait that is asked for before another try; nothing if none is worth it.
pub(super) fn is_worth_another(answered: &Answered<'_>, repeat: Repeat) -> Option<Duration> {
    match answered {
        Err(failure) => {
            let may_repeat = repeat == Repeat::Always || failure.sent == Sent::Nothing;
            (may_repeat && passes(failure)).then_some(Duration::ZERO)
        }
        Ok((answer, _)) => {
            let may_repeat = repeat == Repeat::Always && says_later(answer.status());
            may_repeat.then(|| asked_wait(answer))
        }
    }
}

/// Whether what went wrong may be over the next time. An answer that is too large or no HTTP is the same
/// again, and who waited in vain for a connection would be one more who waits.
const fn passes(failure: &Failure) -> bool {
    match failure.cause {
        Cause::Connect | Cause::Reset | Cause::Truncated => true,
        Cause::Timeout { stage } => match stage {
            Stage::Connect | Stage::Handshake | Stage::Head | Stage::Body => true,
            Stage::Queue => false,
        },
        // All endpoints are left alone, for longer than this call has time.
        Cause::Unavailable
        | Cause::Tls
        | Cause::NotHttp2
        | Cause::TooLarge { .. }
        | Cause::BadFraming
        | Cause::Encoded
        | Cause::Body => false,
    }
}

/// Whether the upstream, or what stands before it, says that it does not work just now.
fn says_later(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

/// `Retry-After` in seconds. A date is of a clock that may be another.
fn asked_wait(answer: &Response<Bytes>) -> Duration {
    let asked = answer.headers().get(RETRY_AFTER);
    let seconds = asked.and_then(|seconds| seconds.to_str().ok()?.trim().parse().ok());
    Duration::from_secs(seconds.unwrap_or_default()).min(LONGEST)
}

/// Longer than any deadline, and no more than a clock takes.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How much nobody knows after a write: the more the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doubt {
    /// No byte of it left.
    Unsent,
    /// The upstream says that it did not take it.
    Refused,
    /// What stands before the upstream does not know what that did.
    Lost,
    /// It may have arrived.
    Sent,
}

/// What nobody knows after a try that failed.
pub(super) fn doubt(answered: &Answered<'_>) -> Doubt {
    match answered {
        Ok((answer, _)) if answer.status() == StatusCode::SERVICE_UNAVAILABLE => Doubt::Refused,
        Ok(_) => Doubt::Lost,
        Err(failure) => match failure.sent {
            Sent::Nothing => Doubt::Unsent,
            Sent::Maybe => Doubt::Sent,
        },
    }
}
