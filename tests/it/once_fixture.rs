//! Calls that make a user, in every dialect, with an idempotency key or without.

use bytes::Bytes;
use dragoman::command::Dialect;
use futures_util::future::join_all;
use http::Request;
use serde_json::{Value, json};

use crate::forward_fixture::{Answered, CALLERS_KEY, Front};

/// A route for each dialect, all with these options.
pub(crate) fn routes(options: &str) -> String {
    let routes = Dialect::ALL.map(|dialect| {
        let name = dialect.name();
        format!("[routes.{name}]\ndialect = '{name}'\n{options}\n")
    });
    routes.concat()
}

/// Makes a user of that name.
pub(crate) fn add(dialect: Dialect, name: &str, key: Option<&str>) -> Request<Bytes> {
    add_as(CALLERS_KEY, dialect, name, key)
}

/// The same by the holder of another API key.
pub(crate) fn add_as(
    caller: &str,
    dialect: Dialect,
    name: &str,
    key: Option<&str>,
) -> Request<Bytes> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let (path, kind, body) = match dialect {
        Dialect::Grupo => (
            "/api_request/",
            FORM,
            format!(
                "api_secret_key={caller}&add=site_users&full_name={name}&username={name}\
                 &email_address={name}@example.com&password=sesame-1"
            ),
        ),
        Dialect::Vision6 => (
            "/api/jsonrpcserver",
            "application/json",
            json!({
                "id": 1,
                "method": "addUser",
                "params": [caller, 1, {"username": name, "email": format!("{name}@example.com")}],
            })
            .to_string(),
        ),
        Dialect::B2evolution => (
            "/api/v1/users",
            FORM,
            format!(
                "edited_user_login={name}&edited_user_email={name}%40example.com\
                 &edited_user_pass1=sesame-1"
            ),
        ),
    };
    let mut request = Request::post(path).header("content-type", kind);
    if dialect == Dialect::B2evolution {
        request = request.header("x-api-key", caller);
    }
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    request.body(Bytes::from(body)).unwrap()
}

/// Fifty of one call at once; what each is answered.
pub(crate) async fn fifty(front: &Front, dialect: Dialect, name: &str, key: &str) -> Vec<Answered> {
    join_all((0..50).map(|_| front.ask(add(dialect, name, Some(key))))).await
}

/// What kind of answer it is to a caller of that dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Done,
    DoneBefore,
    StillRunning,
    OtherCall,
    /// Anything else: a code of the dialect, or its status.
    Fault(u64),
}

pub(crate) fn told(dialect: Dialect, answered: &Answered) -> Told {
    let body: Value = serde_json::from_str(&answered.body).unwrap();
    let text = answered.body.as_str();
    let replayed = answered.headers.get("idempotent-replayed");
    let fault = match dialect {
        Dialect::Grupo if body["success"] == true => None,
        Dialect::Vision6 if body["error"].is_null() => None,
        Dialect::B2evolution if answered.status == 201 => None,
        Dialect::Vision6 => body["error"]["code"].as_u64(),
        Dialect::Grupo | Dialect::B2evolution => Some(answered.status.as_u16().into()),
    };
    let Some(fault) = fault else {
        return match replayed {
            None => Told::Done,
            Some(value) => {
                assert_eq!(value, "true");
                Told::DoneBefore
            }
        };
    };
    assert_eq!(replayed, None, "{text}");
    let is_running = text.contains("the same call is still under way");
    let is_other = text.contains("the Idempotency-Key was sent with another call");
    match (dialect, fault) {
        (Dialect::Grupo, 200) | (Dialect::Vision6, 399) | (Dialect::B2evolution, 409)
            if is_running =>
        {
            assert_eq!(answered.headers["retry-after"], "1");
            Told::StillRunning
        }
        (Dialect::Grupo, 200) | (Dialect::Vision6, 310) | (Dialect::B2evolution, 422)
            if is_other =>
        {
            Told::OtherCall
        }
        (_, fault) => {
            assert!(!is_running && !is_other, "{fault}: {text}");
            Told::Fault(fault)
        }
    }
}

/// One was done, and all others were told that it is under way or was done.
pub(crate) fn assert_done_once(dialect: Dialect, answers: &[Answered]) {
    let told: Vec<_> = answers.iter().map(|it| told(dialect, it)).collect();
    let count = |kind| told.iter().filter(|it| **it == kind).count();
    assert_eq!(count(Told::Done), 1, "{dialect}: {told:?}");
    let others = count(Told::DoneBefore) + count(Told::StillRunning);
    assert_eq!(others, answers.len() - 1, "{dialect}: {told:?}");
}
