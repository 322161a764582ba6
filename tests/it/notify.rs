//! `email_user` without a notifier: accepted, logged, and audited as not done.

use rusqlite::Connection;

use crate::process::{Served, curl, dragoman, finish};

#[test]
fn a_notification_that_nobody_sends_is_logged_and_audited_as_not_done() {
    let directory = tempfile::tempdir().unwrap();
    let served = Served::start(directory.path());
    let (_, key, _) = finish(dragoman(directory.path()).args(["keys", "create", "--name", "crm"]));
    let body = format!(
        r#"{{"id":1,"method":"editUser","params":["{}",1,{{"id":1,"email_user":true}}]}}"#,
        key.trim()
    );
    // The key is live within a second of being made.
    let url = format!("{}/api/jsonrpcserver", served.url);
    let answer = (0..50).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        let answer = curl(&["-d", &body, &url]);
        answer.contains("\"error\":null").then_some(answer)
    });
    assert_eq!(
        answer.as_deref(),
        Some(r#"{"id":1,"result":true,"error":null}"#)
    );

    let (_, log) = served.stop();
    assert!(
        log.contains("the user is not notified: no notifier is configured"),
        "{log}"
    );
    let database = Connection::open(directory.path().join("data/dragoman.db")).unwrap();
    let audited: String = database
        .query_row(
            "SELECT not_done FROM audit WHERE action = 'user.update'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert!(audited.starts_with("the user is not notified"), "{audited}");
}
