//! The known word that was probably meant.

/// The known word nearest to `word`, if it is at most a third of it away.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let (distance, nearest) = known
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .min()?;
    (distance <= nearest.len().div_ceil(3)).then_some(nearest)
}

/// `; did you mean …?` where there is something to suggest, nothing otherwise.
pub(super) fn did_you_mean(word: &str, known: &[&str]) -> String {
    nearest(word, known)
        .map(|known| format!("; did you mean `{known}`?"))
        .unwrap_or_default()
}

/// Levenshtein distance, one row of its table at a time.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (line, left) in from.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, right) in row.iter_mut().skip(1).zip(to.chars()) {
            let replaced = diagonal + usize::from(left != right);
            diagonal = *cell;
            before = replaced.min(*cell + 1).min(before + 1);
            *cell = before;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_insertions_deletions_and_replacements() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }

    #[test]
    fn a_typo_is_suggested_and_a_stranger_is_not() {
        let known = ["grupo", "vision6", "b2evolution"];
        assert_eq!(nearest("grup", &known), Some("grupo"));
        assert_eq!(nearest("b2evo", &known), None);
        assert_eq!(nearest("b2evolutoin", &known), Some("b2evolution"));
        assert_eq!(nearest("soap", &known), None);
    }
}
