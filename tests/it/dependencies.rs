//! What the binary is made of: under which licences, and nothing that it does not use.

use std::fs;
use std::path::Path;
use std::process::Command;

use toml::Table;

use crate::layout::source::{Token, tokens};
use crate::layout::sources;

/// Licences that ask for no more than to be named.
const LICENCES: [&str; 9] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[test]
fn every_dependency_has_a_licence_that_a_binary_may_be_shipped_under() {
    let arguments = "tree --locked --offline --edges normal,build --prefix none --format {p}|{l}";
    let listed = Command::new(env!("CARGO"))
        .args(arguments.split(' '))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs this test, so it is there");
    let packages = String::from_utf8(listed.stdout).expect("cargo writes UTF-8");
    let errors = String::from_utf8_lossy(&listed.stderr);
    assert!(packages.lines().count() > 50, "{errors}");
    let refused: Vec<_> = packages.lines().filter(|line| !is_allowed(line)).collect();
    assert!(refused.is_empty(), "\n{}", refused.join("\n"));
}

#[test]
fn every_dependency_is_used() {
    let code: Vec<_> = sources().values().map(|source| tokens(source)).collect();
    let is_used = |name: &String| code.iter().any(|tokens| names_crate(tokens, name));
    let mut idle = direct_dependencies();
    idle.retain(|name| !is_used(name));
    assert!(
        idle.is_empty(),
        "nothing in src/ uses {idle:?}; remove them from Cargo.toml"
    );
}

/// Whether the line, `PACKAGE|LICENCE`, has a licence that is allowed; a repeated package ends with
/// ` (*)`.
fn is_allowed(line: &str) -> bool {
    let (_, licence) = line.rsplit_once('|').unwrap_or_default();
    let licence = licence.trim_end_matches(" (*)").replace('/', " OR ");
    is_choice_allowed(&licence)
}

/// An SPDX expression: one of several, each of which may be several together.
fn is_choice_allowed(expression: &str) -> bool {
    split_outside_brackets(expression, " OR ")
        .into_iter()
        .any(|together| {
            split_outside_brackets(together, " AND ")
                .into_iter()
                .all(|part| {
                    let inner = part
                        .trim()
                        .strip_prefix('(')
                        .and_then(|rest| rest.strip_suffix(')'));
                    inner.map_or_else(|| LICENCES.contains(&part.trim()), is_choice_allowed)
                })
        })
}

fn split_outside_brackets<'a>(expression: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut rest = expression;
    let mut from = 0;
    while let Some(found) = rest.get(from..).and_then(|ahead| ahead.find(separator)) {
        let (before, after) = rest.split_at(from + found);
        if before.matches('(').count() == before.matches(')').count() {
            parts.push(before);
            rest = after.trim_start_matches(separator);
            from = 0;
        } else {
            from += found + separator.len();
        }
    }
    parts.push(rest);
    parts
}

fn direct_dependencies() -> Vec<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let text = fs::read_to_string(manifest).expect("cargo reads the manifest, so it is there");
    let manifest: Table = text
        .parse()
        .expect("cargo reads the manifest, so it is TOML");
    let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
    let names: Vec<_> = dependencies
        .into_iter()
        .flat_map(Table::keys)
        .cloned()
        .collect();
    assert!(names.len() > 10, "{names:?}");
    names
}

/// `NAME::…` or `use NAME`.
fn names_crate(tokens: &[Token], name: &str) -> bool {
    let name = name.replace('-', "_");
    tokens.windows(2).any(|window| match window {
        [first, Token::Colons] => first.is_word(&name),
        [first, second] => first.is_word("use") && second.is_word(&name),
        _ => false,
    })
}

#[test]
fn the_checker_finds_a_licence_that_is_not_allowed() {
    for allowed in [
        "a v1|MIT",
        "a v1|Unlicense OR MIT (*)",
        "a v1|Apache-2.0/MIT",
        "a v1|(MIT OR Apache-2.0) AND Unicode-3.0",
        "a v1|GPL-3.0-only OR (ISC AND (MIT OR AGPL-3.0-only))",
    ] {
        assert!(is_allowed(allowed), "{allowed}");
    }
    for refused in [
        "a v1|",
        "a v1",
        "a v1|GPL-3.0-only",
        "a v1|MIT AND GPL-3.0-only",
        "a v1|(MIT OR Apache-2.0) AND GPL-3.0-only",
        "a v1|GPL-3.0-only OR (ISC AND AGPL-3.0-only)",
    ] {
        assert!(!is_allowed(refused), "{refused}");
    }
}

#[test]
fn the_checker_finds_a_dependency_that_is_not_used() {
    let tokens = tokens("use a_b; use c::D; // e::F\nfn f() { g::h() }");
    for (name, used) in [
        ("a-b", true),
        ("c", true),
        ("e", false),
        ("f", false),
        ("g", true),
    ] {
        assert_eq!(names_crate(&tokens, name), used, "{name}");
    }
}
