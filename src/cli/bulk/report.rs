//! What is told of refused lines.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::fields::Fault;
use crate::cli::failure::Failure;
use crate::cli::remark;

/// How many faults are shown; a file has all of them.
const SHOWN: u64 = 20;

/// Tells of refused lines: the first ones on standard error, and all of them in a file, if one was
/// asked for.
#[derive(Debug)]
pub(super) struct Report {
    file: Option<csv::Writer<File>>,
    told: u64,
    lines: u64,
}

impl Report {
    /// Begins the file anew.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let file = match path {
            None => None,
            Some(path) => {
                let mut options = OpenOptions::new();
                options.write(true).create(true).truncate(true).mode(0o600);
                let file = options.open(path).map_err(failed)?;
                let mut file = csv::Writer::from_writer(file);
                file.write_record(["line", "field", "reason"])
                    .map_err(failed)?;
                Some(file)
            }
        };
        Ok(Self {
            file,
            told: 0,
            lines: 0,
        })
    }

    /// Tells why a line is refused.
    pub(super) fn refuse(&mut self, line: u64, faults: &[Fault]) -> Result<(), Failure> {
        self.lines += 1;
        for Fault { field, reason } in faults {
            if let Some(file) = &mut self.file {
                file.write_record([&line.to_string(), field, reason])
                    .map_err(failed)?;
            }
            if self.told < SHOWN {
                let subject = [&format!("line {line}:"), field.as_str(), reason].join(" ");
                remark(&subject.replace("  ", " "));
            }
            self.told += 1;
        }
        Ok(())
    }

    /// How many lines were refused.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// Completes the file, and says how much was not shown.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        if let Some(file) = &mut self.file {
            file.flush().map_err(failed)?;
        }
        let hidden = self.told.saturating_sub(SHOWN);
        if hidden > 0 {
            let hint = if self.file.is_some() {
                "the report has all of them"
            } else {
                "--report FILE keeps all of them"
            };
            remark(&format!("{hidden} more faults are not shown; {hint}"));
        }
        Ok(())
    }
}

fn failed(error: impl std::error::Error) -> Failure {
    Failure::failed("cannot write --report", error)
}
