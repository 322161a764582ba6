//! Whether endpoints are up, found out beside the requests.
//!
//! A check asks for a path and looks at the status, or asks the upstream, in its own dialect, what
//! [`question`] says. One at a time goes to each endpoint, through the connections that
//! requests use. Credentials that the upstream refuses say nothing of the endpoint, and are not sent again and
//! again: some systems lock a login.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::uri::PathAndQuery;
use http::{Request, StatusCode, Uri};
use tokio::time::{Instant, sleep};

use super::drive;
use super::endpoints::{Endpoint, chain, is_of_upstream};
use super::question::{self, Verdict};
use super::upstream::Upstream;
use crate::client::{Cause, Failure, Stage};
use crate::dialect::exchange::{self, Exchange, Step};

/// How endpoints are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What is asked.
    pub asks: Asks,
    /// The pause between two checks of an endpoint.
    pub every: Duration,
    /// An answer that takes longer is none.
    pub timeout: Duration,
    /// So many that pass in a row show that it is up.
    pub rise: u32,
    /// So many that fail in a row show that it is down.
    pub fall: u32,
}

/// What a check asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asks {
    /// GET of this path, and one of these statuses in answer.
    Path {
        /// The path, from the root of the host.
        path: PathAndQuery,
        /// The statuses; any of 200 to 399 where there are none.
        statuses: Vec<StatusCode>,
    },
    /// One harmless call in the upstream's own dialect, with the gateway's own credentials.
    Call,
}

/// Checks the endpoints of an upstream for as long as it is in use. Must be called within a Tokio runtime.
pub(super) fn watch(upstream: &Arc<Upstream>) {
    if upstream.endpoints.made_of.check.is_some() {
        tokio::spawn(keep_checking(Arc::downgrade(upstream)));
    }
}

async fn keep_checking(upstream: Weak<Upstream>) {
    loop {
        let Some(upstream) = upstream.upgrade() else {
            return;
        };
        let Some(check) = upstream.endpoints.made_of.check.clone() else {
            return;
        };
        let all = upstream.endpoints.all().iter();
        join_all(all.map(|endpoint| try_out(&upstream, endpoint, &check))).await;
        drop(upstream);
        sleep(check.every).await;
    }
}

async fn try_out(upstream: &Upstream, endpoint: &Endpoint, check: &Check) {
    let until = Instant::now() + check.timeout;
    let found = match &check.asks {
        Asks::Path { path, statuses } => get(endpoint, path, statuses, until).await,
        Asks::Call => call(upstream, endpoint, until).await,
    };
    match found {
        Some(Ok(())) => endpoint.gate.passes(),
        Some(Err(why)) => endpoint.gate.flunks(why),
        // Nobody knows more than before.
        None => {}
    }
}

async fn get(
    endpoint: &Endpoint,
    path: &PathAndQuery,
    statuses: &[StatusCode],
    until: Instant,
) -> Option<Result<(), String>> {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = Uri::from(path.clone());
    let answer = match endpoint.client.send(request, Some(until.into_std())).await {
        Ok(answer) => answer,
        Err(failure) => return unanswered(&failure),
    };
    let status = answer.status();
    let usual = status.is_success() || status.is_redirection();
    let is_good = statuses.contains(&status) || (statuses.is_empty() && usual);
    let why = || format!("a check of {path} was answered with {status}");
    Some(is_good.then_some(()).ok_or_else(why))
}

async fn call(
    upstream: &Upstream,
    endpoint: &Endpoint,
    until: Instant,
) -> Option<Result<(), String>> {
    upstream.renew().await;
    let (command, _) = question::harmless(upstream.dialect, upstream.terms.account);
    // What has no credentials is not checked so: the configuration has seen to that.
    let mut call = upstream.call(None, command).ok()?;
    let shown = upstream.own.refresh(&mut call);
    let hold = upstream.hold.as_ref()?;
    let (account, terms) = (call.account, Arc::clone(&upstream.terms));
    // In the session of calls: some systems keep each one that they open for years.
    let started = Exchange::start(upstream.dialect, *call, upstream.known(None), terms);
    let Ok((mut exchange, Step::Send { request, .. })) = started else {
        return None;
    };
    let _leave = hold.leave(shown, until).await.ok()?;
    let sent = endpoint.client.send(*request, Some(until.into_std())).await;
    let (head, body) = match sent {
        Ok(answer) => answer.into_parts(),
        Err(failure) => return unanswered(&failure),
    };
    let answered = exchange.next(&head, &body);
    upstream.learn(account, exchange.learnt());
    match question::judge(upstream.dialect, answered) {
        Verdict::Taken => {
            hold.accepted(shown);
            Some(Ok(()))
        }
        Verdict::Refused(error) => {
            drive::judge(upstream, shown, exchange::Failure::Login(error));
            None
        }
        Verdict::Failed(error) => {
            let is_fault = is_of_upstream(&error);
            Some(if is_fault { Err(chain(&error)) } else { Ok(()) })
        }
    }
}

/// A check that waited for a connection in vain says nothing.
fn unanswered(failure: &Failure) -> Option<Result<(), String>> {
    let is_crowded = matches!(
        failure.cause,
        Cause::Timeout {
            stage: Stage::Queue
        }
    );
    (!is_crowded).then(|| Err(chain(failure)))
}
