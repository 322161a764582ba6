//! What happens after an upstream refused the gateway's own credentials: next to nothing.
//!
//! Some systems lock a login after a few wrong passwords, and the gateway's is mostly an
//! administrator's. So nothing is sent to an upstream that refused them but one call every
//! [`BETWEEN_PROBES`], until they are changed; and until they were accepted once, calls go one at a
//! time, so that wrong ones are refused once and not as often as there are callers. Only where no
//! answer comes the next one goes after [`PATIENCE`]: a call that hangs, or takes its time, must not
//! keep all others.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedMutexGuard};
use tokio::time::{Instant, timeout_at};

use crate::error::{Error, Kind};

/// How often an upstream that refused the credentials is asked whether it takes them now.
const BETWEEN_PROBES: Duration = Duration::from_secs(10 * 60);

/// How long the next call waits for one that nobody answers while the credentials are untried. With
/// wrong credentials an upstream that takes 20 s to say so is called five times and not more, which is
/// fewer than lock a login anywhere.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked at whether refused credentials were changed.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Whether the credentials of one upstream are good.
#[derive(Debug, Default)]
pub(super) struct Hold {
    state: Mutex<State>,
    /// Told of everything that is found out.
    decided: Notify,
    /// Held by whoever is next.
    line: tokio::sync::Mutex<()>,
    /// Held by the call that tries the credentials.
    trial: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    /// Which credentials it is about.
    number: u64,
    verdict: Verdict,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Verdict {
    /// Nobody knows yet.
    #[default]
    Untried,
    /// They were accepted the last time.
    Good,
    /// They were refused the last time.
    Refused { probe_at: Instant, look_at: Instant },
}

/// Leave to send. While the credentials are untried few have it.
#[derive(Debug)]
pub(super) struct Leave {
    _trial: Option<OwnedMutexGuard<()>>,
}

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the upstream refused the gateway's own credentials and is left alone for a while")]
pub(super) struct Held;

impl Hold {
    /// Waits for leave to send with the credentials of that number, up to the deadline.
    pub(super) async fn leave(&self, number: u64, deadline: Instant) -> Result<Leave, Error> {
        match self.decided(number) {
            Some(decided) => decided,
            // Once in the life of the credentials, so that it takes no room in every call.
            None => Box::pin(self.wait(number, deadline)).await,
        }
    }

    async fn wait(&self, number: u64, deadline: Instant) -> Result<Leave, Error> {
        let next = timeout_at(deadline, self.line.lock()).await;
        let _next = next.map_err(|_| Kind::Overloaded)?;
        let mut told = std::pin::pin!(self.decided.notified());
        // What is found out from here on is not missed.
        told.as_mut().enable();
        if let Some(decided) = self.decided(number) {
            return decided;
        }
        let patience = Instant::now() + PATIENCE;
        let waiting = async {
            tokio::select! {
                trial = Arc::clone(&self.trial).lock_owned() => Some(trial),
                () = told => None,
            }
        };
        let trial = timeout_at(patience.min(deadline), waiting).await;
        if trial.is_err() && deadline <= patience {
            return Err(Kind::Overloaded.into());
        }
        // Whoever was before has found out, unless there was no answer at all.
        self.decided(number).unwrap_or(Ok(Leave {
            _trial: trial.ok().flatten(),
        }))
    }

    /// Notes that the credentials of that number were accepted.
    pub(super) fn accepted(&self, number: u64) {
        self.decide(number, Verdict::Good);
    }

    /// Notes that they were refused.
    pub(super) fn refused(&self, number: u64) {
        let now = Instant::now();
        let refused = Verdict::Refused {
            probe_at: now + BETWEEN_PROBES,
            look_at: now,
        };
        self.decide(number, refused);
    }

    /// Whether the credentials are refused and nobody has looked for others of late. Whoever is told
    /// so looks.
    pub(super) fn may_renew(&self) -> bool {
        let now = Instant::now();
        match &mut self.state().verdict {
            Verdict::Refused { look_at, .. } if *look_at <= now => {
                *look_at = now + BETWEEN_LOOKS;
                true
            }
            Verdict::Untried | Verdict::Good | Verdict::Refused { .. } => false,
        }
    }

    /// There are others now, of that number: what is known of those before says nothing of them.
    pub(super) fn forget(&self, number: u64) {
        *self.state() = State {
            number,
            verdict: Verdict::Untried,
        };
    }

