//! Writes that are carried out once, however often they are sent.
//!
//! A caller that did not hear an answer sends its call again. Where it says with an idempotency key
//! that it is the same call, the answer of the first is given again and nothing is done. A [`Claim`] is
//! what is kept of such a call: keyed digests of who asks for what, no key, no password and no name.
//!
//! A command that the store carries out is noted in the transaction of its effect: both are there or
//! neither. One that is sent elsewhere is noted before it is sent, and again once it was answered; what
//! was never noted again may have been done, and is not sent a second time.

mod answer;
mod contents;
pub mod memory;
mod running;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use self::answer::Answer;
pub use self::contents::fingerprint;
use self::running::Place;
pub use self::running::Running;
use super::seal::Digest;
use crate::clock::Timestamp;
use crate::error::{Error, Kind};
use crate::outcome::Done;

/// What tells a call from others, and from itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who it is, which operation, and under which key.
    pub key: Digest,
    /// What is asked, in full.
    pub fingerprint: Digest,
    /// When it came.
    pub at: Timestamp,
    /// Until when it is remembered.
    pub until: Timestamp,
}

/// What is known of a call that came before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What was asked.
    pub fingerprint: Digest,
    /// What became of it.
    pub state: State,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It was sent, and may have been done.
    Sent,
    /// It was done and answered like this.
    Done(Answer),
}

/// Where claims are kept.
pub trait OnceLog {
    /// What is known of a key at that time.
    fn find(&self, key: Digest, at: Timestamp) -> BoxFuture<'_, Result<Option<Known>, Error>>;

    /// Notes that a command is about to be sent; [`Kind::InProgress`], and nothing noted, if its key is
    /// known by now.
    fn begin(&self, claim: Claim) -> BoxFuture<'_, Result<(), Error>>;

    /// Notes what became of a command that was sent: its answer, or nothing where it was not done, so
    /// that it may be sent again.
    fn settle(&self, claim: Claim, answer: Option<Answer>) -> BoxFuture<'_, Result<(), Error>>;
}

/// A claim while its command is carried out. The same call is refused for as long as one is there.
pub struct Held {
    claim: Claim,
    log: Arc<dyn OnceLog + Send + Sync>,
    _place: Place,
}

impl Held {
    /// Takes the place of the claim among those that are carried out: [`Kind::InProgress`] if the same
    /// call has it, [`Kind::KeyReused`] if another call of the same key has.
    pub fn new(
        claim: Claim,
        running: &Running,
        log: Arc<dyn OnceLog + Send + Sync>,
    ) -> Result<Arc<Self>, Error> {
        let place = running.enter(&claim)?;
        Ok(Arc::new(Self {
            claim,
            log,
            _place: place,
        }))
    }

    /// What is claimed.
    pub const fn claim(&self) -> &Claim {
        &self.claim
    }

    /// To be called before the command is sent elsewhere. If it fails, nothing may be sent.
    pub async fn begin(&self) -> Result<(), Error> {
        self.log.begin(self.claim).await
    }

    /// To be called once it is known what became of the command, or that nobody knows.
    pub async fn settle(&self, done: Result<&Done, &Error>) {
        let answer = match done {
            Ok(done) if !done.outcome.is_refusal() => Some(Answer::of(&done.outcome, &done.lost)),
            // It stays as it was noted: it may have been done.
            Err(error) if *error.kind() == Kind::UnknownOutcome => return,
            Ok(_) | Err(_) => None,
        };
        if let Err(error) = self.log.settle(self.claim, answer).await {
            tracing::error!(
                error = ?error,
                "what became of a call with an idempotency key cannot be noted: sent again, it is \
                 answered as one whose outcome is unknown"
            );
        }
    }
}

impl Known {
    /// What a call is answered whose key is known. The call itself is in nobody's hands then.
    pub fn answer(self, claim: &Claim) -> Result<Done, Error> {
        if self.fingerprint != claim.fingerprint {
            return Err(Kind::KeyReused.into());
        }
        match self.state {
            State::Sent => Err(Kind::UnknownOutcome.into()),
            State::Done(answer) => answer.again(),
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.claim).finish()
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.claim == other.claim
    }
}

impl Eq for Held {}
