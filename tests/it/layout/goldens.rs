//! Goldens without what belongs to them.

use std::collections::BTreeSet;

/// What stands beside every recorded request: the decoded call and the answer.
const EXPECTED: [&str; 2] = ["call", "reply"];

/// And beside one that is explained: the text and the JSON.
const EXPLAINED: [&str; 2] = ["txt", "json"];

/// What must be there and is not, and what belongs to no request. The paths are below
/// `tests/golden/`, with `/`.
pub(super) fn faults(paths: &BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    for path in paths {
        let Some((stem, extension)) = path.rsplit_once('.') else {
            continue;
        };
        if extension == "http" {
            let expected = if path.starts_with("explain/") {
                EXPLAINED
            } else {
                EXPECTED
            };
            let missing = expected.iter().map(|view| format!("{stem}.{view}"));
            let missing = missing.filter(|view| !paths.contains(view));
            faults.extend(missing.map(|view| format!("tests/golden/{view} is missing")));
        } else if (is_view(extension) || is_explanation(path, extension))
            && !paths.contains(&format!("{stem}.http"))
        {
            faults.push(format!("tests/golden/{path} belongs to no request"));
        }
    }
    faults
}

fn is_view(extension: &str) -> bool {
    EXPECTED.contains(&extension) || extension.starts_with("to-")
}

fn is_explanation(path: &str, extension: &str) -> bool {
    path.starts_with("explain/") && EXPLAINED.contains(&extension)
}

#[test]
fn the_checker_finds_a_missing_view_and_an_orphan() {
    let judged = |paths: &[&str]| faults(&paths.iter().map(ToString::to_string).collect());
    let whole = ["a/x.call", "a/x.http", "a/x.reply", "a/x.to-grupo"];
    assert_eq!(judged(&whole), [""; 0]);
    assert_eq!(
        judged(&["a/x.http", "a/x.call"]),
        ["tests/golden/a/x.reply is missing"]
    );
    assert_eq!(judged(&["a/x.http", "b/x.call", "a/x.reply"]).len(), 2);
    assert_eq!(judged(&["explain/x.http", "explain/x.txt"]).len(), 1);
    for orphan in ["a/x.call", "a/x.reply", "a/x.to-vision6", "explain/x.txt"] {
        assert_eq!(
            judged(&[orphan]),
            [format!("tests/golden/{orphan} belongs to no request")]
        );
    }
}
