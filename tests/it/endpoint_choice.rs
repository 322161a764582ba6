//! Which of several endpoints a call goes to.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::endpoint_fixture::{Mood, Node, count, front, load, shown, upstream};
use crate::forward_fixture::Front;

fn calls(nodes: &[Node]) -> Vec<usize> {
    nodes.iter().map(Node::asked).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_shared_by_weight_within_ten_percent_however_many_there_are_at_once() {
    for at_once in [1, 16] {
        let nodes: [Node; 3] = Node::start_many().await;
        let urls: Vec<_> = nodes.iter().map(|node| node.address).collect();
        let text = format!(
            "dialect = 'vision6'\nendpoints = ['http://{}', {{ url = 'http://{}' }}, {{ url = 'http://{}', weight = 2 }}]\n\
             key = 'gateways-key-0123'\naccount = 1",
            urls[0], urls[1], urls[2]
        );
        let front = Arc::new(Front::vision6(&text, ""));
        assert_eq!(load(&front, at_once, 4000 / at_once).await, 0);
        let calls = calls(&nodes);
        for (calls, weight) in calls.iter().zip([1, 1, 2]) {
            let wanted = 1000 * weight;
            assert!(
                calls.abs_diff(wanted) * 10 <= wanted,
                "{at_once}: {calls:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_does_not_answer_gets_little_of_what_comes_meanwhile() {
    let nodes: [Node; 2] = Node::start_many().await;
    let front = front(
        &nodes,
        "[upstreams.back.breaker]\nfailures = 0\npercent = 0",
    )
    .await;
    nodes[0].be(Mood::Stall);
    let before = nodes[0].asked();
    let mut stalled = JoinSet::new();
    while nodes[0].asked() < before + 2 {
        let front = Arc::clone(&front);
        stalled.spawn(async move { count(&front).await });
        sleep(Duration::from_millis(10)).await;
    }
    nodes[0].be(Mood::Good);
    // A slot with a call on it is taken only where both draws are of it: a quarter.
    let (first, second) = (nodes[0].asked(), nodes[1].asked());
    assert_eq!(load(&front, 1, 400).await, 0);
    let (first, second) = (nodes[0].asked() - first, nodes[1].asked() - second);
    assert!(first * 3 < second * 2, "{first} and {second}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_about_one_user_stick_to_an_endpoint_and_so_do_calls_of_one_key() {
    let nodes: [Node; 3] = Node::start_many().await;
    // The answer is nobody's fault, and says of no endpoint that it failed.
    for node in &nodes {
        node.be(Mood::Blame);
    }
    let by_user = Front::vision6(&upstream(&nodes, "sticky = 'user'"), "");
    let mut homes = Vec::new();
    for user in 1..=30 {
        let before = calls(&nodes);
        for _ in 0..4 {
            by_user.call("getUserById", &format!("1,{user}")).await;
        }
        let after = calls(&nodes);
        let new: Vec<_> = before
            .iter()
            .zip(&after)
            .map(|(one, two)| two - one)
            .collect();
        assert_eq!(
            new.iter().filter(|calls| **calls > 0).count(),
            1,
            "{user}: {new:?}"
        );
        homes.push(new.iter().position(|calls| *calls > 0).unwrap());
    }
    assert!((0..3).all(|node| homes.contains(&node)), "{homes:?}");

    // The route's word stands over the upstream's.
    let by_key = Front::vision6(&upstream(&nodes, "sticky = 'user'"), "sticky = 'key'");
    let before = calls(&nodes);
    for user in 1..=30 {
        by_key.call("getUserById", &format!("1,{user}")).await;
    }
    let after = calls(&nodes);
    let new: Vec<_> = before
        .iter()
        .zip(&after)
        .map(|(one, two)| two - one)
        .collect();
    assert_eq!(new.iter().filter(|calls| **calls > 0).count(), 1, "{new:?}");

    // And where that is out, another one.
    let home = new.iter().position(|calls| *calls > 0).unwrap();
    nodes[home].kill().await;
    for node in &nodes {
        node.be(Mood::Good);
    }
    for _ in 0..10 {
        let answered = by_key.call("countUsers", "1").await;
        assert!(answered.body.contains(r#""result":3"#), "{}", answered.body);
    }
    assert!(shown(&by_key)[home].failures > 0);
}
