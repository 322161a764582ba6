//! Forms that are meant to hurt, through the running gateway: each is refused in the dialect, soon,
//! and without much memory, or read as PHP reads it.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::clients::Gateway;
use crate::json_limits::resident_kib;
use crate::wire::{GRUPO, Reply, URLENCODED, VISION6, Wire, request};

const SOON: Duration = Duration::from_millis(50);
const BOUNDARY: &str = "------------------------d74496d66958873e";
const MULTIPART: &str = "multipart/form-data; boundary=------------------------d74496d66958873e";
const MIB: usize = 1024 * 1024;

/// A gateway with one user, and what calls it.
struct Target {
    gateway: Gateway,
    user: i64,
    wire: Wire,
}

impl Target {
    fn new() -> Self {
        let gateway = Gateway::start();
        let user = gateway.add_user("ana");
        let wire = Wire::open(&gateway.served.url);
        Self {
            gateway,
            user,
            wire,
        }
    }

    /// The fields of an update by a Grupo client, urlencoded.
    fn update(&self) -> String {
        format!(
            "api_secret_key={}&update=site_users&user=ana",
            self.gateway.key
        )
    }

    /// The same as parts, to be ended by a delimiter.
    fn update_parts(&self) -> Vec<u8> {
        let fields = [
            ("api_secret_key", self.gateway.key.as_str()),
            ("update", "site_users"),
            ("user", "ana"),
        ];
        fields
            .iter()
            .flat_map(|(name, value)| part(&format!("name=\"{name}\""), value))
            .collect()
    }

    fn grupo(&mut self, content_type: &str, body: &[u8]) -> Reply {
        self.wire.post(GRUPO, content_type, body)
    }

    fn b2evolution(&mut self, content_type: &str, body: &[u8]) -> Reply {
        let authorization = format!("Bearer {}", self.gateway.key);
        let headers = [
            ("Content-Type", content_type),
            ("Authorization", &authorization),
        ];
        let target = format!("/api/v1/users/{}", self.user);
        self.wire
            .exchange(&request("POST", &target, &headers, body))
    }

    fn read(&mut self) -> Value {
        let call =
            json!({"id": 1, "method": "getUserById", "params": [self.gateway.key, 1, self.user]});
        self.wire.vision6(&call)["result"][0].clone()
    }

    /// Both dialects of forms refuse the body in their own words; the fastest of a few attempts
    /// counts, because other tests run beside this one.
    fn assert_both_refuse(&mut self, what: &str, content_type: &str, body: &[u8]) {
        let attempts = |refuse: &mut dyn FnMut() -> Duration| (0..4).map(|_| refuse()).min();
        let grupo = attempts(&mut || {
            let reply = self.grupo(content_type, body);
            assert_grupo_refuses(what, &reply);
            reply.took
        });
        let b2evolution = attempts(&mut || {
            let reply = self.b2evolution(content_type, body);
            assert_b2evolution_refuses(what, &reply);
            reply.took
        });
        for took in [grupo, b2evolution].into_iter().flatten() {
            assert!(took < SOON, "{what} was refused after {took:?}");
        }
    }
}

fn assert_grupo_refuses(what: &str, reply: &Reply) {
    assert_eq!(reply.status, 200, "{what}: {reply:?}");
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=UTF-8"),
        "{what}"
    );
    let answer = reply.json();
    assert_eq!(answer["success"], false, "{what}: {answer}");
    for member in ["error_key", "error_message"] {
        assert!(
            answer[member].as_str().is_some_and(|text| !text.is_empty()),
            "{what}: {answer}"
        );
    }
}

fn assert_b2evolution_refuses(what: &str, reply: &Reply) {
    assert!((400..500).contains(&reply.status), "{what}: {reply:?}");
    assert_eq!(
        reply.header("content-type"),
        Some("application/json; charset=utf-8"),
        "{what}"
    );
    let answer = reply.json();
    assert!(
        answer["code"].is_string() || answer["error_status"].is_string(),
        "{what}: {answer}"
    );
}

/// One part with these parameters of its Content-Disposition.
fn part(parameters: &str, value: &str) -> Vec<u8> {
    raw_part(
        &format!("Content-Disposition: form-data; {parameters}"),
        value,
    )
}

fn raw_part(headers: &str, value: &str) -> Vec<u8> {
    format!("--{BOUNDARY}\r\n{headers}\r\n\r\n{value}\r\n").into_bytes()
}

fn end() -> Vec<u8> {
    format!("--{BOUNDARY}--\r\n").into_bytes()
}

