//! `dragoman explain`: what would become of a captured request. Nothing is sent or written.
//!
//! The router, the codecs, the scopes and the rules of losses are the gateway's own. What depends on
//! what is in a store or behind an upstream is not looked at.

mod capture;
mod credential;
mod keys;
mod redaction;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use http::Uri;
use http::request::Parts;

use self::capture::Capture;
use self::report::{Answer, CallReport, Report, RouteReport, Upstream};
use super::arguments::ExplainArguments;
use super::failure::Failure;
use super::{load, say};
use crate::auth::authorize::needed_scopes;
use crate::auth::call::RequestId;
use crate::auth::{Call, Principal, Unread};
use crate::client;
use crate::clock::Clock;
use crate::command::AccountId;
use crate::config::{Config, shown_path};
use crate::dialect::relayed::public_host;
use crate::dialect::{Decoded, ReplyTo, decode_request, unread};
use crate::error::{Error, Kind};
use crate::forward::Parameters;
use crate::forward::rehearsal::{First, Rehearsal};
use crate::observe::line::{Loss, Refusal};
use crate::observe::{Caller, Judged, Redaction, Terms};
use crate::route::{Entry, Mode, Route};
use crate::router::Router;

/// Prints what would become of the request; 1 if any of it would be refused.
pub(super) fn run(
    config: Option<PathBuf>,
    arguments: &ExplainArguments,
) -> Result<ExitCode, Failure> {
    let config = load::with_store(config, arguments.store.as_deref())?;
    let capture = Capture::read(&arguments.file)?;
    let explained = Explain::new(&config).report(capture);
    let text = if arguments.json {
        explained.json()?
    } else {
        explained.text()
    };
    say(&text)?;
    Ok(ExitCode::from(u8::from(explained.refused)))
}

struct Explain<'a> {
    config: &'a Config,
    terms: Terms,
    redaction: Redaction,
}

impl<'a> Explain<'a> {
    fn new(config: &'a Config) -> Self {
        Self {
            config,
            terms: keys::terms(config, Clock::system()),
            redaction: redaction::of_config(config),
        }
    }

    fn report(mut self, capture: Capture) -> Report {
        let Capture {
            head,
            body,
            remarks,
        } = capture;
        let mut report = Report {
            remarks,
            ..Report::default()
        };
        report.note_host(&head);
        let router = Router::new(self.config.entries());
        let route = match router.find(&head.uri, &head.headers) {
            Some(Entry::Dialect(route)) => route,
            Some(Entry::Pass(_) | Entry::Fixed(_)) => {
                report
                    .remarks
                    .push("a route without a dialect takes it as it is".to_owned());
                return report.redacted(&self.redaction);
            }
            None => {
                report.refused = true;
                report.remarks.push(no_route(&head.uri));
                return report.redacted(&self.redaction);
            }
        };
        if route.mode != Mode::Translate {
            let remark = format!(
                "its mode in the file is {}: the site gets it as it is",
                route.mode
            );
            report.remarks.push(remark);
        }
        report.route = Some(RouteReport {
            name: route.name.clone(),
            dialect: route.dialect.name(),
            path: shown_path(&route.path).to_string(),
            host: route.host.clone(),
        });
        let (calls, reply_to) = decode(&head, &body, route);
        let mut errors = Vec::new();
        let count = calls.len();
        for call in calls {
            let error = match call {
                Ok(mut call) => {
                    call.context.host = public_host(route, &head);
                    call.context.route = Some(Arc::clone(route));
                    self.redaction.learn(&call);
                    let (shown, error) = self.call(&call, &head, route);
                    report.calls.push(shown);
                    error
                }
                Err(unread) => {
                    let (shown, error) = self.unread(*unread, &head, route);
                    report.calls.push(shown);
                    Some(error)
                }
            };
            errors.extend(error);
        }
        report.refused = !errors.is_empty();
        // What a call that is not refused is answered only its target knows.
        if errors.len() == count && count > 0 {
            report.answer = Some(answer(errors, reply_to, route));
        }
        report.redacted(&self.redaction)
    }

