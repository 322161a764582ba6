//! Ten thousand users made through a network that breaks at random places: nobody twice, nobody
//! acknowledged who is not there, and nobody there of whom a caller was told that nothing was done.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use rand::prelude::*;
use rand::rngs::StdRng;
use serde_json::Value;

use crate::fault_server::{Act, End, FaultServer, in_chunks, until_close, with_length};
use crate::forward_fixture::{Front, vision6_at};

const ADDS: usize = 10_000;
const AT_ONCE: usize = 16;

fn call(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

/// What becomes of the answer to the request of that number: the same on every run.
fn fate(number: usize, id: &Value) -> Act {
    let mut random = StdRng::seed_from_u64(u64::try_from(number).unwrap());
    let answer = format!(r#"{{"id":{id},"result":{},"error":null}}"#, number + 1);
    let frame = [with_length, in_chunks, until_close]
        .choose(&mut random)
        .unwrap();
    let whole = frame(&answer);
    let cut = random.random_range(0..=whole.len());
    let is_endless = whole == until_close(&answer);
    match random.random_range(0..100) {
        0..50 => Act::new(whole, if is_endless { End::Close } else { End::Keep }),
        50..60 => Act::new(with_length(&answer), End::Close),
        // Closed when the next request may be on its way.
        60..70 => Act::new(
            with_length(&answer),
            End::CloseAfter(Duration::from_micros(300)),
        ),
        70..80 => Act::cut(&whole, cut, End::Reset),
        80..90 => Act::cut(&whole, cut, End::Close),
        90..94 => Act::ok("<html>It works!</html>"),
        94..98 => Act::ok(answer.strip_suffix('}').unwrap()),
        98 => Act::ok(r#"{"id":1,"result":null,"error":null}"#),
        _ => Act::cut(&whole, cut.min(whole.len() - 1), End::Stall),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_thousand_users_made_over_a_broken_network_none_is_made_twice() {
    let server = FaultServer::start(|seen| fate(seen.number, &call(&seen.body)["id"])).await;
    let options = format!(
        "{}\nhead_timeout = '100ms'\ntimeout = '200ms'\n[upstreams.back.breaker]\nfailures = 0\npercent = 0\n",
        vision6_at(server.address)
    );
    let front = Front::vision6(&options, "");
    let told: HashMap<String, Option<u64>> = stream::iter(0..ADDS)
        .map(async |number| {
            let name = format!("user{number}");
            let details = format!(
                r#"1,{{"username":"{name}","password":"engine-1","email":"{name}@example.com"}}"#
            );
            let answered = front.call("addUser", &details).await;
            let answer: Value = serde_json::from_str(&answered.body).unwrap();
            let is_acknowledged = answer["error"].is_null() && answer["result"].is_u64();
            let code = answer["error"]["code"].as_u64();
            assert_eq!(is_acknowledged, code.is_none(), "{answer}");
            (name, code)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;

    let mut made = HashSet::new();
    for seen in server.requests() {
        let name = call(&seen.body)["params"][2]["username"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(made.insert(name.clone()), "{name} was made twice");
    }
    let (mut acknowledged, mut unknown, mut refused) = (0, 0, 0);
    for (name, code) in &told {
        match code {
            None => {
                acknowledged += 1;
                assert!(
                    made.contains(name),
                    "{name} was acknowledged and is not there"
                );
            }
            Some(103) => unknown += 1,
            Some(code) => {
                refused += 1;
                assert!(
                    !made.contains(name),
                    "{name} was refused by {code} and is there"
                );
            }
        }
    }
    println!("{acknowledged} acknowledged, {unknown} unknown, {refused} refused unsent");
    assert_eq!(acknowledged + unknown + refused, ADDS);
    assert!(acknowledged > ADDS / 2 && unknown > ADDS / 10);
}
