//! The live-site drill: a PHP site with an API, pages, uploads and an API of its own behind one address, and a
//! gateway that is put in front of it, looks, translates and steps back.

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clients::in_package;
use crate::pass_fixture::exchange;
use crate::pass_parts::seen;
use crate::php_server::PhpServer;
use crate::process::{dragoman, finish};
use crate::reload_fixture::{Caller, Reloaded};

const KEY: &str = "callers-key-0123456789abcdefghijklmnopqr";

const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn site() -> PhpServer {
    let script = in_package("tests/upstreams/site.php");
    PhpServer::run(&script, |php| {
        php.env("KEY", KEY)
            .args(["-d", "upload_max_filesize=64M", "-d", "post_max_size=64M"]);
    })
}

fn gateway(site: &PhpServer) -> Reloaded {
    Reloaded::start(&format!(
        "[observe]\nfile = 'observed.jsonl'\n[keys.app]\nvalue = '{KEY}'\n[store]\nurl = 'sqlite:db'\n\
         [routes.site]\npass = 'http://{}'\n\
         [routes.chat]\ndialect = 'grupo'\notherwise = 'site'\nmode = 'observe'\n\
         [routes.blog]\ndialect = 'b2evolution'\notherwise = 'site'\nmode = 'observe'\n",
        site.address()
    ))
}

