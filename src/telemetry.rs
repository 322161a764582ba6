//! What is logged, and under which names.
//!
//! One line a call. A line names the call, its caller and what became of it; it never holds a
//! body, a key, a password or an e-mail address. A panic is a line too.

mod panics;

use std::io::{self, IsTerminal};
use std::net::IpAddr;
use std::time::Duration;

use http::{Extensions, Method};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::auth::Principal;
use crate::auth::call::RequestId;
use crate::command::Action;
use crate::error::{Error, Kind, is_shown};
use crate::route::Route;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Starts logging to standard error, panics too: `filter` is a level, or directives as in
/// `dragoman=debug,hyper=warn`.
pub fn start(format: Format, filter: &str) -> Result<(), ParseError> {
    let filter = EnvFilter::builder().parse(filter)?;
    let is_terminal = io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt()
        // It would say so with `eprintln!`, which panics where standard error is a full disk.
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let is_human = match format {
        Format::Human => true,
        Format::Json => false,
        Format::Auto => is_terminal,
    };
    if is_human {
        subscriber.with_target(false).with_ansi(is_terminal).init();
    } else {
        subscriber
            .json()
            .flatten_event(true)
            .with_target(false)
            .init();
    }
    panics::log();
    Ok(())
}

/// What the line of one call says.
#[derive(Clone, Copy, Debug)]
pub struct CallLine<'a> {
    /// The request's id; its reference is the end of it.
    pub id: RequestId,
    /// Where the call came from.
    pub source: Option<IpAddr>,
    /// By which route.
    pub route: &'a Route,
    /// Who called, where that could be established.
    pub caller: Option<&'a Principal>,
    /// What was asked, where it could be decoded.
    pub action: Option<Action>,
    /// Why it was not done.
    pub error: Option<&'a Error>,
    /// How long it took.
    pub took: Duration,
}

/// Writes the line of one call: a failure of Dragoman's own as an error with its cause, everything
/// else as information.
pub fn log_call(line: &CallLine<'_>) {
    let kind = line.error.map(Error::kind);
    let fields = Fields {
        caller: line.caller.map(ToString::to_string),
        source: line.source.map(|ip| ip.to_string()),
        took: u64::try_from(line.took.as_micros()).unwrap_or(u64::MAX),
    };
    macro_rules! write_line {
        ($level:ident, $($extra:tt)*) => {
            tracing::$level!(
                request.id = %line.id,
                call.reference = %line.id.reference(),
                call.caller = fields.caller.as_deref(),
                call.source = fields.source.as_deref(),
                call.route = line.route.name.as_str(),
                call.dialect = line.route.dialect.name(),
                call.action = line.action.map(Action::name),
                error.kind = kind.map(Kind::name),
                error.field = kind.and_then(Kind::field),
                duration_us = fields.took,
                $($extra)*
            )
        };
    }
    match line.error {
        None => write_line!(info, "call answered"),
        Some(error) if *error.kind() == Kind::Internal => {
            write_line!(error, error.cause = causes(error).as_deref(), "call failed");
        }
        Some(error) => {
            write_line!(
                info,
                error.message = error.message(),
                error.cause = causes(error).as_deref(),
                "call refused"
            );
        }
    }
}

struct Fields {
    caller: Option<String>,
    source: Option<String>,
    took: u64,
}

/// The chain of causes in one line.
fn causes(error: &Error) -> Option<String> {
    let mut cause = std::error::Error::source(error)?;
    let mut shown = cause.to_string();
    while let Some(next) = cause.source() {
        cause = next;
        shown.push_str(": ");
        shown.push_str(&cause.to_string());
    }
    Some(shown)
}

/// Writes the line of a request that no route answers for. Its path is not shown: it may hold a key,
/// and so may a method that somebody made up.
pub fn log_no_route(extensions: &Extensions, method: &Method) {
    let id = extensions.get::<RequestId>().copied().unwrap_or_default();
    let method = Some(method.as_str()).filter(|method| is_shown(method));
    tracing::info!(request.id = %id, http.method = method, "no route");
}
