//! Broken configurations and what is said of them, and the shortest useful ones.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dragoman::config::{self, Config, Sources};

const DIRECTORY: &str = "tests/golden/config";
const SIDECAR: &str = "deploy/sidecar.toml";

fn files(prefix: fn(&str) -> bool, ending: &str) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(DIRECTORY).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .filter(|path| prefix(path.file_name().unwrap().to_str().unwrap()))
        .collect()
}

fn is_broken(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_digit())
}

fn is_shortest(name: &str) -> bool {
    name.starts_with("shortest-")
}

fn load(file: &Path) -> Result<Config, config::Faults> {
    config::load(&Sources::new(Some(file.to_owned())))
}

fn without_secrets(file: &Path) -> Result<Config, config::Faults> {
    config::load(&Sources::new(Some(file.to_owned())).without_secrets())
}

/// `GOLDEN=write` writes the messages anew.
#[test]
fn every_broken_configuration_is_answered_with_its_golden() {
    let broken = files(is_broken, "toml");
    assert!(broken.len() >= 20);
    for file in &broken {
        let said = format!("{}\n", load(file).unwrap_err());
        let golden = file.with_extension("txt");
        if std::env::var_os("GOLDEN").is_some_and(|mode| mode == "write") {
            std::fs::write(&golden, &said).unwrap();
        }
        let wanted = std::fs::read_to_string(&golden).unwrap();
        assert_eq!(said, wanted, "{}", file.display());
    }
}

#[test]
fn no_golden_is_left_without_its_configuration() {
    let golden = files(is_broken, "txt").into_iter();
    let named: BTreeSet<_> = golden.map(|path| path.with_extension("toml")).collect();
    assert_eq!(named, files(is_broken, "toml"));
}

#[test]
fn no_two_broken_configurations_have_the_same_number() {
    let files = files(is_broken, "toml");
    let numbers = files.iter().map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.split('-').next().unwrap().to_owned()
    });
    let numbers: BTreeSet<_> = numbers.collect();
    assert_eq!(numbers.len(), files.len(), "{numbers:?}");
}

#[test]
fn every_fault_names_file_and_key_path() {
    for file in files(is_broken, "toml") {
        for fault in load(&file).unwrap_err().iter() {
            let said = fault.to_string();
            let rest = said.strip_prefix(&format!("{}: ", file.display())).unwrap();
            assert!(rest.contains(": "), "{said}");
        }
    }
}

#[test]
fn no_key_is_repeated_in_a_fault() {
    for file in files(is_broken, "txt") {
        let said = std::fs::read_to_string(&file).unwrap();
        for secret in ["must-not-be-shown", "hunter2", "12345678901234567"] {
            assert!(!said.contains(secret), "{}", file.display());
        }
    }
}

#[test]
fn the_five_shortest_useful_configurations_have_at_most_nine_lines() {
    let mut shortest = files(is_shortest, "toml");
    shortest.insert(PathBuf::from(SIDECAR));
    assert_eq!(shortest.len(), 5);
    for file in &shortest {
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.lines().map(str::trim);
        let counted = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert!(counted.count() <= 9, "{}", file.display());
        without_secrets(file).unwrap_or_else(|faults| panic!("{faults}"));
    }
}

#[test]
fn a_migration_takes_at_most_fourteen_lines() {
    let file = Path::new(DIRECTORY).join("migration.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let lines = text.lines().map(str::trim);
    let counted = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert!(counted.count() <= 14);
    let config = load(&file).unwrap_or_else(|faults| panic!("{faults}"));
    assert!(config.has_store, "its keys are in the store");
}

#[test]
fn a_sidecar_has_no_store_and_everything_else_has() {
    for file in files(is_shortest, "toml") {
        assert!(load(&file).unwrap().has_store, "{}", file.display());
    }
    assert!(!without_secrets(Path::new(SIDECAR)).unwrap().has_store);
}

#[test]
fn an_empty_file_is_everything_there_is() {
    let config = load(Path::new("tests/golden/config/shortest-everything.toml")).unwrap();
    let built_in = config::load(&Sources::new(None).in_directory("src")).unwrap();
    assert_eq!(config.routes, built_in.routes);
    assert_eq!(config.server, built_in.server);
}

#[test]
fn two_accounts_have_a_key_each() {
    let config = load(Path::new("tests/golden/config/shortest-two-accounts.toml")).unwrap();
    let bound: Vec<_> = config
        .keys
        .iter()
        .map(|key| {
            (
                key.name.as_str(),
                key.secret.reveal(),
                key.accounts[0].id().value(),
            )
        })
        .collect();
    assert_eq!(
        bound,
        [
            ("north", "north-0123456789abcdef", 1),
            ("south", "south-0123456789abcdef", 2)
        ]
    );
}
