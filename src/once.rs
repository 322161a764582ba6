//! Permitted → permitted once: a write that is sent again is answered, and not done again.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use futures_util::future::{BoxFuture, Either};
use tower::{Layer, Service};

use crate::auth::{Permitted, Principal};
use crate::clock::{Clock, Timestamp};
use crate::command::Command;
use crate::dialect::exchange::is_read;
use crate::error::{Error, Kind};
use crate::journal::once::{Claim, Held, OnceLog, Running, fingerprint};
use crate::journal::seal::{Digest, Seal};
use crate::outcome::Done;
use crate::route::{Idempotency, Route, Target};

/// Where claims are kept, and which of them are carried out at the moment.
#[derive(Clone)]
pub struct Claims {
    log: Arc<dyn OnceLog + Send + Sync>,
    running: Running,
    seal: Seal,
    clock: Clock,
}

impl Claims {
    /// Keeps claims in `log`, digests of them made with `seal`.
    pub fn new(log: Arc<dyn OnceLog + Send + Sync>, seal: Seal, clock: Clock) -> Self {
        Self {
            log,
            running: Running::default(),
            seal,
            clock,
        }
    }
}

/// Has writes carried out once.
///
/// *Position*: inside authorization, since an answer is given again only to who may have the call carried
/// out, and to the same principal; outside what carries commands out, which takes note of the claim.
/// *Failure*: [`Kind::InProgress`] while the same call is carried out; [`Kind::KeyReused`] for another call
/// with its key; [`Kind::UnknownOutcome`] if it was sent elsewhere and nobody knows what became of it;
/// [`Kind::Malformed`] for a key that is none.
/// *Cost*: nothing where there is neither a key nor a window; else two digests, a read of what is kept, and
/// for what is sent elsewhere two writes.
#[derive(Clone, Debug)]
pub struct OnceLayer {
    claims: Arc<Claims>,
}

impl OnceLayer {
    /// Claims are kept there.
    pub const fn new(claims: Arc<Claims>) -> Self {
        Self { claims }
    }
}

impl<S> Layer<S> for OnceLayer {
    type Service = Once<S>;

    fn layer(&self, inner: S) -> Once<S> {
        Once {
            inner,
            claims: Arc::clone(&self.claims),
        }
    }
}

/// The service of [`OnceLayer`].
#[derive(Clone, Debug)]
pub struct Once<S> {
    inner: S,
    claims: Arc<Claims>,
}

impl<S> Service<Permitted> for Once<S>
where
    S: Service<Permitted, Response = Done, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Done;
    type Error = Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Done, Error>>>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, permitted: Permitted) -> Self::Future {
        if permitted.context().repetition.is_none() || is_read(permitted.command()) {
            return Either::Left(self.inner.call(permitted));
        }
        let claims = Arc::clone(&self.claims);
        let claim = match claims.claim(&permitted) {
            Ok(Some(claim)) => claim,
            Ok(None) => return Either::Left(self.inner.call(permitted)),
            Err(error) => return Either::Right(Box::pin(async { Err(error) })),
        };
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        Either::Right(Box::pin(async move {
            claims
                .once(claim, permitted, |permitted| inner.call(permitted))
                .await
        }))
    }
}

impl Claims {
    /// The answer of before, or what comes of carrying it out.
    async fn once<F>(
        &self,
        claim: Claim,
        mut permitted: Permitted,
        carry_out: impl FnOnce(Permitted) -> F,
    ) -> Result<Done, Error>
    where
        F: Future<Output = Result<Done, Error>>,
    {
        let deadline = permitted.context().deadline;
        let find = async || {
            let found = self.log.find(claim.key, claim.at);
            match deadline {
                // Nothing was done yet.
                Some(deadline) => match tokio::time::timeout_at(deadline.into(), found).await {
                    Ok(found) => found,
                    Err(_) => Err(Kind::Overloaded.into()),
                },
                None => found.await,
            }
        };
        let held = Held::new(claim, &self.running, Arc::clone(&self.log))?;
        if let Some(known) = find().await? {
            return known.answer(&claim);
        }
        permitted.hold(held);
        let result = carry_out(permitted).await;
        // Another process, or this one for a caller who has left, was faster.
        if let Err(error) = &result
            && *error.kind() == Kind::InProgress
            && let Some(known) = find().await?
        {
            return known.answer(&claim);
        }
        result
    }

    /// What tells the call from others; nothing where nothing does.
    fn claim(&self, permitted: &Permitted) -> Result<Option<Claim>, Error> {
        let context = permitted.context();
        let (Some(repetition), Some(route)) = (&context.repetition, &context.route) else {
            return Ok(None);
        };
        let Idempotency { keep, window } = route.idempotency;
        let (key, time) = match (&repetition.key, window) {
            (Some(Ok(key)), _) => (Some(key.as_str()), keep),
            (Some(Err(message)), _) => return Err(Error::new(Kind::Malformed, *message)),
            (None, Some(window)) if makes_anew(permitted.command()) => (None, window),
            (None, _) => return Ok(None),
        };
        if matches!(permitted.principal(), Principal::JudgedByUpstream(_)) {
            return Err(Error::new(Kind::Unsupported, UNJUDGED));
        }
        let at = self.clock.now();
        let fingerprint = self.fingerprint(permitted, route);
        let mut fields = self.seal.contents("idempotency key");
        fields
            .text("principal", Some(&permitted.principal().to_string()))
            .text("action", Some(permitted.command().action().name()))
            .text("operation", operation(permitted.command()));
        match key {
            Some(key) => fields
                .text("key", Some(key))
                .number("position", i64::try_from(repetition.position).ok()),
            None => fields
                .bytes("command", Some(fingerprint.as_bytes()))
                .text("id", repetition.id.as_deref()),
        };
        Ok(Some(Claim {
            key: self.seal.digest(&fields),
            fingerprint,
            at,
            until: later(at, time),
        }))
    }

    fn fingerprint(&self, permitted: &Permitted, route: &Route) -> Digest {
        let target = route.targets.of(permitted.command().action());
        let target = match target {
            Target::Store => "",
            Target::Upstream(name) => name,
        };
        fingerprint(&self.seal, permitted.command(), permitted.account(), target)
    }
}

/// What is told a caller whom only its upstream knows.
const UNJUDGED: &str = "the Idempotency-Key is not taken here: only the system behind the gateway knows \
                        who calls; leave it out";

/// Whether doing it twice makes two of it. What else is done again sets what is set already; and may well
/// be meant, where something was set in between.
const fn makes_anew(command: &Command) -> bool {
    matches!(command, Command::CreateUser(_) | Command::CreateGroup(_))
}

fn operation(command: &Command) -> Option<&str> {
    if let Command::Native(native) = command {
        return Some(native.operation.as_str());
    }
    None
}

fn later(at: Timestamp, time: Duration) -> Timestamp {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(at.as_millis().saturating_add(millis))
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims")
    }
}
