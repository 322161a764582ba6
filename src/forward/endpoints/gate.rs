//! Whether an endpoint is used: what it did of late, and what its checks found.
//!
//! ```text
//! in ── too many failures ──► ejected ── time over ──► one probe ── works ──► in, slowly at first
//!  └── checks fail ──► down ── checks pass ──► in            └─ fails ──► ejected for longer
//! ```
//!
//! As long as nothing goes wrong a request costs one look at a number here.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Parameters;
use super::breaker::{Rules, Tally};
use super::shown::State;
use crate::forward::checks::Check;

/// It is ejected.
const OUT: u8 = 1;
/// Its checks fail.
const DOWN: u8 = 2;
/// Failures are counted.
const COUNTED: u8 = 4;
/// Its share is still growing.
const COLD: u8 = 8;

/// The part of its share that an endpoint has at the least, of 1000.
const COLDEST: u32 = 100;

/// Whether one endpoint is used.
#[derive(Debug)]
pub(in crate::forward) struct Gate {
    upstream: String,
    address: String,
    rules: Option<Rules>,
    check: Option<Check>,
    slow_start: Duration,
    flags: AtomicU8,
    facts: Mutex<Facts>,
}

#[derive(Debug, Default)]
struct Facts {
    tally: Tally,
    out: Option<Out>,
    /// Ejections in a row.
    ejections: u32,
    /// Since when it is in.
    since: Option<Instant>,
    /// Checks that passed and failed in a row.
    passed: u32,
    failed: u32,
    /// Whether any has passed since the start.
    was_up: bool,
    faults: u64,
    last_fault: Option<String>,
}

#[derive(Debug)]
struct Out {
    until: Instant,
    is_probed: bool,
}

impl Gate {
    pub(super) fn new(address: String, all: &Parameters, is_added: bool) -> Self {
        let gate = Self {
            upstream: all.name.clone(),
            address,
            rules: all.rules,
            check: all.check.clone(),
            slow_start: all.slow_start,
            flags: AtomicU8::new(0),
            facts: Mutex::default(),
        };
        if is_added {
            gate.come_in(&mut gate.facts());
        }
        gate
    }

    pub(super) fn is_made_of(&self, all: &Parameters) -> bool {
        self.rules == all.rules && self.check == all.check && self.slow_start == all.slow_start
    }

    pub(in crate::forward) fn address(&self) -> &str {
        &self.address
    }

    /// Whether it is neither ejected nor down.
    pub(super) fn is_in(&self) -> bool {
        self.flags() & (OUT | DOWN) == 0
    }

    /// Whether it is in, and a check has passed where there are any.
    pub(super) fn is_ready(&self) -> bool {
        self.is_in() && (self.check.is_none() || self.facts().was_up)
    }

    /// The part of its share that it gets, of 1000.
    pub(super) fn warmth(&self) -> u32 {
        if self.flags() & COLD == 0 {
            return 1000;
        }
        let facts = self.facts();
        let since = facts.since.map(|since| since.elapsed().as_millis());
        let whole = self.slow_start.as_millis().max(1);
        let part = since.unwrap_or(whole).saturating_mul(1000) / whole;
        let part = u32::try_from(part).unwrap_or(1000).clamp(COLDEST, 1000);
        if part == 1000 {
            self.clear(COLD);
        }
        part
    }

    /// Whether a request may go to an endpoint that is out, to show whether it works: one at a time, and
    /// none where checks find that out. One that is precious only if no other came in as much time again as
    /// the first ejection takes.
    pub(super) fn begin_probe(&self, is_precious: bool) -> bool {
        if self.flags() & (OUT | DOWN) != OUT || self.check.is_some() {
            return false;
        }
        let wait = self.rules.filter(|_| is_precious);
        let wait = wait.map_or(Duration::ZERO, |rules| rules.eject);
        let mut facts = self.facts();
        let Some(out) = &mut facts.out else {
            return false;
        };
        if out.is_probed || Instant::now() < out.until + wait {
            return false;
        }
        out.is_probed = true;
        tracing::info!(
            upstream.name = self.upstream,
            endpoint.address = self.address,
            "an endpoint that was ejected is probed by one request"
        );
        true
    }

    /// The probe came to nothing: another one may go.
    pub(super) fn end_probe(&self) {
        if let Some(out) = &mut self.facts().out {
            out.is_probed = false;
        }
    }

    /// A request went well.
    pub(super) fn works(&self, is_probe: bool) {
        if self.flags() & (OUT | COUNTED) == 0 {
            return;
        }
        let mut facts = self.facts();
        if facts.out.is_some() {
            if is_probe {
                self.readmit(&mut facts);
            }
            return;
        }
        if !facts.tally.works(Instant::now()) {
            self.clear(COUNTED);
        }
    }

