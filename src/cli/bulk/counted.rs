//! A file that is read, with a count of how much of it was, and a limit to how much in one go.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::rc::Rc;

/// The longest line that is read. Without a limit a quote that is not closed would bring the rest
/// of the file into memory.
pub(super) const LONGEST_LINE: u64 = 16 << 20;

/// How far a file was read, for those who do not read it themselves.
#[derive(Clone, Debug, Default)]
pub(super) struct Position {
    read: Rc<Cell<u64>>,
    line_began: Rc<Cell<u64>>,
}

impl Position {
    /// Bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.read.get()
    }

    /// Says that the line which was read is at its end.
    pub(super) fn end_line(&self) {
        self.line_began.set(self.read.get());
    }
}

/// Reads a file, and fails when one line takes too much of it.
#[derive(Debug)]
pub(super) struct Counted {
    file: File,
    position: Position,
}

impl Counted {
    pub(super) fn new(file: File, position: Position) -> Self {
        Self { file, position }
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Position { read, line_began } = &self.position;
        if read.get() - line_began.get() > LONGEST_LINE {
            return Err(io::Error::other(
                "longer than 16 MiB: a quote may not be closed",
            ));
        }
        let length = self.file.read(buffer)?;
        read.set(read.get() + u64::try_from(length).unwrap_or_default());
        Ok(length)
    }
}