    /// The decision, unless the credentials have to be tried first.
    fn decided(&self, number: u64) -> Option<Result<Leave, Error>> {
        let now = Instant::now();
        let mut state = self.state();
        if number < state.number {
            // They were changed while the call waited, and it would show those before.
            return Some(Err(Kind::Overloaded.into()));
        }
        match &mut state.verdict {
            Verdict::Untried => None,
            Verdict::Good => Some(Ok(Leave { _trial: None })),
            Verdict::Refused { probe_at, .. } if now < *probe_at => {
                Some(Err(Error::from(Kind::Upstream).caused_by(Held)))
            }
            Verdict::Refused { probe_at, .. } => {
                // This call is the probe, and there is no other for a while whatever becomes of it.
                *probe_at = now + BETWEEN_PROBES;
                Some(Ok(Leave { _trial: None }))
            }
        }
    }

    /// A verdict on credentials that have been changed since is none on those of now.
    fn decide(&self, number: u64, verdict: Verdict) {
        let mut state = self.state();
        if state.number == number && state.verdict != verdict {
            state.verdict = verdict;
            drop(state);
            self.decided.notify_waiters();
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

    fn late() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[tokio::test(start_paused = true)]
    async fn calls_go_one_at_a_time_until_the_credentials_were_accepted() {
        let hold = Hold::default();
        let first = hold.leave(0, soon()).await.unwrap();
        let second = hold.leave(0, soon()).await.unwrap_err();
        assert_eq!(second.kind(), &Kind::Overloaded);
        hold.accepted(0);
        drop(first);
        let _one = hold.leave(0, soon()).await.unwrap();
        let _other = hold.leave(0, soon()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waited_for_the_first_call_is_refused_with_it() {
        let hold = Hold::default();
        let first = hold.leave(0, soon()).await.unwrap();
        let (second, ()) = tokio::join!(hold.leave(0, soon()), async {
            hold.refused(0);
            drop(first);
        });
        assert_eq!(second.unwrap_err().kind(), &Kind::Upstream);
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_first_call_hangs_another_one_goes_every_five_seconds() {
        let hold = Hold::default();
        let _first = hold.leave(0, late()).await.unwrap();
        let begin = Instant::now();
        let waited = async {
            let _leave = hold.leave(0, late()).await.unwrap();
            (Instant::now() - begin).as_secs()
        };
        let again = async {
            let _leave = hold.leave(0, late()).await.unwrap();
            (Instant::now() - begin).as_secs()
        };
        assert_eq!(tokio::join!(waited, again), (5, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_call_that_hangs_goes_as_soon_as_another_one_was_answered() {
        let hold = Hold::default();
        let _first = hold.leave(0, late()).await.unwrap();
        let begin = Instant::now();
        let (second, third, ()) =
            tokio::join!(hold.leave(0, late()), hold.leave(0, late()), async {
                sleep(Duration::from_secs(1)).await;
                hold.accepted(0);
            });
        assert!(second.is_ok() && third.is_ok());
        assert_eq!((Instant::now() - begin).as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn refused_credentials_are_probed_once_in_ten_minutes_until_they_are_accepted() {
        let hold = Hold::default();
        hold.refused(0);
        let mut sent = 0;
        for _ in 0..60 {
            sent += usize::from(hold.leave(0, soon()).await.is_ok());
            sleep(Duration::from_secs(60)).await;
        }
        assert_eq!(sent, 5);
        hold.accepted(0);
        assert!(hold.leave(0, soon()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn changed_credentials_are_tried_at_once_and_no_late_verdict_on_the_old_ones_counts() {
        let hold = Hold::default();
        assert!(!hold.may_renew());
        hold.refused(0);
        assert!(hold.may_renew());
        assert!(!hold.may_renew(), "once a second is enough");
        sleep(BETWEEN_LOOKS).await;
        assert!(hold.may_renew());
        hold.forget(1);
        hold.refused(0);
        let first = hold.leave(1, soon()).await.unwrap();
        hold.accepted(0);
        assert!(
            hold.leave(1, soon()).await.is_err(),
            "the new ones are untried"
        );
        drop(first);
        hold.accepted(1);
        assert!(hold.leave(1, soon()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waited_while_the_credentials_were_changed_does_not_show_those_before() {
        let hold = Hold::default();
        let first = hold.leave(0, late()).await.unwrap();
        let (second, ()) = tokio::join!(hold.leave(0, late()), async {
            hold.forget(1);
            drop(first);
        });
        assert_eq!(second.unwrap_err().kind(), &Kind::Overloaded);
        assert!(hold.leave(1, soon()).await.is_ok());
    }
}
