//! Who may import whom.

use dragoman::command::Dialect;

use super::paths::{Path, paths};
use super::source::{Token, tokens};

/// The components from the bottom up. Each may import what stands in the rows above its own.
const LAYERS: [&[&str]; 11] = [
    &["secret", "quiet", "clock", "command", "outcome", "error"],
    &["route", "journal"],
    &["auth"],
    &["telemetry"],
    &["framing", "dialect"],
    &[
        "limit",
        "once",
        "router",
        "dispatch",
        "store",
        "execute",
        "forward",
        "observe",
        "notify",
        "middleware",
    ],
    &["control"],
    &["config"],
    &["stack"],
    &["cli"],
    &["lib", "main"],
];

/// What may be imported inside a row; and by the server and the client, which are in no row, since
/// they serve and send anything.
const BESIDE: [(&str, &[&str]); 10] = [
    ("command", &["secret", "clock", "error"]),
    ("outcome", &["command", "secret", "clock"]),
    ("dialect", &["framing"]),
    ("execute", &["store"]),
    ("forward", &["store"]),
    ("observe", &["forward"]),
    ("notify", &["store"]),
    ("dispatch", &["execute", "forward"]),
    ("server", &["quiet", "telemetry"]),
    ("client", &["quiet", "secret"]),
];

/// Components with importers of their own, whatever the rows say.
const RESERVED: [(&str, &[&str]); 3] = [
    ("config", &["stack", "cli"]),
    ("server", &["control", "config", "stack", "cli"]),
    ("client", &["forward", "notify", "config", "stack", "cli"]),
];

/// Components that are the same on any wire, and the crates of wires.
const CANONICAL: [&str; 3] = ["command", "outcome", "error"];
const WIRES: [&str; 4] = ["http", "hyper", "tower", "serde"];

/// What the file at `path`, below `src/` and with `/`, imports and should not.
pub(super) fn faults(path: &str, source: &str) -> Vec<String> {
    let module = module_of(path);
    let component = component_of(path);
    let tokens = tokens(source);
    let mut faults = Vec::new();
    if !is_known(component) {
        faults.push(format!(
            "src/{path}: {component} is in no layer; give it one in LAYERS"
        ));
    }
    for found in paths(&module, &tokens) {
        let fault = match found.in_crate() {
            Some(target) => crate_fault(component, &module, target),
            None => wire_fault(component, &found),
        };
        faults.extend(
            fault.map(|fault| format!("src/{path}: {}: {fault}", found.segments.join("::"))),
        );
    }
    if CANONICAL.contains(&component) && has_serde_attribute(&tokens) {
        faults.push(format!(
            "src/{path}: #[serde(…)] belongs to a dialect's wire types"
        ));
    }
    faults
}

/// The file's component: its first segment, or its own name.
fn component_of(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

fn module_of(path: &str) -> Vec<String> {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    match stem {
        "lib" | "main" => Vec::new(),
        _ => stem.split('/').map(str::to_owned).collect(),
    }
}

fn is_known(component: &str) -> bool {
    layer(component).is_some() || importers(component).is_some()
}

fn layer(component: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&component))
}

fn importers(component: &str) -> Option<&'static [&'static str]> {
    let (_, importers) = RESERVED
        .iter()
        .find(|(reserved, _)| *reserved == component)?;
    Some(importers)
}

fn may_import(from: &str, to: &str) -> bool {
    if from == to {
        return true;
    }
    if let Some(importers) = importers(to) {
        return importers.contains(&from);
    }
    let beside = BESIDE
        .iter()
        .any(|(own, allowed)| *own == from && allowed.contains(&to));
    beside
        || layer(from)
            .zip(layer(to))
            .is_some_and(|(from, to)| to < from)
}

fn crate_fault(component: &str, module: &[String], target: &[String]) -> Option<String> {
    let Some((to, below)) = target.split_first() else {
        return Some("an alias of the whole crate hides what is imported".to_owned());
    };
    if target.last().is_some_and(|last| last == "*") {
        return Some("a glob hides what is imported".to_owned());
    }
    if !is_known(to) {
        return Some(format!(
            "{to} is in no layer; name the module it comes from"
        ));
    }
    if !may_import(component, to) {
        return Some(format!("{component} may not import {to}"));
    }
    let own = dialect_in(module.split_first()?.1)?;
    let other = dialect_in(below).filter(|_| component == "dialect" && to == "dialect")?;
    (own != other).then(|| format!("{own} may not import another dialect"))
}

/// The dialect whose folder the path leads into.
fn dialect_in(below: &[String]) -> Option<Dialect> {
    Dialect::from_name(below.first()?)
}

fn wire_fault(component: &str, path: &Path) -> Option<String> {
    let first = path.segments.first()?;
    let of_a_wire = WIRES.iter().any(|wire| {
        let rest = first.strip_prefix(wire);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    });
    (CANONICAL.contains(&component) && of_a_wire)
        .then(|| format!("{component} knows nothing of the wire"))
}

