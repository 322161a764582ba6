//! `[log]`: what is logged, and in which form.

use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::suggest::did_you_mean;
use super::value::from_scalar;
use crate::telemetry::Format;

/// The parameters of logging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Levels, one for everything and one for each part that differs, in the notation of
    /// `tracing_subscriber`'s `Targets` and `EnvFilter`: `info,dragoman::store=debug`.
    pub filter: String,
    /// The form of a line.
    pub format: Format,
}

/// `[log]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LogSection {
    /// `error`, `warn`, `info`, `debug`, `trace` or `off`; `PART=LEVEL` after a comma for parts.
    filter: Filter,
    /// `auto`, `human` or `json`.
    format: Format,
}

impl Default for LogSection {
    fn default() -> Self {
        Self {
            filter: Filter("info".to_owned()),
            format: Format::Auto,
        }
    }
}

impl LogSection {
    /// What was read is already checked.
    pub(super) fn build(self) -> Log {
        Log {
            filter: self.filter.0,
            format: self.format,
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            _ => Err(format!(
                "unknown format {text:?} (known: auto, human, json){}",
                did_you_mean(text, &["auto", "human", "json"])
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_scalar(deserializer)
    }
}

/// A checked filter: the libraries take a misspelt level for the name of a part.
#[derive(Debug)]
struct Filter(String);

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        for directive in text.split(',') {
            let (part, level) = directive.split_once('=').unwrap_or(("all", directive));
            let is_path = |letter: char| letter.is_ascii_alphanumeric() || "_:".contains(letter);
            if part.is_empty() || !part.chars().all(is_path) {
                return Err(format!(
                    "{part:?} is no part of the program: write e.g. \"info,dragoman::store=debug\""
                ));
            }
            if !LEVELS.contains(&level) {
                return Err(format!(
                    "unknown level {level:?} (known: {}){}",
                    LEVELS.join(", "),
                    did_you_mean(level, &LEVELS)
                ));
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_scalar(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_level_is_not_taken_for_a_part() {
        assert!("info,dragoman::store=debug".parse::<Filter>().is_ok());
        for text in ["", "inof", "info,", "dragoman=loud", "=info", "a b=info"] {
            assert!(text.parse::<Filter>().is_err(), "{text}");
        }
    }
}
