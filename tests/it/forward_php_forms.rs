//! Hostile forms through the gateway to PHP, which mangles names: it sees what it would have seen of
//! the form itself, so that it does what was judged, or nothing.

use bytes::Bytes;
use http::Request;
use rand::prelude::*;
use rand::rngs::StdRng;
use serde_json::Value;

use crate::forward_fixture::{Answered, CALLERS_KEY, Front, php_at};
use crate::php_upstream::{KEY, PhpUpstream};

const BODIES: usize = 4_000;

const ROLES: &str = "roles = { '2' = 'administrator', '3' = 'member' }\n";

const BOUNDARY: &str = "a-boundary";

/// Honest forms, of which hostile ones are made.
const HONEST: [&[(&str, &str)]; 5] = [
    &[
        ("add", "site_users"),
        ("full_name", "Ada Lovelace"),
        ("username", "ada"),
        ("email_address", "ada@example.com"),
        ("password", "engine-1"),
    ],
    &[
        ("update", "site_users"),
        ("user", "mary"),
        ("full_name", "Zo\u{eb} & co = 1"),
    ],
    &[
        ("update", "site_users"),
        ("user", "mary"),
        ("site_role", "3"),
        ("password", "engine-2"),
    ],
    &[
        ("update", "site_users"),
        ("user_id", "2"),
        ("custom_field_1", "a+b%20c"),
    ],
    &[("remove", "site_users"), ("user", "nobody")],
];

/// What decides who calls, what is done, to whom, and what it makes of them.
const DECIDES: [(&str, &str); 6] = [
    ("api_secret_key", "another-key-0123456789"),
    ("user", "admin"),
    ("update", "groups"),
    ("add", "groups"),
    ("site_role", "2"),
    ("password", "mine-now-1"),
];

struct Gateway {
    front: Front,
    upstream: PhpUpstream,
}

impl Gateway {
    fn start() -> Self {
        let upstream = PhpUpstream::start("grupo");
        let front = Front::new(&format!(
            "scopes = ['user:*', 'user.role']\n[upstreams.back]\n{}{ROLES}\
             [routes.front]\ndialect = 'grupo'\npath = '/grupo'\nuser = 'back'\ngroup = 'back'\n{ROLES}",
            php_at("grupo", &upstream)
        ));
        Self { front, upstream }
    }

    async fn post(&self, content_type: &str, body: Vec<u8>) -> Answered {
        let request = Request::post("/grupo/").header("Content-Type", content_type);
        self.front
            .ask(request.body(Bytes::from(body)).unwrap())
            .await
    }
}

/// One of the five forms that PHP reads as `name`; without an underscore there are but two.
fn mangled(name: &str, random: &mut StdRng) -> String {
    let first = if name.contains('_') { 0 } else { 3 };
    match random.random_range(first..5) {
        0 => name.replacen('_', ".", 1),
        1 => name.replacen('_', " ", 1),
        2 => name.replacen('_', "[", 1),
        3 => format!(" {name}"),
        _ => format!("{name}\0x"),
    }
}

/// Every field in an encoding of its own: none, some or all letters by their numbers.
fn urlencoded(fields: &[(String, String)], random: &mut StdRng) -> Vec<u8> {
    let mut encode = |text: &str| -> String {
        let every = random.random_range(1..4);
        let letters = text.bytes().enumerate().map(|(position, byte)| match byte {
            b' ' if position % 2 == 1 => "+".to_owned(),
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' if position % every != 0 => {
                char::from(byte).to_string()
            }
            // Left as it is, as clients do.
            b'[' if every == 1 => "[".to_owned(),
            _ => format!("%{byte:02x}"),
        });
        letters.collect()
    };
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&").into_bytes()
}

fn multipart(fields: &[(String, String)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        body.extend_from_slice(part.as_bytes());
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let key = [("api_secret_key", CALLERS_KEY)];
    let fields = key.iter().chain(fields);
    fields
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A form, hostile four times out of five.
fn fields(random: &mut StdRng) -> Vec<(String, String)> {
    let mut fields = owned(HONEST.choose(random).unwrap());
    if random.random_bool(0.2) {
        return fields;
    }
    if random.random_bool(0.3) {
        // In place of the honest field.
        let field = fields.choose_mut(random).unwrap();
        field.0 = mangled(&field.0, random);
    }
    for _ in 0..random.random_range(1..3) {
        let (name, value) = *DECIDES.choose(random).unwrap();
        let position = random.random_range(0..=fields.len());
        fields.insert(position, (mangled(name, random), value.to_owned()));
    }
    fields
}

#[tokio::test]
async fn what_php_sees_of_a_form_behind_the_gateway_is_what_it_would_see_without_or_nothing() {
    let gateway = Gateway::start();
    let plain = PhpUpstream::start("grupo");
    let mut random = StdRng::seed_from_u64(0x6472_6167);
    let (mut passed, mut refused) = (0, 0);
    for _ in 0..BODIES {
        let fields = fields(&mut random);
        let (kind, body) = if random.random_bool(0.5) {
            let body = urlencoded(&fields, &mut random);
            ("application/x-www-form-urlencoded".to_owned(), body)
        } else {
            let kind = format!("multipart/form-data; boundary={BOUNDARY}");
            (kind, multipart(&fields))
        };
        let answered = gateway.post(&kind, body.clone()).await;
        let seen = gateway.upstream.requests_after(passed);
        if seen.is_empty() {
            refused += 1;
            let is_refusal = answered.body.contains(r#""success":false"#);
            assert!(is_refusal, "{fields:?} {answered:?}");
            continue;
        }
        plain.post(&kind, &body);
        let mut meant = plain.requests_after(passed);
        passed += 1;
        let key = &mut meant[0]["post"]["api_secret_key"];
        // The gateway shows its own key, and nobody gets past it without one.
        assert_eq!(*key, CALLERS_KEY, "{fields:?}");
        *key = Value::from(KEY);
        assert_eq!(seen.len(), 1, "{fields:?}");
        assert_eq!(seen[0]["post"], meant[0]["post"], "{fields:?}");
    }
    println!("{passed} seen alike, {refused} refused");
    assert!(
        passed > BODIES / 10 && refused > BODIES / 2,
        "{passed} {refused}"
    );
}
