//! What goes on through a pass route, and what comes back.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::pass_fixture::{Passing, RawSite, exchange, length};
use crate::process::curl;

/// A site that answers each request with its own head and body.
fn mirror() -> RawSite {
    RawSite::start(|stream, head| {
        let mut body = vec![0; length(head)];
        stream.read_exact(&mut body).unwrap();
        let shown = [head.as_bytes(), &body].concat();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nX-Site: mirror\r\nKeep-Alive: timeout=5\r\n\
             Connection: X-Own\r\nX-Own: 1\r\n\r\n",
            shown.len()
        );
        stream
            .write_all(&[answer.as_bytes(), &shown].concat())
            .unwrap();
    })
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn head_of(answer: &str) -> String {
    answer
        .split_once("\r\n\r\n")
        .unwrap()
        .0
        .to_ascii_lowercase()
}

fn status(answer: &str) -> u16 {
    answer.get(9..12).unwrap().parse().unwrap()
}

#[test]
fn what_is_of_one_connection_stays_there_and_the_origin_is_told() {
    let site = mirror();
    let passing = Passing::start(site.address, "");
    let answer = passing.ask(
        "POST /a//b/../%2F;c?x=%00&y=%zz HTTP/1.1\r\nHost: www.example.com:8080\r\nConnection: close, X-Mine\r\n\
         X-Mine: 1\r\nKeep-Alive: 5\r\nProxy-Connection: close\r\nTE: gzip\r\nX_Forwarded_For: 203.0.113.9\r\n\
         X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Real-IP: 1.1.1.1\r\n\
         Forwarded: for=evil\r\nX-Request-Id: chosen\r\nCookie: a=b; c=d\r\nContent-Length: 4\r\n\r\nbody",
    );
    assert_eq!(status(&answer), 200, "{answer}");
    let (own, shown) = answer.split_once("\r\n\r\n").unwrap();
    let own = own.to_ascii_lowercase();
    assert!(own.contains("\r\nx-site: mirror"), "{own}");
    assert!(own.contains("\r\nx-request-id: "), "{own}");
    for stripped in ["keep-alive:", "x-own"] {
        assert!(!own.contains(stripped), "{own}");
    }
    let (head, body) = shown.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "body");
    let mut lines: Vec<_> = head.lines().map(str::to_ascii_lowercase).collect();
    assert_eq!(lines.remove(0), "post /a//b/../%2f;c?x=%00&y=%zz http/1.1");
    let id = lines
        .iter()
        .position(|line| line.starts_with("x-request-id: "));
    assert_ne!(lines.remove(id.unwrap()), "x-request-id: chosen");
    lines.sort();
    assert_eq!(
        lines,
        [
            "content-length: 4",
            "cookie: a=b; c=d",
            "forwarded: for=127.0.0.1;proto=http;host=\"www.example.com:8080\"",
            "host: www.example.com:8080",
            "x-forwarded-for: 127.0.0.1",
            "x-forwarded-host: www.example.com:8080",
            "x-forwarded-proto: http",
        ]
    );
}

#[test]
fn a_trusted_proxy_is_believed_and_joins_the_list() {
    let site = mirror();
    let passing = Passing::configured(&format!(
        "auth.trusted_proxies = ['127.0.0.1']\n[routes.site]\npass = 'http://{}'\nunderscores = true\n",
        site.address
    ));
    let answer = passing.ask(
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 10.0.0.1\r\n\
         X-Forwarded-Proto: https\r\nX-Forwarded-Host: www.example.com\r\nForwarded: for=203.0.113.9\r\nA_B: 1\r\n\r\n",
    );
    for expected in [
        "x-forwarded-for: 203.0.113.9, 10.0.0.1, 127.0.0.1\r\n",
        "x-forwarded-proto: https\r\n",
        "x-forwarded-host: www.example.com\r\n",
        "forwarded: for=203.0.113.9, for=127.0.0.1;proto=http;host=\"x\"\r\n",
        "a_b: 1\r\n",
    ] {
        assert!(answer.contains(expected), "{expected}: {answer}");
    }
}