    /// What is known of a call that cannot be read: its fault is told to who may know it.
    fn unread(&mut self, unread: Unread, head: &Parts, route: &Route) -> (CallReport, Error) {
        let Unread {
            credentials, error, ..
        } = unread;
        let mut shown = CallReport::default();
        let mut error = error;
        if let Some(credentials) = &credentials {
            self.redaction.learn_credentials(credentials);
            let caller = self.terms.caller(credentials, route);
            shown.credential = Some(credential::describe(credentials, head, route));
            shown.principal = Some(caller.to_string());
            if let Caller::Refused = caller {
                error = Kind::Unauthenticated.into();
            }
        }
        shown.refusal = Some(Refusal::of(&error));
        (shown, error)
    }

    /// What is known of one call, and the error it would end with, if that is certain.
    fn call(&self, call: &Call, head: &Parts, route: &Route) -> (CallReport, Option<Error>) {
        let Judged {
            caller,
            account,
            target,
            refused,
            forwarded,
        } = self.terms.judge(call, route);
        let mut shown = CallReport::of(call);
        shown.credential = Some(credential::describe(&call.credentials, head, route));
        shown.principal = Some(caller.to_string());
        if !call.context.is_judged_by_upstream() {
            shown.scopes = needed_scopes(call).collect();
        }
        shown.target = Some(target.to_string());
        shown.account = Some(account.id().value());
        let mut error = refused;
        if let Some((upstream, rehearsal)) = forwarded {
            let principal = caller.principal();
            let own = Self::forward(&mut shown, &upstream, rehearsal, call, principal, account);
            error = error.or(own.err());
        }
        shown.refusal = error.as_ref().map(Refusal::of);
        (shown, error)
    }

    /// What would be lost and sent at an upstream.
    fn forward(
        shown: &mut CallReport,
        upstream: &Parameters,
        real: Rehearsal,
        call: &Call,
        principal: Option<&Principal>,
        account: AccountId,
    ) -> Result<(), Error> {
        shown.lost = real.lost.iter().map(Loss::of).collect();
        shown.kept = real.kept.iter().map(ToString::to_string).collect();
        shown.numbers = real.has_own_ids.then_some(
            "of users are the callers' own; the crosswalk, which is not looked at, knows what is sent",
        );
        let First::Request {
            request,
            effect,
            more,
            at_risk,
        } = real.first?
        else {
            shown.answered_here = true;
            return Ok(());
        };
        // Written a second time with marks in the place of secrets, which no encoding hides.
        let command = redaction::masked_command(call.command.clone());
        let masked = redaction::masked_upstream(upstream);
        let masked = masked.rehearse(command, principal, account, &call.context);
        let bytes = match masked.first? {
            First::Request {
                request: masked, ..
            } => redaction::wire(
                &client::written(*masked, &upstream.endpoints.first.client),
                request.body().len(),
            ),
            First::Nothing => String::new(),
        };
        shown.upstream = Some(Upstream {
            name: upstream.name.clone(),
            dialect: upstream.dialect.name(),
            effect: report::effect(effect),
            request: bytes,
            more,
            at_risk,
        });
        Ok(())
    }
}

fn decode(head: &Parts, body: &[u8], route: &Route) -> (Vec<Result<Call, Box<Unread>>>, ReplyTo) {
    if body.len() > route.limits.body_bytes {
        let message = format!(
            "the body is larger than {} bytes; send less at once",
            route.limits.body_bytes
        );
        let error = Error::new(Kind::TooLarge, message);
        return (vec![Err(error.into())], unread(route.dialect, head));
    }
    match decode_request(route.dialect, head, body, &route.policy) {
        Decoded::Calls(calls, reply_to) => (calls, reply_to),
        Decoded::NotOurs(error, reply_to) => (vec![Err(error.into())], reply_to),
    }
}

/// The answer of the gateway, but for its reference.
fn answer(errors: Vec<Error>, reply_to: ReplyTo, route: &Route) -> Answer {
    let results = errors.into_iter().map(Err).collect();
    let reference = RequestId::default().reference();
    let response = reply_to.encode_response(results, reference, &route.policy);
    Answer {
        status: response.status().as_u16(),
        body: String::from_utf8_lossy(response.body()).into_owned(),
    }
}

fn no_route(uri: &Uri) -> String {
    let path = if uri.path().len() > 64 {
        "this path"
    } else {
        uri.path()
    };
    format!("no route answers {path} on this host: the caller gets a bare 404")
}
