//! What a get and an update by id cost with many users, beside few, where every one is read of the
//! file: from memory few would be read at no cost, and many not.

use super::callers::{CALLERS, cost};
use super::gateway::{Gateway, read, update};
use super::{Limit, Ratio, Scale, Side};

/// A gateway, and the least that a call costs there so far.
struct Trial {
    gateway: Gateway,
    users: u32,
    read: f64,
    update: f64,
}

impl Trial {
    fn new(users: u32) -> Self {
        Self {
            gateway: Gateway::without_cache(users),
            users,
            read: f64::INFINITY,
            update: f64::INFINITY,
        }
    }

    async fn round(&mut self, scale: Scale) {
        let (server, users) = (&self.gateway.server, self.users);
        let asked = |caller, number| read(any(users, caller, number));
        self.read = self.read.min(cost(server, scale.round, asked).await);
        let told = |caller, number| update(any(users, caller, number), number);
        self.update = self.update.min(cost(server, scale.round, told).await);
    }
}

pub(crate) async fn ratios(scale: Scale) -> [Ratio; 2] {
    let mut many = Trial::new(scale.many);
    let mut few = Trial::new(scale.few);
    for _ in 0..scale.rounds {
        many.round(scale).await;
        few.round(scale).await;
    }
    let ratio = |name, many, few| Ratio {
        name,
        unit: "µs of CPU",
        sides: [
            Side {
                name: "with many users",
                value: many,
            },
            Side {
                name: "with 100",
                value: few,
            },
        ],
        limit: Limit::AtMost(1.3),
    };
    [
        ratio("a get by id among 100,000 users", many.read, few.read),
        ratio(
            "an update by id among 100,000 users",
            many.update,
            few.update,
        ),
    ]
}

/// A user that no cache has from the call before: multiplied by a large odd number, the calls go all
/// over the users.
fn any(users: u32, caller: u32, number: u32) -> u32 {
    let call = number.wrapping_mul(CALLERS) + caller;
    1 + call.wrapping_mul(0x9E37_79B1) % users
}
