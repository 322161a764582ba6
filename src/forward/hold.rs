//! What happens after an upstream refused the gateway's own credentials: next to nothing.
//!
//! Some systems lock a login after a few wrong passwords, and the gateway's is mostly an
//! administrator's. So nothing is sent to an upstream that refused them but one call every
//! [`BETWEEN_PROBES`]; and until they were accepted once, calls go one at a time, so that wrong ones
//! are refused once and not as often as there are callers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout_at};

use crate::error::{Error, Kind};

/// How often an upstream that refused the credentials is asked whether it takes them now.
const BETWEEN_PROBES: Duration = Duration::from_secs(10 * 60);

/// Whether the credentials of one upstream are good.
#[derive(Debug, Default)]
pub(super) struct Hold {
    state: Mutex<State>,
    first: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nobody knows yet.
    #[default]
    Untried,
    /// They were accepted the last time.
    Good,
    /// They were refused the last time.
    Refused { probe_at: Instant },
}

/// Leave to send. While the credentials are untried nobody else has it.
#[derive(Debug)]
pub(super) struct Leave {
    _first: Option<OwnedMutexGuard<()>>,
}

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the upstream refused the gateway's own credentials and is left alone for a while")]
pub(super) struct Held;

impl Hold {
    /// Waits for leave to send, up to the deadline.
    pub(super) async fn leave(&self, deadline: Instant) -> Result<Leave, Error> {
        if let Some(decided) = self.decided() {
            return decided;
        }
        let first = Arc::clone(&self.first).lock_owned();
        let first = timeout_at(deadline, first)
            .await
            .map_err(|_| Kind::Overloaded)?;
        // Whoever was before has found out, unless there was no answer at all.
        self.decided().unwrap_or(Ok(Leave {
            _first: Some(first),
        }))
    }

    /// Notes that the credentials were accepted.
    pub(super) fn accepted(&self) {
        *self.state() = State::Good;
    }

    /// Notes that they were refused.
    pub(super) fn refused(&self) {
        *self.state() = State::Refused {
            probe_at: Instant::now() + BETWEEN_PROBES,
        };
    }

    /// The decision, unless the credentials have to be tried first.
    fn decided(&self) -> Option<Result<Leave, Error>> {
        let now = Instant::now();
        let mut state = self.state();
        match *state {
            State::Untried => None,
            State::Good => Some(Ok(Leave { _first: None })),
            State::Refused { probe_at } if now < probe_at => {
                Some(Err(Error::from(Kind::Upstream).caused_by(Held)))
            }
            State::Refused { .. } => {
                // This call is the probe, and there is no other for a while whatever becomes of it.
                *state = State::Refused {
                    probe_at: now + BETWEEN_PROBES,
                };
                Some(Ok(Leave { _first: None }))
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A state is replaced as a whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test(start_paused = true)]
    async fn calls_go_one_at_a_time_until_the_credentials_were_accepted() {
        let hold = Hold::default();
        let first = hold.leave(soon()).await.unwrap();
        let second = hold.leave(soon()).await.unwrap_err();
        assert_eq!(second.kind(), &Kind::Overloaded);
        hold.accepted();
        drop(first);
        let _one = hold.leave(soon()).await.unwrap();
        let _other = hold.leave(soon()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waited_for_the_first_call_is_refused_with_it() {
        let hold = Hold::default();
        let first = hold.leave(soon()).await.unwrap();
        let (second, ()) = tokio::join!(hold.leave(soon()), async {
            hold.refused();
            drop(first);
        });
        assert_eq!(second.unwrap_err().kind(), &Kind::Upstream);
    }

    #[tokio::test(start_paused = true)]
    async fn refused_credentials_are_probed_once_in_ten_minutes_until_they_are_accepted() {
        let hold = Hold::default();
        hold.refused();
        let mut sent = 0;
        for _ in 0..60 {
            sent += usize::from(hold.leave(soon()).await.is_ok());
            sleep(Duration::from_secs(60)).await;
        }
        assert_eq!(sent, 5);
        hold.accepted();
        assert!(hold.leave(soon()).await.is_ok());
    }
}
