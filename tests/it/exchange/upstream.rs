//! Systems that understand what they are sent, and do it: as much of each vendor's server as an
//! exchange needs to get to its end.

use std::collections::HashMap;

use bytes::Bytes;
use dragoman::command::Dialect;
use http::header::SET_COOKIE;
use http::{Method, Request, Response};
use serde_json::{Value, json};

/// A system with a user of every name and number.
pub(super) struct Upstream {
    dialect: Dialect,
    /// What was written of a b2evolution user.
    profile: HashMap<String, String>,
}

impl Upstream {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            profile: HashMap::new(),
        }
    }

    pub(super) fn answer(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        match self.dialect {
            Dialect::Grupo => grupo(request),
            Dialect::Vision6 => vision6(request),
            Dialect::B2evolution => self.b2evolution(request),
        }
    }

    fn b2evolution(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path().strip_prefix("/api/v1/users").unwrap();
        let mut response = match (request.method(), path) {
            (&Method::GET, "") => list(request.uri().query().unwrap_or_default()),
            (&Method::GET, "/recipients") => json_answer(
                200,
                &json!({"code":"no_users","message":"No users found","data":{"status":200}}),
            ),
            (&Method::GET, id) => self.view(id),
            (&Method::DELETE, _) => {
                coded(200, "delete_success", "User &laquo;mary&raquo; deleted.")
            }
            (&Method::POST, path) => {
                self.profile.extend(form(request.body()));
                if path.is_empty() {
                    coded(201, "update_success", "New user has been created.")
                } else {
                    coded(200, "update_success", "Profile has been updated.")
                }
            }
            other => panic!("{other:?}"),
        };
        if !request.headers().contains_key("cookie") {
            let cookie = "session_b2evo=5_zwfkDXGu; path=/; HttpOnly"
                .parse()
                .unwrap();
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        response
    }

    fn view(&self, id: &str) -> Response<Bytes> {
        let id: u64 = id.strip_prefix('/').unwrap().parse().unwrap();
        let sent = |name: &str, otherwise: &str| {
            let sent = self.profile.get(name).cloned();
            match sent.unwrap_or_else(|| otherwise.to_owned()) {
                empty if empty.is_empty() => Value::Null,
                text => Value::String(text),
            }
        };
        let user = json!({
            "id": id,
            "picture": "",
            "pictures": [],
            "login": sent("edited_user_login", "mary"),
            "firstname": sent("edited_user_firstname", "Mary"),
            "lastname": sent("edited_user_lastname", "Wilson"),
            "gender": sent("edited_user_gender", "F"),
            "location": {"country": {"id": 74, "name": "France"}, "region": null,
                "subregion": null, "city": null},
            "organizations": [{"name": "b2evolution.net", "url": ""}],
            "userfields": [],
        });
        json_answer(200, &user)
    }
}

fn list(query: &str) -> Response<Bytes> {
    let parameters: HashMap<String, String> = form(query.as_bytes()).collect();
    let size: usize = parameters["per_page"].parse().unwrap();
    assert_eq!(parameters["page"], "1");
    assert_eq!(parameters["filter"], "new");
    let rows: Vec<Value> = match parameters.get("keywords") {
        // The keyword is found in more than logins.
        Some(login) => vec![
            json!({"id": 6, "login": format!("{login}1"), "fullname": "", "city": ""}),
            json!({"id": 7, "login": login, "fullname": "A B", "city": ""}),
        ],
        None => (1..=3)
            .map(|id| json!({"id": id, "login": format!("user{id}"), "fullname": "", "city": ""}))
            .collect(),
    };
    let shown: Vec<&Value> = rows.iter().take(size).collect();
    json_answer(
        200,
        &json!({"found": rows.len(), "page": 1, "page_size": size, "pages_total": 1,
            "users": shown}),
    )
}

fn grupo(request: &Request<Bytes>) -> Response<Bytes> {
    let is_new_group = form(request.body()).any(|pair| pair == ("add".into(), "groups".into()));
    let mut answer = json!({"success": true});
    if is_new_group {
        answer["group_id"] = json!("12");
    }
    json_answer(200, &answer)
}

fn vision6(request: &Request<Bytes>) -> Response<Bytes> {
    let sent: Value = serde_json::from_slice(request.body()).unwrap();
    let params = sent["params"].as_array().unwrap();
    let user = |id: u64, name: &str| json!({"id": id, "username": name, "is_active": true});
    let result = match sent["method"].as_str().unwrap() {
        "addUser" => json!(77),
        "editUser" | "deleteUser" | "getCreditBalance" => json!(true),
        "getUserById" => json!([user(params[2].as_u64().unwrap(), "vera")]),
        "countUsers" => json!(3),
        "getTimezoneList" => json!([{"timezone": "Europe/Paris", "display_name": "Paris"}]),
        "searchUsers" => match params[2].as_array().unwrap().first() {
            Some(criterion) if criterion[0] == "username" => {
                json!([user(11, criterion[2].as_str().unwrap())])
            }
            Some(_) => json!([]),
            None => match params[3].as_u64().unwrap() {
                1 => json!([user(12, "vera")]),
                _ => json!([user(11, "mary"), user(12, "vera")]),
            },
        },
        other => panic!("{other}"),
    };
    json_answer(
        200,
        &json!({"id": sent["id"], "result": result, "error": null}),
    )
}

/// The fields of a form, the last of several.
fn form(body: &[u8]) -> impl Iterator<Item = (String, String)> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let pairs: Vec<_> = text
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (plain(name), plain(value)))
        .collect();
    pairs.into_iter()
}

fn plain(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Envelope A of b2evolution.
pub(super) fn coded(status: u16, code: &str, message: &str) -> Response<Bytes> {
    json_answer(
        status,
        &json!({"code": code, "message": message, "data": {"status": status}}),
    )
}

pub(super) fn json_answer(status: u16, body: &Value) -> Response<Bytes> {
    answer(status, body.to_string())
}

pub(super) fn answer(status: u16, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status.try_into().unwrap();
    response
}
