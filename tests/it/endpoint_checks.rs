//! Checks of endpoints, and what readiness follows.

use std::time::{Duration, Instant};

use dragoman::forward::endpoints::State;
use tokio::time::sleep;

use crate::endpoint_fixture::{Mood, Node, PATIENCE, load, shown, upstream};
use crate::forward_fixture::{Front, php_at};
use crate::php_upstream::PhpUpstream;

async fn becomes(front: &Front, index: usize, wanted: fn(State) -> bool) {
    let begin = Instant::now();
    while !wanted(shown(front)[index].state) {
        assert!(begin.elapsed() < PATIENCE, "{:?}", shown(front));
        sleep(Duration::from_millis(10)).await;
    }
}

fn is_down(state: State) -> bool {
    state == State::Down
}

fn is_in(state: State) -> bool {
    state == State::In
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_of_a_path_take_an_endpoint_out_and_in_without_a_call() {
    let nodes: [Node; 2] = Node::start_many().await;
    let check = "slow_start = '0s'\n[upstreams.back.check]\npath = '/health'\nstatus = [204]\nevery = '50ms'\ntimeout = '500ms'";
    let front = std::sync::Arc::new(Front::vision6(&upstream(&nodes, check), ""));
    let begin = Instant::now();
    while !front.forward.is_ready("back") {
        assert!(begin.elapsed() < PATIENCE, "a check passes");
        sleep(Duration::from_millis(10)).await;
    }
    for broken in [Mood::Html, Mood::Stall] {
        nodes[0].be(broken);
        becomes(&front, 0, is_down).await;
        let before = nodes[0].asked();
        assert_eq!(load(&front, 4, 10).await, 0);
        assert_eq!(nodes[0].asked(), before, "nothing goes there");
        nodes[0].be(Mood::Good);
        becomes(&front, 0, is_in).await;
    }
    nodes[1].kill().await;
    becomes(&front, 1, is_down).await;
    nodes[0].kill().await;
    becomes(&front, 0, is_down).await;
    assert!(!front.forward.is_ready("back"));
    nodes[1].revive().await;
    becomes(&front, 1, is_in).await;
    assert!(front.forward.is_ready("back"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_in_the_upstreams_dialect_see_a_fault_in_a_200_and_end_an_ejection() {
    let nodes: [Node; 2] = Node::start_many().await;
    let check = "slow_start = '0s'\n[upstreams.back.check]\ncall = true\nevery = '50ms'\n\
                 [upstreams.back.breaker]\neject = '300ms'\n";
    let front = std::sync::Arc::new(Front::vision6(&upstream(&nodes, check), ""));
    becomes(&front, 0, is_in).await;
    nodes[0].be(Mood::Fault);
    becomes(&front, 0, is_down).await;
    assert!(
        nodes[0]
            .bodies()
            .iter()
            .all(|body| body.contains("countUsers"))
    );
    nodes[0].be(Mood::Good);
    becomes(&front, 0, is_in).await;
    // A key that is refused says nothing of the endpoint, and is not sent on and on.
    nodes[0].be(Mood::Refusal);
    nodes[1].be(Mood::Refusal);
    sleep(Duration::from_millis(300)).await;
    let asked = nodes[0].asked() + nodes[1].asked();
    sleep(Duration::from_millis(400)).await;
    assert_eq!(nodes[0].asked() + nodes[1].asked(), asked);
    assert_eq!(shown(&front)[0].state, State::In);
}

/// The server keeps each session that it opens for years.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_checks_of_a_b2evolution_are_in_one_session_and_so_are_calls() {
    let upstream = PhpUpstream::start("b2evolution");
    let check = "[upstreams.back.check]\ncall = true\nevery = '50ms'\n";
    let front = Front::vision6(&format!("{}{check}", php_at("b2evolution", &upstream)), "");
    let begin = Instant::now();
    while upstream.requests().len() < 5 {
        assert!(begin.elapsed() < PATIENCE, "{:?}", upstream.requests());
        sleep(Duration::from_millis(20)).await;
    }
    let read = front.call("getUserById", "123456,2").await;
    assert!(read.body.contains(r#""username":"mary""#), "{read:?}");
    let requests = upstream.requests();
    let is_new = |seen: &&serde_json::Value| seen["cookies"]["session_b2evo"].is_null();
    let opened = requests.iter().filter(is_new).count();
    assert_eq!(opened, 1, "{requests:?}");
}
