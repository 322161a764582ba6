//! Permitted + route → target.

use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use futures_util::future::BoxFuture;
use tower::Service;

use crate::auth::Permitted;
use crate::error::Error;
use crate::execute::Execute;
use crate::forward::Forward;
use crate::outcome::Done;
use crate::route::Target;

/// Sends each command to the store or to the upstream that its route names.
///
/// *Position*: innermost, around what carries commands out. *Failure*: theirs. *Cost*: a box, and
/// theirs.
#[derive(Clone, Debug)]
pub struct Dispatch {
    targets: Arc<Targets>,
}

#[derive(Debug)]
struct Targets {
    execute: Option<Execute>,
    forward: Forward,
}

impl Dispatch {
    /// Commands for the store go to `execute`; without a store no route may name it.
    pub fn new(execute: Option<Execute>, forward: Forward) -> Self {
        Self {
            targets: Arc::new(Targets { execute, forward }),
        }
    }
}

impl Service<Permitted> for Dispatch {
    type Response = Done;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Done, Error>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, permitted: Permitted) -> Self::Future {
        let targets = Arc::clone(&self.targets);
        let action = permitted.command().action();
        let route = permitted.context().route.as_ref();
        // A box each: what the store needs is much smaller.
        match route.map(|route| route.targets.of(action)) {
            Some(Target::Upstream(_)) => {
                Box::pin(async move { targets.forward.forward(permitted).await })
            }
            Some(Target::Store) | None => Box::pin(async move {
                let execute = targets.execute.as_ref();
                let execute = execute.ok_or_else(|| Error::internal(NoStore))?;
                execute.execute(permitted).await
            }),
        }
    }
}

/// The configuration has checked that a route that names the store has one.
#[derive(Debug, thiserror::Error)]
#[error("a route names the store, and there is none")]
struct NoStore;
