//! Lines that a gateway has written, read again.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde_json::Value;

/// What a line says.
#[derive(Debug)]
pub(super) enum Noted {
    /// What a call is, and what would have become of it.
    Call(Value),
    /// So many requests were not looked at.
    Lost(u64),
    /// Something else.
    Other,
}

/// Reads a file line by line; `-` is standard input.
pub(super) fn read(file: &Path, each: impl FnMut(Noted)) -> io::Result<()> {
    if file == Path::new("-") {
        return read_from(io::stdin().lock(), each);
    }
    read_from(BufReader::new(File::open(file)?), each)
}

fn read_from(mut lines: impl BufRead, mut each: impl FnMut(Noted)) -> io::Result<()> {
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        if !line.trim_ascii().is_empty() {
            each(noted(&line));
        }
        line.clear();
    }
    Ok(())
}

/// The file has the line itself, a log has it in a field.
fn noted(line: &[u8]) -> Noted {
    let Ok(mut line) = serde_json::from_slice::<Value>(line) else {
        return Noted::Other;
    };
    if let Some(lost) = line.get("observe.lost").or(line.get("lost"))
        && let Some(lost) = lost.as_u64()
    {
        return Noted::Lost(lost);
    }
    if let Some(inner) = line.get("observed").and_then(Value::as_str) {
        let Ok(inner) = serde_json::from_str(inner) else {
            return Noted::Other;
        };
        line = inner;
    }
    let is_call = line.get("request_id").is_some_and(Value::is_string)
        && line.get("dialect").is_some_and(Value::is_string);
    if is_call {
        Noted::Call(line)
    } else {
        Noted::Other
    }
}
