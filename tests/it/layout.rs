//! The house keeps its shape: who imports whom, how long a file may be, no unsafe code, no golden
//! without its request. The crate documentation says why; every rule here is tried on a breach of it too.

mod goldens;
mod imports;
mod paths;
pub(crate) mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use dragoman::command::Dialect;

const LINES: usize = 400;

#[test]
fn imports_point_down() {
    let files = sources();
    let judged: Vec<_> = files
        .iter()
        .filter(|(path, _)| !is_for_tests(path, &files))
        .collect();
    assert!(
        judged.len() > 30,
        "{} of {} files are judged",
        judged.len(),
        files.len()
    );
    let faults: Vec<_> = judged
        .into_iter()
        .flat_map(|(path, source)| imports::faults(path, source))
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let files = sources();
    let faults: Vec<_> = files
        .iter()
        .filter_map(|(path, source)| length_fault(path, source))
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn unsafe_code_is_forbidden_in_the_library_and_in_the_binary() {
    let files = sources();
    for root in ["lib.rs", "main.rs"] {
        assert!(
            forbids_unsafe_code(&files[root]),
            "src/{root} lacks #![forbid(unsafe_code)]"
        );
    }
}

#[test]
fn every_golden_has_its_request_and_its_views() {
    let goldens: BTreeSet<String> = read("tests/golden").into_keys().collect();
    for dialect in Dialect::ALL {
        let own = format!("{dialect}/");
        assert!(
            goldens.iter().any(|path| path.starts_with(&own)),
            "{dialect} has no goldens"
        );
    }
    let faults = goldens::faults(&goldens);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The source files by path below `src/`.
pub(crate) fn sources() -> BTreeMap<String, String> {
    let mut files = read("src");
    files.retain(|path, _| {
        path.rsplit_once('.')
            .is_some_and(|(_, extension)| extension == "rs")
    });
    files
}

/// Every file below a folder of the package, by its path below that, with `/`.
fn read(folder: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    read_into(&root, "", &mut files);
    files
}

fn read_into(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let entry = entry.expect("a folder that can be opened can be read");
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read_into(&entry.path(), &format!("{path}/"), files);
        } else {
            let bytes = fs::read(entry.path()).expect("a file that is listed can be read");
            files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

/// Whether the file, or a folder it lies in, is declared with `#[cfg(test)] mod NAME;`.
fn is_for_tests(path: &str, files: &BTreeMap<String, String>) -> bool {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let segments: Vec<_> = stem.split('/').collect();
    (0..segments.len()).any(|position| {
        let (parents, own) = segments.split_at(position);
        let parent = if parents.is_empty() {
            "lib".to_owned()
        } else {
            parents.join("/")
        };
        let declared = files
            .get(&format!("{parent}.rs"))
            .map(|source| source::test_modules(source));
        declared.is_some_and(|names| {
            own.first()
                .is_some_and(|own| names.iter().any(|name| name == own))
        })
    })
}

fn length_fault(path: &str, source: &str) -> Option<String> {
    let lines = source.lines().count();
    (lines > LINES).then(|| format!("src/{path} has {lines} lines; split it by noun below {LINES}"))
}

fn forbids_unsafe_code(source: &str) -> bool {
    let wanted = source::tokens("#![forbid(unsafe_code)]");
    source::tokens(source)
        .windows(wanted.len())
        .any(|window| window == wanted)
}

#[test]
fn the_checker_finds_a_file_that_is_too_long() {
    assert_eq!(length_fault("a.rs", &"\n".repeat(LINES)), None);
    assert!(length_fault("a.rs", &"\n".repeat(LINES + 1)).is_some());
}

#[test]
fn the_checker_finds_a_root_that_does_not_forbid_unsafe_code() {
    assert!(forbids_unsafe_code(
        "//! Doc.\n#![forbid(unsafe_code)]\nmod a;"
    ));
    assert!(!forbids_unsafe_code(
        "// #![forbid(unsafe_code)]\n#![deny(unsafe_code)]"
    ));
}

#[test]
fn the_checker_passes_over_files_that_are_compiled_for_tests_only() {
    let files = [
        ("lib.rs", "mod a;"),
        ("a.rs", "#[cfg(test)]\nmod tests;\nmod b;"),
    ];
    let files = files
        .map(|(path, source)| (path.to_owned(), source.to_owned()))
        .into();
    assert!(is_for_tests("a/tests.rs", &files));
    assert!(is_for_tests("a/tests/more.rs", &files));
    assert!(!is_for_tests("a/b.rs", &files));
    assert!(!is_for_tests("a.rs", &files));
}
