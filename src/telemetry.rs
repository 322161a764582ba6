//! What is logged, and under which names.
//!
//! One line a call. A line names the call, its caller and what became of it; it never holds a
//! body, a key, a password or an e-mail address. A panic is a line too.

mod json_line;
mod panics;
mod sink;

use std::io::{self, IsTerminal};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use http::{Extensions, Method, StatusCode};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use self::json_line::JsonLine;
use self::sink::Sink;
pub use self::sink::Writing;
use crate::auth::Principal;
use crate::auth::call::{IdText, Reference, RequestId};
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

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The filter is none.
    #[error(transparent)]
    Filter(#[from] ParseError),
    /// There is no thread to write lines.
    #[error("no thread can be started that writes it")]
    Thread(#[from] io::Error),
}

/// Starts logging to standard error, panics too: `filter` is a level, or directives as in
/// `dragoman=debug,hyper=warn`. It lasts as long as what is returned.
pub fn start(format: Format, filter: &str) -> Result<Writing, StartError> {
    let filter = EnvFilter::builder().parse(filter)?;
    let is_terminal = io::stderr().is_terminal();
    let (sink, writing) = Sink::start(io::stderr())?;
    let subscriber = tracing_subscriber::fmt()
        // It would say so with `eprintln!`, which panics where standard error is a full disk.
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(sink);
    let is_human = match format {
        Format::Human => true,
        Format::Json => false,
        Format::Auto => is_terminal,
    };
    if is_human {
        subscriber.with_target(false).with_ansi(is_terminal).init();
    } else {
        subscriber.event_format(JsonLine).init();
    }
    panics::log();
    Ok(writing)
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
    /// Whether it was done before, and only answered again.
    pub replayed: bool,
    /// How often it was sent to an upstream, where that is more than once.
    pub tries: Option<u32>,
    /// How long it took.
    pub took: Duration,
}

/// Writes the line of one call: a failure of Dragoman's own as an error with its cause, everything
/// else as information.
pub fn log_call(line: &CallLine<'_>) {
    let kind = line.error.map(Error::kind);
    let took = u64::try_from(line.took.as_micros()).unwrap_or(u64::MAX);
    let mut room = IdText::default();
    let id = line.id.text(&mut room);
    let reference = Reference::of(id);
    macro_rules! write_line {
        ($level:ident, $($extra:tt)*) => {
            tracing::$level!(
                request.id = id,
                call.reference = reference,
                call.caller = line.caller.map(display),
                call.source = line.source.map(display),
                call.route = line.route.name.as_str(),
                call.dialect = line.route.dialect.name(),
                call.action = line.action.map(Action::name),
                upstream.tries = line.tries,
                error.kind = kind.map(Kind::name),
                error.field = kind.and_then(Kind::field),
                duration_us = took,
                $($extra)*
            )
        };
    }
    match line.error {
        None if line.replayed => write_line!(info, call.replayed = true, "call answered again"),
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

/// What the line of a request says that no dialect is spoken in.
#[derive(Clone, Copy, Debug)]
pub struct PassLine<'a> {
    /// The request's id.
    pub id: RequestId,
    /// Where it came from.
    pub source: Option<IpAddr>,
    /// By which route.
    pub route: &'a str,
    /// What was answered.
    pub status: StatusCode,
    /// Why that is not the site's own answer.
    pub cause: Option<&'a (dyn std::error::Error + 'static)>,
    /// When it began; it ends with the head of the answer.
    pub since: Instant,
}

/// Writes the line of one such request. Its path is not shown: it may hold a key.
pub fn log_pass(line: &PassLine<'_>) {
    tracing::info!(
        request.id = %line.id,
        call.source = line.source.map(display),
        call.route = line.route,
        http.status = line.status.as_u16(),
        error.cause = line.cause.map(chain).as_deref(),
        duration_us = u64::try_from(line.since.elapsed().as_micros()).unwrap_or(u64::MAX),
        "request passed"
    );
}

/// The chain of causes in one line.
fn causes(error: &Error) -> Option<String> {
    std::error::Error::source(error).map(chain)
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    let mut shown = cause.to_string();
    while let Some(next) = cause.source() {
        cause = next;
        shown.push_str(": ");
        shown.push_str(&cause.to_string());
    }
    shown
}

/// Writes the line of a request that no route answers for. Its path is not shown: it may hold a key,
/// and so may a method that somebody made up.
pub fn log_no_route(extensions: &Extensions, method: &Method) {
    let id = extensions.get::<RequestId>().copied().unwrap_or_default();
    let method = Some(method.as_str()).filter(|method| is_shown(method));
    tracing::info!(request.id = %id, http.method = method, "no route");
}
