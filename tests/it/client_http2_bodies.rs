//! Bodies that are handed on over HTTP/2, both ways.

use std::time::Duration;

use bytes::Bytes;
use dragoman::client::{
    Answer, Cause, Client, Download, Parameters, Payload, Relay, Sent, Source, Stage,
};
use futures_util::StreamExt;
use futures_util::future::poll_fn;
use h2::Reason;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::time::sleep;

use crate::client_fixture::ask;
use crate::http2_peer::{Asked, Manner, Peer, http2_client, mirror, over_http2};

/// A request with that body, handed on.
fn relayed(path: &str, body: Source) -> Relay {
    let (head, ()) = Request::post(path).body(()).unwrap().into_parts();
    Relay::new(Box::new(head), Payload::Streamed(body), false)
}

async fn response(client: &Client, relay: &Relay) -> Response<Download> {
    match client.stream(relay).await.unwrap() {
        Answer::Response(response) => response,
        Answer::Tunnel(..) => panic!("a tunnel"),
    }
}

#[tokio::test]
async fn answers_that_nobody_reads_hold_up_no_others() {
    let peer = Peer::start(|mut asked: Asked| async move {
        if asked.request.uri().path() != "/large" {
            return mirror(asked).await;
        }
        let mut body = asked.begin(Response::new(()));
        for _ in 0..1024 {
            body.reserve_capacity(1024);
            while body.capacity() == 0 {
                if poll_fn(|context| body.poll_capacity(context))
                    .await
                    .is_none()
                {
                    return;
                }
            }
            let room = body.capacity().min(1024);
            drop(body.send_data(Bytes::from(vec![b'x'; room]), false));
        }
    })
    .await;
    let client = http2_client(peer.address);
    let mut unread = Vec::new();
    for _ in 0..90 {
        let body = Full::default().map_err(|never| match never {});
        unread.push(response(&client, &relayed("/large", body.boxed_unsync())).await);
    }
    sleep(Duration::from_millis(200)).await;
    assert_eq!(ask(&client).await.unwrap().body(), "/ask: question");
    assert_eq!(peer.connections(), 1);
    drop(unread);
    assert_eq!(ask(&client).await.unwrap().body(), "/ask: question");
    assert_eq!(client.connections(), (0, 1));
}

#[tokio::test]
async fn a_body_takes_the_time_of_its_sender_and_of_the_peers_windows() {
    let manner = Manner {
        window: Some(1000),
        ..Manner::default()
    };
    let peer = Peer::with(manner, mirror).await;
    let client = Client::new(Parameters {
        head: Duration::from_millis(400),
        ..over_http2(peer.address)
    })
    .unwrap();
    let pieces = futures_util::stream::iter(0..12).then(|_| async {
        sleep(Duration::from_millis(100)).await;
        Ok(Frame::data(Bytes::from("x".repeat(5000))))
    });
    let relay = relayed("/slow", StreamBody::new(pieces).boxed_unsync());
    let answer = response(&client, &relay).await;
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), "/slow: ".len() + 60_000);
    // One that stops is late.
    let stops = futures_util::stream::iter(0..2).then(|piece| async move {
        if piece > 0 {
            sleep(Duration::from_secs(60)).await;
        }
        Ok(Frame::data(Bytes::from("x")))
    });
    let relay = relayed("/stops", StreamBody::new(stops).boxed_unsync());
    let failure = client.stream(&relay).await.unwrap_err();
    let late = Cause::Timeout { stage: Stage::Head };
    assert_eq!((failure.sent, failure.cause), (Sent::Maybe, late));
}

#[tokio::test]
async fn a_body_that_is_handed_on_is_sent_again_where_nobody_looked_at_it() {
    let peer = Peer::start(|mut asked: Asked| async move {
        if asked.number % 3 < 2 {
            // What was sent of it is in their windows by then.
            sleep(Duration::from_millis(50)).await;
            asked.respond.send_reset(Reason::REFUSED_STREAM);
        } else {
            mirror(asked).await;
        }
    })
    .await;
    let client = http2_client(peer.address);
    let whole = Full::new(Bytes::from("whole")).map_err(|never| match never {});
    let relay = relayed("/one", whole.boxed_unsync());
    let answer = response(&client, &relay).await;
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "/one: whole");
    assert_eq!(peer.requests(), 3);
    // Of this one more was taken than is kept.
    let pieces = ["a", "b", "c"].map(|piece| Ok(Frame::data(Bytes::from(piece))));
    let pieces = StreamBody::new(futures_util::stream::iter(pieces));
    let relay = relayed("/three", pieces.boxed_unsync());
    let failure = client.stream(&relay).await.unwrap_err();
    assert_eq!((failure.sent, failure.cause), (Sent::Maybe, Cause::Reset));
    assert_eq!(peer.requests(), 4);
}
