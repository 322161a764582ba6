//! Pass routes to sites of HTTP/2: nginx's and Node's, and what must not come through.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::clients::in_package;
use crate::front_proxies::FrontProxy;
use crate::pass_fixture::{Passing, exchange};
use crate::pass_parts::seen;
use crate::process::curl;

const HTTP2: &str = "http_version = '2'\n";

/// What the gateway's memory may grow by while a large body goes through.
const GROWTH_KIB: u64 = 8 * 1024;

/// The site of `tests/upstreams/http2.js`; ended when dropped.
struct NodeSite {
    child: Child,
    address: SocketAddr,
}

impl NodeSite {
    fn start() -> Self {
        let mut child = Command::new("node")
            .arg(in_package("tests/upstreams/http2.js"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut port).unwrap();
        let address = ([127, 0, 0, 1], port.trim().parse().unwrap()).into();
        Self { child, address }
    }
}

impl Drop for NodeSite {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// nginx with this in its one server, which has a port for HTTP/2 too.
fn nginx(server: &str) -> (FrontProxy, SocketAddr) {
    let free = TcpListener::bind("127.0.78.2:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let nginx = FrontProxy::nginx(&format!("listen {address} http2; {server}"));
    (nginx, address)
}

fn request(line: &str, headers: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n{headers}\r\n")
}

#[test]
fn nginx_is_seen_over_http2_as_it_is_over_http1() {
    let (nginx, address) = nginx(
        "location /empty { return 204; } location /moved { absolute_redirect off; return 301 /page.txt; }",
    );
    fs::write(nginx.site().join("page.txt"), "0123456789".repeat(50)).unwrap();
    let passing = Passing::start(address, HTTP2);
    let plain = exchange(nginx.address, request("GET /page.txt", "").as_bytes());
    let etag = plain.lines().find_map(|line| line.strip_prefix("ETag: "));
    let unchanged = format!("If-None-Match: {}\r\n", etag.unwrap());
    for (status, line, headers) in [
        (200, "GET /page.txt", ""),
        (200, "HEAD /page.txt", ""),
        (304, "GET /page.txt", unchanged.as_str()),
        (206, "GET /page.txt", "Range: bytes=3-7\r\n"),
        (416, "GET /page.txt", "Range: bytes=9000-\r\n"),
        (412, "GET /page.txt", "If-Match: \"other\"\r\n"),
        (204, "GET /empty", ""),
        (301, "GET /moved", ""),
        (404, "GET /nothing?a=b", ""),
        (405, "DELETE /page.txt", ""),
        (405, "POST /page.txt", "Content-Length: 0\r\n"),
    ] {
        let request = request(line, headers);
        let mut direct = seen(&exchange(nginx.address, request.as_bytes()));
        let mut passed = seen(&passing.ask(&request));
        // HTTP/2 has numbers only, and their usual words are not nginx's.
        for (lines, _) in [&mut direct, &mut passed] {
            lines[0].truncate("http/1.1 200 ".len());
        }
        assert_eq!(passed, direct, "{request}");
        assert!(
            passed.0[0].starts_with(&format!("http/1.1 {status} ")),
            "{passed:?}"
        );
    }
    // And to callers of HTTP/2.
    let url = format!("{}/page.txt", passing.served.url);
    let said = curl(&[
        "--http2-prior-knowledge",
        "-r",
        "3-7",
        "-w",
        " %{http_code}",
        &url,
    ]);
    assert_eq!(said, "34567 206");
}

#[test]
fn a_body_larger_than_its_windows_goes_both_ways_at_constant_memory() {
    const BYTES: u64 = 96 << 20;
    let (nginx, address) = nginx("dav_methods PUT;");
    let large = nginx.site().join("large");
    File::create(&large).unwrap().set_len(BYTES).unwrap();
    let passing = Passing::start(address, HTTP2);
    for _ in 0..20 {
        passing.ask(request("GET /none", ""));
    }
    let before = passing.served.peak_kib();
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let url = format!("{}/large", passing.served.url);
        let show = ["-o", "/dev/null", "-w", "%{http_code} %{size_download}"];
        let said = curl(&[&show[..], &["--max-time", "120", version, &url]].concat());
        assert_eq!(said, format!("200 {BYTES}"), "{version}");
        let url = format!("{}/up{version}", passing.served.url);
        let send = ["--max-time", "120", "-o", "/dev/null", "-w", "%{http_code}"];
        let send = [&send[..], &[version, "-T", large.to_str().unwrap(), &url]].concat();
        assert_eq!(curl(&send), "201", "{version}");
        let kept = nginx.site().join(format!("up{version}"));
        assert_eq!(fs::metadata(&kept).unwrap().len(), BYTES, "{version}");
    }
    let grown = passing.served.peak_kib() - before;
    assert!(grown <= GROWTH_KIB, "{grown}");
}

#[test]
fn a_site_that_ends_its_connections_under_load_costs_no_caller_an_error() {
    let (_nginx, address) = nginx("keepalive_requests 7; location /ok { return 200 \"ok\"; }");
    let passing = Passing::start(address, HTTP2);
    let gateway = passing.address();
    let callers: Vec<_> = (0..16)
        .map(|caller| {
            std::thread::spawn(move || {
                let request = if caller % 2 == 0 {
                    "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n".to_owned()
                } else {
                    "POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody".to_owned()
                };
                let mut stream = TcpStream::connect(gateway).unwrap();
                for round in 0..100 {
                    stream.write_all(request.as_bytes()).unwrap();
                    let answer = one_answer(&mut stream, "\r\n\r\nok");
                    assert!(answer.starts_with("HTTP/1.1 200 "), "{round}: {answer}");
                    // nginx may answer before it has read the body, and then the gateway may not have, either.
                    if answer.contains("connection: close") {
                        stream = TcpStream::connect(gateway).unwrap();
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.join().unwrap();
    }
}

/// What comes up to that end.
fn one_answer(stream: &mut TcpStream, end: &str) -> String {
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut answer = String::new();
    while !answer.ends_with(end) {
        let mut byte = [0];
        let read = stream.read(&mut byte).unwrap();
        assert_eq!(read, 1, "it ended: {answer}");
        answer.push(char::from(byte[0]));
    }
    answer
}

#[test]
fn bodies_heads_and_trailers_come_through_node_both_ways() {
    let node = NodeSite::start();
    let passing = Passing::start(node.address, HTTP2);

    let shown = passing.ask(
        "POST /shown?a=%20b HTTP/1.1\r\nHost: www.example.com:8080\r\nConnection: close, X-Own\r\nX-Own: 1\r\n\
         Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nUpgrade: h2c\r\n\
         Cookie: a=1; b=2\r\nAccept: x\r\nAccept: y\r\nContent-Length: 4\r\n\r\nbody",
    );
    for line in [
        ":method: POST\n",
        ":scheme: http\n",
        ":authority: www.example.com:8080\n",
        ":path: /shown?a=%20b\n",
        "accept: x\n",
        "accept: y\n",
        "content-length: 4\n",
        "x-forwarded-proto: http\n",
        "x-forwarded-host: www.example.com:8080",
        "\n\nbody",
        "set-cookie: a=1\r\n",
        "set-cookie: b=2\r\n",
    ] {
        assert!(shown.contains(line), "{line:?}: {shown}");
    }
    for name in [
        "\nhost",
        "connection",
        "x-own",
        "keep-alive",
        "\nte:",
        "upgrade",
    ] {
        let (_, sent) = shown.split_once("\r\n\r\n").unwrap();
        assert!(!sent.contains(name), "{name:?}: {shown}");
    }

    let trailers = passing.ask(
        "POST /trailers HTTP/1.1\r\nHost: x\r\nConnection: close, TE\r\nTE: trailers\r\nTrailer: X-Sum\r\n\
         Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n",
    );
    assert!(
        trailers.ends_with("4\r\nbody\r\n0\r\nx-sum: 2, 7\r\n\r\n"),
        "{trailers}"
    );
    let hints = passing.ask(request("GET /hints", ""));
    assert!(
        hints.starts_with("HTTP/1.1 200 ") && hints.contains("\r\nafter hints\r\n"),
        "{hints}"
    );
    let unchanged = passing.ask(request("GET /unchanged", ""));
    assert!(unchanged.starts_with("HTTP/1.1 304 "), "{unchanged}");
    assert!(unchanged.contains("etag: \"7\"\r\n") && unchanged.ends_with("\r\n\r\n"));
    let empty = passing.ask(request("GET /empty", ""));
    assert!(empty.starts_with("HTTP/1.1 204 ") && empty.ends_with("\r\n\r\n"));
    for (method, body) in [("GET", "whole"), ("HEAD", "")] {
        let answer = passing.ask(request(&format!("{method} /length"), ""));
        let (head, found) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-length: 5"), "{answer}");
        assert_eq!(found, body, "{method}");
    }
    for _ in 0..5 {
        let away = passing.ask(request("POST /away", "Content-Length: 0\r\n"));
        assert!(away.starts_with("HTTP/1.1 200 "), "{away}");
    }
    let sessions = passing.ask(request("GET /sessions", ""));
    assert!(sessions.ends_with("\r\n6\r\n0\r\n\r\n"), "{sessions}");
}

#[test]
fn a_body_is_handed_on_as_it_arrives_while_the_answer_does() {
    let node = NodeSite::start();
    let passing = Passing::start(node.address, HTTP2);
    let mut stream = TcpStream::connect(passing.address()).unwrap();
    let head =
        "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    for piece in ["first", "again", "third"] {
        stream
            .write_all(format!("5\r\n{piece}\r\n").as_bytes())
            .unwrap();
        one_answer(&mut stream, &format!("5\r\n{piece}\r\n"));
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    one_answer(&mut stream, "0\r\n\r\n");
}

#[test]
fn an_answer_that_comes_before_the_body_was_taken_comes_through() {
    let node = NodeSite::start();
    let passing = Passing::start(node.address, HTTP2);
    let mut stream = TcpStream::connect(passing.address()).unwrap();
    let head = "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&[b'x'; 1000]).unwrap();
    let answer = one_answer(&mut stream, "too much");
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    // The site's other callers have lost nothing.
    let sessions = passing.ask(request("GET /sessions", ""));
    assert!(sessions.ends_with("\r\n1\r\n0\r\n\r\n"), "{sessions}");
}

#[test]
fn an_answer_that_the_site_breaks_off_is_never_presented_as_whole() {
    let node = NodeSite::start();
    let passing = Passing::start(node.address, HTTP2);
    let mut stream = TcpStream::connect(passing.address()).unwrap();
    stream
        .write_all(request("GET /half", "").as_bytes())
        .unwrap();
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("transfer-encoding: chunked"), "{answer}");
    assert!(answer.ends_with("half\r\n"), "{answer}");
    let url = format!("{}/half", passing.served.url);
    let done = Command::new("curl")
        .args(["--silent", "--http2-prior-knowledge", &url])
        .output()
        .unwrap();
    assert!(!done.status.success());
}

#[test]
fn a_site_of_http1_only_is_told_in_the_log_what_to_do() {
    let (nginx, _) = nginx("");
    let passing = Passing::start(nginx.address, HTTP2);
    let begun = Instant::now();
    let answer = passing.ask(request("GET /", ""));
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(4), "it waited");
    let (_, log) = passing.served.stop();
    assert!(
        log.contains("does not speak HTTP/2") && log.contains("http_version"),
        "{log}"
    );
}
