//! Upstreams that refuse, stall, break off or answer something else than their dialect: one
//! documented fault each, never a success, and nothing sent twice that may have arrived.

use std::time::{Duration, Instant};

use crate::forward_fixture::{CALLERS_KEY, Front, OWN_KEY, vision6_at};
use crate::upstream_script::{Reply, Script};

const UPDATE: (&str, &str) = ("editUser", r#"1,{"id":5,"position":"Analyst"}"#);
const READ: (&str, &str) = ("getUserById", "1,5");

fn raw(text: &str) -> Reply {
    Reply::Raw(text.as_bytes().to_vec())
}

/// The code of the fault that a caller gets, and how often the upstream was asked.
async fn fault(reply: Reply, (method, parameters): (&str, &str)) -> (String, usize) {
    let script = Script::start(move |_| reply.clone());
    // What is tried again is another matter.
    let options = format!(
        "{}\nhead_timeout = '300ms'\nretry = {{ most = 0 }}",
        vision6_at(script.address)
    );
    let front = Front::vision6(&options, "");
    let answered = front.call(method, parameters).await;
    let code = answered.body.split_once(r#""code":"#);
    let code = code.unwrap_or_else(|| panic!("{answered:?}")).1;
    let digits = code.split(|letter: char| !letter.is_ascii_digit());
    (
        digits.into_iter().next().unwrap().to_owned(),
        script.asked().len(),
    )
}

#[tokio::test]
async fn whatever_goes_wrong_after_a_write_was_sent_is_unknown_and_after_a_read_a_failure() {
    let long_head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let broken = [
        ("reset before the head", raw("")),
        ("reset inside the head", raw("HTTP/1.1 200 OK\r\nContent-")),
        (
            "reset inside the body",
            raw("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"id\":1,"),
        ),
        ("silence", Reply::Silence(Duration::from_secs(2))),
        ("no HTTP", raw("220 mail.example.com ESMTP\r\n")),
        ("a megabyte of headers", raw(&long_head)),
        (
            "a compressed body",
            raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"),
        ),
        (
            "two lengths",
            raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        ),
        (
            "HTML",
            Reply::Answer(200, "<html>It works!</html>".to_owned()),
        ),
        ("nothing", Reply::Answer(200, String::new())),
        (
            "half of it",
            Reply::Answer(200, r#"{"id":1,"result":tr"#.to_owned()),
        ),
        (
            "a server's error page",
            Reply::Answer(502, "<h1>Bad Gateway</h1>".to_owned()),
        ),
    ];
    for (name, reply) in broken {
        assert_eq!(
            fault(reply.clone(), UPDATE).await,
            ("103".to_owned(), 1),
            "{name}"
        );
        assert_eq!(fault(reply, READ).await, ("100".to_owned(), 1), "{name}");
    }
}

#[tokio::test]
async fn a_fault_of_the_upstream_is_the_same_fault_to_the_caller() {
    let reply = r#"{"id":1,"result":null,"error":{"code":322,"message":"Username unavailable"}}"#;
    let (code, asked) = fault(Reply::Answer(200, reply.to_owned()), UPDATE).await;
    assert_eq!((code.as_str(), asked), ("322", 1));
}

#[tokio::test]
async fn what_was_never_sent_is_a_failure_and_not_unknown() {
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let front = Front::vision6(&vision6_at(address), "");
    for (method, parameters) in [UPDATE, READ] {
        let answered = front.call(method, parameters).await;
        assert!(answered.body.contains(r#""code":100"#), "{answered:?}");
    }
}

#[tokio::test]
async fn a_caller_waits_no_longer_than_its_route_says() {
    let script = Script::start(|_| Reply::Silence(Duration::from_secs(5)));
    let front = Front::vision6(&vision6_at(script.address), "call_timeout = '400ms'");
    let since = Instant::now();
    let answered = front.call(UPDATE.0, UPDATE.1).await;
    assert!(answered.body.contains(r#""code":103"#), "{answered:?}");
    assert!(since.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn the_upstream_sees_the_gateways_key_and_never_the_callers() {
    let script =
        Script::start(|_| Reply::Answer(200, r#"{"id":1,"result":true,"error":null}"#.to_owned()));
    let front = Front::vision6(&vision6_at(script.address), "");
    front.call(UPDATE.0, UPDATE.1).await;
    let [asked] = &script.asked()[..] else {
        panic!("one request is all there is");
    };
    let seen = format!("{}{}", asked.head, asked.body);
    assert!(seen.contains(OWN_KEY), "{seen}");
    assert!(!seen.contains(CALLERS_KEY), "{seen}");
}

#[tokio::test]
async fn one_refusal_of_the_gateways_own_key_is_enough_however_many_callers_there_are() {
    let script = Script::start(|_| {
        let refused = r#"{"id":1,"result":null,"error":{"code":300,"message":"Authorisation Failed - Invalid Login"}}"#;
        Reply::After(
            Duration::from_millis(100),
            Box::new(Reply::Answer(200, refused.to_owned())),
        )
    });
    let front = Front::vision6(&vision6_at(script.address), "");
    let calls = (0..20).map(|_| front.call(READ.0, READ.1));
    for answered in futures_util::future::join_all(calls).await {
        assert!(answered.body.contains(r#""code":100"#), "{answered:?}");
        assert!(!answered.body.contains("300"), "{answered:?}");
    }
    assert_eq!(script.asked().len(), 1);
}
