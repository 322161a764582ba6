//! `dragoman check`: every fault, or the routes and what their upstreams have no place for.

mod connect;
mod forwarding;

use std::fmt::Write;
use std::path::PathBuf;

use self::forwarding::{Lost, cannot_do, held, lost, suggested};
use super::arguments::CheckArguments;
use super::failure::Failure;
use super::{certificates, load, notifier};
use crate::clock::Clock;
use crate::command::Action;
use crate::config::{Config, forbids_relays, pepper, shown_path};
use crate::dialect::exchange::Unknown;
use crate::dialect::expresses::rewrites;
use crate::dialect::is_always_ours;
use crate::forward::Parameters;
use crate::route::{Auth, Idempotency, Mode, OnLoss, Route, Target};

/// Prints the routes, or the lines to paste, or fails with every fault.
pub(super) fn run(config: Option<PathBuf>, arguments: &CheckArguments) -> Result<(), Failure> {
    let config = load::to_check(config, arguments)?;
    if config.has_store && !arguments.no_secrets {
        pepper::read(&config.auth.pepper_file, &config.store.database).map_err(|error| {
            Failure::Usage(Failure::failed("auth.pepper_file", error).into_text())
        })?;
    }
    notifier::receiver(&config).map_err(|failure| Failure::Usage(failure.into_text()))?;
    for objection in certificates::objections(&config, Clock::system().now()) {
        super::remark(&format!("{}: {objection}", config.file));
    }
    for route in config.routes.iter().filter(|_| !config.has_store) {
        if route.idempotency != Idempotency::default() {
            super::remark(&format!(
                "{}: routes.{}: without a store idempotency keys are remembered in memory only, and a \
                 restart forgets them",
                config.file, route.name
            ));
        }
    }
    if arguments.suggest {
        return suggest(&config);
    }
    super::say(&summary(&config))?;
    if arguments.connect {
        return connect::run(&config.upstreams);
    }
    Ok(())
}

// Writing to a string cannot fail.
fn summary(config: &Config) -> String {
    let mut text = format!("{}: no faults\n", config.file);
    for route in &config.routes {
        let host = route.host.as_deref().unwrap_or("any host");
        let _ = write!(
            text,
            "{}: {} at {} of {host}",
            route.name,
            route.dialect,
            shown_path(&route.path)
        );
        let nouns = [
            ("users", &route.targets.user),
            ("groups", &route.targets.group),
        ];
        for (noun, target) in nouns {
            if *target != Target::Store {
                let _ = write!(text, ", {noun} go to {target}");
            }
        }
        for (action, target) in &route.targets.moved {
            let _ = write!(text, ", {} goes to {target}", action.name());
        }
        text.push('\n');
        write_mode(&mut text, route);
        write_auth(&mut text, route, &config.upstreams);
        write_losses(&mut text, route, &config.upstreams);
    }
    for route in &config.passes {
        let host = route.host.as_deref().unwrap_or("any host");
        let path = shown_path(&route.path);
        let _ = write!(text, "{}: {path} of {host} is handed on", route.name);
        if let Some(site) = config.sites.get(route.site) {
            let hosts = site.all().filter_map(|it| it.client.host.to_str().ok());
            let hosts: Vec<_> = hosts.collect();
            let _ = write!(text, " to {}", hosts.join(", "));
        }
        text.push('\n');
    }
    for route in &config.fixed {
        let host = route.host.as_deref().unwrap_or("any host");
        let (path, status) = (shown_path(&route.path), route.status.as_u16());
        let _ = writeln!(
            text,
            "{}: {path} of {host} is answered with {status}",
            route.name
        );
    }
    for upstream in &config.upstreams {
        write_risk(&mut text, upstream);
    }
    text.push_str(&certificates::summary(config));
    if let Some(notify) = &config.notify {
        let _ = writeln!(text, "notify: POST to {}", notify.webhook.url.origin());
    }
    text
}

