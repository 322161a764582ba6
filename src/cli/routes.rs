//! `dragoman route`: the modes of routes, asked of the running gateway and changed there.

use std::path::PathBuf;

use clap::Args;
use http::Method;

use super::failure::Failure;
use super::modes::Modes;
use super::table::aligned;
use super::{ask, remark, say};
use crate::config::{self, Config, Sources, shown_path};
use crate::control::wire::{ModeSet, Refused, RouteLine, SetMode};
use crate::route::{Entry, Mode, Route};

pub(super) const ROUTE: &str = "\
Examples:
  dragoman route                       every route with its mode
  dragoman route api observe           hand its requests on, and note what would become of them
  dragoman route api translate
  dragoman route api bypass            hand its requests on, and look at nothing

Modes: translate decodes and answers; observe and bypass hand every request on to the site, the pass
route that the route names with `otherwise`. From the next request on, on connections that are open too;
requests under way end as they began. The mode stays over restarts and reloads, until the configuration
says another one than it says now. It is in the audit trail, or in the log without a store.

Keys of --json, one object a route: name, kind (a dialect, pass or fixed), host, path, mode,
mode_of_file, otherwise; after a change route, mode, was.

Exit codes:
  0   done, or the route had that mode
  1   no gateway answers at admin.control, there is no such route, or it has no site
  64  the command line or the configuration has faults; nothing was done";

/// What is said to `dragoman route`.
#[derive(Debug, Args)]
pub(super) struct RouteArguments {
    /// The route, by its name in the configuration [default: all of them].
    name: Option<String>,
    /// The mode that it gets: observe, translate or bypass.
    #[arg(value_parser = mode)]
    mode: Option<Mode>,
    /// As JSON, one object a line.
    #[arg(long)]
    json: bool,
}

fn mode(text: &str) -> Result<Mode, &'static str> {
    Mode::from_name(text).ok_or("observe, translate or bypass")
}

/// Asks the gateway at `admin.control`.
pub(super) fn run(config: Option<PathBuf>, arguments: &RouteArguments) -> Result<(), Failure> {
    let Some(socket) = config::control(&Sources::of_process(config))? else {
        return Err(Failure::Usage(
            "admin.control: there is no control socket to ask a running gateway by: name one, e.g. \
             \"control.sock\", and start the gateway again"
                .to_owned(),
        ));
    };
    if let (Some(route), Some(mode)) = (&arguments.name, arguments.mode) {
        let (route, mode) = (route.clone(), mode.name().to_owned());
        let asked = SetMode { route, mode };
        let set: ModeSet = ask::gateway(&socket, Method::POST, "/routes/mode", &asked)?;
        if arguments.json {
            return say(&json(&[&set])?);
        }
        let ModeSet { route, mode, was } = &set;
        remark(&format!("{route}: {mode} (was {was})"));
        return Ok(());
    }
    let mut lines: Vec<RouteLine> = ask::gateway(&socket, Method::GET, "/routes", &())?;
    if let Some(name) = &arguments.name {
        lines.retain(|line| line.name == *name);
        if lines.is_empty() {
            return Err(Failure::Failed(format!("there is no route {name:?}")));
        }
    }
    say(&if arguments.json {
        json(&lines)?
    } else {
        table(&lines)
    })
}

fn json(lines: &[impl serde::Serialize]) -> Result<String, Failure> {
    let mut text = String::new();
    for line in lines {
        let line = serde_json::to_string(line);
        text += &line.map_err(|error| Failure::failed("cannot write it as JSON", error))?;
        text.push('\n');
    }
    Ok(text)
}

fn table(lines: &[RouteLine]) -> String {
    let head = ["ROUTE", "KIND", "HOST", "PATH", "MODE", "SITE"].map(str::to_owned);
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let cells = |line: &RouteLine| {
        let mode = match (&line.mode, &line.mode_of_file) {
            (Some(mode), Some(file)) if mode != file => format!("{mode} (the file says {file})"),
            (mode, _) => shown(mode),
        };
        let host = line.host.clone().unwrap_or_else(|| "any".to_owned());
        [
            line.name.clone(),
            line.kind.clone(),
            host,
            line.path.clone(),
            mode,
            shown(&line.otherwise),
        ]
    };
    let rows: Vec<_> = [head].into_iter().chain(lines.iter().map(cells)).collect();
    aligned(&rows, &mut [0; 6])
}

/// The routes of a gateway, as they are asked for.
pub(super) fn lines(config: &Config, modes: &Modes) -> Vec<RouteLine> {
    let line = |entry: Entry| {
        let (kind, route) = match &entry {
            Entry::Dialect(route) => (route.dialect.name(), Some(route)),
            Entry::Pass(_) => ("pass", None),
            Entry::Fixed(_) => ("fixed", None),
        };
        let site = route.and_then(|route| route.otherwise.as_ref());
        RouteLine {
            name: entry.name().to_owned(),
            kind: kind.to_owned(),
            host: entry.host().map(str::to_owned),
            path: shown_path(entry.path()).to_owned(),
            mode: route.map(|route| modes.of(route).name().to_owned()),
            mode_of_file: route.map(|route| route.mode.name().to_owned()),
            otherwise: site.map(|site| site.name.clone()),
        }
    };
    config.entries().into_iter().map(line).collect()
}

/// The route and the mode that are asked for, if the one can have the other.
pub(super) fn meant<'a>(config: &'a Config, asked: &SetMode) -> Result<(&'a Route, Mode), Refused> {
    let SetMode { route: name, mode } = asked;
    let mode = Mode::from_name(mode).ok_or_else(|| {
        let known = Mode::ALL.map(Mode::name).join(", ");
        Refused::new(400, format!("{mode:?} is no mode (known: {known})"))
    })?;
    let found = config.routes.iter().find(|route| route.name == *name);
    let route = found.ok_or_else(|| {
        let entries = config.entries();
        let message = if entries.iter().any(|entry| entry.name() == name) {
            format!("{name} has no dialect, and so no mode: its requests are what they are")
        } else {
            let known: Vec<_> = config.routes.iter().map(|it| it.name.as_str()).collect();
            format!("there is no route {name:?} (known: {})", known.join(", "))
        };
        Refused::new(404, message)
    })?;
    if mode != Mode::Translate && route.otherwise.is_none() {
        let message = format!(
            "{name} has no site to hand requests on to: name a pass route in routes.{name}.otherwise, \
             and reload"
        );
        return Err(Refused::new(409, message));
    }
    Ok((route, mode))
}
