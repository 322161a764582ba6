//! `/health/live` and `/health/ready` for load balancers and supervisors.

pub mod probe;

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;

use super::connection::Terms;
use super::lifecycle::Stage;

/// Whether a server takes new work, as its life cycle says. Reading it costs one atomic load, and what is required beside.
#[derive(Clone)]
pub struct Readiness {
    terms: Arc<Terms>,
    required: Required,
}

/// What else has to hold, once it is known: told by whoever knows.
#[derive(Clone, Default)]
pub(super) struct Required(Arc<OnceLock<Box<Holds>>>);

type Holds = dyn Fn() -> bool + Send + Sync;

/// The answer to "does it take new work?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not yet: bound, but not serving.
    Starting,
    /// Yes.
    Ready,
    /// It would, and what it requires is not there.
    Waiting,
    /// No more.
    Draining,
}

/// The service of the admin listener.
#[derive(Clone, Debug)]
pub struct Health {
    readiness: Readiness,
}

impl fmt::Debug for Readiness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Readiness")
            .field(&self.state())
            .finish()
    }
}

impl fmt::Debug for Required {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_any = self.0.get().is_some();
        formatter.debug_tuple("Required").field(&is_any).finish()
    }
}

impl Required {
    /// What is required first is required.
    pub(super) fn set(&self, holds: Box<Holds>) {
        drop(self.0.set(holds));
    }

    fn holds(&self) -> bool {
        self.0.get().is_none_or(|holds| holds())
    }
}

impl Readiness {
    pub(super) fn new(terms: Arc<Terms>, required: Required) -> Self {
        Self { terms, required }
    }

    /// The present state.
    pub fn state(&self) -> State {
        match self.terms.lifecycle.stage() {
            Stage::Starting => State::Starting,
            Stage::Serving if !self.required.holds() => State::Waiting,
            Stage::Serving => State::Ready,
            Stage::LameDuck | Stage::Stopping | Stage::Cut => State::Draining,
        }
    }
}

impl Health {
    /// Answers with the state of this server.
    pub fn new(readiness: Readiness) -> Self {
        Self { readiness }
    }
}

impl<B> tower::Service<Request<B>> for Health {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let state = self.readiness.state();
        ready(Ok(answer(request.method(), request.uri().path(), state)))
    }
}

fn answer(method: &Method, path: &str, state: State) -> Response<Full<Bytes>> {
    let (status, text) = match path {
        "/health/live" => (StatusCode::OK, "ok"),
        "/health/ready" => match state {
            State::Ready => (StatusCode::OK, "ready"),
            State::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
            State::Waiting => (
                StatusCode::SERVICE_UNAVAILABLE,
                "waiting for what is required",
            ),
            State::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        },
        _ => return plain(StatusCode::NOT_FOUND, "not found"),
    };
    if method == Method::GET || method == Method::HEAD {
        return plain(status, text);
    }
    let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
    let allowed = HeaderValue::from_static("GET, HEAD");
    refused.headers_mut().insert(ALLOW, allowed);
    refused
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, plain);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: &Method, path: &str, state: State) -> u16 {
        answer(method, path, state).status().as_u16()
    }

    #[test]
    fn only_a_serving_process_is_ready_and_every_process_is_live() {
        for (state, ready) in [
            (State::Starting, 503),
            (State::Ready, 200),
            (State::Waiting, 503),
            (State::Draining, 503),
        ] {
            assert_eq!(status(&Method::GET, "/health/ready", state), ready);
            assert_eq!(status(&Method::HEAD, "/health/live", state), 200);
        }
    }

    #[test]
    fn another_path_is_not_found_and_another_method_is_told_what_is_allowed() {
        assert_eq!(status(&Method::GET, "/health", State::Ready), 404);
        assert_eq!(status(&Method::POST, "/", State::Ready), 404);
        let refused = answer(&Method::POST, "/health/live", State::Ready);
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refused.headers()[ALLOW], "GET, HEAD");
    }
}