    /// A request failed, by the endpoint's fault.
    pub(super) fn fails(&self, is_probe: bool, why: String) {
        let mut facts = self.facts();
        facts.faults += 1;
        let Some(rules) = &self.rules else {
            facts.last_fault = Some(why);
            return;
        };
        // What was under way when it was ejected says nothing new.
        let is_too_many = if facts.out.is_some() {
            is_probe
        } else {
            self.set(COUNTED);
            facts.tally.fails(rules, Instant::now())
        };
        if is_too_many {
            self.eject(&mut facts, rules, &why);
        }
        facts.last_fault = Some(why);
    }

    /// A check passed.
    pub(in crate::forward) fn passes(&self) {
        let Some(check) = &self.check else {
            return;
        };
        let mut facts = self.facts();
        facts.was_up = true;
        facts.failed = 0;
        facts.passed = facts.passed.saturating_add(1);
        if self.flags() & DOWN != 0 && facts.passed >= check.rise {
            self.clear(DOWN);
            self.come_in(&mut facts);
            tracing::info!(
                upstream.name = self.upstream,
                endpoint.address = self.address,
                "an endpoint is up: its checks pass"
            );
        }
        if facts.out.as_ref().is_some_and(Out::is_over) {
            self.readmit(&mut facts);
        }
    }

    /// A check failed.
    pub(in crate::forward) fn flunks(&self, why: String) {
        let Some(check) = &self.check else {
            return;
        };
        let mut facts = self.facts();
        facts.passed = 0;
        facts.failed = facts.failed.saturating_add(1);
        if self.flags() & DOWN == 0 && facts.failed >= check.fall {
            self.set(DOWN);
            tracing::warn!(
                upstream.name = self.upstream,
                endpoint.address = self.address,
                error.cause = why,
                "an endpoint is down: its checks fail"
            );
        }
        if let Some(rules) = &self.rules
            && facts.out.as_ref().is_some_and(Out::is_over)
        {
            self.eject(&mut facts, rules, &why);
        }
        facts.last_fault = Some(why);
    }

    pub(super) fn state(&self) -> State {
        if self.flags() & DOWN != 0 {
            return State::Down;
        }
        if let Some(out) = &self.facts().out {
            let left = out.until.saturating_duration_since(Instant::now());
            let ejected = State::Ejected { left };
            return if out.is_probed {
                State::Probed
            } else {
                ejected
            };
        }
        match self.warmth() {
            1000 => State::In,
            share => State::Warming { share },
        }
    }

    /// Failures in all, ejections in a row, and what the last failure was.
    pub(super) fn history(&self) -> (u64, u32, Option<String>) {
        let facts = self.facts();
        (facts.faults, facts.ejections, facts.last_fault.clone())
    }

    fn eject(&self, facts: &mut Facts, rules: &Rules, why: &str) {
        let is_new = facts.since.is_none_or(|since| {
            // One that was in for long begins anew.
            facts.out.is_none() && since.elapsed() >= rules.longest
        });
        if is_new {
            facts.ejections = 0;
        }
        facts.ejections = facts.ejections.saturating_add(1);
        let length = rules.ejection(facts.ejections);
        facts.since.get_or_insert_with(Instant::now);
        facts.tally = Tally::default();
        facts.out = Some(Out {
            until: Instant::now() + length,
            is_probed: false,
        });
        self.set(OUT);
        self.clear(COUNTED | COLD);
        tracing::warn!(
            upstream.name = self.upstream,
            endpoint.address = self.address,
            ejection.number = facts.ejections,
            ejection.ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
            error.cause = why,
            "an endpoint is ejected: it failed too often"
        );
    }

    fn readmit(&self, facts: &mut Facts) {
        facts.out = None;
        self.clear(OUT);
        self.come_in(facts);
        tracing::info!(
            upstream.name = self.upstream,
            endpoint.address = self.address,
            "an endpoint that was ejected is back"
        );
    }

    fn come_in(&self, facts: &mut Facts) {
        facts.since = Some(Instant::now());
        if !self.slow_start.is_zero() {
            self.set(COLD);
        }
    }

    fn flags(&self) -> u8 {
        self.flags.load(Ordering::Relaxed)
    }

    fn set(&self, flags: u8) {
        self.flags.fetch_or(flags, Ordering::Relaxed);
    }

    fn clear(&self, flags: u8) {
        self.flags.fetch_and(!flags, Ordering::Relaxed);
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        // Nothing that is done under the lock can fail half-way.
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Out {
    fn is_over(&self) -> bool {
        self.until <= Instant::now()
    }
}
