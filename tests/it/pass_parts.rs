//! Pass routes with real parts: nginx behind them, sockets of the web through them, bodies larger than memory.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::clients::python;
use crate::front_proxies::FrontProxy;
use crate::pass_fixture::{Passing, exchange};
use crate::process::{curl, finish, release_binary};

/// What its memory may grow by while such a body goes through.
const GROWTH_KIB: u64 = 8 * 1024;

/// An answer as a caller sees it, without what says when it was made and what belongs to the connection.
pub(crate) fn seen(answer: &str) -> (Vec<String>, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let own = ["date:", "x-request-id:", "connection:", "keep-alive:"];
    let mut lines: Vec<_> = head.lines().map(str::to_ascii_lowercase).collect();
    lines.retain(|line| !own.iter().any(|name| line.starts_with(name)));
    lines[1..].sort();
    (lines, body.to_owned())
}

#[test]
fn nginx_is_seen_through_the_gateway_as_it_is() {
    let nginx = FrontProxy::nginx(
        "gzip on; gzip_min_length 1; gzip_types text/plain; location /empty { return 204; } \
         location /moved { return 301 /page; } location /made { ssi on; ssi_types *; }",
    );
    fs::write(nginx.site().join("page.txt"), "0123456789".repeat(50)).unwrap();
    fs::create_dir(nginx.site().join("made")).unwrap();
    fs::write(
        nginx.site().join("made/x.txt"),
        "<!--#echo var=\"request_method\" -->",
    )
    .unwrap();
    let passing = Passing::start(nginx.address, "");
    let get = |line: &str, headers: &str| {
        format!("{line} HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n{headers}\r\n")
    };
    let plain = exchange(nginx.address, get("GET /page.txt", "").as_bytes());
    let etag = plain
        .lines()
        .find_map(|line| line.strip_prefix("ETag: "))
        .unwrap();
    let requests = [
        (200, get("GET /page.txt", "")),
        (200, get("HEAD /page.txt", "")),
        (
            304,
            get("GET /page.txt", &format!("If-None-Match: {etag}\r\n")),
        ),
        (206, get("GET /page.txt", "Range: bytes=3-7\r\n")),
        (206, get("GET /page.txt", "Range: bytes=0-1,8-9\r\n")),
        (416, get("GET /page.txt", "Range: bytes=9000-\r\n")),
        (412, get("GET /page.txt", "If-Match: \"other\"\r\n")),
        (204, get("GET /empty", "")),
        (301, get("GET /moved", "")),
        (404, get("GET /nothing", "")),
        (405, get("DELETE /page.txt", "")),
        (405, get("POST /page.txt", "Content-Length: 0\r\n")),
        (200, get("GET /made/x.txt", "")),
    ];
    for (status, request) in requests {
        let direct = seen(&exchange(nginx.address, request.as_bytes()));
        let passed = seen(&passing.ask(&request));
        // The parts of a multipart answer have a boundary of their own each time.
        if request.contains("bytes=0-1,8-9") {
            assert_eq!(passed.0[0], direct.0[0]);
            continue;
        }
        assert_eq!(passed, direct, "{request}");
        assert!(
            passed.0[0].starts_with(&format!("http/1.1 {status} ")),
            "{passed:?}"
        );
    }
    // Compressed bytes are no text, and come as they are.
    let url = format!("{}/page.txt", passing.served.url);
    let show = ["-H", "Accept-Encoding: gzip", "-o", "/dev/null", "-D", "-"];
    let head = curl(&[&show[..], &[&url]].concat()).to_ascii_lowercase();
    assert!(
        head.contains("content-encoding: gzip\r\n") && head.contains("chunked"),
        "{head}"
    );
    assert_eq!(curl(&["--compressed", &url]), "0123456789".repeat(50));
}

#[test]
fn a_body_larger_than_memory_goes_both_ways_at_constant_memory() {
    go_both_ways(Path::new(env!("CARGO_BIN_EXE_dragoman")), 256 << 20);
}

/// `tests/soak/large` runs it.
#[test]
fn a_gibibyte_goes_both_ways_at_constant_memory_through_the_release_binary() {
    if std::env::var_os("DRAGOMAN_TEST_LARGE").is_some() {
        go_both_ways(&release_binary(), 1 << 30);
    }
}

/// Has nginx send a body of that many bytes, and take one, once over HTTP/1 and once over HTTP/2.
fn go_both_ways(binary: &Path, bytes: u64) {
    let nginx = FrontProxy::nginx("dav_methods PUT;");
    File::create(nginx.site().join("large"))
        .unwrap()
        .set_len(bytes)
        .unwrap();
    let route = format!("[routes.site]\npass = 'http://{}'\n", nginx.address);
    let versions = ["--http1.1", "--http2-prior-knowledge"];

    let down = Passing::of(binary, &route);
    warm_up(&down);
    let before = down.served.peak_kib();
    let url = format!("{}/large", down.served.url);
    let show = ["-o", "/dev/null", "-w", "%{http_code} %{size_download}"];
    let patient = ["--max-time", "300"];
    for version in versions {
        let said = curl(&[&patient[..], &show, &[version, &url]].concat());
        assert_eq!(said, format!("200 {bytes}"), "{version}");
    }
    // The caller is the slower end.
    let limited = ["--limit-rate", "40M", "-r", "0-40000000", &url];
    let said = curl(&[&patient[..], &show, &limited].concat());
    assert_eq!(said, "206 40000001");
    let grown_down = down.served.peak_kib() - before;

    let up = Passing::of(binary, &route);
    warm_up(&up);
    let before = up.served.peak_kib();
    let file = nginx.site().join("large");
    let show = ["-o", "/dev/null", "-w", "%{http_code}"];
    for version in versions {
        let url = format!("{}/up{version}", up.served.url);
        let send = [version, "-T", file.to_str().unwrap(), &url];
        let said = curl(&[&patient[..], &show, &send].concat());
        assert_eq!(said, "201", "{version}");
        let kept = nginx.site().join(format!("up{version}"));
        assert_eq!(fs::metadata(&kept).unwrap().len(), bytes, "{version}");
        fs::remove_file(kept).unwrap();
    }
    let grown_up = up.served.peak_kib() - before;
    println!(
        "{} MiB: {grown_down} KiB down, {grown_up} KiB up",
        bytes >> 20
    );
    assert!(
        grown_down <= GROWTH_KIB && grown_up <= GROWTH_KIB,
        "{grown_down}, {grown_up}"
    );
}

fn warm_up(passing: &Passing) {
    for _ in 0..20 {
        passing.ask("GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    }
}

/// A server of web sockets; ended when dropped.
struct Chat {
    child: Child,
    port: u16,
}

impl Chat {
    fn start() -> Self {
        let mut child = python("chat.py")
            .arg("serve")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap();
        Self { child, port }
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn ten_thousand_web_socket_messages_and_the_codes_of_its_end_come_through() {
    let chat = Chat::start();
    let passing = Passing::start(([127, 0, 0, 1], chat.port).into(), "");
    let url = passing.served.url.replace("http://", "ws://");
    let call = ["call", &url, "10000"];
    let (status, printed, said) = finish(python("chat.py").args(call));
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(printed, "4001 as you wish\n1000\n");
}
