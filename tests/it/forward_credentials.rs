//! Credentials that the gateway has in a file: when it is changed, an upstream that refused them is
//! called again.

use std::fs;
use std::time::Duration;

use crate::forward_fixture::{Front, php_at};
use crate::php_upstream::{KEY, PASSWORD, PhpUpstream};

const READ: (&str, &str) = ("getUserById", "123456,2");

/// A gateway whose secret is in a file with something wrong in it.
fn front(dialect: &str, upstream: &PhpUpstream, file: &str) -> Front {
    let (own, option) = match dialect {
        "b2evolution" => (format!("password = \"{PASSWORD}\""), "password_file"),
        _ => (format!("key = '{KEY}'"), "key_file"),
    };
    let at = php_at(dialect, upstream);
    assert!(at.contains(&own), "{at}");
    Front::vision6(&at.replace(&own, &format!("{option} = '{file}'")), "")
}

#[tokio::test]
async fn refused_credentials_are_tried_again_once_their_file_has_others() {
    for (dialect, right) in [("vision6", KEY), ("b2evolution", PASSWORD)] {
        let upstream = PhpUpstream::start(dialect);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secret");
        fs::write(&file, "a wrong one\n").unwrap();
        let front = front(dialect, &upstream, file.to_str().unwrap());
        for _ in 0..3 {
            let refused = front.call(READ.0, READ.1).await;
            assert!(refused.body.contains("\"result\":null"), "{refused:?}");
        }
        assert_eq!(upstream.requests().len(), 1, "{dialect}");
        // It is being written.
        fs::write(&file, "").unwrap();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        front.call(READ.0, READ.1).await;
        assert_eq!(upstream.requests().len(), 1, "{dialect}");

        fs::write(&file, format!("{right}\n")).unwrap();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let answered = front.call(READ.0, READ.1).await;
        assert!(
            answered.body.contains("\"username\":\"mary\""),
            "{answered:?}"
        );
    }
}

#[tokio::test]
async fn a_file_that_stays_as_it_is_releases_nothing() {
    let upstream = PhpUpstream::start("vision6");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("secret");
    fs::write(&file, "a wrong one\n").unwrap();
    let front = front("vision6", &upstream, file.to_str().unwrap());
    for _ in 0..3 {
        front.call(READ.0, READ.1).await;
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    assert_eq!(upstream.requests().len(), 1);
}
