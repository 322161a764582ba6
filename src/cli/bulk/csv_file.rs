//! CSV: a header with the names of the columns, then one line each.
//!
//! A cell that is empty is no value. Since SQL can tell no value from an empty text, a cell can too: `\`
//! alone is the empty text, and a text that begins with `\` has one more of them in front. `\N` is
//! no value, as `MySQL` writes it.

use std::fs::File;
use std::io::Write;

use csv::{ByteRecord, Reader, ReaderBuilder, Writer};

use super::Noun;
use super::cells::{Cell, Cells};
use super::counted::{Counted, Position};
use super::fields::{EXTENSION, Fault, Fields, OTHER_ID, is_column};
use super::source::Line;
use crate::cli::failure::Failure;
use crate::command::Dialect;
use crate::command::text::Text;

/// A file that is read.
pub(super) struct CsvFile {
    reader: Reader<Counted>,
    position: Position,
    columns: Vec<String>,
    record: ByteRecord,
}

impl CsvFile {
    /// Reads the header. A column that means nothing is a fault of the whole file.
    pub(super) fn open<N: Noun>(file: File, position: Position) -> Result<Self, Failure> {
        let counted = Counted::new(file, position.clone());
        let mut reader = ReaderBuilder::new().from_reader(counted);
        let failed = |error| Failure::failed("the first line of the file", error);
        let header = reader.headers().map_err(failed)?;
        let mut columns: Vec<String> = Vec::with_capacity(header.len());
        for name in header {
            if !is_column(name, N::COLUMNS, N::HAS_ATTRIBUTES) {
                return Err(Failure::Usage(format!(
                    "the first line names the column {name:?}, which {} do not have: correct or remove it; --help lists them",
                    N::NAME
                )));
            }
            if columns.iter().any(|known| known == name) {
                return Err(Failure::Usage(format!(
                    "the first line names the column {name:?} twice: remove one of them"
                )));
            }
            columns.push(name.to_owned());
        }
        if columns.is_empty() {
            return Err(Failure::Usage(
                "the file is empty: the first line names the columns; --help lists them".to_owned(),
            ));
        }
        position.end_line();
        Ok(Self {
            reader,
            position,
            columns,
            record: ByteRecord::new(),
        })
    }

    /// The next line; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Failure> {
        let read = self.reader.read_byte_record(&mut self.record);
        self.position.end_line();
        let number = self.record.position().map_or(0, csv::Position::line);
        match read {
            Ok(false) => Ok(None),
            Ok(true) => Ok(Some(Line {
                number,
                content: Ok(self.content()),
            })),
            Err(error) => {
                if let csv::ErrorKind::UnequalLengths {
                    pos,
                    expected_len,
                    len,
                } = error.kind()
                {
                    let number = pos.as_ref().map_or(number, csv::Position::line);
                    let reason = format!("has {len} cells where the first line has {expected_len}");
                    return Ok(Some(Line {
                        number,
                        content: Err(vec![Fault::new("", reason)]),
                    }));
                }
                let line = self.reader.position().line();
                Err(Failure::failed(&format!("line {line}"), error))
            }
        }
    }

    fn content(&self) -> Fields {
        let mut fields = Fields::default();
        for (name, cell) in self.columns.iter().zip(&self.record) {
            match std::str::from_utf8(cell).ok().map(value) {
                None => fields.fault(name, "is not UTF-8; convert the file"),
                Some(Err(reason)) => fields.fault(name, reason),
                Some(Ok(None)) => {}
                Some(Ok(Some(value))) => fields.insert(name.clone(), value.to_owned()),
            }
        }
        fields
    }
}

fn value(cell: &str) -> Result<Option<&str>, &'static str> {
    match cell.strip_prefix('\\') {
        None if cell.is_empty() => Ok(None),
        None => Ok(Some(cell)),
        Some("") => Ok(Some("")),
        Some("N") => Ok(None),
        Some(rest) if rest.starts_with('\\') => Ok(Some(rest)),
        Some(_) => Err("begins with a backslash, which is written twice there"),
    }
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Absent => String::new(),
        Cell::Text(text) => escaped(text),
        Cell::Number(number) => number.to_string(),
        Cell::Flag(flag) => flag.to_string(),
        Cell::Json(json) => json.get().to_owned(),
    }
}

fn escaped(text: &str) -> String {
    if text.is_empty() || text.starts_with('\\') {
        return format!("\\{text}");
    }
    text.to_owned()
}

/// A table that is written.
pub(super) struct CsvOutput<W: Write> {
    writer: Writer<W>,
    fields: Vec<(Dialect, Text)>,
    has_attributes: bool,
}

impl<W: Write> CsvOutput<W> {
    /// Writes the header. `fields` are the extension attributes that will come.
    pub(super) fn new<N: Noun>(
        out: W,
        with_hashes: bool,
        fields: Vec<(Dialect, Text)>,
    ) -> csv::Result<Self> {
        let mut writer = Writer::from_writer(out);
        let own = N::COLUMNS
            .iter()
            .filter(|name| with_hashes || **name != "password_hash")
            .map(ToString::to_string);
        let other_ids = Dialect::ALL
            .iter()
            .map(|dialect| format!("{OTHER_ID}{dialect}"));
        let other_ids = other_ids.filter(|_| N::HAS_ATTRIBUTES);
        let extensions = fields
            .iter()
            .map(|(dialect, field)| format!("{EXTENSION}{dialect}.{}", field.as_str()));
        writer.write_record(own.chain(other_ids).chain(extensions))?;
        Ok(Self {
            writer,
            fields,
            has_attributes: N::HAS_ATTRIBUTES,
        })
    }

    pub(super) fn write(&mut self, cells: &Cells) -> csv::Result<()> {
        for (_, own) in &cells.own {
            self.writer.write_field(cell(own))?;
        }
        for dialect in Dialect::ALL.iter().filter(|_| self.has_attributes) {
            let id = cells.other_ids.get(dialect);
            self.writer
                .write_field(id.map(ToString::to_string).unwrap_or_default())?;
        }
        // Both are sorted by dialect and field.
        let mut extensions = cells.extensions.iter().peekable();
        for (dialect, field) in &self.fields {
            let own = extensions.next_if(|own| (own.dialect, &own.field) == (*dialect, field));
            let value = own.map(|own| escaped(own.value.as_str()));
            self.writer.write_field(value.unwrap_or_default())?;
        }
        self.writer.write_record(None::<&[u8]>)
    }

    pub(super) fn finish(mut self) -> csv::Result<()> {
        Ok(self.writer.flush()?)
    }
}
