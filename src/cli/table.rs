//! Lines of cells in columns, and texts, for people.

/// The lines below each other, two blanks between columns. `widths` are those of lines that were shown
/// before, zeros at first: what follows is never narrower.
pub(super) fn aligned(lines: &[impl AsRef<[String]>], widths: &mut [usize]) -> String {
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line.as_ref()) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for line in lines {
        let padded: Vec<_> = line
            .as_ref()
            .iter()
            .zip(widths.iter())
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Text that others may have had a hand in, which is not to write to the terminal of who looks.
pub(super) fn printable(text: &str) -> String {
    let shown = |letter: char| {
        if letter.is_control() {
            '\u{fffd}'
        } else {
            letter
        }
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_page_is_never_narrower() {
        let mut widths = [0; 2];
        let line = |cells: [&str; 2]| cells.map(str::to_owned);
        let first = aligned(&[line(["long name", "x"])], &mut widths);
        assert_eq!(first, "long name  x\n");
        let second = aligned(&[line(["a", "y"])], &mut widths);
        assert_eq!(second, "a          y\n");
    }
}
