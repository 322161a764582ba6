//! Native operations at PHP servers of the caller's own dialect: what they see, and what comes back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::forward_fixture::{Answered, CALLERS_KEY, Front, php_at};
use crate::php_upstream::{KEY, LOGIN, PASSWORD, PhpUpstream};

/// A gateway in front of a server of the same dialect. A store keeps the audit trail.
pub(crate) fn front(dialect: &str, scopes: &str, upstream: &PhpUpstream, route: &str) -> Front {
    Front::new(&format!(
        "scopes = [{scopes}]\n[store]\nurl = 'sqlite:x'\n[upstreams.back]\n{}\
         [routes.front]\ndialect = '{dialect}'\nuser = 'back'\n{route}",
        php_at(dialect, upstream)
    ))
}

pub(crate) fn form(fields: &str) -> Request<Bytes> {
    let body = format!("api_secret_key={CALLERS_KEY}&{fields}");
    Request::post("/api_request/")
        .header("Host", "chat.example.com:8443")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
        .unwrap()
}

fn message_with_files(files: usize) -> Request<Bytes> {
    use std::fmt::Write;
    let mut body = String::new();
    for (name, value) in [
        ("api_secret_key", CALLERS_KEY),
        ("add", "message"),
        ("sender", "admin"),
        ("user", "mary"),
    ] {
        let _ = write!(
            body,
            "--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
    }
    for number in 0..files {
        let _ = write!(
            body,
            "--x\r\nContent-Disposition: form-data; name=\"file_attachments[]\"; filename=\"a \\\"{number}\\\".txt\"\
             \r\nContent-Type: text/x-note\r\n\r\n--dragoman-\r\nnote {number}\r\n"
        );
    }
    body.push_str("--x--\r\n");
    Request::post("/api_request/")
        .header("Content-Type", "multipart/form-data; boundary=x")
        .body(Bytes::from(body))
        .unwrap()
}

fn is_clean(upstream: &PhpUpstream) {
    for seen in upstream.requests() {
        assert!(!seen.to_string().contains(CALLERS_KEY), "{seen}");
    }
}

#[tokio::test]
async fn a_session_is_opened_with_its_cookies_for_the_host_that_callers_know() {
    let upstream = PhpUpstream::start("grupo");
    let host = "host = 'chat.example.com'";
    let front = front("grupo", "'native.add=login_session'", &upstream, host);
    let opened = front.ask(form("add=login_session&user=mary")).await;
    assert_eq!(opened.status, 200);
    let body: Value = serde_json::from_str(&opened.body).unwrap();
    assert_eq!(
        body["auto_login_url"],
        "http://chat.example.com:8443/entry/?login_session=1&access_code=canaryAccessCode0001"
    );
    let cookies: Vec<_> = opened.headers.get_all("set-cookie").iter().collect();
    assert_eq!(
        cookies,
        [
            "login_session_id=1; path=/",
            "access_code=canaryAccessCode0001; path=/"
        ]
    );
    assert_eq!(opened.headers["content-type"], "text/html; charset=UTF-8");
    for own in ["connection", "transfer-encoding"] {
        assert!(!opened.headers.contains_key(own), "{opened:?}");
    }
    let seen = &upstream.requests()[0];
    let wanted = json!({"api_secret_key": KEY, "add": "login_session", "user": "mary"});
    assert_eq!(seen["post"], wanted);
    assert_eq!(seen["headers"]["host"], "chat.example.com:8443");
    is_clean(&upstream);
    let done = ("native".to_owned(), None, "done".to_owned());
    assert_eq!(front.trail(), [done]);
}

#[tokio::test]
async fn a_login_in_the_target_is_no_part_of_the_host() {
    let upstream = PhpUpstream::start("grupo");
    let host = "host = 'chat.example.com'";
    let front = front("grupo", "'native.add=login_session'", &upstream, host);
    let mut request = form("add=login_session&user=mary");
    *request.uri_mut() = "http://a:b@chat.example.com:81/api_request/"
        .parse()
        .unwrap();
    assert_eq!(front.ask(request).await.status, 200);
    let seen = &upstream.requests()[0];
    assert_eq!(seen["headers"]["host"], "chat.example.com:81");
}

/// Else a caller could choose which site of the web server behind is sent the gateway's key.
#[tokio::test]
async fn a_host_that_only_the_caller_names_is_not_sent_and_an_upstreams_own_is() {
    let upstream = PhpUpstream::start("grupo");
    let scope = "'native.remove=login_session'";
    let any = front("grupo", scope, &upstream, "");
    any.ask(form("remove=login_session&user=mary")).await;
    let own = Front::new(&format!(
        "scopes = [{scope}]\n[upstreams.back]\n{}host = 'inside.example.com'\n[routes.front]\n\
         dialect = 'grupo'\nuser = 'back'\ngroup = 'back'\nhost = 'chat.example.com'\n",
        php_at("grupo", &upstream)
    ));
    own.ask(form("remove=login_session&user=mary")).await;
    let seen = upstream.requests();
    let hosts: Vec<_> = seen.iter().map(|seen| &seen["headers"]["host"]).collect();
    assert_eq!(hosts, [upstream.address(), "inside.example.com"]);
}

#[tokio::test]
async fn files_go_along_up_to_the_routes_limit() {
    let upstream = PhpUpstream::start("grupo");
    let limit = "form = { files = 2 }";
    let front = front("grupo", "'native.add=message'", &upstream, limit);
    let sent = front.ask(message_with_files(2)).await;
    // Not a field less than the vendor answers.
    assert_eq!(sent.body, r#"{"success":true,"todo_later":"kept"}"#);
    let seen = &upstream.requests()[0];
    let wanted =
        json!({"api_secret_key": KEY, "add": "message", "sender": "admin", "user": "mary"});
    assert_eq!(seen["post"], wanted);
    let file = |number: u8| {
        json!([
            format!("file_attachments[{number}]"),
            format!("a \"{number}\".txt"),
            "text/x-note",
            format!("--dragoman-\r\nnote {number}")
        ])
    };
    assert_eq!(seen["files"], json!([file(0), file(1)]));
    let refused = front.ask(message_with_files(3)).await;
    assert!(refused.body.contains("more than 2 files"), "{refused:?}");
    assert_eq!(upstream.requests().len(), 1);
    is_clean(&upstream);
}

#[tokio::test]
async fn a_refusal_is_handed_back_as_it_is_and_is_not_in_the_trail() {
    let upstream = PhpUpstream::start("grupo");
    let scopes = "'native.add=message', 'native.add=login_session'";
    let front = front("grupo", scopes, &upstream, "");
    let nobody = front.ask(form("add=login_session&user=nobody")).await;
    assert_eq!(
        nobody.body,
        r#"{"success":false,"error_message":"Account Does Not Exist","error_key":"account_not_found","error_variables":[]}"#
    );
    let empty = front.ask(form("add=message&sender=admin&user=mary")).await;
    assert_eq!(empty.body, "[]");
    assert!(front.trail().is_empty(), "{:?}", front.trail());
}

fn batch(entries: &[(&str, &str)]) -> Request<Bytes> {
    let entries: Vec<_> = entries
        .iter()
        .enumerate()
        .map(|(id, (method, rest))| {
            format!(r#"{{"id":"n{id}","method":"{method}","params":["{CALLERS_KEY}"{rest}]}}"#)
        })
        .collect();
    let body = format!("[{}]", entries.join(","));
    Request::post("/api/jsonrpcserver")
        .body(Bytes::from(body))
        .unwrap()
}

#[tokio::test]
async fn each_entry_of_a_batch_is_answered_in_its_place_relayed_or_not() {
    let upstream = PhpUpstream::start("vision6");
    let scopes =
        "'user:read', 'native.getCreditBalance', 'native.subscribeContact', 'native.getListById'";
    let front = front("vision6", scopes, &upstream, "");
    let answered = front
        .ask(batch(&[
            ("getCreditBalance", r#","sms""#),
            ("countUsers", ",123456"),
            ("addContacts", ",5,[]"),
            ("getListById", ",5"),
            ("subscribeContact", r#",5,{"Email":"zo\u00eb/x"},null"#),
        ]))
        .await;
    assert_eq!(
        answered.body,
        concat!(
            r#"[{"id":"n0","result":9007199254740993,"error":null},"#,
            r#"{"id":"n1","result":2,"error":null},"#,
            r#"{"id":"n2","result":null,"error":{"code":321,"message":"Administrative Access Denied"}},"#,
            r#"{"id":"n3","result":null,"error":{"code":303,"message":"Unable to Load List."}},"#,
            r#"{"id":"n4","result":1,"error":null}]"#
        )
    );
    let kept = &upstream.state()["contacts"][0];
    assert_eq!(*kept, json!([5, {"Email": "zoë/x"}, null]));
    is_clean(&upstream);
    // What only reads is not there, and what was refused is no write that was done. Denials are
    // written when there is time.
    let trail = front.trail().into_iter();
    let done: Vec<_> = trail.filter(|(_, _, what)| what == "done").collect();
    assert_eq!(done, [("native".to_owned(), None, "done".to_owned())]);
}

#[tokio::test]
async fn a_fault_of_the_old_form_becomes_one_that_callers_of_both_versions_read() {
    let upstream = PhpUpstream::start("vision6");
    let front = front("vision6", "'native.getListById'", &upstream, "");
    let ask = |version: &str| {
        let body = format!(
            r#"{{"jsonrpc":"{version}","id":1,"method":"getListById","params":["{CALLERS_KEY}",5]}}"#
        );
        Request::post("/api/jsonrpcserver")
            .body(Bytes::from(body))
            .unwrap()
    };
    upstream.commit(&["string"]);
    let answered = front.ask(ask("2.0")).await;
    assert_eq!(
        answered.body,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":322,"message":"Username unavailable"}}"#
    );
}

fn recipients() -> Request<Bytes> {
    Request::get("/api/v1/users/recipients?q=ar")
        .header("X-API-Key", CALLERS_KEY)
        .body(Bytes::new())
        .unwrap()
}

#[tokio::test]
async fn a_list_of_recipients_comes_back_without_the_session_of_the_gateways_login() {
    let upstream = PhpUpstream::start("b2evolution");
    let scope = "'native.users/recipients'";
    let front = front("b2evolution", scope, &upstream, "");
    let listed = front.ask(recipients()).await;
    assert_eq!(listed.status, 200);
    assert_eq!(
        listed.body,
        r#"{"found":1,"page":1,"users":[{"id":"2","login":"mary"}]}"#
    );
    assert!(!listed.headers.contains_key("set-cookie"), "{listed:?}");
    let seen = &upstream.requests()[0];
    let pair = STANDARD.encode(format!("{LOGIN}:{PASSWORD}"));
    assert_eq!(seen["headers"]["authorization"], format!("Basic {pair}"));
    assert_eq!(seen["get"], json!({"q": "ar"}));
    is_clean(&upstream);
    assert!(front.trail().is_empty());
}

/// What an upstream does with a native operation is told as of any other.
async fn faulted(fault: &str) -> Answered {
    let upstream = PhpUpstream::start("grupo");
    let front = front("grupo", "'native.add=message'", &upstream, "");
    upstream.commit(&[fault]);
    let answered = front
        .ask(form("add=message&sender=admin&user=mary&message=hi"))
        .await;
    assert_eq!(upstream.requests().len(), 1, "it was sent twice");
    answered
}

#[tokio::test]
async fn what_is_no_answer_of_the_dialect_leaves_the_outcome_unknown() {
    for fault in ["html", "empty", "fatal", "truncated"] {
        let answered = faulted(fault).await;
        assert!(
            answered.body.contains("outcome is unknown"),
            "{fault}: {answered:?}"
        );
    }
}
