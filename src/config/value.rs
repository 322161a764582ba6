//! How values are written: durations, sizes, addresses and lists.
//!
//! Each reads the string that an environment variable is as well as what TOML has.

use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use crate::secret::Secret;

/// A duration: `"250ms"`, `"5s"`, `"1m 30s"`; at most a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span(pub(super) Duration);

impl Span {
    const MOST: Duration = Duration::from_secs(24 * 60 * 60);

    pub(super) const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.parse::<SignedDuration>().ok();
        let duration = parsed.and_then(|span| Duration::try_from(span).ok());
        match duration {
            Some(duration) if duration <= Self::MOST => Ok(Self(duration)),
            Some(_) => Err(format!("{text:?} is too long: at most \"24h\"")),
            None => Err(format!(
                "{text:?} is no duration: write a number with a unit, e.g. \"250ms\", \"5s\" or \"1m 30s\""
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_scalar(deserializer)
    }
}

/// A duration that may take days: `"3d"`, `"36h"`; at most 30 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Days(pub(super) Duration);

impl FromStr for Days {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const MOST: Duration = Duration::from_secs(30 * 24 * 60 * 60);
        let span = text.parse::<jiff::Span>().ok();
        let signed = span.and_then(|span| {
            let days = jiff::SpanRelativeTo::days_are_24_hours();
            span.to_duration(days).ok()
        });
        match signed.and_then(|signed| Duration::try_from(signed).ok()) {
            Some(duration) if duration <= MOST => Ok(Self(duration)),
            Some(_) => Err(format!("{text:?} is too long: at most \"30d\"")),
            None => Err(format!(
                "{text:?} is no duration: write a number with a unit, e.g. \"3d\" or \"36h\""
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_scalar(deserializer)
    }
}

/// A number of bytes: `4096`, `"256KiB"`, `"1MiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) usize);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        let unit = match text.strip_prefix(digits).unwrap_or_default().trim() {
            "" | "B" => Some(1),
            "KiB" => Some(1 << 10),
            "MiB" => Some(1 << 20),
            "GiB" => Some(1 << 30),
            _ => None,
        };
        let bytes = digits.parse::<usize>().ok();
        match bytes
            .zip(unit)
            .and_then(|(bytes, unit)| bytes.checked_mul(unit))
        {
            Some(bytes) => Ok(Self(bytes)),
            None => Err(format!(
                "{text:?} is no size: write a number of bytes, or one with B, KiB, MiB or GiB, e.g. \"1MiB\""
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_scalar(deserializer)
    }
}

/// An IP address and a port: `"127.0.0.1:8080"`, `"[::1]:8080"`; port 0 takes any free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address(pub(super) SocketAddr);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| {
            format!(
                "{text:?} is no address: write IP:PORT, e.g. \"127.0.0.1:8080\" or \"[::1]:8080\""
            )
        })
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_scalar(deserializer)
    }
}

/// A list: `["a", "b"]`, or one string with commas, which is how the environment writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T>(PhantomData<T>);

        impl<'de, T: FromStr<Err: fmt::Display>> Visitor<'de> for Items<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
                let items = text.split(',').map(str::trim);
                let parsed = items.filter(|item| !item.is_empty()).map(str::parse);
                let (items, faults): (Vec<_>, Vec<_>) = parsed.partition(Result::is_ok);
                if faults.is_empty() {
                    return Ok(items.into_iter().flatten().collect());
                }
                let messages = faults.into_iter().filter_map(Result::err);
                let messages: Vec<_> = messages.map(|error| error.to_string()).collect();
                Err(E::custom(messages.join("; ")))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(Item(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(list)
            }
        }

        struct Item<T>(T);

        impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Item<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                from_scalar(deserializer).map(Self)
            }
        }

        deserializer.deserialize_any(Items(PhantomData)).map(Self)
    }
}

/// The text of a secret; never repeated in a fault.
pub(super) struct Given(pub(super) Secret);

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::from(text)))
    }
}

/// A value from the text of a string or a whole number.
pub(super) fn from_scalar<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    struct Scalar<T>(PhantomData<T>);

    impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Scalar<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text in quotes or a whole number")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(Error::custom)
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }
    }

    deserializer.deserialize_any(Scalar(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!("250ms".parse(), Ok(Span(Duration::from_millis(250))));
        assert_eq!("1m 30s".parse(), Ok(Span::seconds(90)));
        for text in ["", "5", "-5s", "5s ago", "25h", "1d", "five seconds"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn long_durations_may_have_days() {
        let hours = |hours: u64| Ok(Days(Duration::from_secs(hours * 60 * 60)));
        assert_eq!("3d".parse(), hours(72));
        assert_eq!("1d 12h".parse(), hours(36));
        assert_eq!("30d".parse(), hours(720));
        for text in ["", "3", "-3d", "31d", "721h", "1mo", "three days"] {
            assert!(text.parse::<Days>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_have_binary_units() {
        assert_eq!("4096".parse(), Ok(Size(4096)));
        assert_eq!("256KiB".parse(), Ok(Size(256 * 1024)));
        assert_eq!("1 MiB".parse(), Ok(Size(1024 * 1024)));
        for text in ["", "1MB", "-1", "1.5MiB", "MiB", "99999999999GiB"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
