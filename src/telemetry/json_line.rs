//! One event as one JSON object on a line of its own.
//!
//! `tracing_subscriber` has a formatter of this form, which spends as long on a line as the rest of
//! the gateway on a call that is answered from memory: it serializes piece by piece. This one
//! writes what the events of this program consist of, without spans, of which there are none.

use std::error::Error;
use std::fmt::{self, Debug, Write};

use jiff::Timestamp;
use jiff::fmt::StdFmtWrite;
use jiff::fmt::temporal::DateTimePrinter;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// RFC 3339, always as long.
static MICROSECONDS: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// Bytes that hold the line of most calls.
const USUAL: usize = 512;

/// Time, level and fields in the order in which they are named, the message first.
#[derive(Debug)]
pub(super) struct JsonLine;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // A line is put together here and handed over whole: whoever takes it is behind a pointer,
        // and a line has fifty pieces.
        let mut line = String::with_capacity(USUAL);
        line.push_str("{\"timestamp\":\"");
        let now = Timestamp::now();
        let written = MICROSECONDS.print_timestamp(&now, StdFmtWrite(&mut line));
        written.map_err(|_| fmt::Error)?;
        line.push_str("\",\"level\":\"");
        line.push_str(event.metadata().level().as_str());
        line.push('"');
        let mut fields = Fields {
            writer: &mut line,
            written: Ok(()),
        };
        event.record(&mut fields);
        fields.written?;
        line.push_str("}\n");
        writer.write_str(&line)
    }
}

/// Writes field after field.
struct Fields<'a, W> {
    writer: &'a mut W,
    written: fmt::Result,
}

impl<W: Write> Fields<'_, W> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut W) -> fmt::Result) {
        if self.written.is_ok() {
            self.written = self.write_name(field).and_then(|()| value(self.writer));
        }
    }

    fn write_name(&mut self, field: &Field) -> fmt::Result {
        self.writer.write_str(",\"")?;
        self.writer.write_str(field.name())?;
        self.writer.write_str("\":")
    }

    fn write_text(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        self.write(field, |writer| {
            writer.write_char('"')?;
            Escaped(writer).write_fmt(text)?;
            writer.write_char('"')
        });
    }
}

impl<W: Write> Visit for Fields<'_, W> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no other numbers.
        if value.is_finite() {
            self.write(field, |writer| write!(writer, "{value}"));
        } else {
            self.write(field, |writer| writer.write_str("null"));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field, |writer| write!(writer, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, |writer| write!(writer, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field, |writer| write!(writer, "{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, |writer| {
            writer.write_char('"')?;
            Escaped(writer).write_str(value)?;
            writer.write_char('"')
        });
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.write_text(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write_text(field, format_args!("{value:?}"));
    }
}

/// The inside of a JSON string (RFC 8259 section 7).
struct Escaped<'a, W>(&'a mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Mostly there is none, which is seen without an early exit at many bytes at once.
        if !text
            .bytes()
            .fold(false, |found, byte| found | is_escaped(byte))
        {
            return self.0.write_str(text);
        }
        let mut rest = text;
        while let Some((clean, escaped, after)) = first_escaped(rest) {
            self.0.write_str(clean)?;
            match escaped {
                '"' | '\\' => write!(self.0, "\\{escaped}")?,
                _ => write!(self.0, "\\u{:04x}", u32::from(escaped))?,
            }
            rest = after;
        }
        self.0.write_str(rest)
    }
}

/// What is before the first character that a string may not have, that character, and the rest.
fn first_escaped(text: &str) -> Option<(&str, char, &str)> {
    let (clean, rest) = text.split_at_checked(text.bytes().position(is_escaped)?)?;
    let mut rest = rest.chars();
    Some((clean, rest.next()?, rest.as_str()))
}

const fn is_escaped(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;
    use serde_json::{Value, json};
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    proptest! {
        #[test]
        fn any_text_comes_back(pieces in proptest::collection::vec(".*", 0..4)) {
            let mut line = String::from("\"");
            for piece in &pieces {
                Escaped(&mut line).write_str(piece).unwrap();
            }
            line.push('"');
            let read: String = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(read, pieces.concat());
        }
    }

    #[test]
    fn a_text_of_nothing_but_quotes_takes_no_longer_for_its_length() {
        let quotes = "\"".repeat(1 << 20);
        let began = std::time::Instant::now();
        let mut line = String::new();
        Escaped(&mut line).write_str(&quotes).unwrap();
        assert_eq!(line.len(), 2 * quotes.len());
        let took = began.elapsed();
        assert!(took < std::time::Duration::from_secs(10), "{took:?}");
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for &Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = &'a Self;

        fn make_writer(&'a self) -> &'a Self {
            self
        }
    }

    #[test]
    fn an_event_is_an_object_with_every_kind_of_field() {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .event_format(JsonLine)
            .with_writer(lines.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let broken: &(dyn Error + 'static) = &io::Error::other("disk \"full\"");
            tracing::warn!(
                number = -3,
                count = u64::MAX,
                share = 0.5,
                nothing = f64::NAN,
                flag = true,
                text = "a\tb\\",
                shown = %"x\ny",
                error = broken,
                absent = None::<&str>,
                "it {}",
                "happened"
            );
            tracing::info!("twice");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        let mut line: Value = serde_json::from_str(lines[0]).unwrap();
        let timestamp = line.as_object_mut().unwrap().remove("timestamp").unwrap();
        assert!(timestamp.as_str().unwrap().ends_with('Z'), "{timestamp}");
        let expected = json!({
            "level": "WARN", "message": "it happened", "number": -3, "count": u64::MAX,
            "share": 0.5, "nothing": null, "flag": true, "text": "a\tb\\", "shown": "x\ny",
            "error": "disk \"full\"",
        });
        assert_eq!(line, expected);
    }
}