#[test]
fn a_hostile_multipart_form_is_refused_in_the_dialect_within_50_milliseconds() {
    let mut target = Target::new();
    let update = target.update_parts();
    let with = |parts: Vec<u8>| [update.clone(), parts, end()].concat();
    let story = "Content-Disposition: form-data; name=\"phone_number\"";
    let cases: [(&str, Vec<u8>); 19] = [
        ("257 parts", with(part("name=\"a\"", "1").repeat(254))),
        ("1,001 parts", with(part("name=\"a\"", "1").repeat(998))),
        (
            "a name of nearly 1 MiB",
            with(part(&format!("name=\"{}\"", "n".repeat(MIB - 2048)), "1")),
        ),
        (
            "a value of more than 64 KiB",
            with(part("name=\"a\"", &"v".repeat(65_537))),
        ),
        (
            "9 lines of headers",
            with(raw_part(
                &format!("{story}\r\n{}", ["X: y"; 8].join("\r\n")),
                "1",
            )),
        ),
        (
            "nested multipart",
            with(raw_part(
                &format!("{story}\r\nContent-Type: multipart/mixed; boundary=x"),
                "--x\r\n\r\n1\r\n--x--",
            )),
        ),
        ("no last boundary", update.clone()),
        (
            "line feeds alone",
            with(part("name=\"a\"", "1"))
                .iter()
                .copied()
                .filter(|byte| *byte != b'\r')
                .collect(),
        ),
        ("name*", with(part("name*=UTF-8''phone_number", "1"))),
        (
            "two names",
            with(part("name=\"phone_number\"; name=\"user\"", "1")),
        ),
        (
            "an attachment",
            with(raw_part(
                "Content-Disposition: attachment; name=\"phone_number\"",
                "1",
            )),
        ),
        (
            "a charset of a part",
            with(raw_part(
                &format!("{story}\r\nContent-Type: text/plain; charset=utf-16"),
                "1",
            )),
        ),
        (
            "an encoding of a part",
            with(raw_part(
                &format!("{story}\r\nContent-Transfer-Encoding: base64"),
                "MQ==",
            )),
        ),
        (
            "a file",
            with(part("name=\"phone_number\"; filename=\"a.txt\"", "1")),
        ),
        (
            "a file in the place of the user",
            with(part("name=\"user\"; filename=\"a.txt\"", "ana")),
        ),
        ("no name", with(part("x=\"y\"", "1"))),
        ("no Content-Disposition", with(raw_part("X: y", "1"))),
        (
            "blanks behind a boundary",
            with(part("name=\"a\"", "1").splice_blanks()),
        ),
        (
            "text behind the last boundary",
            [with(Vec::new()), with(part("name=\"a\"", "1"))].concat(),
        ),
    ];
    for (what, body) in &cases {
        target.assert_both_refuse(what, MULTIPART, body);
    }
    for (what, content_type) in [
        (
            "a boundary of 71 characters",
            format!("multipart/form-data; boundary={}", "b".repeat(71)),
        ),
        ("no boundary", "multipart/form-data".to_owned()),
        ("two boundaries", format!("{MULTIPART}; boundary=x")),
        (
            "a boundary within another parameter",
            format!("multipart/form-data; xboundary=x; boundary={BOUNDARY}"),
        ),
    ] {
        target.assert_both_refuse(what, &content_type, &with(Vec::new()));
    }
    assert_eq!(target.read()["phone"], Value::Null, "nothing was changed");
}

trait SpliceBlanks {
    fn splice_blanks(self) -> Vec<u8>;
}

impl SpliceBlanks for Vec<u8> {
    /// Puts a blank behind the boundary at the start.
    fn splice_blanks(mut self) -> Vec<u8> {
        self.insert(BOUNDARY.len() + 2, b' ');
        self
    }
}

#[test]
fn a_hostile_urlencoded_form_is_refused_in_the_dialect_within_50_milliseconds() {
    let mut target = Target::new();
    let update = target.update();
    let long_value = format!("{update}&custom_field_1={}", "%41".repeat(65_537));
    let cases: [(&str, Vec<u8>); 13] = [
        ("1,000,000 fields", "a=1&".repeat(MIB / 4 - 1).into_bytes()),
        (
            "4,000,000 bytes of fields",
            "a=1&".repeat(1_000_000).into_bytes(),
        ),
        (
            "257 fields",
            format!("{update}&{}", ["a=1"; 254].join("&")).into_bytes(),
        ),
        (
            "a name of 129 bytes",
            format!("{update}&{}=1", "n".repeat(129)).into_bytes(),
        ),
        (
            "a name of nearly 1 MiB",
            "%6e".repeat(MIB / 3 - 1).into_bytes(),
        ),
        ("a value of more than 64 KiB", long_value.into_bytes()),
        (
            "a field without a name",
            format!("{update}&=1").into_bytes(),
        ),
        (
            "an array without a name",
            format!("{update}&[a]=1").into_bytes(),
        ),
        ("a percent sign for a key", b"%".to_vec()),
        (
            "bytes that are no UTF-8",
            format!("{update}&phone_number=%ff").into_bytes(),
        ),
        (
            "an overlong slash",
            format!("{update}&phone_number=%C0%AF").into_bytes(),
        ),
        (
            "a surrogate",
            format!("{update}&phone_number=%ED%A0%80").into_bytes(),
        ),
        (
            "arrays 5 deep",
            format!("{update}&a[b][c][d][e][f]=1").into_bytes(),
        ),
    ];
    for (what, body) in &cases {
        if *what == "a percent sign for a key" {
            // To b2evolution it is a field that nobody knows.
            assert_grupo_refuses(what, &target.grupo(URLENCODED, body));
        } else {
            target.assert_both_refuse(what, URLENCODED, body);
        }
    }
    assert_eq!(target.read()["phone"], Value::Null, "nothing was changed");
}

