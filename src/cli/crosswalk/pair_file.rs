//! Pairs of numbers in a CSV file.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::cli::failure::Failure;
use crate::control::wire;
use crate::store::crosswalk::{MOST_PAIRS, Pair};

/// Faults that are named one by one.
const NAMED: usize = 20;

/// Reads all pairs; a fault in any line refuses the file.
pub(super) fn read(path: &Path) -> Result<Vec<Pair>, Failure> {
    if path == Path::new("-") {
        return parse(io::stdin().lock());
    }
    let file = File::open(path)
        .map_err(|error| Failure::failed(&format!("cannot read {}", path.display()), error))?;
    parse(file)
}

fn parse(file: impl Read) -> Result<Vec<Pair>, Failure> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(file);
    let mut pairs = Vec::new();
    let mut faults = Vec::new();
    for (index, row) in reader.deserialize::<wire::Pair>().enumerate() {
        // The header is line 1.
        let line = index.saturating_add(2);
        let parsed = row
            .map_err(|error| error.to_string())
            .and_then(|row| row.parse());
        match parsed {
            Ok(pair) => pairs.push(pair),
            Err(fault) => faults.push(format!("line {line}: {fault}")),
        }
        if pairs.len() > MOST_PAIRS {
            return Err(Failure::Failed(wire::too_many()));
        }
    }
    if faults.is_empty() {
        return Ok(pairs);
    }
    let mut text = "nothing was imported:".to_owned();
    for fault in faults.iter().take(NAMED) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{fault}");
    }
    if faults.len() > NAMED {
        let _ = write!(text, "\nand {} lines more", faults.len() - NAMED);
    }
    Err(Failure::Failed(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "upstream,dialect,id,upstream_id\n";

    #[test]
    fn a_file_of_pairs_is_read_and_columns_may_be_in_any_order() {
        let text = "dialect,upstream_id,upstream,id\nvision6,12,blog,4217\n";
        let pairs = parse(text.as_bytes()).unwrap();
        assert_eq!(pairs.len(), 1);
        assert_eq!((pairs[0].own.value(), pairs[0].there.value()), (4217, 12));
    }

    #[test]
    fn every_line_at_fault_is_named_and_none_is_taken() {
        let text = format!(
            "{HEAD}blog,vision6,4217,12\nblog,vision7,1,2\nblog,vision6,0,2\nblog,vision6,x,2\n"
        );
        let fault = parse(text.as_bytes()).unwrap_err().into_text();
        for line in ["line 3: \"vision7\"", "line 4: id 0", "line 5: "] {
            assert!(fault.contains(line), "{fault}");
        }
        assert!(!fault.contains("line 2"), "{fault}");
    }
}