#[test]
fn prefixes_and_headers_are_changed_as_the_route_says() {
    let site = mirror();
    let options = "path = '/shop'\nstrip_prefix = '/shop'\nadd_prefix = '/v2'\n\
        request_headers = { set = { 'Host' = 'shop.internal', 'X-A' = '1' }, remove = ['Cookie'], add = { 'X-B' = '2' } }\n\
        response_headers = { set = { 'X-Site' = 'shop' }, add = { 'X-C' = '3' }, remove = ['X-Nothing'] }\n";
    let passing = Passing::start(site.address, options);
    let answer = passing.ask(
        "GET /shop/a?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: a\r\nX-A: 0\r\nX-B: 1\r\n\r\n",
    );
    for expected in [
        "GET /v2/a?b HTTP/1.1\r\n",
        "host: shop.internal\r\n",
        "x-a: 1\r\n",
        "x-b: 1\r\nx-b: 2\r\n",
        "x-site: shop\r\n",
        "x-c: 3\r\n",
    ] {
        assert!(answer.contains(expected), "{expected}: {answer}");
    }
    assert!(!answer.contains("cookie"), "{answer}");
    let other = passing.ask("GET /shopping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&other), 404, "a prefix ends at a segment border");
}

#[test]
fn the_longest_path_wins_and_fixed_answers_and_redirects_are_routes() {
    let site = mirror();
    let passing = Passing::configured(&format!(
        "[routes.site]\npass = 'http://{0}'\n[routes.deep]\npass = 'http://{0}'\npath = '/a/b'\n\
         response_headers = {{ set = {{ 'X-Site' = 'deep' }} }}\n\
         [routes.very]\npath = '/a/b'\nexact = true\nrespond = {{ status = 410, body = 'gone' }}\n\
         [routes.hosted]\nhost = 'old.example.com'\nredirect = 'https://new.example.com/x/'\n",
        site.address
    ));
    let get = |path: &str, host: &str| {
        passing.ask(format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        ))
    };
    assert!(head_of(&get("/", "x")).contains("x-site: mirror"));
    assert!(head_of(&get("/a/bc", "x")).contains("x-site: mirror"));
    assert!(head_of(&get("/a/b/c", "x")).contains("x-site: deep"));
    let gone = get("/a/b?c", "x");
    assert!(
        status(&gone) == 410 && gone.ends_with("\r\n\r\ngone"),
        "{gone}"
    );
    assert!(head_of(&gone).contains("x-request-id: "));
    let moved = get("/a?b=c", "OLD.example.com:80");
    assert_eq!(status(&moved), 308);
    assert!(
        moved.contains("location: https://new.example.com/x/a?b=c\r\n"),
        "{moved}"
    );
}

#[test]
fn trailers_and_the_end_of_an_answer_come_through() {
    let site = RawSite::start(|stream, head| {
        assert!(head.contains("te: trailers\r\n"), "{head}");
        let mut rest = Vec::new();
        while !rest.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            rest.push(byte[0]);
        }
        let sum = String::from_utf8(rest).unwrap().to_ascii_lowercase();
        assert!(sum.ends_with("0\r\nx-sum: 7\r\n\r\n"), "{sum}");
        let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2;ext=1\r\nok\r\n0\r\nX-Sum: 8\r\n\r\n";
        stream.write_all(answer).unwrap();
    });
    let passing = Passing::start(site.address, "");
    let answer = passing.ask(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close, TE\r\nTE: trailers\r\nTrailer: X-Sum\r\n\
         Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n",
    );
    assert!(
        answer
            .to_ascii_lowercase()
            .ends_with("2\r\nok\r\n0\r\nx-sum: 8\r\n\r\n"),
        "{answer}"
    );
}

#[test]
fn an_answer_cut_short_is_never_presented_as_whole() {
    let site = RawSite::start(|stream, _| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            .unwrap();
        std::thread::sleep(Duration::from_millis(300));
        stream.shutdown(std::net::Shutdown::Both).unwrap();
    });
    let passing = Passing::start(site.address, "");
    let mut stream = TcpStream::connect(passing.address()).unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let answer = String::from_utf8(answer).unwrap();
    assert!(
        answer.contains("content-length: 10\r\n") && answer.ends_with("half"),
        "{answer}"
    );
}

#[test]
fn a_site_that_fails_is_a_plain_answer_with_an_id() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let silent = RawSite::start(|_, _| std::thread::sleep(Duration::from_secs(3)));
    let odd = RawSite::start(|stream, _| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx")
            .unwrap();
    });
    let closing = RawSite::start(|stream, _| {
        stream.shutdown(std::net::Shutdown::Both).unwrap();
    });
    let leaving = RawSite::start(|stream, _| {
        stream
            .write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            .unwrap();
    });
    for (site, expected) in [
        (gone, 502),
        (silent.address, 504),
        (odd.address, 502),
        (closing.address, 502),
        (leaving.address, 502),
    ] {
        let passing = Passing::start(site, "head_timeout = '300ms'\n");
        let started = Instant::now();
        let answer = passing.ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&answer), expected, "{answer}");
        assert!(started.elapsed() < Duration::from_secs(3));
        let head = head_of(&answer);
        assert!(
            head.contains("x-request-id: ") && head.contains("text/plain"),
            "{answer}"
        );
        let (_, log) = passing.served.stop();
        assert!(
            log.contains("request passed") && log.contains(&expected.to_string()),
            "{log}"
        );
    }
}

#[test]
fn who_comes_when_all_connections_are_taken_is_told_so() {
    let slow = RawSite::start(|stream, _| {
        std::thread::sleep(Duration::from_secs(2));
        drop(stream.write_all(ANSWER));
    });
    let passing = Passing::start(slow.address, "connections = 1\nhead_timeout = '500ms'\n");
    let address = passing.address();
    let get = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let first = std::thread::spawn(move || exchange(address, get));
    std::thread::sleep(Duration::from_millis(100));
    let second = std::thread::spawn(move || exchange(address, get));
    assert_eq!(status(&first.join().unwrap()), 504);
    // The place was free again shortly before its own time was over.
    let second = status(&second.join().unwrap());
    assert!([503, 504].contains(&second), "{second}");
}

