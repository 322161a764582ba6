//! Endpoints that fail: who notices, and when they are used again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dragoman::forward::endpoints::State;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::endpoint_fixture::{Mood, Node, PATIENCE, count, front, is_out, load, shown, until};
use crate::pass_fixture::{Passing, exchange};

const SHORT: &str =
    "slow_start = '0s'\n[upstreams.back.breaker]\neject = '400ms'\neject_most = '1s'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_notices_that_one_of_three_is_killed_under_load_not_even_who_writes() {
    let nodes: [Node; 3] = Node::start_many().await;
    let front = front(&nodes, SHORT).await;
    let callers = tokio::spawn({
        let front = Arc::clone(&front);
        async move { load(&front, 8, 100).await }
    });
    while nodes[1].asked() < 20 {
        tokio::task::yield_now().await;
    }
    nodes[1].kill().await;
    assert_eq!(callers.await.unwrap(), 0);
    assert_eq!(load(&front, 8, 30).await, 0);
    assert!(is_out(shown(&front)[1].state), "{:?}", shown(&front));
    assert!(
        shown(&front)[1]
            .last_failure
            .clone()
            .unwrap()
            .contains("connect")
    );
    for name in 0..30 {
        let details =
            format!(r#"1,{{"username":"user-{name}","email":"user-{name}@example.com"}}"#);
        let answered = front.call("addUser", &details).await;
        assert!(answered.body.contains(r#""result":3"#), "{}", answered.body);
    }
    let writes = |node: &Node| {
        let bodies = node.bodies();
        bodies
            .iter()
            .filter(|body| body.contains("addUser"))
            .count()
    };
    assert_eq!(nodes.iter().map(writes).sum::<usize>(), 30, "each once");

    nodes[1].revive().await;
    let begin = Instant::now();
    let before = nodes[1].asked();
    until(&front, 1, false).await;
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(load(&front, 4, 50).await, 0);
    assert!(nodes[1].asked() - before > 30, "it has its share again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_answers_faults_in_a_200_is_ejected_and_one_that_stalls_or_answers_html_too() {
    for mood in [Mood::Fault, Mood::Html, Mood::Stall] {
        let nodes: [Node; 3] = Node::start_many().await;
        let front = front(&nodes, &format!("head_timeout = '1s'\n{SHORT}")).await;
        nodes[2].be(mood);
        // Whoever reads never sees it.
        assert_eq!(load(&front, 4, 60).await, 0, "{mood:?}");
        until(&front, 2, true).await;
        // A probe now and then is all that it gets.
        let before = nodes[2].asked();
        assert_eq!(load(&front, 4, 100).await, 0, "{mood:?}");
        let probes = nodes[2].asked() - before;
        assert!(probes <= 30, "{mood:?}: {probes}");
        nodes[2].be(Mood::Good);
        until(&front, 2, false).await;
        assert_eq!(load(&front, 4, 20).await, 0, "{mood:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_callers_and_a_refused_key_eject_nobody() {
    for mood in [Mood::Blame, Mood::Forbidden, Mood::Refusal] {
        let nodes: [Node; 2] = Node::start_many().await;
        let front = front(&nodes, SHORT).await;
        for node in &nodes {
            node.be(mood);
        }
        assert_eq!(load(&front, 4, 20).await, 80);
        for shown in shown(&front) {
            assert_eq!((shown.state, shown.failures), (State::In, 0), "{mood:?}");
        }
    }
}

/// D36.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_breaker_of_a_single_upstream_opens_fails_fast_lets_one_probe_through_and_closes() {
    let node = Node::start().await;
    let nodes = [node];
    let front = front(&nodes, "[upstreams.back.breaker]\neject = '1s'").await;
    let node = &nodes[0];
    node.be(Mood::Html);
    let before = node.asked();
    for number in 0..5 {
        assert!(!is_out(shown(&front)[0].state), "{number}");
        assert!(!count(&front).await);
    }
    assert_eq!(node.asked() - before, 5);
    assert!(matches!(shown(&front)[0].state, State::Ejected { .. }));
    let mut fastest = Duration::MAX;
    for _ in 0..20 {
        let begin = Instant::now();
        let answered = front.call("countUsers", "1").await;
        fastest = fastest.min(begin.elapsed());
        assert!(answered.body.contains(r#""code":1"#), "{}", answered.body);
    }
    assert!(fastest < Duration::from_millis(5), "{fastest:?}");
    assert_eq!(node.asked() - before, 5, "nothing was sent");

    // Half open: of many at once one goes, and while it is under way no other.
    node.be(Mood::Stall);
    sleep(Duration::from_millis(1100)).await;
    let mut callers = JoinSet::new();
    for _ in 0..20 {
        let front = Arc::clone(&front);
        callers.spawn(async move { count(&front).await });
    }
    let begin = Instant::now();
    while callers.len() > 1 {
        assert!(begin.elapsed() < PATIENCE);
        assert!(!callers.join_next().await.unwrap().unwrap());
    }
    assert_eq!(node.asked() - before, 6);
    assert_eq!(shown(&front)[0].state, State::Probed);
    // Its caller leaves, and the next one is the probe.
    drop(callers);
    node.be(Mood::Good);
    until(&front, 0, false).await;
    assert_eq!(load(&front, 4, 5).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_of_twenty_requests_open_the_breaker_too() {
    let nodes = [Node::start().await];
    let front = front(&nodes, "").await;
    for number in 0..10 {
        assert!(!is_out(shown(&front)[0].state), "{number}");
        nodes[0].be(Mood::Fault);
        count(&front).await;
        nodes[0].be(Mood::Good);
        if number < 9 {
            count(&front).await;
        }
    }
    assert!(!is_out(shown(&front)[0].state), "19 are not 20");
    nodes[0].be(Mood::Fault);
    count(&front).await;
    assert!(is_out(shown(&front)[0].state));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_more_than_half_are_out_all_are_used_and_if_all_are_nobody_is_asked() {
    let nodes: [Node; 3] = Node::start_many().await;
    let front = front(&nodes, "[upstreams.back.breaker]\neject = '1m'").await;
    nodes[0].be(Mood::Fault);
    nodes[1].be(Mood::Fault);
    until(&front, 0, true).await;
    until(&front, 1, true).await;
    nodes[0].be(Mood::Good);
    nodes[1].be(Mood::Good);
    let before = nodes[0].asked();
    assert_eq!(load(&front, 4, 50).await, 0);
    assert!(nodes[0].asked() - before > 20, "all of them are used");
    assert!(front.forward.conditions()[0].is_panicking);

    for node in &nodes {
        node.be(Mood::Fault);
    }
    until(&front, 2, true).await;
    let before: usize = nodes.iter().map(Node::asked).sum();
    assert_eq!(load(&front, 4, 5).await, 20);
    assert_eq!(nodes.iter().map(Node::asked).sum::<usize>(), before);
    assert!(!front.forward.is_ready("back") && !front.forward.is_ready("other"));
}

#[test]
fn a_pass_route_to_an_upstream_goes_past_an_endpoint_that_is_dead() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let nodes: [Node; 2] = runtime.block_on(Node::start_many());
    let text = crate::endpoint_fixture::upstream(&nodes, "");
    let gateway = Passing::configured(&format!(
        "[upstreams.back]\n{text}\n[routes.site]\npass = 'back'\npath = '/'\n"
    ));
    runtime.block_on(nodes[0].kill());
    for number in 0..20 {
        let body = format!("body {number}");
        let answer = exchange(
            gateway.address(),
            format!(
                "POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        );
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let bodies = nodes[1].bodies();
    assert_eq!(bodies.len(), 20);
    assert!(bodies.contains(&"body 19".to_owned()));
    drop(gateway);
}

/// `retry.most` is 2: what begins anew elsewhere counts as a try, and what is sent again then does, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_is_tried_three_times_however_many_endpoints_there_are() {
    for (first, mood) in [(Mood::Busy, Mood::Busy), (Mood::Html, Mood::Busy)] {
        let nodes: [Node; 6] = Node::start_many().await;
        let front = front(&nodes, "").await;
        let asked = || nodes.iter().map(Node::asked).sum::<usize>();
        let before = asked();
        for node in &nodes {
            node.be(mood);
        }
        nodes[0].be(first);
        for calls in 1..=2 {
            assert!(!count(&front).await);
            assert!(
                asked() - before <= 3 * calls,
                "{} of {calls}",
                asked() - before
            );
        }
    }
}
