//! How far it is, on a terminal only.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_millis(100);
const WIDTH: u64 = 30;

/// One line on standard error that is written over and over.
#[derive(Debug)]
pub(super) struct Progress {
    size: Option<u64>,
    shown: Option<Instant>,
    is_terminal: bool,
}

impl Progress {
    /// `size` is how many bytes there are to read.
    pub(super) fn new(size: Option<u64>) -> Self {
        Self {
            size,
            shown: None,
            is_terminal: io::stderr().is_terminal(),
        }
    }

    /// Shows how far it is, if the last time is long enough ago.
    pub(super) fn show(&mut self, bytes: u64, lines: u64) {
        let is_due = self.shown.is_none_or(|last| last.elapsed() >= INTERVAL);
        if self.is_terminal && is_due {
            self.shown = Some(Instant::now());
            // Nobody can be told that nobody looks.
            let _ = write!(
                io::stderr().lock(),
                "\r\x1b[K{}",
                bar(self.size, bytes, lines)
            );
        }
    }

    /// Takes the line away, for what is said next.
    pub(super) fn clear(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

fn bar(size: Option<u64>, bytes: u64, lines: u64) -> String {
    let Some(size) = size.filter(|size| *size > 0) else {
        return format!("{lines} lines");
    };
    let bytes = bytes.min(size);
    let full = usize::try_from(bytes * WIDTH / size).unwrap_or_default();
    let empty = usize::try_from(WIDTH).unwrap_or_default() - full;
    let percent = bytes * 100 / size;
    format!(
        "[{}{}] {percent:3} %  {lines} lines",
        "#".repeat(full),
        " ".repeat(empty)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_the_file_is_read() {
        assert_eq!(
            bar(Some(200), 0, 0),
            format!("[{}]   0 %  0 lines", " ".repeat(30))
        );
        assert_eq!(
            bar(Some(200), 100, 7),
            format!("[{}{}]  50 %  7 lines", "#".repeat(15), " ".repeat(15))
        );
        assert_eq!(
            bar(Some(200), 300, 9),
            format!("[{}] 100 %  9 lines", "#".repeat(30))
        );
        assert_eq!(bar(None, 300, 9), "9 lines");
        assert_eq!(bar(Some(0), 300, 9), "9 lines");
    }
}
