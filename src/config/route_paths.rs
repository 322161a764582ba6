//! Which paths routes answer for, and that no two answer for the same.

use super::fault::Faults;
use super::place::Place;
use crate::route::{Entry, PathRule};

/// Refuses two routes that answer for the same path of the same host.
pub(super) fn refuse_duplicates(entries: &[Entry], place: Place<'_>, faults: &mut Faults) {
    for (index, route) in entries.iter().enumerate() {
        let mut before = entries.iter().take(index);
        let same =
            |other: &&Entry| other.host() == route.host() && overlap(other.path(), route.path());
        if let Some(other) = before.find(same) {
            let host = route.host().unwrap_or("any host");
            let message = format!(
                "{} of {host} is taken by routes.{}: change the path or the host of one",
                shown_path(route.path()),
                other.name()
            );
            let path = format!("routes.{}", route.name());
            faults.push(place.at(&path).fault("path", message));
        }
    }
}

/// Whether some path is answered for by both rules at the same length, so that neither wins.
fn overlap(one: &PathRule, other: &PathRule) -> bool {
    if one.is_exact != other.is_exact {
        return false;
    }
    let ignore_case = one.ignore_case || other.ignore_case;
    spellings(one).any(|left| {
        spellings(other)
            .any(|right| left == right || (ignore_case && left.eq_ignore_ascii_case(&right)))
    })
}

/// The prefix as a path.
pub fn shown_path(rule: &PathRule) -> &str {
    match rule.prefix.as_str() {
        "" => "/",
        prefix => prefix,
    }
}

fn spellings(rule: &PathRule) -> impl Iterator<Item = String> {
    let suffix = rule.optional_suffix;
    let suffixed = suffix.map(|suffix| format!("{}{suffix}", rule.prefix));
    std::iter::once(rule.prefix.clone()).chain(suffixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(prefix: &str, ignore_case: bool, suffix: Option<&'static str>) -> PathRule {
        PathRule {
            prefix: prefix.to_owned(),
            ignore_case,
            optional_suffix: suffix,
            is_exact: false,
        }
    }

    #[test]
    fn rules_overlap_by_their_endings_and_by_case_where_either_ignores_it() {
        let vision6 = rule("/api/server", true, Some(".php"));
        assert!(overlap(&vision6, &rule("/API/Server.php", false, None)));
        assert!(!overlap(&vision6, &rule("/api/server/more", true, None)));
        assert!(!overlap(&rule("/a", false, None), &rule("/A", false, None)));
    }
}
