use std::convert::Infallible;
use std::fs;
use std::net::Ipv4Addr;

use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};

use super::*;
use crate::auth::api_key::Pepper;
use crate::auth::call::RequestId;
use crate::auth::keys::KeyRing;
use crate::clock::Clock;
use crate::command::{AccountId, Id};
use crate::middleware::routed;
use crate::observe::{Stored, Tapped};
use crate::route::Route;

const SOURCE: Option<std::net::IpAddr> = Some(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST));

fn terms() -> Terms {
    Terms {
        keys: Arc::new(KeyRing::new(Pepper::new(&[7; 32]), Vec::new())),
        stored: Stored::Absent,
        account: AccountId::new(Id::ONE),
        upstreams: Vec::new(),
        clock: Clock::system(),
    }
}

fn route() -> Arc<Route> {
    Arc::new(routed::route(1))
}

fn call<B>(body: B) -> Request<B> {
    let kind = "application/x-www-form-urlencoded";
    let request = Request::post("/").header("content-type", kind);
    request.body(body).unwrap()
}

const CALL: &str = "api_secret_key=nobodys-key&remove=site_users&user=ada";

/// The requests of taps over a queue that nobody looks at, with so much room.
fn waiting(places: usize, most_bytes: usize) -> (Tap, Arc<Queue>, Receiver<Option<Box<Sample>>>) {
    let (sender, receiver) = sync_channel(places);
    let queue = Arc::new(Queue {
        waiting: sender,
        used: Arc::default(),
        most_bytes,
        lost: AtomicU64::new(0),
        is_closed: AtomicBool::new(false),
    });
    let tap = Tap::new(Arc::clone(&queue), Arc::new(terms()));
    (tap, queue, receiver)
}

async fn hand_on<B: http_body::Body<Data = Bytes> + Unpin>(tap: &Tap, body: B) {
    let request = call(body);
    let watched = tap.begin(&route(), &request, RequestId::new(1), SOURCE);
    let body = Tapped::new(request.into_body(), watched);
    drop(body.collect().await);
}

#[tokio::test]
async fn a_request_that_finds_no_place_is_counted_and_said_and_holds_nothing() {
    let (tap, queue, receiver) = waiting(1, 1 << 20);
    for _ in 0..3 {
        hand_on(&tap, Full::from(CALL)).await;
    }
    assert_eq!(queue.lost.load(Ordering::Relaxed), 2);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("observed.jsonl");
    queue.is_closed.store(true, Ordering::Relaxed);
    work(&queue, &receiver, &mut Output::new(Some(file.clone())));
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains(r#""operation":"user.delete""#), "{text}");
    assert!(text.ends_with("\"lost\":2}\n"), "{text}");
    assert_eq!(queue.used.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn bodies_share_a_budget_beyond_which_they_are_not_copied() {
    let (tap, queue, receiver) = waiting(10, 2_000);
    hand_on(&tap, Full::from(vec![b'x'; 1024])).await;
    hand_on(&tap, Full::from(vec![b'x'; 1024])).await;
    assert_eq!(queue.lost.load(Ordering::Relaxed), 1);
    drop(receiver.recv());
    hand_on(&tap, Full::from(vec![b'x'; 1024])).await;
    assert_eq!(queue.lost.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_query_takes_room_like_anything_that_is_kept() {
    let (tap, queue, _receiver) = waiting(10, 2_000);
    let mut request = call(Full::<Bytes>::from(CALL));
    let target = format!("/?pad={}", "x".repeat(2_000));
    *request.uri_mut() = target.parse().unwrap();
    let watched = tap.begin(&route(), &request, RequestId::new(1), SOURCE);
    assert!(watched.is_none());
    assert_eq!(queue.lost.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_breaks_off_is_not_looked_at_and_of_what_is_too_long_the_beginning() {
    let (tap, queue, receiver) = waiting(10, 1 << 20);
    let pieces = |last: Result<&'static str, &'static str>| {
        let data = |text: &'static str| Frame::data(Bytes::from_static(text.as_bytes()));
        let (one, other) = CALL.split_at(10);
        let pieces = [Ok(one), Ok(other), last];
        StreamBody::new(stream::iter(pieces.map(|piece| piece.map(data))))
    };
    hand_on(&tap, pieces(Err("broken"))).await;
    assert!(receiver.try_recv().is_err());
    hand_on(&tap, pieces(Ok(""))).await;
    let sample = receiver.try_recv().unwrap().unwrap();
    assert_eq!(
        (sample.body.as_slice(), sample.is_long),
        (CALL.as_bytes(), false)
    );

    let long = stream::iter((0..3).map(|_| Frame::data(Bytes::from(vec![b'x'; 1000]))));
    let long = futures_util::StreamExt::map(long, Ok::<_, Infallible>);
    hand_on(&tap, StreamBody::new(long)).await;
    let sample = receiver.try_recv().unwrap().unwrap();
    assert_eq!((sample.body.len(), sample.is_long), (2000, true));
    assert_eq!(queue.lost.load(Ordering::Relaxed), 0);
    assert!(receiver.try_recv().is_err());
}

#[tokio::test]
async fn what_comes_later_than_a_call_may_is_noted_as_that() {
    let (tap, _, receiver) = waiting(1, 1 << 20);
    let mut route = routed::route(1);
    route.limits.body_timeout = Duration::ZERO;
    let request = call(Full::from(CALL));
    let watched = tap.begin(&Arc::new(route), &request, RequestId::new(1), SOURCE);
    let body = Tapped::new(request.into_body(), watched);
    drop(body.collect().await);
    let sample = receiver.try_recv().unwrap().unwrap();
    let lines = look(&sample);
    assert_eq!(lines[0].refused.as_ref().unwrap().kind, "timeout");
}

#[tokio::test]
async fn texts_of_callers_are_cut_and_a_short_key_keeps_its_end() {
    let (tap, _, receiver) = waiting(1, 1 << 20);
    let mut request = call(Full::from(CALL));
    let agent = "agent ".repeat(100).trim().parse().unwrap();
    request.headers_mut().insert("user-agent", agent);
    let watched = tap.begin(&route(), &request, RequestId::new(1), None);
    drop(Tapped::new(request.into_body(), watched).collect().await);
    let sample = receiver.try_recv().unwrap().unwrap();
    let line = &look(&sample)[0];
    assert_eq!(line.user_agent.as_ref().map(String::len), Some(128));
    assert_eq!(line.key_end, None);
    assert!(line.caller.as_ref().unwrap().starts_with("unknown:"));
}

#[tokio::test]
async fn what_waits_at_the_end_is_still_written() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("observed.jsonl");
    let observer = Observer::new(Some(file.clone()));
    let tap = observer.tap(terms()).unwrap();
    for _ in 0..600 {
        hand_on(&tap, Full::from(CALL)).await;
    }
    observer.finish();
    let text = fs::read_to_string(file).unwrap();
    let calls = text.matches(r#""kind":"unauthenticated""#).count();
    assert_eq!(calls, 600);
    assert!(!text.contains("nobodys") && !text.contains("ada"), "{text}");
}