/// Where its requests go in its mode, and otherwise.
fn write_mode(text: &mut String, route: &Route) {
    let Some(site) = &route.otherwise else {
        return;
    };
    let site = &site.name;
    let _ = match route.mode {
        Mode::Translate if is_always_ours(route.dialect) => Ok(()),
        Mode::Translate => writeln!(text, "  what is no call goes to {site}"),
        Mode::Observe => writeln!(
            text,
            "  all of it goes to {site}, and is looked at (observe)"
        ),
        Mode::Bypass => writeln!(text, "  all of it goes to {site} (bypass)"),
    };
}

/// Who judges the callers, and which native operations are relayed.
fn write_auth(text: &mut String, route: &Route, upstreams: &[Parameters]) {
    let target = route.targets.of(Action::Native);
    let relayed = match &route.auth {
        Auth::Upstream { native } => {
            let _ = writeln!(
                text,
                "  callers are judged by {target}, which is shown their credentials"
            );
            if native.is_empty() {
                return;
            }
            format!("{} are relayed to {target}", native.join(", "))
        }
        Auth::Gateway if forbids_relays(route, upstreams).is_some() => return,
        Auth::Gateway if route.targets.relays => format!(
            "native operations are relayed to {target}, each for keys with its scope native.OPERATION"
        ),
        Auth::Gateway => return,
    };
    let _ = writeln!(text, "  {relayed}");
}

fn write_losses(text: &mut String, route: &Route, upstreams: &[Parameters]) {
    for upstream in upstreams {
        let commands: Vec<_> = cannot_do(route, upstream).map(Action::name).collect();
        if !commands.is_empty() {
            let _ = writeln!(
                text,
                "  {} cannot do {}",
                upstream.name,
                commands.join(", ")
            );
        }
        let fields: Vec<_> = lost(route, upstream)
            .iter()
            .map(|Lost { field, rule }| format!("{field} ({rule})"))
            .collect();
        if !fields.is_empty() {
            let _ = writeln!(
                text,
                "  {} has no place for {}",
                upstream.name,
                fields.join(", ")
            );
        }
        let fields: Vec<_> = held(route, upstream)
            .iter()
            .map(ToString::to_string)
            .collect();
        if !fields.is_empty() {
            let _ = writeln!(
                text,
                "  {} does not show {}, kept here too",
                upstream.name,
                fields.join(", ")
            );
        }
    }
}

/// What an update may take away there although nobody asked for it.
fn write_risk(text: &mut String, upstream: &Parameters) {
    if !rewrites(upstream.dialect, Action::UpdateUser) {
        return;
    }
    let _ = match upstream.terms.unknown {
        Unknown::Warn => writeln!(
            text,
            "{}: an update may empty fields that {} does not show, and the log says so \
             (identity_unknown = \"warn\")",
            upstream.name, upstream.dialect
        ),
        Unknown::Reject => writeln!(
            text,
            "{}: an update that may empty fields that {} does not show is refused \
             (identity_unknown = \"reject\")",
            upstream.name, upstream.dialect
        ),
    };
}

/// Prints the lines that keep what would be refused, where it can be kept, or turn the refusal into
/// a warning; nothing else goes to standard output.
fn suggest(config: &Config) -> Result<(), Failure> {
    let mut text = String::new();
    for route in &config.routes {
        let mut fields: Vec<_> = config
            .upstreams
            .iter()
            .flat_map(|upstream| {
                let lost = lost(route, upstream).into_iter();
                let refused = lost.filter(|lost| lost.rule == OnLoss::Reject);
                refused.map(|Lost { field, .. }| {
                    let rule = suggested(route, upstream, &field, config.has_store);
                    (field, rule)
                })
            })
            .collect();
        fields.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        fields.dedup_by(|(one, _), (other, _)| one == other);
        if fields.is_empty() {
            continue;
        }
        if route.losses.fields.is_empty() {
            let _ = writeln!(text, "[routes.{}.loss]", route.name);
        } else {
            let _ = writeln!(text, "# These belong under [routes.{}.loss].", route.name);
        }
        for (field, rule) in fields {
            let _ = writeln!(text, "\"{field}\" = \"{rule}\"");
        }
    }
    if text.is_empty() {
        super::remark("There is nothing to suggest: no upstream lacks a place for a known field.");
    }
    super::say(&text)
}
