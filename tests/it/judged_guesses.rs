//! `auth = "upstream"`: guesses that are made at once, or whose callers do not wait for the answer.

use std::time::Duration;

use bytes::Bytes;
use dragoman::store::Store;
use futures_util::future::join_all;
use http::Request;
use tokio::time::timeout;

use crate::forward_fixture::{Answered, Front};
use crate::php_upstream::PhpUpstream;
use crate::upstream_script::{Reply, Script};

const GOOD: &str = "good-key-of-a-caller";

fn front(upstream: &Script) -> Front {
    Front::bare(&format!(
        "[upstreams.back]\ndialect = 'grupo'\nurl = 'http://{}'\n[routes.front]\ndialect = 'grupo'\n\
         user = 'back'\ngroup = 'back'\nauth = 'upstream'\n",
        upstream.address
    ))
}

fn slow() -> Script {
    Script::start(|asked| {
        let said = if asked.body.contains(GOOD) {
            r#"{"success":true}"#
        } else {
            r#"{"success":false,"error_message":"Invalid API Secret Key","error_key":"invalid_api_secret_key"}"#
        };
        let answer = Reply::Answer(200, said.to_owned());
        Reply::After(Duration::from_millis(100), Box::new(answer))
    })
}

async fn write(front: &Front, key: &str) -> Answered {
    let body = format!("api_secret_key={key}&update=site_users&user=mary&full_name=M");
    let request = Request::post("/api_request/")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body));
    front.ask(request.unwrap()).await
}

async fn leave(front: &Front, key: &str) {
    let left = timeout(Duration::from_millis(5), write(front, key)).await;
    assert!(left.is_err());
}

#[tokio::test]
async fn writes_whose_callers_left_count_as_guesses() {
    let upstream = slow();
    let front = front(&upstream);
    for number in 0..20 {
        leave(&front, &format!("guess-{number}")).await;
    }
    for number in 20..30 {
        let refused = write(&front, &format!("guess-{number}")).await;
        assert!(
            refused.body.contains("invalid_api_secret_key"),
            "{refused:?}"
        );
    }
    front.forward.finished().await;
    assert_eq!(upstream.asked().len(), 20);
}

#[tokio::test]
async fn guesses_at_once_are_no_more_than_one_after_the_other() {
    let upstream = slow();
    let front = front(&upstream);
    let guesses: Vec<_> = (0..60).map(|number| format!("guess-{number}")).collect();
    let answers = join_all(guesses.iter().map(|guess| write(&front, guess))).await;
    for refused in answers {
        assert!(
            refused.body.contains("invalid_api_secret_key"),
            "{refused:?}"
        );
    }
    assert_eq!(upstream.asked().len(), 20);
}

#[tokio::test]
async fn many_calls_at_once_under_one_good_key_are_no_guesses() {
    let upstream = slow();
    let front = front(&upstream);
    for done in join_all((0..60).map(|_| write(&front, GOOD))).await {
        assert_eq!(done.body, r#"{"success":true}"#);
    }
}

#[tokio::test]
async fn who_was_taken_a_moment_ago_may_leave_as_often_as_it_likes() {
    let upstream = slow();
    let front = front(&upstream);
    assert!(write(&front, GOOD).await.body.contains("true"));
    for _ in 0..30 {
        leave(&front, GOOD).await;
    }
    assert!(write(&front, GOOD).await.body.contains("true"));
}

#[tokio::test]
async fn what_the_upstream_did_not_judge_is_no_guess() {
    let upstream = Script::start(|_| Reply::Raw(Vec::new()));
    let front = front(&upstream);
    for number in 0..30 {
        let failed = write(&front, &format!("key-{number}")).await;
        assert!(
            !failed.body.contains("invalid_api_secret_key"),
            "{failed:?}"
        );
    }
}

#[tokio::test]
async fn a_session_that_a_method_wants_is_a_wrong_key_where_it_is_the_callers() {
    let fault = r#"{"id":1,"result":null,"error":{"code":301,"message":"Please log in first"}}"#;
    let upstream = Script::start(move |_| Reply::Answer(200, fault.to_owned()));
    let front = Front::bare(&format!(
        "[upstreams.back]\ndialect = 'vision6'\nurl = 'http://{}'\n[routes.front]\n\
         dialect = 'vision6'\nuser = 'back'\nauth = 'upstream'\nnative = ['getSessionInfo']\n",
        upstream.address
    ));
    for _ in 0..30 {
        let refused = front.call("getSessionInfo", "").await;
        assert!(refused.body.contains(r#""code":300"#), "{refused:?}");
    }
    assert_eq!(upstream.asked().len(), 20);
}

#[tokio::test]
async fn strangers_write_no_records_of_their_own_into_the_trail() {
    let upstream = PhpUpstream::start("vision6");
    let front = Front::new(&format!(
        "[upstreams.back]\ndialect = 'vision6'\nurl = 'http://{}'\n[routes.front]\n\
         dialect = 'vision6'\nuser = 'back'\nauth = 'upstream'\nnative = ['getCreditBalance']\n\
         [routes.own]\ndialect = 'grupo'\n",
        upstream.address()
    ));
    for _ in 0..30 {
        let refused = front.call("getListById", "5").await;
        assert!(refused.body.contains(r#""code":321"#), "{refused:?}");
    }
    let store = front.store.as_ref().unwrap();
    store.close().await.unwrap();
    let trail = rusqlite::Connection::open(front.directory.path().join("db")).unwrap();
    let own = "SELECT count(*) FROM audit WHERE principal LIKE 'upstream:%'";
    let own: u32 = trail.query_row(own, [], |row| row.get(0)).unwrap();
    assert_eq!(own, 0);
    assert!(upstream.requests().is_empty());
}
