//! Which names were there before, quickly and nearly always right.

/// Remembers names by their length and their ends.
#[derive(Clone, Debug)]
pub(super) struct Seen([u64; 16]);

impl Seen {
    /// No names yet.
    pub(super) const fn new() -> Self {
        Self([0; 16])
    }

    /// Adds a name. Says whether it may have been there before: it was not if this is false.
    pub(super) fn add(&mut self, name: &str) -> bool {
        let bytes = name.as_bytes();
        let [first, last] = [bytes.first(), bytes.last()].map(|end| end.copied().unwrap_or(0));
        let [first, last] = [first, last].map(usize::from);
        let mark = first.wrapping_mul(5) ^ last.wrapping_mul(37) ^ bytes.len().wrapping_mul(131);
        let Some(marks) = self.0.get_mut(mark / 64 % 16) else {
            return true;
        };
        let bit = 1 << (mark % 64);
        let was_there = *marks & bit != 0;
        *marks |= bit;
        was_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_always_remembered() {
        let mut seen = Seen::new();
        for name in ["", "a", "user", "user_id", "é"] {
            assert!(!seen.add(name), "{name}");
        }
        for name in ["", "a", "user", "user_id", "é"] {
            assert!(seen.add(name), "{name}");
        }
    }
}
