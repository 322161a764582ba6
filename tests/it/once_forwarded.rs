//! Calls with an idempotency key that an upstream carries out: they are sent once, and what nobody knows of
//! them is not found out by sending them again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dragoman::command::Dialect;
use http::Request;
use tokio::time::timeout;

use crate::forward_fixture::{CALLERS_KEY, Front, OWN_KEY, vision6_at};
use crate::once_fixture::{Told, add, assert_done_once, fifty, routes, told};
use crate::upstream_script::{Reply, Script};

const VISION6: Dialect = Dialect::Vision6;

/// A user was made.
fn made() -> Reply {
    Reply::Answer(200, r#"{"id":1,"result":5,"error":null}"#.to_owned())
}

fn fault(code: u32, wording: &str) -> Reply {
    let body =
        format!(r#"{{"id":1,"result":null,"error":{{"code":{code},"message":"{wording}"}}}}"#);
    Reply::Answer(200, body)
}

/// Routes of all dialects in front of it, with a store or without.
fn front(script: &Script, store: bool) -> Front {
    let store = if store {
        "[store]\nurl = 'sqlite:x'\n"
    } else {
        ""
    };
    Front::new(&format!(
        "{store}[upstreams.back]\n{}\naccount = 1\n{}",
        vision6_at(script.address),
        routes("user = 'back'\non_loss = 'drop'")
            .replace("dialect = 'grupo'\n", "dialect = 'grupo'\ngroup = 'back'\n")
    ))
}

async fn ask(front: &Front, name: &str) -> Told {
    told(VISION6, &front.ask(add(VISION6, name, Some("k"))).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_calls_with_one_key_are_sent_once_in_every_dialect() {
    for store in [true, false] {
        let script = Script::start(|_| Reply::After(Duration::from_millis(50), Box::new(made())));
        let front = Arc::new(front(&script, store));
        for (sent, dialect) in (1..).zip(Dialect::ALL) {
            let answers = fifty(&front, dialect, dialect.name(), dialect.name()).await;
            assert_done_once(dialect, &answers);
            let again = front.ask(add(dialect, dialect.name(), Some(dialect.name())));
            assert_eq!(told(dialect, &again.await), Told::DoneBefore);
            let other = front.ask(add(dialect, "somebody-else", Some(dialect.name())));
            assert_eq!(told(dialect, &other.await), Told::OtherCall);
            assert_eq!(script.asked().len(), sent, "{dialect}");
        }
    }
}

/// In each dialect's own words: 409, 399, or something that went wrong.
#[tokio::test]
async fn a_call_that_is_under_way_is_refused_to_who_sends_it_again() {
    let script = Script::start(|_| Reply::After(Duration::from_secs(2), Box::new(made())));
    let front = front(&script, true);
    for dialect in Dialect::ALL {
        let request = || add(dialect, dialect.name(), Some(dialect.name()));
        let first = front.ask(request());
        let second = async {
            while script
                .asked()
                .iter()
                .all(|it| !it.body.contains(dialect.name()))
            {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let other = front
                .ask(add(dialect, "somebody-else", Some(dialect.name())))
                .await;
            assert_eq!(told(dialect, &other), Told::OtherCall);
            front.ask(request()).await
        };
        let both = async { tokio::join!(first, second) };
        let both = timeout(Duration::from_secs(20), both).await;
        let (first, second) = both.expect("the first was sent on");
        assert_eq!(told(dialect, &first), Told::Done);
        assert_eq!(told(dialect, &second), Told::StillRunning);
    }
}

#[tokio::test]
async fn a_call_whose_outcome_nobody_knows_is_not_sent_again() {
    for store in [true, false] {
        let script = Script::start(|_| Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-".to_vec()));
        let front = front(&script, store);
        for _ in 0..3 {
            assert_eq!(ask(&front, "ann").await, Told::Fault(103));
        }
        assert_eq!(script.asked().len(), 1);
        // With a key of its own it is another call, and with none, too.
        let fresh = front.ask(add(VISION6, "ann", Some("another"))).await;
        assert_eq!(told(VISION6, &fresh), Told::Fault(103));
        assert_eq!(script.asked().len(), 2);
    }
}

#[tokio::test]
async fn a_call_that_the_upstream_refused_may_be_sent_again() {
    let asked = AtomicUsize::new(0);
    let script = Script::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => fault(322, "Username unavailable"),
        _ => made(),
    });
    let front = front(&script, true);
    assert_eq!(ask(&front, "ann").await, Told::Fault(322));
    assert_eq!(front.number("SELECT count(*) FROM idempotency"), 0);
    assert_eq!(ask(&front, "ann").await, Told::Done);
    assert_eq!(ask(&front, "ann").await, Told::DoneBefore);
    assert_eq!(script.asked().len(), 2);
}

#[tokio::test]
async fn an_upstream_that_is_not_there_leaves_nothing_behind() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let front = Front::vision6(&vision6_at(address), "[routes.own]\ndialect = 'grupo'\n");
    for _ in 0..2 {
        assert_eq!(ask(&front, "ann").await, Told::Fault(100));
    }
    assert_eq!(front.number("SELECT count(*) FROM idempotency"), 0);
}

#[tokio::test]
async fn what_goes_on_without_its_caller_is_answered_to_the_caller_who_sends_it_again() {
    let script = Script::start(|_| Reply::After(Duration::from_millis(500), Box::new(made())));
    let front = front(&script, true);
    let left = timeout(
        Duration::from_millis(100),
        front.ask(add(VISION6, "ann", Some("k"))),
    );
    assert!(left.await.is_err());
    assert_eq!(ask(&front, "ann").await, Told::StillRunning);
    front.forward.finished().await;
    assert_eq!(ask(&front, "ann").await, Told::DoneBefore);
    assert_eq!(script.asked().len(), 1);
}

/// A field that was left out is named again, too.
#[tokio::test]
async fn what_was_left_out_is_told_again() {
    let script = Script::start(|_| made());
    let front = Front::new(&format!(
        "[store]\nurl = 'sqlite:x'\n[upstreams.back]\n{}\naccount = 1\n{}",
        vision6_at(script.address),
        routes("user = 'back'\non_loss = 'warn'")
    ));
    let request = || {
        let mut request = add(Dialect::B2evolution, "ann", Some("k"));
        let more = "&edited_user_nickname=annie";
        let body = [&request.body()[..], more.as_bytes()].concat();
        *request.body_mut() = Bytes::from(body);
        request
    };
    let first = front.ask(request()).await;
    let again = front.ask(request()).await;
    assert_eq!(told(Dialect::B2evolution, &again), Told::DoneBefore);
    assert!(
        first.lost.as_deref().unwrap().contains("nickname"),
        "{first:?}"
    );
    assert_eq!(first.lost, again.lost);
}

#[tokio::test]
async fn a_message_is_sent_once_and_its_answer_which_may_hold_a_session_is_not_kept() {
    let answer = r#"{"success":true,"note":"session-canary"}"#;
    let script = Script::start(move |_| Reply::Answer(200, answer.to_owned()));
    let front = Front::new(&format!(
        "scopes = ['native.add=message']\n[store]\nurl = 'sqlite:x'\n[upstreams.back]\n\
         dialect = 'grupo'\nurl = 'http://{}'\nkey = '{OWN_KEY}'\n\
         [routes.front]\ndialect = 'grupo'\nuser = 'back'\n",
        script.address
    ));
    let send = |text: &str| {
        let body =
            format!("api_secret_key={CALLERS_KEY}&add=message&sender=a&user=b&message={text}");
        Request::post("/api_request/")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("idempotency-key", "k")
            .body(Bytes::from(body))
            .unwrap()
    };
    let first = front.ask(send("hello")).await;
    assert_eq!(first.body, answer);
    let again = front.ask(send("hello")).await;
    assert!(again.body.contains("this was done already"), "{again:?}");
    let other = front.ask(send("good+bye")).await;
    assert!(
        other.body.contains("was sent with another call"),
        "{other:?}"
    );
    assert_eq!(script.asked().len(), 1);
    let kept = front.number("SELECT count(*) FROM idempotency WHERE answer = 'relayed'");
    assert_eq!(kept, 1);
}

/// Whose login it is only the upstream knows: an answer might be given to somebody else.
#[tokio::test]
async fn a_key_is_refused_where_only_the_upstream_knows_who_calls() {
    let script = Script::start(|_| made());
    let front = Front::bare(&format!(
        "[upstreams.back]\ndialect = 'vision6'\nurl = 'http://{}'\n\
         [routes.front]\ndialect = 'vision6'\nuser = 'back'\nauth = 'upstream'\n",
        script.address
    ));
    let refused = front.ask(add(VISION6, "ann", Some("k"))).await;
    assert_eq!(told(VISION6, &refused), Told::Fault(302));
    assert!(
        refused.body.contains("Idempotency-Key is not taken here"),
        "{refused:?}"
    );
    assert!(script.asked().is_empty());
    let plain = front.ask(add(VISION6, "ann", None)).await;
    assert_eq!(told(VISION6, &plain), Told::Done);
}

#[tokio::test]
async fn the_same_user_within_the_window_is_made_once_at_an_upstream_too() {
    let script = Script::start(|_| made());
    let options = "user = 'back'\non_loss = 'drop'\nidempotency_window = '30s'";
    let front = Front::new(&format!(
        "[upstreams.back]\n{}\naccount = 1\n{}",
        vision6_at(script.address),
        routes(options)
    ));
    for (sent, dialect) in (1..).zip(Dialect::ALL) {
        for expected in [Told::Done, Told::DoneBefore, Told::DoneBefore] {
            let answered = front.ask(add(dialect, dialect.name(), None)).await;
            assert_eq!(told(dialect, &answered), expected);
        }
        assert_eq!(script.asked().len(), sent);
    }
}
