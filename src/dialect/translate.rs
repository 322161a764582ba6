//! The service at the seam: an HTTP request in, calls to the command stack, an HTTP answer out.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response};
use tower::Service;

use super::repetition::Repetitions;
use super::{Decoded, ReplyTo, decode_request, relayed};
use crate::auth::authenticate::Answered;
use crate::auth::call::Repetition;
use crate::auth::denials::{Asked, Denials};
use crate::auth::{Call, Context, Unread};
use crate::command::field::Field;
use crate::error::is_shown;
use crate::route::Route;
use crate::telemetry::{CallLine, log_call};

/// Names what an upstream had no place for, where the route says to leave it out and to say so.
const LOST: HeaderName = HeaderName::from_static("x-dragoman-lost");

/// Says that a call was carried out before, and its answer is given again; of a batch, that one of its
/// calls was.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// One request at the seam.
#[derive(Debug)]
pub struct Incoming {
    /// Everything but the body.
    pub head: Parts,
    /// The whole body.
    pub body: Bytes,
    /// The route.
    pub route: Arc<Route>,
    /// What the calls are told of the request; route and deadline are added here.
    pub context: Context,
}

/// Decodes a request, has its calls carried out one after the other, and encodes the answer.
///
/// *Position*: the seam between the two stacks. *Failure*: none; each call's error is encoded in
/// its own place. *Cost*: a vector for the results.
#[derive(Debug)]
pub struct Translate<S> {
    commands: S,
    denials: Denials,
}

impl<S> Translate<S> {
    /// Calls go to `commands`, and what is denied to the audit trail.
    pub const fn new(commands: S, denials: Denials) -> Self {
        Self { commands, denials }
    }
}

impl<S> Translate<S>
where
    S: Service<Result<Box<Call>, Box<Unread>>, Response = Answered, Error = Infallible> + Clone,
{
    /// The answer to a request. It is decoded at once: nothing of it but its calls is held while they
    /// are carried out, and the connection has its buffer back.
    pub fn translate(self: Arc<Self>, request: Incoming) -> impl Future<Output = Response<Bytes>> {
        let Incoming {
            head,
            body,
            route,
            mut context,
        } = request;
        context.deadline = Some(Instant::now() + route.limits.call_timeout);
        context.host = relayed::public_host(&route, &head);
        let (calls, reply_to) = decode(&head, &body, &route);
        let repetitions = Repetitions::of(&head, &route);
        context.route = Some(Arc::clone(&route));
        self.answer(calls, reply_to, repetitions, context, route)
    }

    async fn answer(
        self: Arc<Self>,
        calls: Vec<Result<Call, Box<Unread>>>,
        reply_to: ReplyTo,
        repetitions: Option<Repetitions>,
        context: Context,
        route: Arc<Route>,
    ) -> Response<Bytes> {
        let mut commands = self.commands.clone();
        let mut results = Vec::with_capacity(calls.len());
        let mut lost = Vec::new();
        let mut is_replayed = false;
        for (position, call) in calls.into_iter().enumerate() {
            let mut call = call.map(Box::new);
            let id = reply_to.call_id(position);
            let repetition = repetitions.as_ref().map(|it| Box::new(it.at(position, id)));
            enclose(&mut call, &context, repetition);
            let answered = self.carry_out(&mut commands, call, &context, &route).await;
            is_replayed |= answered.replayed;
            results.push(answered.result);
            lost.extend(answered.lost);
        }
        let reference = context.request_id.reference();
        let mut response = reply_to.encode_response(results, reference, &route.policy);
        if let Some(names) = shown(lost) {
            response.headers_mut().insert(LOST, names);
        }
        if is_replayed {
            let yes = HeaderValue::from_static("true");
            response.headers_mut().insert(REPLAYED, yes);
        }
        response
    }

    async fn carry_out(
        &self,
        commands: &mut S,
        call: Result<Box<Call>, Box<Unread>>,
        context: &Context,
        route: &Route,
    ) -> Answered {
        let since = Instant::now();
        let asked = call.as_deref().ok().map(Asked::of);
        let Ok(answered) = commands.call(call).await;
        // Here and not in the command stack, which a call without credentials never reaches.
        self.denials.note(asked, context, &answered);
        log_call(&CallLine {
            id: context.request_id,
            source: context.source,
            route,
            caller: answered.caller.as_ref(),
            action: asked.map(|asked| asked.action),
            error: answered.result.as_ref().err(),
            replayed: answered.replayed,
            tries: answered.tries,
            took: since.elapsed(),
        });
        answered
    }
}

/// Gives a call what is known of its request.
fn enclose(
    call: &mut Result<Box<Call>, Box<Unread>>,
    context: &Context,
    repetition: Option<Box<Repetition>>,
) {
    match call {
        Ok(call) => {
            call.context = context.clone();
            call.context.repetition = repetition;
        }
        Err(unread) => unread.context = context.clone(),
    }
}

/// The names of fields as a header; those that nobody could read in one are "a field".
fn shown(mut lost: Vec<Field>) -> Option<HeaderValue> {
    if lost.is_empty() {
        return None;
    }
    lost.sort_unstable();
    lost.dedup();
    let names = lost.iter().map(ToString::to_string).map(|name| {
        if is_shown(&name) {
            name
        } else {
            "a field".to_owned()
        }
    });
    let names: Vec<_> = names.collect();
    HeaderValue::try_from(names.join(", ")).ok()
}

fn decode(head: &Parts, body: &[u8], route: &Route) -> (Vec<Result<Call, Box<Unread>>>, ReplyTo) {
    match decode_request(route.dialect, head, body, &route.policy) {
        Decoded::Calls(calls, reply_to) => (calls, reply_to),
        Decoded::NotOurs(error, reply_to) => (vec![Err(error.into())], reply_to),
    }
}
