//! `email_user`: a webhook is told, or nobody is.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::clients::in_package;
use crate::notify_fixture::{PASSWORD, Place, Receiver, SECRET, free_address, until};
use crate::php_server::PhpServer;
use crate::process::{Served, dragoman, finish};

#[test]
fn a_notification_that_nobody_sends_is_logged_and_audited_as_not_done() {
    let place = Place::new();
    let served = Served::start(place.path());
    let id = place.add(&served, "ana");
    let (_, log) = served.stop();
    assert!(
        log.contains("the user is not notified: no notifier is configured"),
        "{log}"
    );
    let audited: String = place
        .raw()
        .query_row(
            "SELECT not_done FROM audit WHERE action = 'user.create' AND user_id = ?1",
            [id],
            |row| row.get(0),
        )
        .unwrap();
    assert!(audited.starts_with("the user is not notified"), "{audited}");
    assert_eq!(place.unsent(), 0);
}

#[test]
fn what_waits_is_warned_of_where_nobody_sends_it_any_more() {
    let place = Place::new();
    let nobody = format!("http://{}/", free_address());
    let served = place.serve(&nobody);
    place.add(&served, "ana");
    served.stop();
    assert_eq!(place.unsent(), 1);
    let (_, log) = Served::start(place.path()).stop();
    assert!(
        log.contains("notifications wait and nobody sends them"),
        "{log}"
    );
    assert_eq!(place.unsent(), 1);
}

#[test]
fn check_says_where_notifications_go_without_what_may_be_a_secret() {
    let place = Place::new();
    let check = |url: &str| {
        let mut check = dragoman(place.path());
        check
            .arg("check")
            .env("DRAGOMAN__NOTIFY__WEBHOOK__URL", url)
            .env("DRAGOMAN__NOTIFY__WEBHOOK__SECRET", SECRET);
        finish(&mut check)
    };
    let (code, out, _) = check("http://127.0.0.1:8081/hooks/T0K3N?key=T0K3N");
    assert_eq!(code, Some(0));
    assert!(
        out.ends_with("notify: POST to http://127.0.0.1:8081\n"),
        "{out}"
    );
    let (code, _, said) = check("http://ana:T0K3N@127.0.0.1/");
    assert_eq!(code, Some(64));
    assert!(
        said.contains("notify.webhook.url") && !said.contains("T0K3N"),
        "{said}"
    );
}

#[test]
fn a_webhook_is_told_once_of_each_user_who_is_to_be_notified() {
    let place = Place::new();
    let receiver = Receiver::start(&[]);
    let served = place.serve(&receiver.url());
    let id = place.add(&served, "ana");
    place.call(
        &served,
        "editUser",
        &json!({"id": id, "first_name": "Zoë", "email_user": true}),
    );
    place.call(
        &served,
        "editUser",
        &json!({"id": id, "position": "told before"}),
    );
    place.call(&served, "editUser", &json!({"id": id, "email_user": false}));
    // Refused, so that there is nothing to tell.
    place.call(&served, "editUser", &json!({"id": 999, "email_user": true}));
    place.call(
        &served,
        "addUser",
        &json!({"username": "ana", "email_user": true}),
    );
    receiver.wait(2);
    place.wait_until_sent();
    std::thread::sleep(Duration::from_millis(300));
    let requests = receiver.received();
    assert_eq!(requests.len(), 2, "{requests:?}");

    let created = &requests[0];
    assert_eq!(created.line, "POST /users?from=dragoman HTTP/1.1");
    assert_eq!(created.header("host"), receiver.address.to_string());
    assert_eq!(created.header("content-type"), "application/json");
    let event = created.header("webhook-id");
    assert_eq!(uuid::Uuid::parse_str(event).unwrap().get_version_num(), 7);
    assert_ne!(event, requests[1].header("webhook-id"));
    let body = created.json();
    let (at, request) = (&body["timestamp"], &body["data"]["request_id"]);
    assert!(at.as_str().unwrap().ends_with('Z'), "{at}");
    assert_eq!(
        body,
        json!({"type": "user.created", "timestamp": at, "data": {
            "account": 1, "request_id": request,
            "user": {"id": id, "username": "ana", "email": "ana@example.com", "display_name": "Ana Bell"},
        }})
    );
    let updated = requests[1].json();
    assert_eq!(updated["type"], "user.updated");
    assert_eq!(updated["data"]["user"]["display_name"], "Zoë Bell");

    let told: Vec<(String, String)> = {
        let raw = place.raw();
        let sql =
            "SELECT principal, request_id FROM audit WHERE action = 'user.notify' ORDER BY id";
        let mut statement = raw.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(
        told[0],
        ("notifier".to_owned(), request.as_str().unwrap().to_owned())
    );
    let done = || ("done".to_owned(), id, None);
    assert_eq!(place.audited(), [done(), done()]);
    let (status, log) = served.stop();
    assert!(status.success());
    assert_eq!(log.matches("notification sent").count(), 2, "{log}");
    assert!(!log.contains("not notified"), "{log}");
    place.run(&["audit", "verify"]);
}

#[test]
fn python_makes_the_same_signature() {
    let place = Place::new();
    let receiver = Receiver::start(&["500 Once More"]);
    let served = place.serve(&receiver.url());
    place.add(&served, "Zoë");
    for request in receiver.wait(2) {
        let program = "import base64, hashlib, hmac, sys
secret, id, timestamp, body = sys.argv[1:]
key = base64.b64decode(secret.removeprefix('whsec_'))
signed = hmac.new(key, f'{id}.{timestamp}.{body}'.encode(), hashlib.sha256).digest()
print('v1,' + base64.b64encode(signed).decode())";
        let output = Command::new("python3")
            .args(["-c", program, SECRET])
            .args([
                request.header("webhook-id"),
                request.header("webhook-timestamp"),
            ])
            .arg(&request.body)
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        let signature = String::from_utf8(output.stdout).unwrap();
        assert_eq!(request.header("webhook-signature"), signature.trim_end());
        let sent_at: i64 = request.header("webhook-timestamp").parse().unwrap();
        let now = jiff::Timestamp::now().as_second();
        assert!((now - 60..=now).contains(&sent_at), "{sent_at}");
    }
    served.stop();
}

#[test]
fn the_receiver_in_deploy_mails_once() {
    let place = Place::new();
    let seen = place.path().join("seen");
    std::fs::create_dir(&seen).unwrap();
    let mails = place.path().join("mails");
    let sendmail = format!("sendmail_path=/bin/sh -c 'cat >> {}'", mails.display());
    let php = PhpServer::run(&in_package("deploy/notify.php"), |php| {
        php.args(["-d", &sendmail])
            .env("WEBHOOK_SECRET", SECRET)
            .env("WEBHOOK_SEEN", &seen)
            .env("WEBHOOK_FROM", "site@example.com");
    });
    let served = place.serve(&format!("http://{}/", php.address()));
    place.add(&served, "ana");
    place.wait_until_sent();
    // The same event again, as after a crash; the next one wakes the sender.
    let id = std::fs::read_dir(&seen).unwrap().next().unwrap().unwrap();
    let repeated = place.raw().execute(
        "INSERT INTO notifications (id, event, at, request_id, account_id, user_id, username, email,
                                    state, queued_at, due_at, attempts)
         VALUES (?1, 'user.created', 1, '', 1, 1, 'ana', 'ana@example.com', 'waiting', 1, 1, 0)",
        [id.file_name().to_str()],
    );
    assert_eq!(repeated.unwrap(), 1);
    place.add(&served, "bea");
    place.wait_until_sent();
    served.stop();
    let mails = std::fs::read_to_string(mails).unwrap();
    assert_eq!(mails.matches("To: ").count(), 2, "{mails}");
    assert!(mails.contains("To: ana@example.com"), "{mails}");
    assert!(mails.contains("Your user name is ana."), "{mails}");
    assert_eq!(std::fs::read_dir(seen).unwrap().count(), 2);
    assert_eq!(place.audited().len(), 3, "all three were sent");
}

