//! Notifications where something fails: the receiver, the network, Dragoman itself.

use std::time::Duration;

use serde_json::Value;

use crate::notify_fixture::{Place, Received, Receiver, Reply, free_address, until};
use crate::process::{dragoman, finish};

#[test]
fn what_is_not_received_is_sent_again_under_the_same_id() {
    let place = Place::new();
    let receiver = Receiver::start(&["500 Internal Server Error", "302 Found", "401 Unauthorized"]);
    let served = place.serve(&receiver.url());
    let id = place.add(&served, "ana");
    let requests = receiver.wait(4);
    place.wait_until_sent();
    let first = &requests[0];
    for again in &requests[1..] {
        assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
        assert_eq!(again.body, first.body);
    }
    assert_eq!(place.audited(), [("done".to_owned(), id, None)]);
    let (_, log) = served.stop();
    assert_eq!(receiver.received().len(), 4);
    assert_eq!(log.matches("notification not sent").count(), 3, "{log}");
    assert!(log.contains("the receiver answered 302"), "{log}");
}

#[test]
fn what_is_sent_while_nobody_listens_arrives_once_somebody_does() {
    let place = Place::new();
    let address = free_address();
    let served = place.serve(&format!("http://{address}/"));
    let names = ["ana", "bea", "cyd"];
    for name in names {
        place.add(&served, name);
    }
    let tried = || {
        let tried = place.raw().query_row(
            "SELECT count(*) FROM notifications WHERE problem LIKE '%cannot be connected to%'",
            [],
            |row| row.get::<_, i64>(0),
        );
        (tried.unwrap() > 0).then_some(())
    };
    until("an attempt failed", tried);
    let receiver = Receiver::at(address, &[]);
    let requests = receiver.wait(3);
    place.wait_until_sent();
    let mut told: Vec<_> = requests.iter().map(Received::username).collect();
    told.sort();
    assert_eq!(told, names);
    served.stop();
    assert_eq!(receiver.received().len(), 3);
}

#[test]
fn a_receiver_is_given_the_time_it_asks_for() {
    let place = Place::new();
    let receiver = Receiver::start(&["503 Service Unavailable\r\nRetry-After: 2"]);
    let served = place.serve(&receiver.url());
    place.add(&served, "ana");
    receiver.wait(1);
    // Nothing else is sent meanwhile either.
    place.add(&served, "bea");
    let requests = receiver.wait(3);
    let waited = requests[1].at - requests[0].at;
    assert!(waited >= Duration::from_secs(2), "{waited:?}");
    assert!(waited < Duration::from_secs(10), "{waited:?}");
    served.stop();
}

#[test]
fn one_that_is_never_taken_does_not_hold_up_the_others() {
    let place = Place::new();
    let receiver = Receiver::answering("127.0.0.1:0".parse().unwrap(), |request| {
        Reply::new(if request.username() == "ana" {
            "500 Internal Server Error"
        } else {
            "200 OK"
        })
    });
    let served = place.serve(&receiver.url());
    for name in ["ana", "bea", "cyd"] {
        place.add(&served, name);
    }
    until("the others are sent", || {
        (place.audited().len() == 2).then_some(())
    });
    assert_eq!(place.unsent(), 1);
    served.stop();
}