fn request(line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{line} HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\nUser-Agent: Drill/1.0\r\n{headers}\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn post(path: &str, kind: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let headers = format!("Content-Type: {kind}\r\n{headers}");
    request(&format!("POST {path}"), &headers, body)
}

/// Twenty megabytes of a page's own form, without a key.
fn upload() -> Vec<u8> {
    let file: Vec<u8> = (0..20_000_000_u32).map(|it| it.to_le_bytes()[1]).collect();
    [
        b"--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nmine\r\n".as_slice(),
        b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\r\n",
        &file,
        b"\r\n--b--\r\n",
    ]
    .concat()
}

fn form(key: &str, rest: &str) -> String {
    format!("api_secret_key={key}&{rest}")
}

/// What the site is sent on a day; whether it is a call.
fn day() -> Vec<(bool, Vec<u8>)> {
    let cookie = "Cookie: session=1\r\n";
    let add =
        "add=site_users&full_name=Ada&username=ada&email_address=a@b.example&password=engine-1";
    let remove = "remove=site_users&user=nobody";
    vec![
        (false, request("GET /", "", b"")),
        (false, request("GET /style.css?v=%2F7", cookie, b"")),
        (
            false,
            post("/api_request/", FORM, cookie, b"load=site_users&user=1"),
        ),
        (
            false,
            post(
                "/api_request/",
                "multipart/form-data; boundary=b",
                cookie,
                &upload(),
            ),
        ),
        (
            false,
            post(
                "/api/v1/collections/a/items",
                "application/json",
                cookie,
                b"{\"a\": 1}",
            ),
        ),
        (false, request("GET /api/v1/collections", "", b"")),
        (
            true,
            post("/api_request/", FORM, "", form(KEY, add).as_bytes()),
        ),
        (
            true,
            post("/api_request/", FORM, "", form(KEY, remove).as_bytes()),
        ),
        (
            true,
            post(
                "/api_request/",
                FORM,
                "",
                form("another-key-0123456789", add).as_bytes(),
            ),
        ),
        (
            true,
            post("/api_request//x", FORM, "", form(KEY, remove).as_bytes()),
        ),
        (
            true,
            request(
                "GET /api/v1/users/1",
                "Authorization: Basic YWRhOmVuZ2luZS0x\r\n",
                b"",
            ),
        ),
    ]
}

/// Has the gateway whose directory it is give routes a mode; when it was asked.
fn set_mode(directory: &Path, routes: &[&str], mode: &str) -> Instant {
    let since = Instant::now();
    for route in routes {
        let body = format!(r#"{{"route":"{route}","mode":"{mode}"}}"#);
        let length = body.len();
        let mut stream = UnixStream::connect(directory.join("control.sock")).unwrap();
        let head =
            format!("POST /routes/mode HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    since
}

#[test]
fn nothing_changes_for_anybody_until_the_api_is_translated_and_after_stepping_back() {
    let site = site();
    let gateway = gateway(&site);
    let behind: SocketAddr = site.address().parse().unwrap();
    let front = gateway.served.url.strip_prefix("http://").unwrap();
    let front: SocketAddr = front.parse().unwrap();
    let day = day();
    let direct: Vec<_> = day
        .iter()
        .map(|(_, request)| seen(&exchange(behind, request)))
        .collect();
    assert!(
        direct[3].1.contains(r#""size":20000000"#),
        "{:?}",
        direct[3]
    );

    for mode in ["observe", "translate", "bypass"] {
        set_mode(gateway.path(), &["chat", "blog"], mode);
        for ((is_call, request), direct) in day.iter().zip(&direct) {
            let answer = seen(&exchange(front, request));
            let line = String::from_utf8_lossy(&request[..60.min(request.len())]).into_owned();
            if *is_call && mode == "translate" {
                assert!(!answer.1.contains("\"site\""), "{line}: {answer:?}");
            } else {
                assert_eq!(answer, *direct, "{mode}: {line}");
            }
        }
    }
    let (status, log) = gateway.served.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    let noted = fs::read_to_string(gateway.directory.path().join("observed.jsonl")).unwrap();
    let noted: Vec<Value> = noted
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let refused = noted
        .iter()
        .map(|it| it["refused"]["kind"].as_str().unwrap_or("none"));
    let refused: Vec<_> = refused.collect();
    // The key may not delete, the next one is unknown, a path has two slashes, a password is not checked.
    let expected = [
        "none",
        "permission_denied",
        "unauthenticated",
        "malformed",
        "none",
    ];
    assert_eq!(refused, expected, "{noted:#?}");
    assert_eq!(noted[0]["caller"], "key:app");
    assert_eq!(noted[0]["user_agent"], "Drill/1.0");
}

/// Calls and pages in turn on one connection, which is never opened again: when each began and ended, and
/// whether it was translated.
fn visit(address: SocketAddr, stop: &AtomicBool) -> Vec<(Instant, Instant, bool)> {
    let mut caller = Caller::connect(address);
    let call = form(KEY, "update=site_users&user=ada&full_name=Ada");
    let mut seen = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let since = Instant::now();
        let (status, answer) = caller
            .form("/api_request/", &call)
            .expect("a call is answered");
        let is_site = answer.contains(r#""success":true,"site":true"#);
        assert!(
            status == 200 && (is_site || answer == r#"{"success":true}"#),
            "{status} {answer}"
        );
        seen.push((since, Instant::now(), !is_site));
        let (status, page) = caller
            .form("/api_request/", "load=x")
            .expect("a page is answered");
        assert_eq!((status, page.as_str()), (200, "<p>load=x</p>"));
    }
    seen
}

#[test]
fn stepping_back_under_load_takes_less_than_a_second_and_fails_nobody() {
    let site = site();
    let gateway = gateway(&site);
    let address = gateway.served.url.strip_prefix("http://").unwrap();
    let address: SocketAddr = address.parse().unwrap();
    set_mode(gateway.path(), &["chat"], "translate");
    let add =
        "add=site_users&full_name=Ada&username=ada&email_address=a@b.example&password=engine-1";
    let mut first = Caller::connect(address);
    let made = first.form("/api_request/", &form(KEY, add)).unwrap();
    assert_eq!(made, (200, r#"{"success":true}"#.to_owned()));
    set_mode(gateway.path(), &["chat"], "observe");

    let stop = AtomicBool::new(false);
    let pause = || thread::sleep(Duration::from_millis(1500));
    let (translated, stepped_back, seen) = thread::scope(|scope| {
        let visitors: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| visit(address, &stop)))
            .collect();
        pause();
        let translated = set_mode(gateway.path(), &["chat"], "translate");
        pause();
        let stepped_back = set_mode(gateway.path(), &["chat"], "bypass");
        pause();
        stop.store(true, Ordering::Relaxed);
        let seen = visitors.into_iter().flat_map(|it| it.join().unwrap());
        (translated, stepped_back, seen.collect::<Vec<_>>())
    });
    let late = Duration::from_secs(1);
    let wrong = seen.iter().filter(|(began, ended, is_translated)| {
        let is_between = *began > translated + late && *ended < stepped_back;
        let is_outside = *ended < translated || *began > stepped_back + late;
        (is_between && !is_translated) || (is_outside && *is_translated)
    });
    assert_eq!(wrong.count(), 0);
    let count = |wanted| seen.iter().filter(|(_, _, it)| *it == wanted).count();
    let last = seen
        .iter()
        .filter(|(_, _, it)| *it)
        .map(|(began, ..)| *began)
        .max()
        .unwrap();
    let after = last.saturating_duration_since(stepped_back);
    println!(
        "{} calls translated, {} handed on; the last began {after:?} after stepping back",
        count(true),
        count(false)
    );
    assert!(count(true) > 20 && count(false) > 20, "{}", seen.len());
    let (status, log) = gateway.served.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn an_upload_that_began_before_a_change_of_mode_ends_as_it_began() {
    let site = site();
    let gateway = gateway(&site);
    let mut caller = gateway.connect();
    caller.begin("/api_request/", 10, "load=");
    let (code, _, said) = finish(dragoman(gateway.path()).args(["route", "chat", "bypass"]));
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "chat: bypass (was observe)\n")
    );
    caller.go_on("xxxxx");
    let (status, page) = caller.answer().unwrap();
    assert_eq!(status, 200, "{page}");
}
