//! Sending a request again that came to nothing.
//!
//! What may be sent again is read off the command, not off the method of HTTP, since every dialect posts
//! its reads (`Repeat`); how often, off the upstream's parameters; and how many at once, off a budget
//! (`Budget`), so that an upstream that is down is not asked three times as much. Each try goes out by
//! `Way::send` and may take another connection.

mod budget;
mod repeat;
mod verdict;
mod way;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{HeaderName, HeaderValue, Request, Response};
use tokio::time::{Instant, sleep_until, timeout};

use self::budget::Budget;
pub(super) use self::repeat::Repeat;
use self::verdict::{doubt, is_worth_another};
pub(super) use self::way::Way;
use super::endpoints::Picked;
use crate::client::Failure;
use crate::dialect::exchange::{self, Effect};
use crate::error::Kind;

/// When, how often and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// How often a request is sent again at most.
    pub retries: u32,
    /// How many requests may be sent again, in percent of those that are sent.
    pub percent: u32,
    /// How many may be sent again every second besides.
    pub per_second: u32,
    /// How long one try of what may be sent again takes; as long as there is time where nothing is said.
    pub try_timeout: Option<Duration>,
    /// After what time without an answer a read is sent a second time, the first still under way.
    pub hedge_after: Option<Duration>,
    /// The header that tells the upstream how many milliseconds are left.
    pub deadline_header: Option<HeaderName>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            retries: 2,
            percent: 20,
            per_second: 10,
            try_timeout: None,
            hedge_after: None,
            deadline_header: None,
        }
    }
}

/// The wait before a request is sent again the first time, at most; twice as long each further time.
const FIRST_WAIT: Duration = Duration::from_millis(25);

/// The longest of these waits.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// What came of a try, and who answered.
type Answered<'a> = Result<(Response<Bytes>, Picked<'a>), Failure>;

/// Sends requests to one upstream, again where that helps.
pub(super) struct Again {
    parameters: Parameters,
    budget: Budget,
    jitter: RandomState,
}

/// Within what a request is sent, and again.
#[derive(Debug)]
pub(super) struct Bounds<'a> {
    /// The upstream's name, for the log.
    pub(super) upstream: &'a str,
    /// Whether it changes anything.
    pub(super) effect: Effect,
    /// What of its command may be sent again.
    pub(super) repeat: Repeat,
    /// The try of its command that the first one is.
    pub(super) tries: u32,
    /// When to give up.
    pub(super) deadline: Instant,
}

impl Again {
    pub(super) fn new(parameters: Parameters) -> Self {
        Self {
            budget: Budget::new(parameters.percent, parameters.per_second, Instant::now()),
            parameters,
            jitter: RandomState::new(),
        }
    }

