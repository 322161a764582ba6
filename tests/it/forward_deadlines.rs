//! An upstream that stalls: when the caller is answered, and when the upstream is left alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::forward_fixture::{Front, vision6_at};
use crate::upstream_script::{Reply, Script};

const READ: (&str, &str) = ("getUserById", "1,5");
const WRITE: (&str, &str) = ("editUser", r#"1,{"id":5,"position":"Analyst"}"#);

/// An upstream that reads and never answers.
struct Stalled {
    address: std::net::SocketAddr,
    /// When each connection was given up by the gateway.
    left: UnboundedReceiver<Instant>,
}

impl Stalled {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, left) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let tell = tell.clone();
                tokio::spawn(async move {
                    let mut sent = [0; 4096];
                    while stream.read(&mut sent).await.is_ok_and(|read| read > 0) {}
                    tell.send(Instant::now()).unwrap();
                });
            }
        });
        Self { address, left }
    }

    async fn left(&mut self) -> Instant {
        let left = timeout(Duration::from_secs(5), self.left.recv()).await;
        left.expect("the upstream was left in time").unwrap()
    }
}

/// A gateway with a store, so that there is a trail.
fn front(upstream: &Stalled, limits: &str) -> Front {
    let own = "[routes.own]\ndialect = 'grupo'\n";
    Front::vision6(&vision6_at(upstream.address), &format!("{limits}\n{own}"))
}

#[tokio::test]
async fn a_caller_is_answered_at_its_deadline_and_the_upstream_is_left_then() {
    for (call, code) in [(READ, "\"code\":100"), (WRITE, "\"code\":103")] {
        let mut upstream = Stalled::start().await;
        let front = front(&upstream, "call_timeout = '2s'");
        let begin = Instant::now();
        let answered = front.call(call.0, call.1).await;
        let took = begin.elapsed();
        assert!(answered.body.contains(code), "{answered:?}");
        let in_time = Duration::from_secs(2)..Duration::from_millis(2200);
        assert!(in_time.contains(&took), "{took:?}");
        let left = upstream.left().await - begin;
        assert!(left < in_time.end, "{left:?}");
    }
}

#[tokio::test]
async fn a_read_whose_caller_left_is_given_up_at_the_upstream_within_a_tenth_of_a_second() {
    let mut upstream = Stalled::start().await;
    let front = front(&upstream, "");
    let left = timeout(Duration::from_millis(300), front.call(READ.0, READ.1)).await;
    let gone = Instant::now();
    assert!(left.is_err());
    let after = upstream.left().await.saturating_duration_since(gone);
    assert!(after < Duration::from_millis(100), "{after:?}");
}

/// Nobody knows yet whether the gateway's own key is right.
#[tokio::test]
async fn a_first_call_that_hangs_keeps_no_other_longer_than_five_seconds() {
    let asked = AtomicUsize::new(0);
    let script = Script::start(move |_| {
        if asked.fetch_add(1, Ordering::SeqCst) == 0 {
            return Reply::Silence(Duration::from_secs(20));
        }
        Reply::Answer(200, r#"{"id":1,"result":3,"error":null}"#.to_owned())
    });
    let front = Front::vision6(&vision6_at(script.address), "");
    let count = || front.call("countUsers", "1");
    let begin = Instant::now();
    tokio::select! {
        answered = count() => panic!("{answered:?}"),
        (one, other) = async {
            while script.asked().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::join!(count(), count())
        } => {
            assert!(one.body.contains("\"result\":3"), "{one:?}");
            assert!(other.body.contains("\"result\":3"), "{other:?}");
        }
    }
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(6), "{took:?}");
}

#[tokio::test]
async fn a_write_whose_caller_left_runs_to_its_deadline_and_is_audited_as_unknown() {
    let mut upstream = Stalled::start().await;
    let front = front(&upstream, "call_timeout = '1s'");
    let begin = Instant::now();
    let left = timeout(Duration::from_millis(100), front.call(WRITE.0, WRITE.1)).await;
    assert!(left.is_err());
    front.forward.finished().await;
    let after = upstream.left().await - begin;
    assert!(after >= Duration::from_millis(900), "{after:?}");
    let trail = front.trail();
    assert_eq!(
        trail,
        [("user.update".to_owned(), Some(5), "unknown".to_owned())]
    );
}
