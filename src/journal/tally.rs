//! How often something was refused, by minute.
//!
//! Pure: time comes in, counts go out.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::record::{Outcome, Record};
use crate::clock::Timestamp;

/// Different callers that are told apart in a minute. The others are counted together, so that
/// neither memory nor the trail grows with the number of addresses an attacker has.
pub const MOST: usize = 256;

const MINUTE: i64 = 60_000;

/// Counts of one minute.
#[derive(Debug, Default)]
pub struct Tally {
    minute: i64,
    counts: HashMap<Refused, i64>,
}

/// Who is counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Refused {
    /// Who, if somebody could be established: their records were more than the disk can take.
    pub principal: Option<String>,
    /// From where.
    pub source: Source,
}

/// Where something came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// From nowhere in particular.
    Unknown,
    /// From an IPv4 address.
    Address(IpAddr),
    /// From an IPv6 /64, which a single host commonly holds whole.
    Network(Ipv6Addr),
    /// From one of many that are not told apart.
    Others,
}

impl From<Option<IpAddr>> for Source {
    fn from(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self::Unknown,
            Some(address @ IpAddr::V4(_)) => Self::Address(address),
            Some(IpAddr::V6(address)) => {
                Self::Network(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64))
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Address(address) => address.fmt(f),
            Self::Network(address) => write!(f, "{address}/64"),
            Self::Others => f.write_str("others"),
        }
    }
}

impl Tally {
    /// Counts one more; the records of the minute before, if this one begins another.
    pub fn count(&mut self, at: Timestamp, refused: Refused) -> Vec<Record> {
        let ended = self.ended(at);
        self.minute = minute(at);
        let known = self.counts.len() < MOST || self.counts.contains_key(&refused);
        let refused = if known {
            refused
        } else {
            Refused {
                principal: refused.principal.map(|_| "others".to_owned()),
                source: Source::Others,
            }
        };
        let count = self.counts.entry(refused).or_default();
        *count = count.saturating_add(1);
        ended
    }

    /// The records of a minute that ended before `now`, which are then forgotten here.
    pub fn ended(&mut self, now: Timestamp) -> Vec<Record> {
        if minute(now) == self.minute {
            return Vec::new();
        }
        self.take()
    }

    /// The records of the minute, whether or not it ended.
    pub fn take(&mut self) -> Vec<Record> {
        let at = Timestamp::from_millis(self.minute.saturating_mul(MINUTE));
        let mut records: Vec<_> = std::mem::take(&mut self.counts)
            .into_iter()
            .map(|(refused, attempts)| record(at, refused, attempts))
            .collect();
        records.sort_by(|one, other| {
            (&one.principal, &one.source).cmp(&(&other.principal, &other.source))
        });
        records
    }
}

fn minute(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(MINUTE)
}

fn record(at: Timestamp, refused: Refused, attempts: i64) -> Record {
    let outcome = match refused.principal {
        Some(_) => Outcome::Denied,
        None => Outcome::Unauthenticated,
    };
    Record {
        principal: refused.principal,
        source: Some(refused.source.to_string()),
        attempts: Some(attempts),
        ..Record::bare(at, outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn from(address: &str) -> Refused {
        Refused {
            principal: None,
            source: Source::from(address.parse::<IpAddr>().ok()),
        }
    }

    fn shown(records: &[Record]) -> Vec<(i64, &str, i64)> {
        let shown = records.iter().map(|record| {
            let (source, attempts) = (record.source.as_deref(), record.attempts);
            (record.at.as_seconds(), source.unwrap(), attempts.unwrap())
        });
        shown.collect()
    }

    #[test]
    fn a_minute_ends_with_one_record_for_each_source() {
        let mut tally = Tally::default();
        for second in 60..120 {
            assert_eq!(tally.count(at(second), from("192.0.2.7")), []);
        }
        assert_eq!(tally.count(at(61), from("2001:db8::1")), []);
        assert_eq!(tally.count(at(62), from("2001:db8::ffff:2")), []);
        assert_eq!(tally.count(at(63), from("::ffff:192.0.2.7")), []);
        assert_eq!(tally.ended(at(119)), []);
        let ended = tally.count(at(120), from("192.0.2.7"));
        let expected = [(60, "192.0.2.7", 61), (60, "2001:db8::/64", 2)];
        assert_eq!(shown(&ended), expected);
        assert_eq!(shown(&tally.ended(at(180))), [(120, "192.0.2.7", 1)]);
        assert_eq!(tally.ended(at(240)), []);
    }

    #[test]
    fn a_clock_that_is_set_back_loses_no_count() {
        let mut tally = Tally::default();
        tally.count(at(600), from("192.0.2.7"));
        assert_eq!(tally.count(at(0), from("192.0.2.7")).len(), 1);
        assert_eq!(tally.take().len(), 1);
    }

    #[test]
    fn more_sources_than_are_told_apart_are_counted_together() {
        let mut tally = Tally::default();
        for number in 0..1_000_u32 {
            let source = Source::Address(IpAddr::from(number.to_be_bytes()));
            let refused = Refused {
                principal: None,
                source,
            };
            tally.count(at(0), refused);
        }
        let records = tally.take();
        assert_eq!(records.len(), MOST + 1);
        let attempts: i64 = records.iter().filter_map(|record| record.attempts).sum();
        assert_eq!(attempts, 1_000);
        let others = |record: &&Record| record.source.as_deref() == Some("others");
        let others = records.iter().find(others).unwrap();
        assert_eq!(others.attempts, Some(744));
    }
}
