//! Heads that parts of a chain could read differently are refused, whoever stands behind (D1).

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::front_proxies::FrontProxy;
use crate::process::Served;

const KEY: &str = "callers-key-0123456789abcdef";

/// A server that counts the requests it gets and answers each with nothing.
struct Counter {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Counter {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, counted) = (stream.unwrap(), Arc::clone(&counted));
                std::thread::spawn(move || {
                    let mut space = [0; 4096];
                    if matches!(stream.read(&mut space), Ok(1..)) {
                        counted.fetch_add(1, Ordering::SeqCst);
                        let answer =
                            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                        drop(stream.write_all(answer));
                    }
                });
            }
        });
        Self { address, requests }
    }

    fn taken(&self) -> usize {
        self.requests.swap(0, Ordering::SeqCst)
    }
}

/// The status of each answer until the connection is closed, and whether it was in time.
fn ask(address: SocketAddr, bytes: &[u8]) -> (Vec<u16>, bool) {
    ask_for(Duration::from_secs(5), address, bytes)
}

fn ask_for(patience: Duration, address: SocketAddr, bytes: &[u8]) -> (Vec<u16>, bool) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    stream.write_all(bytes).unwrap();
    let (mut answer, mut space) = (Vec::new(), [0; 4096]);
    let is_closed = loop {
        match stream.read(&mut space) {
            Ok(0) => break true,
            Ok(length) => answer.extend_from_slice(&space[..length]),
            Err(error) => break error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    };
    let text = String::from_utf8_lossy(&answer);
    let lines = text.split("HTTP/1.").skip(1);
    let statuses = lines.filter_map(|line| line.get(2..5)?.parse().ok());
    (statuses.collect(), is_closed)
}

