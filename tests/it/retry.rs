//! Upstreams that fail now and then: what is sent to them again, what never is, and how long that takes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::forward_fixture::{Answered, Front, vision6_at};
use crate::upstream_script::{Asked, Reply, Script};

const READ: (&str, &str) = ("countUsers", "1");
const SET: (&str, &str) = ("editUser", r#"1,{"id":5,"position":"Analyst"}"#);
const TELLING: (&str, &str) = (
    "editUser",
    r#"1,{"id":5,"position":"Analyst","email_user":true}"#,
);
const ADD: (&str, &str) = ("addUser", r#"1,{"username":"ann"}"#);
const DELETE: (&str, &str) = ("deleteUser", "1,5");

fn good(asked: &Asked) -> Reply {
    let result = if asked.body.contains("editUser") || asked.body.contains("deleteUser") {
        "true"
    } else {
        "5"
    };
    Reply::Answer(200, format!(r#"{{"id":1,"result":{result},"error":null}}"#))
}

fn status(line: &str, more: &str) -> Reply {
    let text = format!("HTTP/1.1 {line}\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n");
    Reply::Raw(text.into_bytes())
}

/// An upstream whose first requests come to these ends, and all others to a good one.
fn failing_first(ends: Vec<Reply>) -> Script {
    let number = AtomicUsize::new(0);
    Script::start(move |asked| {
        let number = number.fetch_add(1, Ordering::SeqCst);
        ends.get(number).cloned().unwrap_or_else(|| good(asked))
    })
}

fn front(script: &Script, options: &str) -> Front {
    let own = "[routes.own]\ndialect = 'grupo'\n";
    let back = format!(
        "scopes = ['user:*']\n[upstreams.back]\n{}",
        vision6_at(script.address)
    );
    Front::new(&format!(
        "{back}\n{options}\n[routes.front]\ndialect = 'vision6'\nuser = 'back'\n{own}"
    ))
}

async fn ask(front: &Front, (method, parameters): (&str, &str)) -> Answered {
    front.call(method, parameters).await
}

fn is_good(answered: &Answered) -> bool {
    answered.body.contains(r#""error":null"#)
}

/// Everything that is worth another try, once.
fn passing() -> Vec<(&'static str, Reply)> {
    vec![
        ("reset", Reply::Raw(Vec::new())),
        (
            "half a head",
            Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-".to_vec()),
        ),
        (
            "half a body",
            Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"id\"".to_vec()),
        ),
        ("502", status("502 Bad Gateway", "")),
        ("503", status("503 Service Unavailable", "")),
        ("504", status("504 Gateway Timeout", "")),
        ("silence", Reply::Silence(Duration::from_secs(5))),
    ]
}

#[tokio::test]
async fn reads_and_what_only_sets_are_sent_again_and_the_caller_hears_nothing_of_it() {
    for (name, end) in passing() {
        for call in [READ, SET] {
            let script = failing_first(vec![end.clone()]);
            let front = front(&script, "head_timeout = '300ms'");
            let answered = ask(&front, call).await;
            assert!(is_good(&answered), "{name}: {answered:?}");
            assert_eq!(script.asked().len(), 2, "{name}");
        }
    }
}

#[tokio::test]
async fn what_makes_takes_away_or_tells_is_never_sent_again_once_it_may_have_arrived() {
    for (name, end) in passing() {
        for call in [ADD, DELETE, TELLING] {
            let script = failing_first(vec![end.clone()]);
            let front = front(&script, "head_timeout = '300ms'");
            let answered = ask(&front, call).await;
            assert!(!is_good(&answered), "{name}: {answered:?}");
            assert_eq!(script.asked().len(), 1, "{name} {call:?}");
        }
    }
}

/// Whatever else there is: a fault of the caller's, one of the upstream's own, and no answer at all.
#[tokio::test]
async fn what_another_try_would_find_the_same_is_not_sent_again() {
    let fault = |code| {
        let body = format!(r#"{{"id":1,"result":null,"error":{{"code":{code},"message":"No"}}}}"#);
        Reply::Answer(200, body)
    };
    let ends = [
        fault(331),
        fault(100),
        Reply::Answer(500, "<h1>Oops</h1>".to_owned()),
        Reply::Answer(404, String::new()),
        Reply::Answer(200, "<html>".to_owned()),
        Reply::Raw(b"220 mail.example.com ESMTP\r\n".to_vec()),
    ];
    for end in ends {
        let script = failing_first(vec![end.clone()]);
        let front = front(&script, "");
        let answered = ask(&front, READ).await;
        assert!(!is_good(&answered), "{answered:?}");
        assert_eq!(script.asked().len(), 1, "{end:?}");
    }
}

#[tokio::test]
async fn reads_and_sets_survive_an_upstream_that_fails_every_third_request() {
    let number = AtomicUsize::new(0);
    let script = Script::start(move |asked| {
        let number = number.fetch_add(1, Ordering::SeqCst);
        match (number % 3, number % 9) {
            (2, 2) => Reply::Raw(Vec::new()),
            (2, 5) => status("503 Service Unavailable", ""),
            (2, _) => Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-".to_vec()),
            _ => good(asked),
        }
    });
    let front = front(&script, "retry = { per_second = 1000 }");
    for round in 0..60 {
        let call = if round % 2 == 0 { READ } else { SET };
        let answered = ask(&front, call).await;
        assert!(is_good(&answered), "{round}: {answered:?}");
    }
    assert!(script.asked().len() >= 85, "{}", script.asked().len());
}

/// Nothing listens there until a while after the first try.
#[tokio::test]
async fn a_write_of_which_no_byte_left_is_sent_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let options = format!(
        "{}\nretry = {{ most = 10, per_second = 1000 }}",
        vision6_at(address)
    );
    let front = Front::vision6(&options, "");
    let later = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let mut requests = 0;
        loop {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = vec![0; 4096];
            requests += 1;
            assert!(stream.read(&mut bytes).await.unwrap() > 0);
            assert_eq!(requests, 1);
            let body = r#"{"id":1,"result":5,"error":null}"#;
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let answered = ask(&front, ADD).await;
    assert!(is_good(&answered), "{answered:?}");
    assert!(!later.is_finished());
}

/// The first may have arrived, and the second did not: nobody may say that nothing was done.
#[tokio::test]
async fn a_later_try_does_not_hide_that_an_earlier_one_may_have_arrived() {
    let ends = [
        vec![
            Reply::Raw(Vec::new()),
            status("503 Service Unavailable", ""),
        ],
        vec![
            status("504 Gateway Timeout", ""),
            status("503 Service Unavailable", ""),
        ],
        vec![Reply::Raw(Vec::new()); 2],
    ];
    for ends in ends {
        let script = failing_first(ends);
        let front = front(&script, "retry = { most = 1 }");
        let answered = ask(&front, SET).await;
        assert!(answered.body.contains(r#""code":103"#), "{answered:?}");
        assert_eq!(script.asked().len(), 2);
    }
}

#[tokio::test]
async fn the_upstreams_retry_after_is_waited_for_within_the_deadline_and_not_beyond() {
    let later = |seconds| {
        let wait = format!("Retry-After: {seconds}\r\n");
        vec![status("503 Service Unavailable", &wait)]
    };
    let script = failing_first(later(1));
    let begin = Instant::now();
    let answered = ask(&front(&script, ""), READ).await;
    assert!(is_good(&answered), "{answered:?}");
    assert!(begin.elapsed() >= Duration::from_secs(1));

    let script = failing_first(later(60));
    let begin = Instant::now();
    let answered = ask(&front(&script, ""), READ).await;
    assert!(!is_good(&answered), "{answered:?}");
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn one_try_ends_in_time_for_another_and_all_of_them_at_the_deadline() {
    let silence = || Reply::Silence(Duration::from_secs(8));
    let script = failing_first(vec![silence()]);
    let begin = Instant::now();
    let answered = ask(&front(&script, "retry = { try_timeout = '200ms' }"), SET).await;
    assert!(is_good(&answered), "{answered:?}");
    assert!(begin.elapsed() < Duration::from_secs(4));

    // What is sent once is waited for as long as there is time.
    let slow =
        Script::start(|asked| Reply::After(Duration::from_millis(600), Box::new(good(asked))));
    let answered = ask(&front(&slow, "retry = { try_timeout = '200ms' }"), ADD).await;
    assert!(is_good(&answered), "{answered:?}");

    let script = Script::start(move |_| silence());
    let options = "timeout = '1s'\nretry = { try_timeout = '300ms', most = 10 }";
    let begin = Instant::now();
    let answered = ask(&front(&script, options), READ).await;
    assert!(answered.body.contains(r#""code":100"#), "{answered:?}");
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert!(
        (2..=4).contains(&script.asked().len()),
        "{}",
        script.asked().len()
    );
}

#[tokio::test]
async fn a_read_that_is_late_is_sent_a_second_time_beside_the_first_where_that_is_wanted() {
    let late = || {
        let number = AtomicUsize::new(0);
        Script::start(move |asked| match number.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::After(Duration::from_secs(5), Box::new(good(asked))),
            _ => good(asked),
        })
    };
    let script = late();
    let begin = Instant::now();
    let front_hedged = front(&script, "retry = { hedge_after = '100ms' }");
    let answered = ask(&front_hedged, READ).await;
    assert!(is_good(&answered), "{answered:?}");
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(script.asked().len(), 2);

    // One that is answered in time is sent once, and a write in any case.
    assert!(is_good(&ask(&front_hedged, READ).await));
    assert_eq!(script.asked().len(), 3);
    let slow =
        Script::start(|asked| Reply::After(Duration::from_millis(500), Box::new(good(asked))));
    let front_slow = front(&slow, "retry = { hedge_after = '100ms' }");
    for call in [SET, ADD] {
        assert!(is_good(&ask(&front_slow, call).await));
    }
    assert_eq!(slow.asked().len(), 2);
}

/// If the one that was sent second fails, the first still counts; and if both do, they are tried again.
#[tokio::test]
async fn of_two_reads_beside_each_other_the_one_that_works_is_the_answer() {
    for failing in [vec![1], vec![0], vec![0, 1]] {
        let number = AtomicUsize::new(0);
        let script = Script::start(move |asked| {
            let number = number.fetch_add(1, Ordering::SeqCst);
            let end = if failing.contains(&number) {
                Reply::Raw(Vec::new())
            } else {
                good(asked)
            };
            match number {
                0 => Reply::After(Duration::from_millis(800), Box::new(end)),
                1 => Reply::After(Duration::from_millis(200), Box::new(end)),
                _ => end,
            }
        });
        let front = front(&script, "retry = { hedge_after = '200ms' }");
        let answered = ask(&front, READ).await;
        assert!(is_good(&answered), "{answered:?}");
    }
}

/// Of the two answers the 503 is read by nobody; what answered it has failed all the same.
#[tokio::test]
async fn of_two_reads_beside_each_other_the_one_that_fails_is_held_against_the_endpoint() {
    let number = AtomicUsize::new(0);
    let script = Script::start(move |asked| match number.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::After(Duration::from_millis(1200), Box::new(good(asked))),
        1 => status("503 Service Unavailable", ""),
        _ => good(asked),
    });
    let front = front(&script, "retry = { hedge_after = '100ms' }");
    let answered = ask(&front, READ).await;
    assert!(is_good(&answered), "{answered:?}");
    assert_eq!(script.asked().len(), 2);
    let condition = front.forward.conditions().remove(0);
    assert_eq!(condition.endpoints[0].failures, 1);
}

#[tokio::test]
async fn the_upstream_is_told_how_much_time_is_left_where_a_header_is_named() {
    let script = failing_first(vec![status(
        "503 Service Unavailable",
        "Retry-After: 1\r\n",
    )]);
    let options = "timeout = '10s'\nretry = { deadline_header = 'X-Timeout-Ms' }";
    assert!(is_good(&ask(&front(&script, options), READ).await));
    let left: Vec<u64> = script
        .asked()
        .iter()
        .map(|asked| {
            let mut lines = asked.head.lines();
            let line = lines.find_map(|line| line.strip_prefix("x-timeout-ms: "));
            line.unwrap().parse().unwrap()
        })
        .collect();
    let [first, second] = left[..] else {
        panic!("{left:?}");
    };
    assert!(
        first <= 10_000 && second <= first - 1000 && second > 0,
        "{left:?}"
    );
    let script = failing_first(Vec::new());
    assert!(is_good(&ask(&front(&script, ""), READ).await));
    assert!(!script.asked()[0].head.contains("timeout"));
}

/// The line of the call says so, too; `tests/it/retry_budget.rs` reads it.
#[tokio::test]
async fn the_audit_trail_says_how_often_a_write_was_sent() {
    let script = failing_first(vec![status("503 Service Unavailable", "")]);
    let front = front(&script, "");
    assert!(is_good(&ask(&front, SET).await));
    assert!(is_good(&ask(&front, SET).await));
    let attempts = |id| {
        front.number(&format!(
            "SELECT coalesce(attempts, 1) FROM audit WHERE id = {id}"
        ))
    };
    assert_eq!((attempts(1), attempts(2)), (2, 1));
    // The first of its tries may have arrived, so that nobody knows.
    let script = Script::start(|_| Reply::Raw(Vec::new()));
    let front = self::front(&script, "");
    ask(&front, SET).await;
    let attempts = "SELECT attempts FROM audit WHERE outcome = 'unknown'";
    let deadline = Instant::now() + Duration::from_secs(10);
    while front.trail().is_empty() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(front.number(attempts), 3);
}
