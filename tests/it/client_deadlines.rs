//! No step towards an upstream takes longer than it may, and each names itself.

use std::time::{Duration, Instant};

use dragoman::client::{Cause, Client, Parameters, Sent, Stage};
use tokio::time::sleep;

use crate::client_fixture::{ask, at, post, verdict};
use crate::fault_server::{Act, End, FaultServer, unreachable, with_length};

const LIMIT: Duration = Duration::from_millis(150);
/// Limit and what a busy machine adds.
const LATEST: Duration = Duration::from_millis(900);

async fn assert_late(parameters: Parameters, sent: Sent, stage: Stage) {
    let client = Client::new(parameters).unwrap();
    let started = Instant::now();
    let found = verdict(ask(&client).await);
    assert_eq!(found, (sent, Cause::Timeout { stage }));
    let took = started.elapsed();
    assert!((LIMIT..LATEST).contains(&took), "{stage:?}: {took:?}");
}

#[tokio::test]
async fn an_address_that_does_not_answer_is_given_up() {
    let (address, _listener, _held) = unreachable().await;
    for late in [
        Parameters {
            connect: LIMIT,
            ..at(address)
        },
        Parameters {
            total: LIMIT,
            ..at(address)
        },
    ] {
        assert_late(late, Sent::Nothing, Stage::Connect).await;
    }
}

#[tokio::test]
async fn a_head_that_does_not_come_is_given_up() {
    let drop_by_drop = Act::new(with_length("answer"), End::Keep);
    for act in [
        Act::new("", End::Stall),
        Act::new("HTTP/1.1 200 OK\r\n", End::Stall),
        Act::new("HTTP/1.1 100 Continue\r\n\r\n", End::Stall),
        drop_by_drop.dripping(1, Duration::from_millis(20)),
    ] {
        let mut server = FaultServer::always(act).await;
        let late = Parameters {
            head: LIMIT,
            ..at(server.address)
        };
        assert_late(late, Sent::Maybe, Stage::Head).await;
        server.client_left().await;
        let late = Parameters {
            total: LIMIT,
            ..at(server.address)
        };
        assert_late(late, Sent::Maybe, Stage::Head).await;
    }
}

#[tokio::test]
async fn a_body_that_does_not_end_is_given_up_with_everything_else() {
    let slow = Act::new(with_length(&"x".repeat(1000)), End::Keep);
    for act in [
        Act::new(
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nans",
            End::Stall,
        ),
        Act::new(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nans",
            End::Stall,
        ),
        Act::new("HTTP/1.1 200 OK\r\n\r\nans", End::Stall),
        slow.dripping(40, Duration::from_millis(20)),
    ] {
        let mut server = FaultServer::always(act).await;
        let late = Parameters {
            total: LIMIT,
            ..at(server.address)
        };
        assert_late(late, Sent::Maybe, Stage::Body).await;
        server.client_left().await;
    }
}

#[tokio::test]
async fn a_head_in_time_gives_the_body_the_rest_of_the_time() {
    let act = Act::new(with_length(&"x".repeat(1000)), End::Keep);
    let server = FaultServer::always(act.dripping(200, Duration::from_millis(80))).await;
    let client = Client::new(Parameters {
        head: LIMIT,
        ..at(server.address)
    })
    .unwrap();
    assert_eq!(ask(&client).await.unwrap().body().len(), 1000);
}

#[tokio::test]
async fn the_caller_s_deadline_holds_if_it_comes_first_and_the_upstream_is_told() {
    let mut server = FaultServer::always(Act::new("", End::Stall)).await;
    for (total, budget) in [(60_000, 200), (200, 60_000)] {
        let parameters = Parameters {
            total: Duration::from_millis(total),
            ..at(server.address)
        };
        let client = Client::new(parameters).unwrap();
        let started = Instant::now();
        let deadline = Some(started + Duration::from_millis(budget));
        let found = verdict(client.send(post("/", "question"), deadline).await);
        let took = started.elapsed();
        assert_eq!(found, (Sent::Maybe, Cause::Timeout { stage: Stage::Head }));
        assert!(
            (Duration::from_millis(200)..LATEST).contains(&took),
            "{took:?}"
        );
        server.client_left().await;
    }
}

#[tokio::test]
async fn a_request_whose_time_is_over_is_not_sent() {
    let server = FaultServer::always(Act::ok("answer")).await;
    let client = Client::new(at(server.address)).unwrap();
    ask(&client).await.unwrap();
    let found = verdict(client.send(post("/", "late"), Some(Instant::now())).await);
    assert_eq!(
        found,
        (
            Sent::Nothing,
            Cause::Timeout {
                stage: Stage::Queue
            }
        )
    );
    sleep(Duration::from_millis(20)).await;
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn who_waits_for_a_connection_waits_no_longer_than_its_deadline() {
    let server = FaultServer::always(Act::new("", End::Stall)).await;
    let client = Client::new(Parameters {
        connections: 1,
        ..at(server.address)
    })
    .unwrap();
    let holding = tokio::spawn({
        let client = client.clone();
        async move { ask(&client).await.map(drop) }
    });
    while server.requests().is_empty() {
        sleep(Duration::from_millis(1)).await;
    }
    let started = Instant::now();
    let found = verdict(
        client
            .send(post("/", "question"), Some(started + LIMIT))
            .await,
    );
    assert_eq!(
        found,
        (
            Sent::Nothing,
            Cause::Timeout {
                stage: Stage::Queue
            }
        )
    );
    assert!((LIMIT..LATEST).contains(&started.elapsed()));
    assert_eq!(server.requests().len(), 1);
    holding.abort();
}
