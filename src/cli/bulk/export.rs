//! The store into a file, in either format.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::Noun;
use super::cells::Cells;
use super::csv_file::CsvOutput;
use crate::cli::arguments::bulk::Format;
use crate::cli::failure::Failure;
use crate::command::Dialect;
use crate::command::text::Text;
use crate::store::bulk::Receive;

/// More columns than that are no table: every attribute that anyone has takes one.
const MOST_ATTRIBUTES: usize = 1000;

/// Writes rows as they come.
pub(super) struct Export<N> {
    format: Format,
    with_hashes: bool,
    output: Output,
    failure: Option<Failure>,
    noun: PhantomData<fn() -> N>,
}

enum Output {
    Waiting(Box<dyn Write + Send>),
    Csv(Box<CsvOutput<Box<dyn Write + Send>>>),
    /// A JSON list with one element a line, and whether it has one yet.
    Json(Box<dyn Write + Send>, bool),
    Gone,
}

impl<N> Export<N> {
    pub(super) fn new(format: Format, with_hashes: bool, out: Box<dyn Write + Send>) -> Self {
        Self {
            format,
            with_hashes,
            output: Output::Waiting(out),
            failure: None,
            noun: PhantomData,
        }
    }

    /// Writes what stands at the end, unless it failed before.
    pub(super) fn finish(self) -> Result<(), Failure> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        match self.output {
            Output::Waiting(_) | Output::Gone => Ok(()),
            Output::Csv(table) => table.finish().map_err(failed),
            Output::Json(mut out, has_any) => {
                let end: &[u8] = if has_any { b"\n]\n" } else { b"]\n" };
                out.write_all(end)
                    .and_then(|()| out.flush())
                    .map_err(failed)
            }
        }
    }

    fn keep(&mut self, done: Result<(), Failure>) -> ControlFlow<()> {
        match done {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                self.failure = Some(failure);
                ControlFlow::Break(())
            }
        }
    }
}

impl<N: Noun> Export<N> {
    fn begin(&mut self, fields: Vec<(Dialect, Text)>) -> Result<(), Failure> {
        let Output::Waiting(mut out) = std::mem::replace(&mut self.output, Output::Gone) else {
            return Ok(());
        };
        self.output = match self.format {
            Format::Csv if fields.len() > MOST_ATTRIBUTES => {
                return Err(Failure::Failed(format!(
                    "{} attributes would be as many columns: use --format json",
                    fields.len()
                )));
            }
            Format::Csv => {
                let table = CsvOutput::new::<N>(out, self.with_hashes, fields);
                Output::Csv(Box::new(table.map_err(failed)?))
            }
            Format::Json => {
                out.write_all(b"[").map_err(failed)?;
                Output::Json(out, false)
            }
        };
        Ok(())
    }

    fn write(&mut self, cells: &Cells) -> Result<(), Failure> {
        match &mut self.output {
            Output::Waiting(_) | Output::Gone => Ok(()),
            Output::Csv(table) => table.write(cells).map_err(failed),
            Output::Json(out, has_any) => {
                let between: &[u8] = if *has_any { b",\n" } else { b"\n" };
                *has_any = true;
                out.write_all(between).map_err(failed)?;
                serde_json::to_writer(out, cells).map_err(failed)
            }
        }
    }
}

impl<N: Noun> Receive<N::Row> for Export<N> {
    fn fields(&mut self, fields: Vec<(Dialect, Text)>) -> ControlFlow<()> {
        let begun = self.begin(fields);
        self.keep(begun)
    }

    fn row(&mut self, row: N::Row) -> ControlFlow<()> {
        let cells = N::cells(row, self.with_hashes);
        let written = self.write(&cells);
        self.keep(written)
    }
}

/// Standard output, or a new file for the eyes of this user only.
pub(super) fn output(path: Option<&Path>) -> Result<Box<dyn Write + Send>, Failure> {
    let Some(path) = path else {
        return Ok(Box::new(BufWriter::new(io::stdout())));
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let file = options.open(path).map_err(|error| {
        Failure::failed(
            &format!("cannot make the new file {}", path.display()),
            error,
        )
    })?;
    Ok(Box::new(BufWriter::new(SyncedFile(file))))
}

/// A file that is on the disk once it is flushed.
struct SyncedFile(File);

impl Write for SyncedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}

fn failed(error: impl std::error::Error) -> Failure {
    Failure::failed("cannot write the export", error)
}
