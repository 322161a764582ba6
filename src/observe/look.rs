//! From a request to what would have become of its calls.

use std::sync::Arc;

use http::header::USER_AGENT;

use super::caller::Caller;
use super::line::{Line, Loss, Refusal, fields, shown_time};
use super::redaction::Redaction;
use super::sample::Sample;
use crate::auth::{Call, Credentials, Unread};
use crate::command::Command;
use crate::dialect::relayed::public_host;
use crate::dialect::{Decoded, decode_request, is_ours};
use crate::error::{Error, Kind, is_shown};
use crate::route::{OnLoss, is_plain};

/// Letters of a text that a caller made up.
const LONGEST: usize = 128;

/// A key that is as long can spare its last four characters.
const LONG_KEY: usize = 32;

/// One line for each call; none for what the site gets in any case.
pub(super) fn look(sample: &Sample) -> Vec<Line> {
    let Sample {
        head, body, route, ..
    } = sample;
    let is_readable = is_plain(head.uri.path());
    if is_readable && !is_ours(route.dialect, head, body, &route.policy) {
        return Vec::new();
    }
    let calls = match limits(sample, is_readable) {
        Some(error) => vec![Err(error.into())],
        None => match decode_request(route.dialect, head, body, &route.policy) {
            Decoded::Calls(calls, _) => calls,
            Decoded::NotOurs(error, _) => vec![Err(error.into())],
        },
    };
    let lines = calls.into_iter().map(|call| match call {
        Ok(call) => of_call(sample, call),
        Err(unread) => of_unread(sample, *unread),
    });
    lines.collect()
}

/// What is refused before anything is decoded.
fn limits(sample: &Sample, is_readable: bool) -> Option<Error> {
    let route = &sample.route;
    if !is_readable {
        let message = "the path can be read in more than one way; send it without `..`, `//`, `;`, `\\` and escapes of them";
        return Some(Error::new(Kind::Malformed, message));
    }
    if sample.is_late {
        return Some(Error::new(Kind::Timeout, "the body arrived too slowly"));
    }
    let message = format!("the body is larger than {} bytes", route.limits.body_bytes);
    sample.is_long.then(|| Error::new(Kind::TooLarge, message))
}

fn of_call(sample: &Sample, mut call: Call) -> Line {
    let route = &sample.route;
    call.context.host = public_host(route, &sample.head);
    call.context.route = Some(Arc::clone(route));
    let judged = sample.terms.judge(&call, route);
    let mut redaction = Redaction::of(Vec::new());
    redaction.learn(&call);
    let operation = if let Command::Native(native) = &call.command {
        native.operation.as_str()
    } else {
        call.command.action().name()
    };
    let mut line = Line {
        operation: Some(short(&redaction.apply(operation))),
        fields: names(fields(&call.command), &redaction),
        refused: judged.error().map(|error| refusal(error, &redaction)),
        ..line(sample, &judged.caller, &call.credentials, &redaction)
    };
    if let Some((_, rehearsal)) = &judged.forwarded {
        let lost = rehearsal.lost.iter();
        let lost = lost.filter(|(_, rule)| *rule != OnLoss::Keep);
        line.lost = lost
            .map(Loss::of)
            .map(|loss| Loss {
                field: name(&loss.field, &redaction),
                ..loss
            })
            .collect();
        let kept = rehearsal.kept.iter().map(ToString::to_string);
        line.kept = names(kept, &redaction);
    }
    line
}

/// Names that a caller may have made up: a long or strange one is more likely a misplaced value.
fn names(names: impl IntoIterator<Item = String>, redaction: &Redaction) -> Vec<String> {
    let mut names: Vec<_> = names.into_iter().map(|it| name(&it, redaction)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn name(name: &str, redaction: &Redaction) -> String {
    if is_shown(name) {
        redaction.apply(name)
    } else {
        "a field".to_owned()
    }
}

/// A fault is told to who may know it.
fn of_unread(sample: &Sample, unread: Unread) -> Line {
    let Unread {
        credentials, error, ..
    } = unread;
    let mut redaction = Redaction::of(Vec::new());
    let Some(credentials) = credentials else {
        return Line {
            refused: Some(refusal(&error, &redaction)),
            caller: None,
            ..line(sample, &Caller::Refused, &Credentials::None, &redaction)
        };
    };
    redaction.learn_credentials(&credentials);
    let caller = sample.terms.caller(&credentials, &sample.route);
    let error = match caller {
        Caller::Refused => Kind::Unauthenticated.into(),
        Caller::Known(_) | Caller::Unknown(_) => error,
    };
    Line {
        refused: Some(refusal(&error, &redaction)),
        ..line(sample, &caller, &credentials, &redaction)
    }
}

/// What is known of the request and its caller.
fn line(
    sample: &Sample,
    caller: &Caller,
    credentials: &Credentials,
    redaction: &Redaction,
) -> Line {
    let agent = sample.head.headers.get(USER_AGENT);
    let agent = agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()));
    let is_known = caller.principal().is_some();
    Line {
        at: shown_time(sample.at),
        request_id: sample.id.to_string(),
        route: sample.route.name.clone(),
        dialect: sample.route.dialect.name(),
        source: sample
            .source
            .map(|source| source.to_canonical().to_string()),
        user_agent: agent.map(|agent| short(&redaction.apply(&agent))),
        caller: Some(who(sample, caller, credentials)),
        key_end: key(credentials).filter(|_| !is_known).and_then(end),
        ..Line::default()
    }
}

/// The caller by its name, or by what tells it from others.
fn who(sample: &Sample, caller: &Caller, credentials: &Credentials) -> String {
    if let Some(principal) = caller.principal() {
        return principal.to_string();
    }
    let keys = &sample.terms.keys;
    let (kind, fingerprint) = match key(credentials) {
        Some(key) => ("unknown", keys.fingerprint(&Credentials::Key(key.into()))),
        None => ("login", keys.fingerprint(credentials)),
    };
    fingerprint.map_or_else(
        || "nobody".to_owned(),
        |fingerprint| format!("{kind}:{fingerprint}"),
    )
}

/// What can only have been meant as a key: a login without a password, or the other way round, is one too.
fn key(credentials: &Credentials) -> Option<&str> {
    match credentials {
        Credentials::Key(key) => Some(key.reveal()),
        Credentials::Basic { login, password } if login.is_empty() => Some(password.reveal()),
        Credentials::Basic { login, password } if password.is_empty() => Some(login),
        Credentials::None | Credentials::Basic { .. } => None,
    }
}

fn end(key: &str) -> Option<String> {
    let letters: Vec<_> = key.chars().collect();
    let (_, end) = letters.split_at_checked(letters.len().saturating_sub(4))?;
    let is_plain = end.iter().all(char::is_ascii_alphanumeric);
    (letters.len() >= LONG_KEY && is_plain).then(|| end.iter().collect())
}

fn refusal(error: &Error, redaction: &Redaction) -> Refusal {
    let mut refusal = Refusal::of(error);
    for message in &mut refusal.messages {
        *message = redaction.apply(message);
    }
    refusal
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
