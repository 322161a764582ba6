//! Permitted + route → target.

use std::task::{Context as TaskContext, Poll};

use futures_util::future::{BoxFuture, ready};
use tower::Service;

use crate::auth::Permitted;
use crate::error::Error;
use crate::execute::Execute;
use crate::forward::Forward;
use crate::outcome::Done;
use crate::route::Target;

/// Sends each command to the store or to the upstream that its route names.
///
/// *Position*: inside authorization, outside what carries commands out. *Failure*: none of its own.
/// *Cost*: that of what carries the command out; a box and a name for what is forwarded.
#[derive(Clone, Debug)]
pub struct Dispatch {
    execute: Option<Execute>,
    forward: Forward,
}

impl Dispatch {
    /// Commands for the store go to `execute`; without a store no route may name it.
    pub const fn new(execute: Option<Execute>, forward: Forward) -> Self {
        Self { execute, forward }
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
        let route = permitted.context().route.clone();
        let action = permitted.command().action();
        let target = route.as_ref().map(|route| route.targets.of(action));
        match (target, &mut self.execute) {
            (Some(Target::Upstream(name)), _) => {
                let (forward, name) = (self.forward.clone(), name.clone());
                Box::pin(async move { forward.forward(&name, permitted).await })
            }
            (Some(Target::Store) | None, Some(execute)) => execute.call(permitted),
            (Some(Target::Store) | None, None) => Box::pin(ready(Err(Error::internal(NoStore)))),
        }
    }
}

/// The configuration has checked that a route that names the store has one.
#[derive(Debug, thiserror::Error)]
#[error("a route names the store, and there is none")]
struct NoStore;