    /// Sends a request, and again as long as it is worth it. `tries` is told of each time beyond the first.
    pub(super) async fn send<'w>(
        &self,
        bounds: &Bounds<'_>,
        way: Way<'w>,
        request: Box<Request<Bytes>>,
        tries: &mut u32,
    ) -> Answered<'w> {
        self.budget.earn();
        let hedge_after = self.parameters.hedge_after;
        if let Some(after) = hedge_after.filter(|_| bounds.effect == Effect::Read) {
            // Rare ways take no room in a call.
            let hedged = Box::pin(self.hedged(bounds, way, &request, after, tries)).await;
            return Box::pin(self.repeated(bounds, way, request, hedged, tries)).await;
        }
        let spare = (self.parameters.retries > 0).then(|| request.clone());
        let first = self.one(bounds, way, request).await;
        match spare {
            Some(spare) if is_worth_another(&first, bounds.repeat).is_some() => {
                Box::pin(self.repeated(bounds, way, spare, first, tries)).await
            }
            Some(_) | None => first,
        }
    }

    /// One try.
    async fn one<'w>(
        &self,
        bounds: &Bounds<'_>,
        way: Way<'w>,
        mut request: Box<Request<Bytes>>,
    ) -> Answered<'w> {
        let mut until = bounds.deadline;
        // What is sent once is waited for as long as there is time.
        if let Some(limit) = self.parameters.try_timeout
            && bounds.repeat == Repeat::Always
        {
            until = until.min(Instant::now() + limit);
        }
        if let Some(name) = &self.parameters.deadline_header {
            let left = until.saturating_duration_since(Instant::now()).as_millis();
            let left = u64::try_from(left).unwrap_or(u64::MAX);
            let headers = request.headers_mut();
            headers.insert(name.clone(), HeaderValue::from(left));
        }
        way.send(request, until).await
    }

    /// A read that is sent a second time while the first is under way; whichever is answered first counts.
    async fn hedged<'w>(
        &self,
        bounds: &Bounds<'_>,
        way: Way<'w>,
        request: &Request<Bytes>,
        after: Duration,
        tries: &mut u32,
    ) -> Answered<'w> {
        let mut first = pin!(self.one(bounds, way, Box::new(request.clone())));
        if let Ok(answered) = timeout(after, first.as_mut()).await {
            return answered;
        }
        if !self.may_spend(bounds.upstream) {
            return first.await;
        }
        *tries = tries.saturating_add(1);
        tracing::debug!(
            upstream.name = bounds.upstream,
            "an answer takes its time, and the read is sent a second time"
        );
        let second = pin!(self.one(bounds, way, Box::new(request.clone())));
        match select(first, second).await {
            Either::Left((mut answered, second)) if failed(&answered, bounds) => {
                turned_away(&mut answered);
                second.await
            }
            Either::Right((mut answered, first)) if failed(&answered, bounds) => {
                turned_away(&mut answered);
                first.await
            }
            Either::Left((answered, _)) | Either::Right((answered, _)) => answered,
        }
    }

    async fn repeated<'w>(
        &self,
        bounds: &Bounds<'_>,
        way: Way<'w>,
        request: Box<Request<Bytes>>,
        first: Answered<'w>,
        tries: &mut u32,
    ) -> Answered<'w> {
        let mut last = first;
        // What leaves most in doubt of what came before: a later try that never left does not undo it.
        let mut before: Option<Answered<'w>> = None;
        // What begins anew has no more tries for that.
        for number in bounds.tries.saturating_sub(1)..self.parameters.retries {
            let Some(asked) = is_worth_another(&last, bounds.repeat) else {
                break;
            };
            let at = Instant::now() + self.wait(number).max(asked);
            if at >= bounds.deadline || !self.may_spend(bounds.upstream) {
                break;
            }
            tracing::info!(
                upstream.name = bounds.upstream,
                upstream.tries = number + 1,
                error.cause = %Shown(&last),
                "a request came to nothing and is sent again"
            );
            turned_away(&mut last);
            sleep_until(at).await;
            *tries = tries.saturating_add(1);
            let next = self.one(bounds, way, request.clone()).await;
            let came = std::mem::replace(&mut last, next);
            before = Some(more_doubtful(before, came));
        }
        match before {
            Some(before) if bounds.effect == Effect::Write && failed(&last, bounds) => {
                more_doubtful(Some(before), last)
            }
            Some(_) | None => last,
        }
    }

    /// Whether what was sent in vain, so often already, may begin anew at another endpoint.
    pub(super) fn may_begin_anew(&self, upstream: &str, tries: u32) -> bool {
        tries <= self.parameters.retries && self.may_spend(upstream)
    }

    fn may_spend(&self, upstream: &str) -> bool {
        let spent = self.budget.spend(Instant::now());
        if spent.is_to_be_told {
            tracing::warn!(
                upstream.name = upstream,
                "so many requests come to nothing that not all of them are sent again"
            );
        }
        spent.is_granted
    }

    /// A random part of the longest wait of that time, so that those who failed together do not come back
    /// together.
    fn wait(&self, number: u32) -> Duration {
        let most = FIRST_WAIT.saturating_mul(1_u32.checked_shl(number).unwrap_or(u32::MAX));
        let part = self.jitter.hash_one(Instant::now().into_std()) >> 48;
        let part = u32::try_from(part).unwrap_or_default();
        most.min(LONGEST_WAIT).saturating_mul(part) / u32::from(u16::MAX)
    }
}

/// The endpoint is told what its answer is worth, since nobody else reads it.
fn turned_away(answered: &mut Answered<'_>) {
    if let Ok((answer, endpoint)) = answered {
        let failure = exchange::Failure::Call(Kind::Upstream.into());
        endpoint.judge(&failure, answer.status());
    }
}

/// Whether a try is none to be answered with, as long as there is another.
fn failed(answered: &Answered<'_>, bounds: &Bounds<'_>) -> bool {
    answered.is_err() || is_worth_another(answered, bounds.repeat).is_some()
}

fn more_doubtful<'a>(before: Option<Answered<'a>>, then: Answered<'a>) -> Answered<'a> {
    match before {
        Some(before) if doubt(&before) >= doubt(&then) => before,
        Some(_) | None => then,
    }
}

/// What came of a try, for the log.
struct Shown<'a>(&'a Answered<'a>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Ok((answer, _)) => write!(f, "the upstream answered {}", answer.status().as_u16()),
            Err(failure) => failure.fmt(f),
        }
    }
}

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Again").field(&self.parameters).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_random_and_never_longer_than_the_longest() {
        let again = Again::new(Parameters::default());
        let waits: Vec<_> = (0..64).map(|_| again.wait(0)).collect();
        assert!(waits.iter().all(|wait| *wait <= FIRST_WAIT));
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
        for number in [3, 4, 31, 32, u32::MAX] {
            assert!(again.wait(number) <= LONGEST_WAIT);
        }
    }
}
