//! Durable updates over HTTP, beside the rate at which the disk takes them at all.

use super::callers::{CALLERS, call_for};
use super::gateway::{Gateway, directory, update};
use super::{Limit, Ratio, Scale, Side, bare};

const USERS: u32 = 1000;

pub(crate) async fn ratio(scale: Scale) -> Ratio {
    let gateway = Gateway::with_users(USERS);
    let directory = directory();
    let mut writer = bare::Writer::open(directory.path(), USERS);
    let (mut ours, mut ceiling) = (0.0_f64, 0.0_f64);
    for _ in 0..scale.rounds {
        ceiling = ceiling.max(writer.rate(scale.round));
        let calls = call_for(scale.round, gateway.server.address, |caller, number| {
            update(user(caller, number), number)
        });
        let calls = calls.await;
        ours = ours.max(f64::from(calls.number) / calls.took.as_secs_f64());
    }
    Ratio {
        name: "durable updates over HTTP, 64 connections",
        unit: "a second",
        sides: [
            Side {
                name: "gateway",
                value: ours,
            },
            Side {
                name: "bare SQLite writer, 64 updates and their records a commit",
                value: ceiling,
            },
        ],
        limit: Limit::AtLeast(0.5),
    }
}

/// Callers go through all users, each from a place of its own.
fn user(caller: u32, number: u32) -> u32 {
    1 + (caller * (USERS / CALLERS) + number) % USERS
}
