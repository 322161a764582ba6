//! How a subcommand ends that does not succeed.

use std::error::Error;
use std::fmt::Write;
use std::process::ExitCode;

use crate::config::Faults;

/// Why it did not, and with which exit code.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command line or the configuration is at fault; 64.
    Usage(String),
    /// It was tried and failed; 1.
    Failed(String),
}

impl Failure {
    /// `EX_USAGE` of `sysexits.h`.
    pub(super) const USAGE: u8 = 64;

    /// A failure with its causes, in one line.
    pub(super) fn failed(doing: &str, error: impl Error) -> Self {
        let mut text = format!("{doing}: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            // Writing to a string cannot fail.
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        Self::Failed(text)
    }

    /// The reason alone.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Usage(text) | Self::Failed(text) => text,
        }
    }

    /// Prints the reason on standard error and gives the exit code.
    pub(super) fn report(self) -> ExitCode {
        let (text, code) = match self {
            Self::Usage(text) => (text, Self::USAGE),
            Self::Failed(text) => (format!("dragoman: {text}"), 1),
        };
        super::remark(&text);
        ExitCode::from(code)
    }
}

/// One line a fault, as `check` prints them.
impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::Usage(faults.to_string())
    }
}