#[test]
fn a_receiver_that_is_gone_is_asked_nothing_more_until_the_next_start() {
    let place = Place::new();
    let receiver = Receiver::start(&["410 Gone"]);
    let served = place.serve(&receiver.url());
    let ana = place.add(&served, "ana");
    let reason = Some("the receiver answered 410".to_owned());
    until("it is given up", || {
        (place.audited().len() == 1).then_some(())
    });
    assert_eq!(place.audited(), [("failed".to_owned(), ana, reason)]);
    place.add(&served, "bea");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(receiver.received().len(), 1);
    let (status, log) = served.stop();
    assert!(status.success());
    assert!(
        log.contains("no more notifications are sent until the next start"),
        "{log}"
    );

    let served = place.serve(&receiver.url());
    assert_eq!(receiver.wait(2)[1].username(), "bea");
    let listed = place.run(&["notify", "list", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(
        (&listed["user"], &listed["state"]),
        (&ana.into(), &"failed".into())
    );
    served.stop();
}

#[test]
fn what_is_given_up_is_listed_and_can_be_tried_again_or_forgotten() {
    let place = Place::new();
    let receiver = Receiver::start(&["500 Oops", "500 Oops"]);
    let served = place.serve_with(&receiver.url(), |serve| {
        serve.env("DRAGOMAN__NOTIFY__GIVE_UP", "0s");
    });
    let users = ["ana", "bea"].map(|name| place.add(&served, name));
    until("both are given up", || {
        (place.audited().len() == 2).then_some(())
    });
    let reason = "given up after 1 attempts: the receiver answered 500";
    let failed = |user| ("failed".to_owned(), user, Some(reason.to_owned()));
    assert_eq!(place.audited(), users.map(failed));
    let (_, log) = served.stop();
    assert_eq!(log.matches("notification given up").count(), 2, "{log}");

    let listed = place.run(&["notify", "list"]);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(
        listed.contains("user.created") && listed.contains(reason),
        "{listed}"
    );
    assert!(!listed.contains("example.com"), "{listed}");
    let ids: Vec<_> = listed
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    place.run(&["notify", "retry", ids[0]]);
    place.run(&["notify", "forget", ids[1]]);
    for again in ["retry", "forget"] {
        let (code, _, said) = finish(dragoman(place.path()).args(["notify", again, ids[1]]));
        assert_eq!(code, Some(1));
        assert!(said.contains("dragoman notify list"), "{said}");
    }
    let served = place.serve(&receiver.url());
    let requests = receiver.wait(3);
    assert_eq!(requests[2].header("webhook-id"), ids[0]);
    place.wait_until_sent();
    served.stop();
    assert_eq!(receiver.received().len(), 3);
    place.run(&["audit", "verify"]);
}

#[test]
fn what_waits_when_the_process_is_killed_is_sent_after_a_restart() {
    let place = Place::new();
    let address = free_address();
    let url = format!("http://{address}/");
    let mut served = place.serve_with(&url, |serve| {
        serve.env("DRAGOMAN__NOTIFY__FIRST_RETRY", "1s");
    });
    let id = place.add(&served, "ana");
    served.signal("KILL");
    served.wait(Duration::from_secs(5));
    let queued: String = place
        .raw()
        .query_row("SELECT id FROM notifications", [], |row| row.get(0))
        .unwrap();
    let receiver = Receiver::at(address, &[]);
    let served = place.serve(&url);
    let requests = receiver.wait(1);
    assert_eq!(requests[0].header("webhook-id"), queued);
    assert_eq!(requests[0].json()["data"]["user"]["id"], id);
    place.wait_until_sent();
    served.stop();
    assert_eq!(receiver.received().len(), 1);
}

#[test]
fn what_may_have_been_received_when_the_process_is_killed_is_repeated_under_the_same_id() {
    let place = Place::new();
    let receiver = Receiver::answering("127.0.0.1:0".parse().unwrap(), |_| Reply {
        head: "200 OK".to_owned(),
        after: Duration::from_millis(500),
    });
    let mut served = place.serve(&receiver.url());
    place.add(&served, "ana");
    receiver.wait(1);
    served.signal("KILL");
    served.wait(Duration::from_secs(5));
    assert_eq!(place.unsent(), 1, "nobody wrote down that it was received");
    // As if the time had passed for which the dead process holds it.
    place
        .raw()
        .execute("UPDATE notifications SET due_at = 0", [])
        .unwrap();
    let served = place.serve(&receiver.url());
    let requests = receiver.wait(2);
    assert_eq!(
        requests[0].header("webhook-id"),
        requests[1].header("webhook-id")
    );
    place.wait_until_sent();
    served.stop();
    assert_eq!(receiver.received().len(), 2);
}

#[test]
fn an_attempt_under_way_ends_before_a_gateway_that_was_asked_to_end() {
    let place = Place::new();
    let receiver = Receiver::answering("127.0.0.1:0".parse().unwrap(), |_| Reply {
        head: "200 OK".to_owned(),
        after: Duration::from_millis(1500),
    });
    let served = place.serve_with(&receiver.url(), |serve| {
        serve.env("DRAGOMAN__SERVER__DRAIN__LAME_DUCK", "0s");
    });
    place.add(&served, "ana");
    receiver.wait(1);
    let (status, log) = served.stop();
    assert!(status.success(), "{log}");
    assert!(log.contains("notification sent"), "{log}");
    assert_eq!(place.unsent(), 0);
}
