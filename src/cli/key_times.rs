//! Times of keys, as they are said on the command line.
//!
//! All of them are whole seconds, so that what is shown of them is what they are.

use std::str::FromStr;

use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::failure::Failure;
use crate::clock::Timestamp;

/// When a new key stops working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    In(SignedDuration),
    At(Timestamp),
}

impl FromStr for Expiry {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::At(Timestamp::from_millis(time.as_millisecond())));
        }
        duration(text)
            .filter(SignedDuration::is_positive)
            .map(Self::In)
            .ok_or("a duration such as 90d or 12h, or a time such as 2030-01-31T00:00:00Z")
    }
}

impl Expiry {
    pub(super) fn after(self, now: Timestamp) -> Result<Timestamp, Failure> {
        let end = match self {
            Self::In(duration) => later(now, duration),
            Self::At(end) => end,
        };
        if end > now {
            return Ok(end);
        }
        Err(Failure::Usage(
            "--expires is in the past: name a later time".to_owned(),
        ))
    }
}

/// How long a key that is replaced works beside its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overlap(SignedDuration);

impl FromStr for Overlap {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        duration(text)
            .filter(|duration| !duration.is_negative())
            .map(Self)
            .ok_or("a duration such as 7d or 12h, or 0s for none")
    }
}

impl Overlap {
    /// When it is over; nothing where there is none.
    pub(super) fn end(self, now: Timestamp) -> Option<Timestamp> {
        self.0.is_positive().then(|| later(now, self.0))
    }
}

/// RFC 3339, in UTC and to the second; nothing for a time that no calendar has.
pub(super) fn shown(time: Timestamp) -> Option<String> {
    let time = jiff::Timestamp::from_second(time.as_seconds()).ok()?;
    Some(time.to_string())
}

fn duration(text: &str) -> Option<SignedDuration> {
    let span = text.parse::<Span>().ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()
}

/// The first whole second that is at least so much later.
fn later(now: Timestamp, duration: SignedDuration) -> Timestamp {
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    let end = now.as_millis().saturating_add(millis);
    let rest = end.rem_euclid(1000);
    let to_second = if rest == 0 { 0 } else { 1000 - rest };
    Timestamp::from_millis(end.saturating_add(to_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_250);

    fn expiry(text: &str) -> Option<i64> {
        let end = text.parse::<Expiry>().unwrap().after(NOW).ok();
        end.map(Timestamp::as_millis)
    }

    fn overlap(text: &str) -> Option<i64> {
        let end = text.parse::<Overlap>().unwrap().end(NOW);
        end.map(Timestamp::as_millis)
    }

    #[test]
    fn an_end_is_a_whole_second_and_not_too_early() {
        assert_eq!(expiry("1s"), Some(1_700_000_002_000));
        assert_eq!(expiry("750ms"), Some(1_700_000_001_000));
        assert_eq!(expiry("1d"), Some(1_700_086_401_000));
        assert_eq!(expiry("2023-11-14T22:13:21Z"), Some(1_700_000_001_000));
        assert_eq!(expiry("2023-11-14T22:13:20Z"), None);
        assert_eq!(overlap("7d"), Some(1_700_604_801_000));
        assert_eq!(overlap("0s"), None);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "0s", "-1d", "7", "soon", "1d ago"] {
            assert!(text.parse::<Expiry>().is_err(), "{text}");
        }
        for text in ["", "-1d", "7", "2030-01-31T00:00:00Z", "1s ago"] {
            assert!(text.parse::<Overlap>().is_err(), "{text}");
        }
    }
}
