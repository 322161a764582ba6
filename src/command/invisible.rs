//! Characters that nobody sees.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Whether a character shows nothing by itself, or only changes how others are shown: two names that
/// differ in nothing else look the same.
///
/// These are controls, format characters such as U+200B and U+202E, separators of lines, and what
/// RFC 8264 section 9.13 takes for ignorable.
pub(super) fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let category = c.general_category();
    category == GeneralCategory::Control
        || category == GeneralCategory::Format
        || category == GeneralCategory::LineSeparator
        || category == GeneralCategory::ParagraphSeparator
        || is_ignorable(c)
}

/// The characters with the property `Default_Ignorable_Code_Point` that are no format characters,
/// and the empty braille pattern, which has the property of a symbol and the look of a blank.
const fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{34f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{2065}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_invisible() {
        for c in [
            '\0',
            '\u{1f}',
            '\u{7f}',
            '\u{85}', // controls
            '\u{ad}',
            '\u{200b}',
            '\u{200d}',
            '\u{feff}',
            '\u{e0041}', // format
            '\u{61c}',
            '\u{200e}',
            '\u{202e}',
            '\u{2066}',
            '\u{2069}', // direction
            '\u{2028}',
            '\u{2029}', // line and paragraph
            '\u{34f}',
            '\u{1160}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{ffa0}',
            '\u{2800}',
        ] {
            assert!(is_invisible(c), "{:?}", c.escape_unicode().to_string());
        }
    }

    #[test]
    fn letters_marks_symbols_and_blanks_are_not() {
        for c in [
            ' ', '~', 'a', 'é', '\u{301}', '\u{a0}', '\u{3000}', '李', 'ه', '한', '😀', '☃',
        ] {
            assert!(!is_invisible(c), "{:?}", c.escape_unicode().to_string());
        }
    }
}
