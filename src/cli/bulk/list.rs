//! A table for people, a few hundred lines at a time.

use std::io::{self, Write};
use std::marker::PhantomData;
use std::ops::ControlFlow;

use super::Noun;
use crate::cli::failure::Failure;
use crate::cli::table::aligned;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_not_shown() {
        assert_eq!(shown("a\x1b[2J"), "a\u{fffd}[2J");
    }
}
