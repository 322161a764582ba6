//! What a get by id costs, beside hyper with the same answer.

use super::callers::{Caller, cost};
use super::gateway::{Gateway, directory, read};
use super::{Limit, Ratio, Scale, Side, bare};

const USERS: u32 = 100;
const USER: u32 = 7;

pub(crate) async fn ratio(scale: Scale) -> Ratio {
    let gateway = Gateway::with_users(USERS);
    let directory = directory();
    let request = read(USER);
    let mut caller = Caller::connect(gateway.server.address).await;
    let answer = caller.call(&request).await;
    let bare = bare::server(directory.path(), answer);
    let mut other = Caller::connect(bare.address).await;
    let same = other.call(&request).await;
    assert_eq!(same.len(), answer.len(), "the answers differ");
    let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..scale.rounds {
        let asked = |_, _| request.clone();
        theirs = theirs.min(cost(&bare, scale.round, asked).await);
        ours = ours.min(cost(&gateway.server, scale.round, asked).await);
    }
    Ratio {
        name: "a get by id over HTTP",
        unit: "µs of CPU",
        sides: [
            Side {
                name: "gateway",
                value: ours,
            },
            Side {
                name: "bare hyper with the same answer",
                value: theirs,
            },
        ],
        limit: Limit::AtMost(1.5),
    }
}
