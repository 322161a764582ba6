//! The service at the seam: an HTTP request in, calls to the command stack, an HTTP answer out.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Response;
use http::request::Parts;
use tower::Service;

use super::{Decoded, ReplyTo, decode_request};
use crate::auth::authenticate::Answer;
use crate::auth::{Call, Context};
use crate::error::Error;
use crate::outcome::Outcome;
use crate::route::Route;
use crate::telemetry::{CallLine, log_call};

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
/// its own place. *Cost*: a box for the future, a vector for the results.
#[derive(Clone, Debug)]
pub struct Translate<S> {
    commands: S,
}

impl<S> Translate<S> {
    /// Calls go to `commands`.
    pub const fn new(commands: S) -> Self {
        Self { commands }
    }
}

impl<S> Service<Incoming> for Translate<S>
where
    S: Service<Call, Response = Answer, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Bytes>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response<Bytes>, Error>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Incoming) -> Self::Future {
        let commands = self.commands.clone();
        Box::pin(async move { Ok(translate(commands, request).await) })
    }
}

async fn translate<S>(mut commands: S, request: Incoming) -> Response<Bytes>
where
    S: Service<Call, Response = Answer, Error = Infallible>,
{
    let Incoming {
        head,
        body,
        route,
        mut context,
    } = request;
    context.deadline = Some(Instant::now() + route.limits.call_timeout);
    context.route = Some(Arc::clone(&route));
    let (calls, reply_to) = decode(&head, &body, &route);
    let mut results = Vec::with_capacity(calls.len());
    for call in calls {
        results.push(carry_out(&mut commands, call, &context, &route).await);
    }
    reply_to.encode_response(results, context.request_id.reference(), &route.policy)
}

fn decode(head: &Parts, body: &[u8], route: &Route) -> (Vec<Result<Call, Error>>, ReplyTo) {
    match decode_request(route.dialect, head, body, &route.policy) {
        Decoded::Calls(calls, reply_to) => (calls, reply_to),
        Decoded::NotOurs(error, reply_to) => (vec![Err(error)], reply_to),
    }
}

async fn carry_out<S>(
    commands: &mut S,
    call: Result<Call, Error>,
    context: &Context,
    route: &Route,
) -> Result<Outcome, Error>
where
    S: Service<Call, Response = Answer, Error = Infallible>,
{
    let since = Instant::now();
    let action = call.as_ref().ok().map(|call| call.command.action());
    let Answer { caller, result } = match call {
        Ok(mut call) => {
            call.context = context.clone();
            let Ok(answer) = commands.call(call).await;
            answer
        }
        Err(error) => Answer {
            caller: None,
            result: Err(error),
        },
    };
    log_call(&CallLine {
        id: context.request_id,
        source: context.source,
        route,
        caller: caller.as_ref(),
        action,
        error: result.as_ref().err(),
        took: since.elapsed(),
    });
    result
}
