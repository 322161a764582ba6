//! Cutting a file into JSON objects: a list of them, or one after another as in JSON Lines.
//!
//! Only one object is in memory at a time, and one that is no JSON does not hide those after it.

use std::io::{self, BufRead, BufReader};

use super::counted::{Counted, LONGEST_LINE, Position};

/// A file that is read.
pub(super) struct JsonObjects {
    file: BufReader<Counted>,
    position: Position,
    line: u64,
    place: Place,
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A list or the first object.
    Start,
    /// After `[`.
    ListStart,
    /// After an object of the list.
    AfterElement,
    /// After a comma.
    Element,
    /// Outside of a list.
    Lines,
    /// After `]`.
    End,
}

/// Why the rest of a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("line {0}: {1}")]
    Unexpected(u64, &'static str),
    #[error("line {0}: an object longer than 16 MiB")]
    TooLong(u64),
    #[error("cannot read on after line {0}")]
    Read(u64, #[source] io::Error),
}

impl JsonObjects {
    pub(super) fn new(file: Counted, position: Position) -> Self {
        Self {
            file: BufReader::new(file),
            position,
            line: 1,
            place: Place::Start,
        }
    }

    /// The next object and the line on which it begins; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, Broken> {
        self.position.end_line();
        while let Some(byte) = self.byte()? {
            if byte.is_ascii_whitespace() {
                continue;
            }
            self.place = match (self.place, byte) {
                (Place::Start, b'[') => Place::ListStart,
                (Place::AfterElement, b',') => Place::Element,
                (Place::ListStart | Place::AfterElement, b']') => Place::End,
                (Place::ListStart | Place::Element, b'{') => {
                    self.place = Place::AfterElement;
                    return self.object().map(Some);
                }
                (Place::Start | Place::Lines, b'{') => {
                    self.place = Place::Lines;
                    return self.object().map(Some);
                }
                // The mark that some editors put before UTF-8.
                (Place::Start, 0xef) => self.byte_order_mark()?,
                (Place::AfterElement, _) => return Err(self.unexpected("a comma or ] is missing")),
                (Place::End, _) => return Err(self.unexpected("something stands after the list")),
                (Place::Start, _) => {
                    return Err(self.unexpected("a list of objects, or objects, must begin here"));
                }
                (Place::ListStart | Place::Element | Place::Lines, _) => {
                    return Err(self.unexpected("an object must begin here"));
                }
            };
        }
        match self.place {
            Place::Start | Place::Lines | Place::End => Ok(None),
            Place::ListStart | Place::AfterElement | Place::Element => {
                Err(self.unexpected("the list is not closed: the file was cut off"))
            }
        }
    }

    /// What follows `{`, up to the brace that closes it.
    fn object(&mut self) -> Result<(u64, Vec<u8>), Broken> {
        let line = self.line;
        let mut object = vec![b'{'];
        let mut depth = 1_u32;
        let (mut in_text, mut escaped) = (false, false);
        while depth > 0 {
            let Some(byte) = self.byte()? else {
                return Err(Broken::Unexpected(
                    line,
                    "the object is not closed: the file was cut off",
                ));
            };
            if u64::try_from(object.len()).is_ok_and(|length| length >= LONGEST_LINE) {
                return Err(Broken::TooLong(line));
            }
            object.push(byte);
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                b'{' | b'[' if !in_text => depth = depth.saturating_add(1),
                b'}' | b']' if !in_text => depth -= 1,
                _ => {}
            }
        }
        Ok((line, object))
    }

    fn byte_order_mark(&mut self) -> Result<Place, Broken> {
        if (self.byte()?, self.byte()?) == (Some(0xbb), Some(0xbf)) {
            return Ok(Place::Start);
        }
        Err(self.unexpected("this is no JSON in UTF-8"))
    }

    fn byte(&mut self) -> Result<Option<u8>, Broken> {
        let buffer = self.file.fill_buf();
        let byte = match buffer {
            Ok(buffer) => buffer.first().copied(),
            Err(error) => return Err(Broken::Read(self.line, error)),
        };
        if byte.is_some() {
            self.file.consume(1);
        }
        if byte == Some(b'\n') {
            self.line += 1;
        }
        Ok(byte)
    }

    fn unexpected(&self, what: &'static str) -> Broken {
        Broken::Unexpected(self.line, what)
    }
}