/// A call that is forwarded, with this as its request line and headers where they are not the usual ones.
fn call(line: &str, headers: &str) -> Vec<u8> {
    let body = format!(r#"{{"id":1,"method":"getUserById","params":["{KEY}",1,2]}}"#);
    let line = line.replace('~', "/api/jsonrpcserver");
    let headers = headers
        .replace("LENGTH", &format!("Content-Length: {}", body.len()))
        .replace("CHUNKED", "Transfer-Encoding: chunked");
    let body = if headers.contains("ncoding: chunked") {
        format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
    } else {
        body
    };
    format!("{line}\r\n{headers}Content-Type: application/json\r\n\r\n{body}").into_bytes()
}

/// How long the others have, which keep some of the connections: what they answer is shown, not judged.
const ENOUGH: Duration = Duration::from_millis(400);

const POST: &str = "POST ~ HTTP/1.1";

/// What is refused, why, and with which status.
const ROWS: [(&str, &str, &str, u16); 41] = [
    (
        "length and chunks",
        POST,
        "Host: x\r\nLENGTH\r\nCHUNKED\r\n",
        400,
    ),
    (
        "chunks and length",
        POST,
        "Host: x\r\nCHUNKED\r\nLENGTH\r\n",
        400,
    ),
    (
        "chunked twice",
        POST,
        "Host: x\r\nCHUNKED\r\nCHUNKED\r\n",
        501,
    ),
    (
        "gzip, chunked",
        POST,
        "Host: x\r\nTransfer-Encoding: gzip, chunked\r\n",
        501,
    ),
    (
        "chunked, identity",
        POST,
        "Host: x\r\nTransfer-Encoding: chunked, identity\r\n",
        501,
    ),
    (
        "another coding",
        POST,
        "Host: x\r\nTransfer-Encoding: xchunked\r\nLENGTH\r\n",
        501,
    ),
    (
        "an empty coding",
        POST,
        "Host: x\r\nTransfer-Encoding:\r\nLENGTH\r\n",
        501,
    ),
    (
        "a coding with a tab",
        POST,
        "Host: x\r\nTransfer-Encoding: \x0bchunked\r\n",
        400,
    ),
    (
        "the same length twice",
        POST,
        "Host: x\r\nLENGTH\r\nLENGTH\r\n",
        400,
    ),
    (
        "two lengths",
        POST,
        "Host: x\r\nLENGTH\r\nContent-Length: 1\r\n",
        400,
    ),
    (
        "a list of lengths",
        POST,
        "Host: x\r\nContent-Length: 5, 5\r\n",
        400,
    ),
    (
        "a signed length",
        POST,
        "Host: x\r\nContent-Length: +5\r\n",
        400,
    ),
    (
        "a negative length",
        POST,
        "Host: x\r\nContent-Length: -1\r\n",
        400,
    ),
    (
        "an empty length",
        POST,
        "Host: x\r\nContent-Length:\r\n",
        400,
    ),
    (
        "a hexadecimal length",
        POST,
        "Host: x\r\nContent-Length: 0x10\r\n",
        400,
    ),
    (
        "an endless length",
        POST,
        "Host: x\r\nContent-Length: 18446744073709551617\r\n",
        400,
    ),
    ("no host", POST, "LENGTH\r\n", 400),
    ("two hosts", POST, "Host: x\r\nHost: x\r\nLENGTH\r\n", 400),
    ("an empty host", POST, "Host:\r\nLENGTH\r\n", 400),
    ("a host with a user", POST, "Host: a@b\r\nLENGTH\r\n", 400),
    ("a host with a path", POST, "Host: a/b\r\nLENGTH\r\n", 400),
    (
        "authority form",
        "POST x:80 HTTP/1.1",
        "Host: x\r\nLENGTH\r\n",
        400,
    ),
    (
        "asterisk form",
        "POST * HTTP/1.1",
        "Host: x\r\nLENGTH\r\n",
        400,
    ),
    (
        "no form at all",
        "POST api HTTP/1.1",
        "Host: x\r\nLENGTH\r\n",
        400,
    ),
    (
        "absolute form of another host",
        "POST http://y~ HTTP/1.1",
        "Host: x\r\nLENGTH\r\n",
        400,
    ),
    (
        "absolute form of another scheme",
        "POST ftp://x~ HTTP/1.1",
        "Host: x\r\nLENGTH\r\n",
        400,
    ),
    (
        "CONNECT",
        "CONNECT x:80 HTTP/1.1",
        "Host: x\r\nLENGTH\r\n",
        501,
    ),
    ("TRACE", "TRACE ~ HTTP/1.1", "Host: x\r\nLENGTH\r\n", 501),
    ("a bare line feed", POST, "Host: x\nLENGTH\r\n", 400),
    (
        "a bare carriage return",
        POST,
        "Host: x\r\nX: a\rb\r\nLENGTH\r\n",
        400,
    ),
    ("NUL", POST, "Host: x\r\nX: a\0b\r\nLENGTH\r\n", 400),
    (
        "a folded line",
        POST,
        "Host: x\r\nX: a\r\n b\r\nLENGTH\r\n",
        400,
    ),
    (
        "a blank before the colon",
        POST,
        "Host: x\r\nX : a\r\nLENGTH\r\n",
        400,
    ),
    (
        "a name with a bracket",
        POST,
        "Host: x\r\nX(y): a\r\nLENGTH\r\n",
        400,
    ),
    (
        "a header without a name",
        POST,
        "Host: x\r\n: a\r\nLENGTH\r\n",
        400,
    ),
    (
        "a header without a colon",
        POST,
        "Host: x\r\nX\r\nLENGTH\r\n",
        400,
    ),
    (
        "version 1.2",
        "POST ~ HTTP/1.2",
        "Host: x\r\nLENGTH\r\n",
        400,
    ),
    (
        "version 2.0",
        "POST ~ HTTP/2.0",
        "Host: x\r\nLENGTH\r\n",
        400,
    ),
    ("no version", "POST ~", "Host: x\r\nLENGTH\r\n", 400),
    (
        "two blanks",
        "POST  ~ HTTP/1.1",
        "Host: x\r\nLENGTH\r\n",
        400,
    ),
    (
        "chunks in version 1.0",
        "POST ~ HTTP/1.0",
        "Host: x\r\nCHUNKED\r\n",
        400,
    ),
];

/// The gateway with every command of a Vision6 route at the upstream.
fn gateway(upstream: SocketAddr) -> (tempfile::TempDir, Served) {
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "keys.crm.value = '{KEY}'\n[upstreams.back]\ndialect = 'vision6'\n\
         url = 'http://{upstream}/api/jsonrpcserver'\nkey = 'gateways-key-0123456789abcdef'\n\
         [routes.front]\ndialect = 'vision6'\nuser = 'back'\n"
    );
    fs::write(directory.path().join("routes.toml"), text).unwrap();
    let served = Served::start(directory.path());
    (directory, served)
}

fn address(served: &Served) -> SocketAddr {
    served.url.strip_prefix("http://").unwrap().parse().unwrap()
}

#[test]
fn a_head_that_others_may_read_differently_is_refused_and_nothing_goes_on() {
    let upstream = Counter::start();
    let (_directory, served) = gateway(upstream.address);
    let own = address(&served);
    let nginx = FrontProxy::nginx(&format!(
        "location / {{ proxy_pass http://{}; }}",
        upstream.address
    ));
    let haproxy = FrontProxy::haproxy(upstream.address);

    // That the upstream sees what is not refused is what makes the zeros below say something.
    let good = [
        call(POST, "Host: x\r\nLENGTH\r\n"),
        call(POST, "Host: x\r\nCHUNKED\r\n"),
        call("POST http://x~ HTTP/1.1", "Host: x\r\nLENGTH\r\n"),
    ];
    for call in good {
        let mut closing = String::from_utf8(call).unwrap();
        closing = closing.replacen("Host: x", "Connection: close\r\nHost: x", 1);
        let (statuses, is_closed) = ask(own, closing.as_bytes());
        assert_eq!((statuses, is_closed), (vec![200], true), "{closing}");
        assert_eq!(upstream.taken(), 1, "{closing}");
    }

    let first = |(statuses, _): (Vec<u16>, bool)| {
        let status = statuses.first();
        status.map_or("-".to_owned(), u16::to_string)
    };
    println!(
        "{:<32} {:>8} {:>6} {:>8}",
        "head", "dragoman", "nginx", "haproxy"
    );
    for (name, line, headers, status) in ROWS {
        let call = call(line, headers);
        let answered = ask(own, &call);
        assert_eq!(answered, (vec![status], true), "{name}");
        assert_eq!(upstream.taken(), 0, "{name}: the upstream saw something");
        let others = [&nginx, &haproxy].map(|proxy| first(ask_for(ENOUGH, proxy.address, &call)));
        upstream.taken();
        println!("{name:<32} {status:>8} {:>6} {:>8}", others[0], others[1]);
    }
}

