//! Connections that carry many requests, and who waits for room on one.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::connection::{Driver, Multiplexed, STREAMS, Vitals};
use crate::client::dial::Dialer;
use crate::client::failure::{Cause, Failure, Sent, Stage};
use crate::client::parameters::Parameters;

/// The least and the most time between two looks at a connection.
const LOOKS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));

/// The connections of one upstream.
///
/// How many requests there are at a time is limited before they come here.
pub(super) struct Pool {
    dialer: Arc<Dialer>,
    idle: Duration,
    lifetime: Duration,
    state: Mutex<State>,
}

struct State {
    lines: Vec<Line>,
    /// In the order of arrival: as long as there are any, no line has room.
    waiting: VecDeque<Waiter>,
    /// Connections that are being opened.
    dials: usize,
    /// Requests that the last one of them takes.
    room: usize,
}

type Waiter = oneshot::Sender<Result<Lease, Failure>>;

/// A connection that takes requests.
struct Line {
    connection: Arc<Multiplexed>,
    carried: usize,
    /// When it is closed if nothing is on it by then.
    until: Instant,
}

/// Room for one request on a connection, given back when it is dropped.
pub(super) struct Lease {
    connection: Arc<Multiplexed>,
    pool: Arc<Pool>,
}

/// What a connection is told that was looked at.
pub(super) struct Rest {
    pub(super) is_busy: bool,
    /// When to look again.
    pub(super) next: Instant,
}

impl Pool {
    pub(super) fn new(parameters: &Parameters, dialer: Arc<Dialer>) -> Self {
        Self {
            dialer,
            idle: parameters.idle,
            lifetime: parameters.lifetime,
            state: Mutex::new(State {
                lines: Vec::new(),
                waiting: VecDeque::new(),
                dials: 0,
                room: STREAMS,
            }),
        }
    }

    /// Room on a connection: on one that is there, or on the next.
    pub(super) async fn lease(self: &Arc<Self>, until: Instant) -> Result<Lease, Failure> {
        let waiting = {
            let mut state = self.state();
            if state.waiting.is_empty()
                && let Some(lease) = self.take(&mut state)
            {
                return Ok(lease);
            }
            let (waiter, waiting) = oneshot::channel();
            state.waiting.push_back(waiter);
            let found = self.match_up(&mut state);
            drop(state);
            hand_over(found);
            waiting
        };
        match timeout_at(until, waiting).await {
            Ok(Ok(leased)) => leased,
            // Nobody forgets a waiter, unless a dial panics.
            Ok(Err(_)) => Err(Failure::new(Sent::Nothing, Cause::Connect)),
            Err(_) => {
                let is_dialling = self.state().dials > 0;
                let stage = if is_dialling {
                    Stage::Connect
                } else {
                    Stage::Queue
                };
                Err(Failure::timeout(stage, Sent::Nothing))
            }
        }
    }

    /// Connections that requests are on, and those that rest.
    pub(super) fn connections(&self) -> (usize, usize) {
        let state = self.state();
        let busy = state.lines.iter().filter(|line| line.carried > 0).count();
        (busy, state.lines.len() - busy)
    }

    /// A connection looks whether its time at rest or its lifetime is over; nothing if it is here no longer.
    pub(super) fn look(&self, vitals: &Arc<Vitals>, now: Instant) -> Option<Rest> {
        let mut state = self.state();
        let place = state.lines.iter().position(|line| line.is_of(vitals))?;
        let line = state.lines.get(place)?;
        if !self.is_fit(line, now) {
            let line = state.lines.swap_remove(place);
            drop(state);
            drop(line);
            return None;
        }
        let is_busy = line.carried > 0;
        let (least, most) = LOOKS;
        let next = if is_busy {
            now + self.idle.clamp(least, most)
        } else {
            line.until.min(now + most)
        };
        let next = next.min(line.connection.born() + self.lifetime);
        Some(Rest { is_busy, next })
    }

    /// A connection takes no more requests.
    pub(super) fn has_ended(self: &Arc<Self>, vitals: &Arc<Vitals>) {
        self.change(|state| state.lines.retain(|line| !line.is_of(vitals)));
    }

