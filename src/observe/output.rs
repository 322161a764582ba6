//! Where lines go.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::line::Line;
use crate::clock::Clock;

/// A file that lines are added to, or the log.
#[derive(Debug)]
pub(super) struct Output {
    file: Option<LineFile>,
    lines: Vec<u8>,
    count: u64,
    is_failing: bool,
}

/// A file that others may rename: what is written then goes to a new one of its name.
#[derive(Debug)]
struct LineFile {
    path: PathBuf,
    open: Option<File>,
}

impl Output {
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        Self {
            file: file.map(|path| LineFile { path, open: None }),
            lines: Vec::new(),
            count: 0,
            is_failing: false,
        }
    }

    /// A line, to be written with the next flush.
    pub(super) fn push(&mut self, line: &Line) {
        // Texts and lists of texts can be written as JSON.
        let Ok(text) = serde_json::to_string(line) else {
            return;
        };
        if self.file.is_none() {
            tracing::info!(observed = text, "call observed");
            return;
        }
        self.lines.extend_from_slice(text.as_bytes());
        self.lines.push(b'\n');
        self.count += 1;
    }

    /// Writes what was pushed, and tells how many requests were not looked at.
    pub(super) fn flush(&mut self, lost: u64) {
        if lost > 0 {
            tracing::warn!(
                observe.lost = lost,
                "requests were not looked at: there were too many, or they were too large"
            );
        }
        let Some(file) = &mut self.file else {
            return;
        };
        if lost > 0 {
            let at = super::line::shown_time(Clock::system().now());
            // Writing into memory cannot fail.
            let _ = writeln!(self.lines, "{{\"at\":\"{at}\",\"lost\":{lost}}}");
        }
        if self.lines.is_empty() {
            return;
        }
        let written = file.write(&self.lines);
        if let Err(error) = &written
            && !self.is_failing
        {
            tracing::error!(
                observe.file = %file.path.display(),
                observe.lines = self.count,
                error = %error,
                "what was observed cannot be written, and is lost until it can"
            );
        }
        self.is_failing = written.is_err();
        self.lines.clear();
        self.count = 0;
    }
}

impl LineFile {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if let Some(open) = &self.open
            && !is_still_there(open, &self.path)
        {
            self.open = None;
        }
        let file = match &mut self.open {
            Some(file) => file,
            // For the eyes of this user only: who calls what is nobody else's business.
            none @ None => none.insert(
                OpenOptions::new()
                    .append(true)
                    .create(true)
                    .mode(0o600)
                    .open(&self.path)?,
            ),
        };
        file.write_all(lines)
    }
}

/// Whether the open file is the one that has the name.
fn is_still_there(open: &File, path: &Path) -> bool {
    let id = |metadata: io::Result<std::fs::Metadata>| {
        let metadata = metadata.ok()?;
        Some((metadata.dev(), metadata.ino()))
    };
    let own = id(open.metadata());
    own.is_some() && own == id(std::fs::metadata(path))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_is_moved_away_is_followed_by_a_new_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("observed.jsonl");
        let mut output = Output::new(Some(path.clone()));
        output.push(&Line::default());
        output.flush(0);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        output.push(&Line::default());
        output.flush(0);
        let moved = directory.path().join("observed.jsonl.1");
        fs::rename(&path, &moved).unwrap();
        output.push(&Line::default());
        output.flush(3);
        let lines = |path| fs::read_to_string(path).unwrap().lines().count();
        assert_eq!((lines(&moved), lines(&path)), (2, 2));
        assert!(
            fs::read_to_string(&path)
                .unwrap()
                .ends_with(",\"lost\":3}\n")
        );
    }

    #[test]
    fn a_file_that_cannot_be_written_is_tried_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("not-yet/observed.jsonl");
        let mut output = Output::new(Some(path.clone()));
        output.push(&Line::default());
        output.flush(0);
        fs::create_dir(path.parent().unwrap()).unwrap();
        output.push(&Line::default());
        output.flush(0);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
    }
}
