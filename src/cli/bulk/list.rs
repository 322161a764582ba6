//! A table for people, a few hundred lines at a time.

use std::io::{self, Write};
use std::marker::PhantomData;
use std::ops::ControlFlow;

use super::Noun;
use crate::cli::failure::Failure;
use crate::command::Dialect;
use crate::command::text::Text;
use crate::store::bulk::Receive;

/// How many lines are aligned with each other. Those that follow are never narrower.
const PAGE: usize = 500;

/// Prints rows as they come.
pub(super) struct List<N> {
    widths: Vec<usize>,
    page: Vec<Vec<String>>,
    failure: Option<io::Error>,
    noun: PhantomData<fn() -> N>,
}

impl<N: Noun> List<N> {
    pub(super) fn new() -> Self {
        let head = N::HEAD.iter().map(ToString::to_string).collect();
        Self {
            widths: vec![0; N::HEAD.len()],
            page: vec![head],
            failure: None,
            noun: PhantomData,
        }
    }

    /// Prints what is left.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        // The lines before may have failed already.
        if self.failure.is_none() {
            self.print();
        }
        match self.failure {
            Some(error) => Err(Failure::failed("cannot write to standard output", error)),
            None => Ok(()),
        }
    }

    fn print(&mut self) {
        let text = aligned(&std::mem::take(&mut self.page), &mut self.widths);
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        self.failure = written.err();
    }
}

impl<N: Noun> Receive<N::Row> for List<N> {
    fn fields(&mut self, _: Vec<(Dialect, Text)>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: N::Row) -> ControlFlow<()> {
        self.page
            .push(N::line(&row).iter().map(|cell| shown(cell)).collect());
        if self.page.len() >= PAGE {
            self.print();
        }
        match self.failure {
            None => ControlFlow::Continue(()),
            Some(_) => ControlFlow::Break(()),
        }
    }
}

/// Names come from strangers: what would move the cursor is not sent to a terminal.
fn shown(cell: &str) -> String {
    cell.replace(char::is_control, "\u{fffd}")
}

fn aligned(lines: &[Vec<String>], widths: &mut [usize]) -> String {
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for line in lines {
        let padded: Vec<_> = line
            .iter()
            .zip(widths.iter())
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_page_is_never_narrower_and_control_characters_are_not_shown() {
        let mut widths = vec![0, 0];
        let line = |cells: [&str; 2]| cells.map(shown).to_vec();
        let first = aligned(&[line(["long name", "x"])], &mut widths);
        assert_eq!(first, "long name  x\n");
        let second = aligned(&[line(["a\x1b[2J", "y"])], &mut widths);
        assert_eq!(second, "a\u{fffd}[2J      y\n");
    }
}