fn has_serde_attribute(tokens: &[Token]) -> bool {
    tokens.windows(3).any(|window| match window {
        [hash, open, serde] => hash.is_mark('#') && open.is_mark('[') && serde.is_word("serde"),
        _ => false,
    })
}

#[test]
fn the_checker_knows_every_direction() {
    let allowed = [
        (
            "stack.rs",
            "use crate::{config::Config, server, store::Store};",
        ),
        (
            "cli/serve.rs",
            "use crate::stack::Stack; use crate::config;",
        ),
        ("main.rs", "fn main() { dragoman::cli::run() }"),
        (
            "execute.rs",
            "use crate::store::Store; use crate::auth::Permitted;",
        ),
        (
            "dispatch.rs",
            "use crate::execute::Execute; use crate::forward::Forward;",
        ),
        (
            "server/accept.rs",
            "use crate::telemetry; use super::Drain; use hyper::body::Body;",
        ),
        (
            "client/tls.rs",
            "use crate::secret::Secret; use super::Parameters;",
        ),
        ("forward.rs", "use crate::client::Client;"),
        ("control.rs", "use crate::server::SocketFile;"),
        (
            "config.rs",
            "use crate::server::Timers; use crate::middleware::timeout::Timeout;",
        ),
        (
            "dialect.rs",
            "pub mod grupo; use crate::dialect::vision6::Vision6; fn f() { grupo::g() }",
        ),
        (
            "dialect/grupo/request.rs",
            "use super::wire::A; use crate::dialect::grupo::fault; use crate::dialect::Codec;",
        ),
        (
            "dialect/translate.rs",
            "use super::grupo::Grupo; use http::Uri;",
        ),
        (
            "command/user.rs",
            "use crate::secret::Secret; use super::{Edit, Id}; fn f() { httpdate() }",
        ),
    ];
    for (path, source) in allowed {
        assert_eq!(faults(path, source), [""; 0], "{path}: {source}");
    }
}

#[test]
fn the_checker_finds_an_import_against_the_direction() {
    let forbidden = [
        ("auth.rs", "use crate::store::Store;"),
        (
            "auth.rs",
            "use crate::{error::Error, store::{Store, StoreError}};",
        ),
        ("auth/keys.rs", "fn f(store: &dyn crate::store::Store) {}"),
        ("auth/keys.rs", "use super::super::store::Store;"),
        ("auth.rs", "#[cfg(not(test))] use crate::store::Store;"),
        (
            "auth.rs",
            "struct A { #[cfg(test)] b: u8, c: crate::store::Store }",
        ),
        ("store.rs", "use crate::execute::Execute;"),
        ("middleware/timeout.rs", "use crate::router::Router;"),
        ("router.rs", "use crate::config::Config;"),
        ("main.rs", "use dragoman::config::Config;"),
        ("execute.rs", "use crate::server::Drain;"),
        ("server.rs", "use crate::control::Control;"),
        ("server.rs", "use crate::error::Error;"),
        ("server/drain.rs", "use crate::clock::Clock;"),
        ("client.rs", "use crate::error::Error;"),
        ("store.rs", "use crate::client::Client;"),
        ("telemetry.rs", "use crate::dialect::Codec;"),
        ("auth.rs", "use crate::telemetry::log_call;"),
        ("stack.rs", "use crate::cli::Arguments;"),
        ("error.rs", "use crate::command::Command;"),
        ("secret.rs", "use crate::clock::Clock;"),
        ("framing/form.rs", "use crate::dialect::Codec;"),
        ("config.rs", "use crate::novelty::Thing;"),
        ("novelty.rs", ""),
        ("store.rs", "use crate as all; fn f() { all::execute::g() }"),
        ("store.rs", "use crate::auth::*;"),
        ("command/user.rs", "use http::Uri;"),
        ("command/user.rs", "#[derive(serde::Serialize)] struct A;"),
        ("outcome.rs", "#[serde(transparent)] struct A;"),
        (
            "error.rs",
            "fn f() -> hyper_util::rt::TokioExecutor { g() }",
        ),
        ("error.rs", "use {std::fmt, serde_json as json};"),
    ];
    for (path, source) in forbidden {
        assert_ne!(faults(path, source), [""; 0], "{path}: {source}");
    }
}

#[test]
fn the_checker_finds_a_dialect_that_imports_another() {
    let forbidden = [
        ("dialect/grupo.rs", "use super::vision6::Vision6;"),
        (
            "dialect/grupo.rs",
            "use crate::dialect as d; fn f() { d::vision6::g() }",
        ),
        (
            "dialect/vision6/wire.rs",
            "use super::super::b2evolution::fault;",
        ),
        (
            "dialect/b2evolution/request.rs",
            "use crate::{dialect::{grupo::wire::A}};",
        ),
    ];
    for (path, source) in forbidden {
        assert_ne!(faults(path, source), [""; 0], "{path}: {source}");
    }
}