#[test]
fn a_connection_that_the_site_has_closed_costs_no_caller_an_error() {
    let closed = Arc::<AtomicUsize>::default();
    let noted = Arc::clone(&closed);
    let site = RawSite::start(move |stream, head| {
        let mut body = vec![0; length(head)];
        stream.read_exact(&mut body).unwrap();
        stream.write_all(ANSWER).unwrap();
        // Without a word about it.
        stream.shutdown(std::net::Shutdown::Both).unwrap();
        noted.fetch_add(1, Ordering::SeqCst);
    });
    let passing = Passing::start(site.address, "");
    let mut caller = TcpStream::connect(passing.address()).unwrap();
    for round in 0..300 {
        caller
            .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nok") {
            let mut byte = [0];
            caller.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{round}");
        assert_eq!(site.taken().len(), 1, "{round}: a body was sent twice");
        while closed.load(Ordering::SeqCst) <= round {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn a_path_with_nul_is_refused_and_other_bytes_travel() {
    let site = mirror();
    let passing = Passing::start(site.address, "");
    let get = |path: &str| {
        passing.ask(format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ))
    };
    assert_eq!(status(&get("/a%00b")), 400);
    assert!(site.taken().is_empty());
    for path in [
        "//",
        "/../x",
        "/%2e%2e/x",
        "/a%5cb",
        "/;a=b/c",
        "/a?b?c=/../",
    ] {
        let answer = get(path);
        assert!(
            answer.contains(&format!("GET {path} HTTP/1.1\r\n")),
            "{path}: {answer}"
        );
    }
}

#[test]
fn curl_is_told_to_continue_and_speaks_http_2() {
    let site = mirror();
    let passing = Passing::start(site.address, "");
    let url = format!("{}/up", passing.served.url);
    let started = Instant::now();
    let answered = curl(&[
        "-H",
        "Expect: 100-continue",
        "--expect100-timeout",
        "15",
        "-d",
        "x=1",
        &url,
    ]);
    assert!(answered.ends_with("\r\n\r\nx=1"), "{answered}");
    assert!(!answered.contains("expect"), "{answered}");
    assert!(started.elapsed() < Duration::from_secs(10));
    let version = "%{http_version}";
    for arguments in [&["-d", "x=2"][..], &["-X", "PUT", "-d", "x=2"]] {
        let fixed = ["--http2-prior-knowledge", "-w", version, &url];
        let answered = curl(&[arguments, &fixed].concat());
        assert!(answered.ends_with("\r\n\r\nx=22"), "{answered}");
        assert!(answered.contains("host: 127.0.0.1:"), "{answered}");
    }
}

/// A head that asks to leave HTTP.
fn asks(rest: &str) -> String {
    format!("GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n{rest}")
}

fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(end.as_bytes()) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    String::from_utf8(seen).unwrap()
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
}

#[test]
fn there_is_no_tunnel_before_the_site_agrees_to_it() {
    let declines = mirror();
    let passing = Passing::start(declines.address, "");
    let mut caller = connect(passing.address());
    caller.write_all(asks("").as_bytes()).unwrap();
    let answer = until(&mut caller, "upgrade: echo\r\n");
    assert_eq!(status(&answer), 200, "{answer}");
    until(&mut caller, "\r\n\r\n");
    // The connection is one of HTTP as before, its heads judged.
    caller
        .write_all(b"GET /next HTTP/1.1\r\nHost: x\r\n\r\nGET /smuggled HTTP/1.1\n\n")
        .unwrap();
    let mut rest = String::new();
    caller.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("HTTP/1.1 400"), "{rest}");
    let heads = declines.taken();
    assert_eq!(heads.len(), 2, "{heads:?}");
    assert!(heads[1].starts_with("GET /next"));

    // What follows the request before there is an answer goes nowhere.
    let mut early = connect(passing.address());
    early
        .write_all(asks("GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
        .unwrap();
    drop(early.read_to_string(&mut rest));
    assert!(
        !declines
            .taken()
            .iter()
            .any(|head| head.contains("smuggled"))
    );
}

#[test]
fn a_tunnel_carries_bytes_both_ways_and_ends_with_either_end() {
    let site = RawSite::start(|stream, head| {
        assert!(
            head.contains("upgrade: echo\r\n") && head.contains("connection: upgrade\r\n"),
            "{head}"
        );
        let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst\n";
        stream.write_all(answer.as_bytes()).unwrap();
        let mut space = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut space) {
            stream.write_all(&space[..length]).unwrap();
        }
    });
    let passing = Passing::start(site.address, "");
    let mut caller = connect(passing.address());
    caller.write_all(asks("").as_bytes()).unwrap();
    let answer = until(&mut caller, "first\n");
    assert_eq!(status(&answer), 101, "{answer}");
    for _ in 0..100 {
        caller.write_all(b"GET / HTTP/9\n\0\n").unwrap();
        until(&mut caller, "GET / HTTP/9\n\0\n");
    }
    caller.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    assert_eq!(caller.read_to_end(&mut rest).unwrap(), 0);
}
