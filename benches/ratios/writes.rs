//! Durable updates over HTTP, beside the rate at which the disk takes them at all.

use std::time::Duration;

use super::callers::{CALLERS, Caller, Calls, call_for};
use super::ceiling::Ceiling;
use super::gateway::{Gateway, directory, update};
use super::process::this_thread_ran;
use super::{Limit, Ratio, Scale, Side};

const USERS: u32 = 1000;

/// The best of the rounds of one side.
struct Best {
    name: &'static str,
    rate: f64,
    cost: f64,
}

impl Best {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            rate: 0.0,
            cost: f64::INFINITY,
        }
    }

    /// Counts a round, and for how long it had a processor.
    fn count(&mut self, calls: &Calls, ran: Duration) {
        let number = f64::from(calls.number);
        self.rate = self.rate.max(number / calls.took.as_secs_f64());
        self.cost = self.cost.min(ran.as_secs_f64() * 1e6 / number);
    }

    fn rate(&self) -> Side {
        Side {
            name: self.name,
            value: self.rate,
        }
    }

    fn cost(&self) -> Side {
        Side {
            name: self.name,
            value: self.cost,
        }
    }
}

pub(crate) async fn ratios(scale: Scale) -> [Ratio; 3] {
    let gateway = Gateway::with_users(USERS);
    let mut caller = Caller::connect(gateway.server.address).await;
    caller.call(&update(1, 0)).await;
    let directory = directory();
    let mut same_rows = Ceiling::of(&gateway.store(), directory.path());
    caller.call(&update(1, 1)).await;
    same_rows.check(&gateway.store(), 1, 1);
    let mut plain = Ceiling::of_plain_tables(directory.path(), USERS);
    let mut ours = Best::new("gateway");
    let mut ceiling = Best::new("bare SQLite writer of the same rows, 64 a commit");
    let mut highest = Best::new("bare SQLite writer of plain tables, 64 a commit");
    for _ in 0..scale.rounds {
        for (writer, best) in [(&mut plain, &mut highest), (&mut same_rows, &mut ceiling)] {
            let before = this_thread_ran();
            let written = writer.write_for(scale.round, in_turn);
            best.count(&written, this_thread_ran().saturating_sub(before));
        }
        let before = gateway.server.ran();
        let calls = call_for(scale.round, gateway.server.address, |caller, number| {
            update(user(caller, number), number)
        });
        let calls = calls.await;
        ours.count(&calls, gateway.server.ran().saturating_sub(before));
    }
    [
        Ratio {
            name: "durable updates over HTTP, 64 connections",
            unit: "a second",
            sides: [ours.rate(), ceiling.rate()],
            limit: Limit::AtLeast(0.5),
        },
        Ratio {
            name: "what such an update keeps processors busy",
            unit: "µs of CPU",
            sides: [ours.cost(), ceiling.cost()],
            limit: Limit::None,
        },
        Ratio {
            name: "the same rows, beside the least that could hold them",
            unit: "a second",
            sides: [ceiling.rate(), highest.rate()],
            limit: Limit::None,
        },
    ]
}

/// The user of an update where all callers take turns: 64 updates are as far apart as theirs are.
fn in_turn(number: u32) -> u32 {
    user(number % CALLERS, number / CALLERS)
}

/// Callers go through all users, each from a place of its own.
fn user(caller: u32, number: u32) -> u32 {
    1 + (caller * (USERS / CALLERS) + number) % USERS
}
