//! `dragoman check --connect`: each step towards each upstream, and one call with the credentials.

use std::net::TcpListener;
use std::path::Path;

use crate::bulk_fixture::run;
use crate::php_upstream::{KEY, LOGIN, PASSWORD, PhpUpstream};
use crate::upstream_script::{Reply, Script};

fn check(upstreams: &str) -> (i32, String, String) {
    let directory = tempfile::tempdir().unwrap();
    check_in(directory.path(), upstreams)
}

fn check_in(directory: &Path, upstreams: &str) -> (i32, String, String) {
    std::fs::write(directory.join("routes.toml"), upstreams).unwrap();
    run(directory, &["check", "--connect"])
}

fn login(password: &str) -> String {
    format!("login = \"{LOGIN}\"\npassword = \"{password}\"")
}

fn key(key: &str) -> String {
    format!("key = \"{key}\"")
}

fn upstream(name: &str, dialect: &str, url: &str, credentials: &str) -> String {
    format!("[upstreams.{name}]\ndialect = '{dialect}'\nurl = '{url}'\n{credentials}\n")
}

/// The URL of a server of PHP's.
fn url(server: &PhpUpstream) -> String {
    format!("http://{}/", server.address())
}

#[test]
fn every_dialect_is_tried_with_one_call_that_changes_nothing() {
    let servers =
        ["b2evolution", "grupo", "vision6"].map(|dialect| (dialect, PhpUpstream::start(dialect)));
    let mut routes = String::new();
    for (dialect, server) in &servers {
        let credentials = match *dialect {
            "b2evolution" => login(PASSWORD),
            "vision6" => format!("{}\naccount = 123456", key(KEY)),
            _ => key(KEY),
        };
        routes.push_str(&upstream(dialect, dialect, &url(server), &credentials));
    }
    let (code, said, errors) = check(&routes);
    assert_eq!((code, errors.as_str()), (0, ""), "{said}");
    for (dialect, server) in &servers {
        let steps: Vec<_> = said
            .lines()
            .filter(|line| line.starts_with(&format!("{dialect}: ")))
            .collect();
        // A line of b2evolution is about what an update may take away.
        let steps = &steps[steps.len() - 3..];
        assert!(steps[0].contains("name resolved to 127.0.0.1 ("), "{said}");
        assert!(steps[1].contains("connected by TCP ("), "{said}");
        assert!(steps[2].contains("credentials accepted by "), "{said}");
        assert_eq!(server.requests().len(), 1, "{dialect}");
    }
    assert_eq!(servers[0].1.requests()[0]["method"], "GET");
    assert_eq!(servers[1].1.state()["users"]["2"]["username"], "mary");
    assert!(!said.contains(KEY) && !said.contains(PASSWORD), "{said}");
}

#[test]
fn wrong_credentials_are_tried_once_and_the_remedy_is_named() {
    for (dialect, credentials, remedy) in [
        (
            "b2evolution",
            login("wrong"),
            "correct login and password of upstreams.back",
        ),
        (
            "grupo",
            key("wrong-key-0123456789"),
            "correct key of upstreams.back",
        ),
        (
            "vision6",
            key("wrong-key-0123456789"),
            "correct key of upstreams.back",
        ),
    ] {
        let server = PhpUpstream::start(dialect);
        let (code, said, errors) = check(&upstream("back", dialect, &url(&server), &credentials));
        assert_eq!(code, 1, "{said}");
        assert!(
            said.contains("back: FAILED: the gateway's own credentials are refused"),
            "{said}"
        );
        assert!(said.contains(remedy), "{said}");
        assert!(!said.contains("wrong-key-0123456789"), "{said}");
        assert_eq!(errors, "dragoman: not every upstream can be used: back\n");
        assert_eq!(
            server.requests().len(),
            1,
            "{dialect}: tried more than once"
        );
    }
}

