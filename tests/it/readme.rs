//! The README is a promise: what it lists is what there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Numbers such as `G12` that stand at the start of a row or a bullet.
fn quirks(text: &str) -> Vec<String> {
    let starts = text.lines().filter_map(|line| {
        let line = line.trim_start_matches("//! ");
        line.strip_prefix("| ")
            .or_else(|| line.strip_prefix("- **"))
    });
    let words = starts.filter_map(|line| line.split([' ', '*']).next());
    let is_number = |word: &&str| {
        let digits = word.strip_prefix(['G', 'V', 'B']).unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    words.filter(is_number).map(str::to_owned).collect()
}

#[test]
fn every_quirk_of_every_dialect_is_listed_once() {
    let listed = quirks(&read("README.md"));
    let unique: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), unique.len(), "a number is listed twice");
    let dialects = ["grupo", "vision6", "b2evolution"];
    let faces = dialects.map(|name| read(&format!("src/dialect/{name}.rs")));
    let known: BTreeSet<_> = faces.iter().flat_map(|face| quirks(face)).collect();
    assert!(known.len() > 80, "only {} quirks were found", known.len());
    assert_eq!(unique, known);
}

#[test]
fn every_dependency_and_no_other_is_listed_with_a_reason() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let names = manifest["dependencies"].as_table().unwrap().keys();
    let names: BTreeSet<_> = names.map(String::as_str).collect();
    let readme = read("README.md");
    let (_, table) = readme.split_once("\n## Dependencies\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let listed = table.lines().filter_map(|line| {
        let (name, reason) = line.strip_prefix("| `")?.split_once("` | ")?;
        (!reason.is_empty()).then_some(name)
    });
    assert_eq!(listed.collect::<BTreeSet<_>>(), names);
}

#[test]
fn every_option_of_the_reference_is_named() {
    let readme = read("README.md");
    let reference = read("routes.toml");
    let keys = reference.lines().filter_map(|line| {
        let key = line.trim_start_matches('#').trim().split_once(" = ")?.0;
        key.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            .then_some(key)
    });
    let unnamed: BTreeSet<_> = keys
        .filter(|key| !readme.contains(&format!("{key}`")))
        .collect();
    assert!(unnamed.is_empty(), "the README does not name {unnamed:?}");
}

#[test]
fn the_shortest_configurations_are_the_tested_ones() {
    let readme = read("README.md");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/config");
    let files = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let shortest: Vec<_> = files
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("shortest-")
        })
        .filter(|path| path.extension().is_some_and(|it| it == "toml"))
        .collect();
    assert_eq!(shortest.len(), 4);
    let sidecar = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/sidecar.toml");
    for path in shortest
        .into_iter()
        .chain([folder.join("migration.toml"), sidecar])
    {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            readme.contains(text.trim()),
            "{} is not in the README",
            path.display()
        );
    }
}

#[test]
fn what_explaining_prints_is_what_it_prints() {
    let recorded = read("tests/golden/explain/vision6-fields-lost.txt");
    let (code, printed) = recorded.split_once('\n').unwrap();
    assert_eq!(code, "exit 0");
    assert!(read("README.md").contains(&format!("```text\n{printed}```\n")));
}
