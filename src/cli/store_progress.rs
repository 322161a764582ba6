//! How far a copy is, for whoever watches a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the line is written anew.
const INTERVAL: Duration = Duration::from_millis(100);

/// A line on standard error that is written over again and again; nothing elsewhere than on a
/// terminal. Removed when dropped.
#[derive(Debug)]
pub(super) struct Progress {
    doing: &'static str,
    shown: Option<Instant>,
    is_terminal: bool,
}

impl Progress {
    /// `doing` begins the line, e.g. `copied`.
    pub(super) fn new(doing: &'static str) -> Self {
        Self {
            doing,
            shown: None,
            is_terminal: io::stderr().is_terminal(),
        }
    }

    /// Shows how much is done, of how much.
    pub(super) fn show(&mut self, done: u64, total: u64) {
        let is_due = self.shown.is_none_or(|at| at.elapsed() >= INTERVAL);
        if !self.is_terminal || !(is_due || done == total) {
            return;
        }
        self.shown = Some(Instant::now());
        let line = line(self.doing, done, total);
        // Nobody can be told that nobody watches.
        let _ = write!(io::stderr().lock(), "\r{line}");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

fn line(doing: &str, done: u64, total: u64) -> String {
    let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
    let rest = if done == total { ", checking" } else { "" };
    format!("{doing} {percent} %{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_is_done_and_then_that_it_is_checked() {
        assert_eq!(line("copied", 0, 8), "copied 0 %");
        assert_eq!(line("copied", 7, 8), "copied 87 %");
        assert_eq!(line("copied", 8, 8), "copied 100 %, checking");
        assert_eq!(line("copied", 0, 0), "copied 100 %, checking");
    }
}