#[test]
fn an_upstream_that_is_not_there_is_named_and_the_others_are_tried() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = free.local_addr().unwrap();
    drop(free);
    let script =
        Script::start(|_| Reply::Answer(200, r#"{"id":1,"result":[],"error":null}"#.into()));
    let routes = upstream(
        "gone",
        "grupo",
        &format!("http://{gone}"),
        &key("a-key-0123456789abc"),
    ) + &upstream(
        "later",
        "vision6",
        &format!("http://{}", script.address),
        &key("a-key-0123456789abc"),
    );
    let (code, said, errors) = check(&routes);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("gone: FAILED: the upstream cannot be connected to"),
        "{said}"
    );
    assert!(said.contains("correct upstreams.gone.url"), "{said}");
    assert!(
        said.contains("later: credentials accepted by getTimezoneList"),
        "{said}"
    );
    assert!(errors.ends_with(": gone\n"), "{errors}");
    assert_eq!(script.asked().len(), 1);
}

#[test]
fn a_page_of_something_else_is_no_proof_and_neither_is_a_server_without_tls() {
    let script = Script::start(|_| Reply::Answer(200, "<html>It works!</html>".into()));
    let plain = upstream(
        "site",
        "b2evolution",
        &format!("http://{}", script.address),
        &login("x"),
    );
    let (code, said, _) = check(&plain);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("site: FAILED: GET users?per_page=1 was answered with status 200"),
        "{said}"
    );
    assert!(said.contains("upstreams.site.url"), "{said}");
    assert_eq!(script.asked().len(), 1);

    let talker = Script::start(|_| Reply::Answer(200, String::new()));
    let ca = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("ca.pem"), ca.cert.pem()).unwrap();
    let secure = upstream(
        "site",
        "b2evolution",
        &format!("https://localhost:{}", talker.address.port()),
        &login("x"),
    ) + "ca_file = 'ca.pem'\nconnect_timeout = '2s'\n";
    let (code, said, _) = check_in(directory.path(), &secure);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("site: FAILED: "), "{said}");
    assert!(!said.contains("credentials accepted"), "{said}");
    assert_eq!(talker.asked().len(), 0, "credentials were sent without TLS");
}

#[test]
fn what_needs_secrets_does_not_go_with_the_flag_that_reads_none() {
    let directory = tempfile::tempdir().unwrap();
    let refused = run(directory.path(), &["check", "--connect", "--no-secrets"]);
    assert_eq!(refused.0, 64, "{refused:?}");
}

#[test]
fn an_upstream_that_judges_its_callers_is_reached_and_asked_nothing() {
    let server = PhpUpstream::start("grupo");
    let (code, said, errors) = check(&format!(
        "[upstreams.back]\ndialect = 'grupo'\nurl = '{}'\n[routes.front]\ndialect = 'grupo'\n\
         user = 'back'\ngroup = 'back'\nauth = 'upstream'\n",
        url(&server)
    ));
    assert_eq!((code, errors.as_str()), (0, ""), "{said}");
    assert!(
        said.contains("back: it judges its callers itself"),
        "{said}"
    );
    assert!(server.requests().is_empty());
}

#[test]
fn each_endpoint_is_tried_and_a_key_that_one_refuses_is_shown_to_no_other() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = free.local_addr().unwrap();
    drop(free);
    let servers = [PhpUpstream::start("vision6"), PhpUpstream::start("vision6")];
    let check = |own: &str| {
        check(&format!(
            "[upstreams.mail]\ndialect = 'vision6'\nendpoints = ['{}', 'http://{gone}', '{}']\nkey = '{own}'\naccount = 123456\n",
            url(&servers[0]).trim_end_matches('/'),
            url(&servers[1]).trim_end_matches('/'),
        ))
    };
    let (code, said, _) = check(KEY);
    assert_eq!(code, 1);
    for server in &servers {
        let accepted = format!(
            "mail at http://{}: credentials accepted by",
            server.address()
        );
        assert!(said.contains(&accepted), "{said}");
    }
    let fault = format!("mail: FAILED: http://{gone}: the upstream cannot be connected to");
    assert!(said.contains(&fault), "{said}");
    assert!(said.contains("correct upstreams.mail.endpoints"), "{said}");
    let (code, said, _) = check("wrong-key-0123456789");
    assert_eq!(code, 1);
    assert!(said.contains("own credentials are refused"), "{said}");
    assert_eq!(servers.map(|server| server.requests().len()), [2, 1]);
}