#[test]
fn no_password_and_no_secret_is_in_the_queue_the_log_the_trail_or_the_request() {
    let place = Place::new();
    let receiver = Receiver::start(&["500 Later"]);
    let served = place.serve_with(&receiver.url(), |serve| {
        serve.env("DRAGOMAN__LOG__FILTER", "trace");
        serve.env("DRAGOMAN__NOTIFY__FIRST_RETRY", "20s");
    });
    place.add(&served, "ana");
    let requests = receiver.wait(1);
    until("the attempt is noted", || {
        let noted = place.raw().query_row(
            "SELECT count(*) FROM notifications WHERE attempts = 1",
            [],
            |row| row.get::<_, i64>(0),
        );
        (noted.unwrap() == 1).then_some(())
    });
    let written: Vec<_> = std::fs::read_dir(place.path().join("data"))
        .unwrap()
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    let (_, output, log) = served.stop_and_tell();
    assert!(log.contains("notification not sent"), "{log}");
    let request = format!("{requests:?}");
    let secret = SECRET.strip_prefix("whsec_").unwrap();
    let mut searched = written;
    searched.extend([
        output.into_bytes(),
        log.clone().into_bytes(),
        request.into_bytes(),
    ]);
    for text in &searched {
        for canary in [PASSWORD, secret, "replace this by 32 random bytes!"] {
            let found = memchr::memmem::find(text, canary.as_bytes());
            assert_eq!(
                found,
                None,
                "{canary} is in {}",
                String::from_utf8_lossy(text)
            );
        }
    }
    assert!(!log.contains("ana@example.com"), "an address is in the log");
}

#[test]
fn a_thousand_notifications_cost_no_memory_that_stays() {
    let place = Place::new();
    let receiver = Receiver::start(&[]);
    let served = place.serve(&receiver.url());
    let id = place.add(&served, "ana");
    receiver.wait(1);
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", served.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    let before = resident();
    let queued = place.raw().execute(
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
         INSERT INTO notifications (id, event, at, request_id, account_id, user_id, username, state,
                                    queued_at, due_at, attempts)
         SELECT format('00000000-0000-7000-8000-%012d', i), 'user.updated', i, '', 1, ?1, 'ana',
                'waiting', i, i, 0 FROM n",
        [id],
    );
    assert_eq!(queued.unwrap(), 1000);
    // Whoever has something new to send looks at what else there is.
    place.add(&served, "bea");
    let requests = receiver.wait(1002);
    let in_order = requests[1..1001]
        .windows(2)
        .all(|pair| pair[0].header("webhook-id") < pair[1].header("webhook-id"));
    assert!(in_order, "the oldest first");
    let took = requests[1001].at - requests[1].at;
    let after = resident();
    println!("1,000 notifications in {took:?}; {before} KiB before, {after} KiB after");
    assert!(
        after < before + 4096,
        "{before} KiB before, {after} KiB after"
    );
    served.stop();
}