#[test]
fn what_php_makes_of_strange_values_is_what_is_kept() {
    let mut target = Target::new();
    let update = target.update();
    for (sent, kept) in [
        ("%", "%"),
        ("%zz", "%zz"),
        ("%4", "%4"),
        ("a+b", "a b"),
        ("%2B", "+"),
        ("a;b=c", "a;b=c"),
        ("=", "="),
        ("%F0%9F%98%80", "😀"),
    ] {
        let body = format!("{update}&phone_number={sent}");
        let answer = target.grupo(URLENCODED, body.as_bytes());
        assert_eq!(answer.text(), r#"{"success":true}"#, "{sent}");
        assert_eq!(target.read()["phone"], kept, "{sent}");
    }
    let fits = format!("{update}&phone_number={}", "v".repeat(65_536));
    let answer = target.grupo(URLENCODED, fits.as_bytes());
    assert_eq!(answer.text(), r#"{"success":true}"#);
}

#[test]
fn a_boundary_in_the_data_is_data_however_the_body_is_cut_into_packets() {
    let mut target = Target::new();
    let near = format!("--{}\r\n-{BOUNDARY}\r\n {BOUNDARY}--", &BOUNDARY[1..]);
    let parts = [
        target.update_parts(),
        part("name=\"phone_number\"", &near),
        end(),
    ]
    .concat();
    let whole = request(
        "POST",
        GRUPO,
        &[("Content-Type", MULTIPART), ("Connection", "close")],
        &parts,
    );
    for cuts in [1, 2, 3, 7, 19] {
        let address = target
            .gateway
            .served
            .url
            .strip_prefix("http://")
            .unwrap()
            .to_owned();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let size = whole.len().div_ceil(cuts + 1);
        for packet in whole.chunks(size) {
            stream.write_all(packet).unwrap();
            thread::sleep(Duration::from_millis(4));
        }
        let answer = std::io::read_to_string(stream).unwrap();
        assert!(
            answer.ends_with(r#"{"success":true}"#),
            "{cuts} cuts: {answer}"
        );
        assert_eq!(target.read()["phone"], near.as_str(), "{cuts} cuts");
    }
}

#[test]
fn a_form_takes_no_more_than_four_times_its_size_in_memory() {
    let mut target = Target::new();
    let update = target.update();
    let process = target.gateway.served.id();
    let bodies = [
        "a=1&".repeat(MIB / 4 - 1).into_bytes(),
        format!("{update}&{}", "a[][][][]=%41&".repeat(250)).into_bytes(),
        "%6e".repeat(MIB / 3 - 1).into_bytes(),
        [update.as_bytes(), b"&", "&".repeat(MIB - 1024).as_bytes()].concat(),
    ];
    // The first ones pay for what stays.
    for body in bodies.iter().cycle().take(12) {
        target.grupo(URLENCODED, body);
    }
    for body in &bodies {
        let before = resident_kib(process);
        // Forgets the highest water mark.
        fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
        target.grupo(URLENCODED, body);
        let grown = high_water_kib(process).saturating_sub(before);
        let most = 4 * u64::try_from(MIB / 1024).unwrap();
        assert!(
            grown <= most,
            "{grown} KiB more for {} KiB",
            body.len() / 1024
        );
    }
}

fn high_water_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.unwrap().parse().unwrap()
}

#[test]
fn a_field_that_decides_who_acts_on_whom_is_refused_when_it_comes_twice() {
    let mut target = Target::new();
    let update = target.update();
    let key = target.gateway.key.clone();
    for (what, body) in [
        ("the key twice", format!("{update}&api_secret_key={key}")),
        (
            "another key before it",
            format!("api_secret_key=x&{update}"),
        ),
        (
            "the key in PHP's spelling",
            format!("{update}&api.secret_key={key}"),
        ),
        (
            "the key in another spelling alone",
            format!("api%20secret_key={key}&update=site_users&user=ana"),
        ),
        (
            "the key behind a NUL",
            format!("{update}&api_secret_key%00x={key}"),
        ),
        (
            "the key as an array",
            format!("{update}&api_secret_key[]={key}"),
        ),
        ("the verb twice", format!("{update}&update=groups")),
        ("two verbs", format!("{update}&add=site_users")),
        ("the user twice", format!("{update}&user=bea")),
        (
            "the user by name and number",
            format!("{update}&user_id={}", target.user),
        ),
        ("the user in PHP's spelling", format!("{update}& user=bea")),
    ] {
        let reply = target.grupo(URLENCODED, format!("{body}&full_name=X").as_bytes());
        assert_grupo_refuses(what, &reply);
    }
    for flag in [
        "identity_form=1&identity_form=1",
        "identity.form=1",
        "admin_form=1&admin_form=1",
    ] {
        let reply = target.b2evolution(
            URLENCODED,
            format!("{flag}&edited_user_firstname=X").as_bytes(),
        );
        assert_b2evolution_refuses(flag, &reply);
    }
    let basic = "Basic Y2xpZW50OmE=";
    let bearer = format!("Bearer {key}");
    for headers in [
        [("Authorization", basic), ("Authorization", bearer.as_str())],
        [
            ("Authorization", bearer.as_str()),
            ("X-API-Key", key.as_str()),
        ],
    ] {
        let target_path = format!("/api/v1/users/{}", target.user);
        let headers = [headers.as_slice(), &[("Content-Type", URLENCODED)]].concat();
        let reply =
            target
                .wire
                .exchange(&request("POST", &target_path, &headers, b"identity_form=1"));
        assert_b2evolution_refuses("two credentials", &reply);
    }
    assert_eq!(
        target.read()["first_name"],
        Value::Null,
        "nothing was changed"
    );

    let ordinary = format!("{update}&phone_number=first&phone_number=last");
    target.grupo(URLENCODED, ordinary.as_bytes());
    assert_eq!(target.read()["phone"], "last");
}

#[test]
fn a_key_in_the_query_string_is_refused_and_not_logged() {
    let mut target = Target::new();
    let key = target.gateway.key.clone();
    for query in [
        format!("api_secret_key={key}&update=site_users&user=ana"),
        format!("api.secret_key={key}"),
        format!("x={key}"),
    ] {
        let reply = target.wire.post(
            &format!("{GRUPO}?{query}"),
            URLENCODED,
            b"update=site_users&user=ana",
        );
        assert_grupo_refuses(&query, &reply);
        let reply = target
            .wire
            .exchange(&request("GET", &format!("{GRUPO}?{query}"), &[], b""));
        assert_grupo_refuses(&query, &reply);
    }
    let (_, log) = target.gateway.served.stop();
    assert!(log.contains("call refused"), "{log}");
    assert!(!log.contains(&key), "{log}");
}

#[test]
fn a_body_of_another_type_than_it_says_is_refused() {
    let mut target = Target::new();
    let update = target.update();
    let key = target.gateway.key.clone();
    let json = json!({"api_secret_key": key, "update": "site_users", "user": "ana"}).to_string();
    for (what, content_type, body) in [
        ("JSON", "application/json", json.as_str()),
        ("JSON as a form", URLENCODED, json.as_str()),
        ("JSON as multipart", MULTIPART, json.as_str()),
        ("a form as JSON", "application/json", update.as_str()),
        ("a form as text", "text/plain", update.as_str()),
        ("a form as multipart", MULTIPART, update.as_str()),
        (
            "a form in UTF-16",
            "application/x-www-form-urlencoded; charset=utf-16",
            update.as_str(),
        ),
        (
            "two types in one header",
            "application/x-www-form-urlencoded, text/plain",
            update.as_str(),
        ),
        ("no type", "", update.as_str()),
        ("half a type", "application", update.as_str()),
    ] {
        assert_grupo_refuses(what, &target.grupo(content_type, body.as_bytes()));
        if what != "JSON as a form" {
            assert_b2evolution_refuses(what, &target.b2evolution(content_type, body.as_bytes()));
        }
    }
    for types in [
        &[][..],
        &[("Content-Type", URLENCODED), ("Content-Type", "text/plain")],
    ] {
        let reply = target
            .wire
            .exchange(&request("POST", GRUPO, types, update.as_bytes()));
        assert_grupo_refuses("no type, or two", &reply);
    }
    let reply = target
        .wire
        .post(VISION6, "application/json", update.as_bytes());
    assert_eq!(
        (reply.status, &reply.json()["error"]["code"]),
        (200, &json!(-32700))
    );
    let encoded = format!("json={json}");
    let reply = target.wire.post(VISION6, URLENCODED, encoded.as_bytes());
    assert_eq!(
        (reply.status, &reply.json()["error"]["code"]),
        (200, &json!(-32700))
    );
}
