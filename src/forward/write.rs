//! Carrying a write out, whether or not its caller stays.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::Forward;
use super::crosswalk::Numbers;
use super::drive::Came;
use super::keep::{self, Keeper};
use super::losses::Settled;
use super::to_the_end::ToTheEnd;
use super::upstream::Upstream;
use crate::auth::Call;
use crate::auth::denials::Asked;
use crate::command::Id;
use crate::error::{Error, Kind};
use crate::journal::Entry;
use crate::journal::forwarded::Forwarded;
use crate::outcome::{Done, Outcome};

impl Forward {
    /// Carries a write out, to its end if the caller leaves.
    pub(super) async fn write(
        &self,
        upstream: Arc<Upstream>,
        call: Box<Call>,
        settled: Settled,
        numbers: Option<Arc<Numbers>>,
        deadline: Instant,
        entry: Entry,
    ) -> Result<Done, Error> {
        // The server has forgotten a caller that left; its write is still counted here.
        let place = Arc::clone(&upstream.writes).try_acquire_owned();
        let place = place.map_err(|_| Kind::Overloaded)?;
        let keeper = Arc::clone(&self.keeper);
        let work = Box::pin(async move {
            let own = |id| numbers.as_ref().map_or(id, |numbers| numbers.own(id));
            let mut asked = Asked::of(&call);
            // As in what a caller was denied.
            asked.user = asked.user.map(own);
            let write = Write {
                keeper,
                upstream,
                entry,
                asked,
                _place: place,
            };
            let done = AssertUnwindSafe(write.once(call, settled, own, deadline));
            // After a panic nobody knows what was sent.
            let unknown = |_| Err(Kind::UnknownOutcome.into());
            let result = done.catch_unwind().await.unwrap_or_else(unknown);
            (write, result)
        });
        let unheard = |(write, result): (Write, _)| write.note_unheard(result).boxed();
        let (_, result) = ToTheEnd::new(work, &self.tasks, unheard).await;
        result
    }
}

/// A write that is under way, and what there is to say of it.
struct Write {
    keeper: Arc<Keeper>,
    upstream: Arc<Upstream>,
    entry: Entry,
    asked: Asked,
    /// Given back once there is nothing more to say.
    _place: OwnedSemaphorePermit,
}

impl Write {
    /// Carries it out between two notes of it, where it is claimed. What panics leaves the first: it may
    /// have been done.
    async fn once(
        &self,
        call: Box<Call>,
        settled: Settled,
        own: impl Fn(Id) -> Id,
        deadline: Instant,
    ) -> Result<Done, Error> {
        let Some(held) = &self.entry.once else {
            return self.carry_out(call, settled, own, deadline).await;
        };
        held.begin().await?;
        let result = Box::pin(self.carry_out(call, settled, &own, deadline)).await;
        let mut told = result.as_ref().ok().cloned();
        if let Some(done) = &mut told {
            // What the caller is told has its own numbers.
            if let Outcome::UserCreated(id) = &mut done.outcome {
                *id = own(*id);
            }
        }
        let told = match (&told, &result) {
            (Some(done), _) => Ok(done),
            (None, result) => result.as_ref(),
        };
        held.settle(told).await;
        result
    }

    async fn carry_out(
        &self,
        call: Box<Call>,
        settled: Settled,
        own: impl Fn(Id) -> Id,
        deadline: Instant,
    ) -> Result<Done, Error> {
        let Settled { mut lost, keeping } = settled;
        let realm = self.upstream.realm(call.account);
        let carried_out = self.upstream.carry_out(call, &*self.keeper, deadline).await;
        // Where a turn is taken it ends once what the update leaves is kept: what is kept of two is in
        // the order in which the upstream did them. Elsewhere nobody knows it.
        let (
            Came {
                outcome,
                user,
                tries,
            },
            _turn,
        ) = carried_out?;
        if outcome.is_refusal() {
            return Ok(Done {
                tries,
                ..Done::from(outcome)
            });
        }
        let named = self.asked.user.or(user.map(own));
        let group = self.asked.group.or_else(|| made_group(&outcome));
        let entry = Entry {
            tries: Some(tries).filter(|tries| *tries > 1),
            ..self.entry.clone()
        };
        let done = Forwarded::done(entry, named, group);
        let unkept = keep::leave(&*self.keeper, realm, user, keeping, done).await;
        self.upstream.note_lost(&self.entry.request_id, &unkept);
        lost.extend(unkept);
        Ok(Done {
            lost,
            tries,
            ..Done::from(outcome)
        })
    }

    /// A failure whose caller has left: there is no call line to say so, and nobody else to tell the
    /// trail that the outcome is unknown.
    async fn note_unheard(self, result: Result<Done, Error>) {
        let Err(error) = result else {
            return;
        };
        tracing::warn!(
            request.id = self.entry.request_id,
            upstream.name = self.upstream.name,
            call.action = self.entry.action.name(),
            error.kind = error.kind().name(),
            error.message = error.message(),
            "a write failed after its caller had left"
        );
        if *error.kind() == Kind::UnknownOutcome {
            let entry = Entry {
                tries: error.tries(),
                ..self.entry
            };
            let unknown = Forwarded::unknown(entry, self.asked.user, self.asked.group);
            self.keeper.forwarded(unknown).await;
        }
    }
}

const fn made_group(outcome: &Outcome) -> Option<Id> {
    if let Outcome::GroupCreated(id) = outcome {
        return Some(*id);
    }
    None
}
