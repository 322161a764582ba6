//! The lines of a file, in either format.

use std::fs::File;
use std::marker::PhantomData;
use std::path::Path;

use super::Noun;
use super::counted::{Counted, Position};
use super::csv_file::CsvFile;
use super::fields::{Fault, Fields};
use super::json_line;
use super::json_objects::JsonObjects;
use crate::cli::arguments::bulk::Format;
use crate::cli::failure::Failure;

/// A line of a file.
pub(super) struct Line {
    /// On which line of the file it begins; the first is 1.
    pub(super) number: u64,
    /// What it says, or why that cannot be told.
    pub(super) content: Result<Fields, Vec<Fault>>,
}

/// A file of one noun that is read line by line.
pub(super) struct Source<N> {
    file: Formatted,
    position: Position,
    size: Option<u64>,
    noun: PhantomData<N>,
}

enum Formatted {
    Csv(CsvFile),
    Json(JsonObjects),
}

impl<N: Noun> Source<N> {
    /// Opens a file. Its format is told by its name, if it is not given.
    pub(super) fn open(path: &Path, format: Option<Format>) -> Result<Self, Failure> {
        let name = path.display();
        let format = format.or_else(|| Format::of(path)).ok_or_else(|| {
            Failure::Usage(format!(
                "{name} ends neither with .csv nor with .json: rename it, or add --format"
            ))
        })?;
        let failed = |error| Failure::failed(&format!("cannot read {name}"), error);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let position = Position::default();
        Ok(Self {
            file: match format {
                Format::Csv => Formatted::Csv(CsvFile::open::<N>(file, position.clone())?),
                Format::Json => {
                    let counted = Counted::new(file, position.clone());
                    Formatted::Json(JsonObjects::new(counted, position.clone()))
                }
            },
            position,
            size: metadata.is_file().then_some(metadata.len()),
            noun: PhantomData,
        })
    }

    /// The next line; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Failure> {
        match &mut self.file {
            Formatted::Csv(file) => file.next(),
            Formatted::Json(file) => {
                let object = file
                    .next()
                    .map_err(|error| Failure::failed("cannot read on", error))?;
                Ok(object.map(|(number, object)| Line {
                    number,
                    content: json_line::read::<N>(&object),
                }))
            }
        }
    }

    /// How many bytes were read.
    pub(super) fn bytes(&self) -> u64 {
        self.position.bytes()
    }

    /// How many there are, where that is known.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }
}
