//! Heads and bodies of HTTP/2 that have no place in HTTP/1 end at the gateway (D32).

mod rows;

use std::net::SocketAddr;

use self::rows::{GOODBYE, RESET, ROWS};
use crate::http2_frames::{End, Field, Frames};
use crate::pass_fixture::Passing;
use crate::upstream_script::{Asked, Reply, Script};

const KEY: &str = "callers-key-0123456789abcdef";

/// A path of a dialect whose calls are forwarded, and one that is passed on.
const PATHS: [&str; 2] = ["/api/jsonrpcserver", "/site"];

/// The call that all of them are about, of a key that is good.
fn body() -> String {
    format!(r#"{{"id":1,"method":"countUsers","params":["{KEY}",1]}}"#)
}

/// The usual head of that path without one of its pseudo-headers, and more among and behind them.
fn head(
    path: &str,
    without: &str,
    among: &[Field<'_>],
    behind: &[Field<'_>],
) -> Vec<(String, String)> {
    let length = body().len().to_string();
    let pseudo = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "x"),
        (":path", "~"),
    ];
    let usual = [
        ("content-type", "application/json"),
        ("content-length", "LENGTH"),
    ];
    let pseudo = pseudo.iter().filter(|(name, _)| *name != without);
    let all = pseudo.chain(among).chain(&usual).chain(behind);
    let filled = |value: &str| value.replace('~', path).replace("LENGTH", &length);
    all.map(|(name, value)| ((*name).to_owned(), filled(value)))
        .collect()
}

struct Gateway {
    upstream: Script,
    passing: Passing,
}

impl Gateway {
    fn start() -> Self {
        let upstream =
            Script::start(|_| Reply::Answer(200, r#"{"id":1,"result":3,"error":null}"#.to_owned()));
        let address = upstream.address;
        let passing = Passing::configured(&format!(
            "keys.crm.value = '{KEY}'\n[upstreams.back]\ndialect = 'vision6'\n\
             url = 'http://{address}/api/jsonrpcserver'\nkey = 'gateways-key-0123456789abcdef'\n\
             [routes.front]\ndialect = 'vision6'\nuser = 'back'\n\
             [routes.site]\npass = 'http://{address}'\n"
        ));
        Self { upstream, passing }
    }

    fn address(&self) -> SocketAddr {
        self.passing.address()
    }

    /// How a request with that head and the usual body ends.
    fn ask(&self, head: &[(String, String)]) -> End {
        let mut frames = Frames::connect(self.address());
        frames.head(&borrowed(head), false);
        frames.data(body().as_bytes(), true);
        frames.end()
    }

    /// Sends a good request to both, and returns what else the upstream has seen since the last time.
    fn seen_beside_good_ones(&self, so_far: &mut usize) -> Vec<Asked> {
        for path in PATHS {
            assert_eq!(
                self.ask(&head(path, "", &[], &[])),
                End::Answer(200),
                "{path}"
            );
        }
        let mut seen = self.upstream.asked().split_off(*so_far);
        *so_far += seen.len();
        for path in PATHS {
            let whole = |it: &Asked| it.target.contains(path) && it.body.contains("countUsers");
            let good = seen.iter().rposition(whole).unwrap();
            seen.remove(good);
        }
        seen
    }
}

fn borrowed(head: &[(String, String)]) -> Vec<Field<'_>> {
    let fields = head
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    fields.collect()
}

#[test]
fn a_head_of_http_2_that_has_no_place_in_http_1_is_refused_and_nothing_goes_on() {
    let gateway = Gateway::start();
    let mut seen = 0;
    let mut faults = Vec::new();
    for (name, without, among, behind, end) in ROWS {
        let ends = PATHS.map(|path| gateway.ask(&head(path, without, among, behind)));
        if ends != [*end; 2] {
            faults.push(format!("{name}: {ends:?}"));
        }
        for asked in gateway.seen_beside_good_ones(&mut seen) {
            faults.push(format!("{name}: {asked:?}"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn what_is_unusual_in_http_2_and_good_goes_on() {
    let gateway = Gateway::start();
    let rows: [(&str, &[Field<'_>]); 5] = [
        ("", &[("te", "trailers")]),
        ("", &[("host", "X")]),
        (":authority", &[("host", "x:80")]),
        ("", &[("x-empty", "")]),
        ("", &[("x-colons", "a: b:c \u{e4}")]),
    ];
    for (without, behind) in rows {
        for path in PATHS {
            let head = head(path, without, &[], behind);
            assert_eq!(gateway.ask(&head), End::Answer(200), "{behind:?}");
        }
    }
    for asked in gateway.upstream.asked() {
        let hosts = asked
            .head
            .lines()
            .filter(|line| line.to_ascii_lowercase().starts_with("host:"));
        assert_eq!(hosts.count(), 1, "{}", asked.head);
    }
    let options = [(":method", "OPTIONS"), (":path", "*")];
    let mut star = head("", ":method", &options[..1], &[]);
    star.retain(|(name, _)| name != ":path" && !name.starts_with("content"));
    star.push((":path".to_owned(), "*".to_owned()));
    let mut frames = Frames::connect(gateway.address());
    frames.head(&borrowed(&star), true);
    // It is good, and of no route.
    assert_eq!(frames.end(), End::Answer(404));
}

/// By the time that too much comes, the site of a pass route may have what the length says, and never more.
#[test]
fn a_body_of_http_2_that_is_not_as_long_as_it_says_never_becomes_a_request() {
    let gateway = Gateway::start();
    let body = body();
    let (short, long) = (body.len() - 1, body.len() + 1);
    let mut seen = 0;
    for path in PATHS {
        for length in [0, 1, short, long, 100_000] {
            // In one piece, in two, and with an end of its own.
            for cuts in [&[body.len()][..], &[7, body.len()], &[body.len(); 2]] {
                let name = format!("{path}: {length}, {cuts:?}");
                let mut fields = head(path, "", &[], &[]);
                fields.last_mut().unwrap().1 = length.to_string();
                let mut frames = Frames::connect(gateway.address());
                frames.head(&borrowed(&fields), false);
                let mut from = 0;
                for (place, &to) in cuts.iter().enumerate() {
                    frames.data(&body.as_bytes()[from..to], place + 1 == cuts.len());
                    from = to;
                }
                assert_eq!(frames.end(), RESET, "{name}");
                for asked in gateway.seen_beside_good_ones(&mut seen) {
                    let is_less = asked.body.len() < body.len() && body.starts_with(&asked.body);
                    assert!(is_less && asked.target == "POST /site", "{name}: {asked:?}");
                }
            }
        }
        let mut frames = Frames::connect(gateway.address());
        frames.head(&borrowed(&head(path, "", &[], &[])), true);
        assert_eq!(frames.end(), RESET, "{path}: a length and no body");
        assert!(gateway.seen_beside_good_ones(&mut seen).is_empty());
    }
}

#[test]
fn trailers_of_http_2_that_are_none_never_end_a_request() {
    let gateway = Gateway::start();
    let mut seen = 0;
    let rows: [(Field<'_>, bool, End); 5] = [
        (("X", "a"), true, GOODBYE),
        (("x", "a\r\nb"), true, GOODBYE),
        (("transfer-encoding", "chunked"), true, RESET),
        (("connection", "close"), true, RESET),
        (("x", "a"), false, RESET),
    ];
    let ask = |path: &str, field: Field<'_>, ends: bool| {
        let mut fields = head(path, "", &[], &[]);
        // Without a length, which would end the request by itself.
        fields.pop();
        let mut frames = Frames::connect(gateway.address());
        frames.head(&borrowed(&fields), false);
        frames.data(body().as_bytes(), false);
        frames.head(&[field], ends);
        frames.end()
    };
    for path in PATHS {
        for (field, ends, end) in rows {
            assert_eq!(ask(path, field, ends), end, "{path}: {field:?}");
            let more = gateway.seen_beside_good_ones(&mut seen);
            assert!(more.is_empty(), "{path}: {field:?}: {more:?}");
        }
        // The protocol implementation leaves it out instead of refusing it. It goes no further.
        assert_eq!(ask(path, (":path", "/other"), true), End::Answer(200));
        let more = gateway.seen_beside_good_ones(&mut seen);
        assert!(
            more.len() == 1 && !format!("{more:?}").contains("other"),
            "{more:?}"
        );
    }
}
