//! `routes.toml` is the reference: what it says of options and defaults is so.

use dragoman::config::{self, BUILT_IN, Config, Sources};

/// Loads a text as a file of its own.
fn load(text: &str) -> Result<Config, config::Faults> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("routes.toml"), text).unwrap();
    let file = directory.path().join("routes.toml");
    let loaded = config::load(&Sources::new(Some(file.clone())));
    loaded.map(|config| Config {
        file: String::new(),
        ..relative(config, directory.path())
    })
}

fn relative(mut config: Config, directory: &std::path::Path) -> Config {
    for path in [&mut config.store.database, &mut config.auth.pepper_file] {
        *path = path.strip_prefix(directory).unwrap().to_owned();
    }
    config
}

/// The keys an error says are known where `zzz` is not.
fn known_at(table: &str) -> Vec<String> {
    if table.starts_with("routes.") || table.starts_with("upstreams.") {
        known_beside(table, "dialect = 'grupo'\n")
    } else {
        known_beside(table, "")
    }
}

fn known_beside(table: &str, entry: &str) -> Vec<String> {
    let faults = load(&format!("[{table}]\n{entry}zzz = 1\n")).unwrap_err();
    let said = faults.to_string();
    let (_, rest) = said.split_once("(known here: ").unwrap();
    let (known, _) = rest.split_once(')').unwrap();
    known.split(", ").map(str::to_owned).collect()
}

fn known_sections() -> Vec<String> {
    let said = load("[zzz]\n").unwrap_err().to_string();
    let (_, rest) = said.split_once("(known: ").unwrap();
    let (known, _) = rest.split_once(')').unwrap();
    known.split(", ").map(str::to_owned).collect()
}

/// Whether a line of the reference sets `key` under a header that fits, commented out or not.
fn is_mentioned(header: fn(&str) -> String, table: &str, key: &str) -> bool {
    let mut current = String::new();
    BUILT_IN.lines().any(|line| {
        let line = line.trim_start_matches('#').trim_start();
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            current = header(name);
        }
        current == table && line.starts_with(&format!("{key} = "))
    })
}

/// `routes.grupo.form` → `routes.*.form`: one entry stands for all.
fn any_entry(header: &str) -> String {
    let mut parts: Vec<_> = header.split('.').collect();
    if ["routes", "upstreams", "keys"].contains(&parts[0]) && parts.len() > 1 {
        parts[1] = "*";
    }
    if parts.starts_with(&["server", "tls"]) && parts.len() > 2 {
        parts[2] = "*";
    }
    parts.join(".")
}

#[test]
fn every_option_is_mentioned() {
    let mut tables: Vec<String> = known_sections()
        .into_iter()
        .map(|section| match section.as_str() {
            "keys" | "upstreams" | "routes" => format!("{section}.any"),
            _ => section,
        })
        .collect();
    let mut checked = 0;
    while let Some(table) = tables.pop() {
        for key in known_at(&table) {
            if [
                "limits", "drain", "form", "json", "profile", "webhook", "breaker", "check",
                "retry",
            ]
            .contains(&key.as_str())
            {
                tables.push(format!("{table}.{key}"));
                continue;
            }
            if key == "tls" {
                tables.push("server.tls.any".to_owned());
                continue;
            }
            let written = any_entry(&table);
            assert!(is_mentioned(any_entry, &written, &key), "{written}.{key}");
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked}");
    // A route is of one of three kinds.
    for kind in ["pass = 'http://x'\n", "redirect = '/'\n"] {
        for key in known_beside("routes.any", kind) {
            assert!(is_mentioned(any_entry, "routes.*", &key), "{kind}: {key}");
        }
    }
}

#[test]
fn the_reference_loads_as_it_is() {
    load(BUILT_IN).unwrap_or_else(|faults| panic!("{faults}"));
}

#[test]
fn an_option_that_is_commented_out_has_the_default_it_shows() {
    let is_option = |line: &str| line.starts_with(|first: char| first.is_ascii_lowercase());
    let set = |line: &str| match line.strip_prefix('#') {
        Some(option) if is_option(option) => format!("{option}\n"),
        _ => format!("{line}\n"),
    };
    let all: String = BUILT_IN.lines().map(set).collect();
    assert_ne!(all, BUILT_IN);
    let loaded = load(&all).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(loaded, load(BUILT_IN).unwrap());
}

/// Whether an example works with what is not here: a file, a certificate, a Unix socket, or several endpoints.
fn needs_more(example: &str) -> bool {
    let key = example.split(" = ").next().unwrap();
    ["server_name", "socket_mode", "default", "sticky"].contains(&key)
        || (key.ends_with("_file") && key != "pepper_file")
}

#[test]
fn the_examples_in_it_are_right() {
    let is_example = |line: &&str| {
        line.strip_prefix("# ").is_some_and(|rest| {
            ["[keys.", "[notify.", "[upstreams.", "[ready]", "[routes."]
                .iter()
                .any(|header| rest.starts_with(header))
                || rest.split_once(" = ").is_some_and(|(key, _)| {
                    key.bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                })
        })
    };
    let examples: Vec<_> = BUILT_IN.lines().filter(is_example).collect();
    assert!(examples.len() >= 9, "{examples:?}");
    let set = |line: &str| match line.strip_prefix("# ") {
        Some(example) if is_example(&line) && !needs_more(example) => {
            format!("{example}\n")
        }
        _ => format!("{line}\n"),
    };
    let all: String = BUILT_IN.lines().map(set).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), all).unwrap();
    let config = config::load(&Sources::new(Some(file.path().to_owned())));
    let config = config.unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(config.keys[0].name, "crm");
    assert_eq!(config.upstreams.len(), 2);
    assert_eq!(config.ready, ["blog"]);
    let mail = config
        .upstreams
        .iter()
        .find(|it| it.name == "mail")
        .unwrap();
    let weights: Vec<_> = mail.endpoints.all().map(|it| it.weight).collect();
    assert_eq!(weights, [1, 3]);
    assert_eq!((config.passes.len(), config.fixed.len()), (1, 2));
    assert_eq!(config.server.workers, 2);
    let webhook = config.notify.unwrap().webhook;
    assert_eq!(webhook.url.origin(), "https://hooks.example.com");
}
