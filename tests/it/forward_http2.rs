//! Calls to upstreams of HTTP/2, and what the commands say of such an upstream.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use h2::Reason;

use crate::bulk_fixture::run;
use crate::forward_fixture::{CALLERS_KEY, Front, OWN_KEY, vision6_at};
use crate::http2_peer::{Asked, Peer, read};
use crate::process::{Served, curl};
use crate::upstream_script::{Reply, Script};

const COUNTED: &str = r#"{"id":1,"result":3,"error":null}"#;

#[tokio::test]
async fn a_call_is_sent_again_where_nobody_looked_at_it_and_a_write_that_was_looked_at_is_not() {
    let peer = Peer::start(|mut asked: Asked| async move {
        if asked.number == 0 {
            asked.respond.send_reset(Reason::REFUSED_STREAM);
            return;
        }
        let body = read(asked.request.body_mut()).await;
        if String::from_utf8(body).unwrap().contains("addUser") {
            asked.respond.send_reset(Reason::INTERNAL_ERROR);
        } else {
            asked.answer(COUNTED);
        }
    })
    .await;
    let upstream = format!("{}\nhttp_version = '2'", vision6_at(peer.address));
    let front = Front::vision6(&upstream, "on_loss = 'drop'");
    let counted = front.call("countUsers", "1").await;
    assert!(counted.body.contains(r#""result":3"#), "{counted:?}");
    assert_eq!((peer.requests(), peer.connections()), (2, 1));
    let head = &peer.heads()[1];
    assert_eq!(head.uri().path(), "/api/jsonrpcserver");
    let port = peer.address.port().to_string();
    assert!(head.uri().authority().unwrap().as_str().ends_with(&port));
    let user = r#"1,{"username":"ada","password":"engine-1","email":"ada@example.com"}"#;
    let added = front.call("addUser", user).await;
    assert!(!added.body.contains(r#""error":null"#), "{added:?}");
    let adds = peer.requests();
    assert_eq!(adds, 3, "an add was sent twice");
}

fn connect(directory: &Path, url: &str) -> (i32, String, String) {
    let text = format!(
        "[upstreams.back]\ndialect = 'vision6'\nurl = '{url}'\nkey = '{OWN_KEY}'\nhttp_version = '2'\n"
    );
    fs::write(directory.join("routes.toml"), text).unwrap();
    run(directory, &["check", "--connect"])
}

#[tokio::test(flavor = "multi_thread")]
async fn checking_connections_says_whether_an_upstream_speaks_http2() {
    let directory = tempfile::tempdir().unwrap();
    let peer = Peer::start(|mut asked: Asked| async move {
        asked.answer(r#"{"id":1,"result":[],"error":null}"#);
    })
    .await;
    let (code, said, errors) = connect(directory.path(), &format!("http://{}", peer.address));
    assert_eq!((code, errors.as_str()), (0, ""), "{said}");
    assert!(
        said.contains("back: connected by TCP, speaking HTTP/2 ("),
        "{said}"
    );
    assert!(said.contains("back: credentials accepted"), "{said}");
    assert_eq!((peer.connections(), peer.requests()), (1, 1));

    let older = Script::start(|_| Reply::Answer(400, String::new()));
    let (code, said, _) = connect(directory.path(), &format!("http://{}", older.address));
    assert_eq!(code, 1, "{said}");
    for part in [
        "back: FAILED: the upstream does not speak HTTP/2",
        "remove upstreams.back.http_version, or correct upstreams.back.url",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let asked = older.asked();
    assert!(
        asked.iter().all(|it| !it.body.contains(OWN_KEY)),
        "{asked:?}"
    );
}

#[test]
fn what_explaining_prints_is_of_the_version() {
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "[upstreams.back]\ndialect = 'vision6'\nurl = 'http://127.0.0.1:9'\nkey = '{OWN_KEY}'\nhttp_version = '2'\n\
         [keys.crm]\nvalue = '{CALLERS_KEY}'\n[routes.front]\ndialect = 'vision6'\nuser = 'back'\n"
    );
    fs::write(directory.path().join("routes.toml"), text).unwrap();
    let body = format!(r#"{{"id":1,"method":"countUsers","params":["{CALLERS_KEY}",1]}}"#);
    let request = format!(
        "POST /api/jsonrpcserver HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let file = directory.path().join("call.http");
    fs::write(&file, request).unwrap();
    let (_, said, errors) = run(directory.path(), &["explain", file.to_str().unwrap()]);
    assert!(
        said.contains("POST /api/jsonrpcserver?version=3.3 HTTP/2\n"),
        "{said}{errors}"
    );
}

#[test]
fn a_version_that_is_none_is_refused_and_so_is_one_that_the_upstream_says() {
    let directory = tempfile::tempdir().unwrap();
    let upstream = "[upstreams.back]\ndialect = 'vision6'\nurl = 'http://127.0.0.1:9'\nkey = 'k-0123456789abcdef'\n";
    for (text, part) in [
        (
            format!("{upstream}http_version = '3'\n"),
            "unknown version \"3\" (known: 1.1, 2)",
        ),
        (
            "[routes.site]\npass = 'http://127.0.0.1:9'\nhttp_version = 'h2'\n".to_owned(),
            "unknown version \"h2\"",
        ),
        (
            format!("{upstream}[routes.site]\npass = 'back'\nhttp_version = '2'\n"),
            "routes.site.http_version: is said by upstreams.back",
        ),
    ] {
        fs::write(directory.path().join("routes.toml"), text).unwrap();
        let (code, said, errors) = run(directory.path(), &["check"]);
        assert_eq!(code, 64, "{said}{errors}");
        let all = format!("{said}{errors}");
        assert!(all.contains(part), "{part}: {all}");
    }
    let whole = format!("{upstream}http_version = 2\n");
    fs::write(directory.path().join("routes.toml"), whole).unwrap();
    let (code, said, errors) = run(directory.path(), &["check"]);
    assert_eq!(code, 0, "{said}{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_keeps_the_connections_of_what_is_the_same() {
    let peer = Peer::mirror().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("routes.toml");
    let site = format!(
        "[routes.site]\npass = 'http://{}'\nhttp_version = '2'\n",
        peer.address
    );
    fs::write(&file, &site).unwrap();
    let served = Served::start(directory.path());
    let get = |path: &str| {
        let url = format!("{}{path}", served.url);
        curl(&["-o", "/dev/null", "-w", "%{http_code}", &url])
    };
    assert_eq!(get("/gone"), "200");
    let gone = "[routes.gone]\npath = '/gone'\nrespond = { status = 410 }\n";
    fs::write(&file, format!("{site}{gone}")).unwrap();
    served.signal("HUP");
    let until = Instant::now() + Duration::from_secs(15);
    while get("/gone") != "410" {
        assert!(Instant::now() < until, "it did not reload");
    }
    assert_eq!(get("/"), "200");
    assert_eq!(peer.connections(), 1);
}