    fn take(self: &Arc<Self>, state: &mut State) -> Option<Lease> {
        let now = Instant::now();
        // Mostly the first one is fit and has room.
        state.lines.retain(|line| self.is_fit(line, now));
        let mut lines = state.lines.iter_mut();
        let line = lines.find(|line| line.carried < line.connection.room())?;
        line.carried += 1;
        Some(Lease {
            connection: Arc::clone(&line.connection),
            pool: Arc::clone(self),
        })
    }

    /// Whether a connection may take a request.
    fn is_fit(&self, line: &Line, now: Instant) -> bool {
        let connection = &line.connection;
        !connection.has_ended()
            && now < connection.born() + self.lifetime
            && (line.carried > 0 || now < line.until)
            && self.dialer.leads_to(connection.peer())
    }

    /// Finds room for those who wait, and dials for those who find none.
    fn match_up(self: &Arc<Self>, state: &mut State) -> Vec<(Waiter, Result<Lease, Failure>)> {
        let mut found = Vec::new();
        state.waiting.retain(|waiter| !waiter.is_closed());
        while let Some(waiter) = state.waiting.pop_front() {
            if let Some(lease) = self.take(state) {
                found.push((waiter, Ok(lease)));
            } else {
                state.waiting.push_front(waiter);
                break;
            }
        }
        let wanted = state.waiting.len().div_ceil(state.room.max(1));
        while state.dials < wanted {
            state.dials += 1;
            self.dial();
        }
        found
    }

    /// Opens a connection, and drives it from then on.
    fn dial(self: &Arc<Self>) {
        let (dialer, pool) = (Arc::clone(&self.dialer), Arc::downgrade(self));
        tokio::spawn(async move {
            let dialled = dialer.dial_http2().await;
            drop(dialer);
            let driver = pool.upgrade().and_then(|pool| pool.dialled(dialled));
            if let Some(driver) = driver {
                driver.run(pool).await;
            }
        });
    }

    fn dialled(
        self: &Arc<Self>,
        dialled: Result<(Multiplexed, Driver), Failure>,
    ) -> Option<Driver> {
        match dialled {
            Ok((connection, driver)) => {
                let (least, _) = LOOKS;
                self.change(|state| {
                    state.dials -= 1;
                    state.room = connection.room();
                    state.lines.push(Line {
                        connection: Arc::new(connection),
                        carried: 0,
                        // Whoever it was for takes it, however short a connection rests.
                        until: Instant::now() + self.idle.max(least),
                    });
                });
                Some(driver)
            }
            Err(failure) => {
                let mut failed = VecDeque::new();
                {
                    let mut state = self.state();
                    state.dials -= 1;
                    let now = Instant::now();
                    state.lines.retain(|line| self.is_fit(line, now));
                    // As long as there is a connection there will be room on it.
                    if state.dials == 0 && state.lines.is_empty() {
                        failed = std::mem::take(&mut state.waiting);
                    }
                }
                let failed = failed.into_iter();
                hand_over(failed.map(|waiter| (waiter, Err(failure.clone()))));
                None
            }
        }
    }

    fn give_back(self: &Arc<Self>, connection: &Arc<Multiplexed>) {
        let now = Instant::now();
        self.change(|state| {
            let mut lines = state.lines.iter_mut();
            if let Some(line) = lines.find(|line| line.is_of(connection.vitals())) {
                line.carried -= 1;
                line.until = now + self.idle;
            }
            if self.idle.is_zero() {
                state.lines.retain(|line| self.is_fit(line, now));
            }
        });
    }

    /// Changes what there is, and looks who can be served by it.
    fn change(self: &Arc<Self>, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        if state.waiting.is_empty() {
            return;
        }
        let found = self.match_up(&mut state);
        drop(state);
        hand_over(found);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Outside the lock, since whoever has left gives room back.
fn hand_over(found: impl IntoIterator<Item = (Waiter, Result<Lease, Failure>)>) {
    for (waiter, leased) in found {
        drop(waiter.send(leased));
    }
}

impl Line {
    fn is_of(&self, vitals: &Arc<Vitals>) -> bool {
        Arc::ptr_eq(self.connection.vitals(), vitals)
    }
}

impl Lease {
    pub(super) fn connection(&self) -> &Multiplexed {
        &self.connection
    }

    /// Its connection takes no more requests.
    pub(super) fn retire(&self) {
        self.pool.has_ended(self.connection.vitals());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.give_back(&self.connection);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}