#[test]
fn what_came_before_a_refused_head_is_answered_and_nothing_after_it() {
    let upstream = Counter::start();
    let (_directory, served) = gateway(upstream.address);
    let good = call(POST, "Host: x\r\nLENGTH\r\n");
    let bad = call(POST, "Host: x\r\nLENGTH\r\nLENGTH\r\n");
    let (statuses, is_closed) = ask(address(&served), &[&good[..], &bad, &good].concat());
    assert_eq!((statuses, is_closed), (vec![200, 400], true));
    assert_eq!(upstream.taken(), 1);

    // The same on a connection that was kept.
    let mut stream = TcpStream::connect(address(&served)).unwrap();
    stream.write_all(&good).unwrap();
    let mut space = [0; 4096];
    assert!(stream.read(&mut space).unwrap() > 0);
    assert_eq!(upstream.taken(), 1);
    let (left, right) = bad.split_at(bad.len() / 2);
    stream.write_all(left).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    stream.write_all(right).unwrap();
    let mut rest = String::new();
    drop(stream.read_to_string(&mut rest));
    assert!(rest.starts_with("HTTP/1.1 400 "), "{rest}");
    assert_eq!(upstream.taken(), 0);
}

#[test]
fn chunks_that_others_may_read_differently_never_become_a_call() {
    let upstream = Counter::start();
    let (_directory, served) = gateway(upstream.address);
    let good = call(POST, "Host: x\r\nCHUNKED\r\n");
    let good = String::from_utf8(good).unwrap();
    for (from, to) in [
        ("\r\n0\r\n", "\n0\r\n"),
        ("\r\n0\r\n", "\r\n 0\r\n"),
        ("\r\n0\r\n\r\n", "\r\n0\r\nX : y\r\n\r\n"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(good, bad);
        let (statuses, is_closed) = ask(address(&served), bad.as_bytes());
        // In the words of the dialect: the route is known.
        assert!(is_closed && statuses.len() == 1, "{to:?}: {statuses:?}");
        assert_eq!(upstream.taken(), 0, "{to:?}");
    }
}

/// Paths that the upstream, or a proxy before the gateway, may take for another one.
fn confusing_paths() -> Vec<String> {
    let steps = [
        "../",
        "..%2f",
        "%2e%2e/",
        "%2E%2E%2F",
        "..%5c",
        "..\\",
        ".%2e/",
        "%2e./",
        "./",
        "%2e/",
        "//",
        "/%2f",
        "%5c",
        "\\",
        "%00",
        "..;/",
        "..%252f",
        "..%c0%af",
        "..%00/",
    ];
    let ends = [
        "",
        "api/jsonrpcserver",
        "health/ready",
        "etc/passwd",
        "admin",
    ];
    let starts = [
        "/",
        "/api/",
        "/api/jsonrpcserver/",
        "/api/jsonrpcserver.php/",
    ];
    let mut paths = Vec::new();
    for step in steps {
        for start in starts {
            for end in ends {
                for depth in [1, 2, 8] {
                    paths.push(format!("{start}{}{end}", step.repeat(depth)));
                }
            }
        }
    }
    let single = [
        "/api/jsonrpcserver;x",
        "/api/jsonrpcserver/;x=1",
        "/api/jsonrpcserver%20",
        "/api/jsonrpcserver%00",
        "/api/jsonrpcserver%2e",
        "/api/jsonrpcserver.",
        "/api%2fjsonrpcserver",
        "//api/jsonrpcserver",
        "/./api/jsonrpcserver",
        "/api//jsonrpcserver",
        "/api/jsonrpcserver//",
        "/api/jsonrpcserverx",
    ];
    paths.extend(single.map(str::to_owned));
    paths
}

#[test]
fn no_path_is_taken_for_another_one() {
    let upstream = Counter::start();
    let (_directory, served) = gateway(upstream.address);
    let paths = confusing_paths();
    assert!(paths.len() > 1000, "{}", paths.len());
    for path in paths {
        let call = call(
            &format!("POST {path} HTTP/1.1"),
            "Connection: close\r\nHost: x\r\nLENGTH\r\n",
        );
        let (statuses, is_closed) = ask(address(&served), &call);
        // 200 is what a fault of Vision6 is answered with.
        assert!(
            matches!(statuses[..], [400 | 404 | 200]) && is_closed,
            "{path}: {statuses:?}"
        );
        assert_eq!(
            upstream.taken(),
            0,
            "{path} was taken for a path of the API"
        );
    }
}
