//! Where a credential was and what form it had; never what it was.

use http::header::AUTHORIZATION;
use http::request::Parts;
use serde::Serialize;

use crate::auth::Credentials;
use crate::command::Dialect;
use crate::route::Route;

/// The credential of a call.
#[derive(Debug, Serialize)]
pub(super) struct Credential {
    pub(super) place: &'static str,
    pub(super) form: &'static str,
}

/// Describes what the codec found.
pub(super) fn describe(credentials: &Credentials, head: &Parts, route: &Route) -> Credential {
    let place = match (credentials, route.dialect) {
        (Credentials::None, _) => "nowhere",
        (_, Dialect::Grupo) if is_in_query(head, route) => {
            "field api_secret_key of the query string"
        }
        (_, Dialect::Grupo) => "field api_secret_key of the body",
        (_, Dialect::Vision6) => "first parameter",
        (_, Dialect::B2evolution) if head.headers.contains_key(AUTHORIZATION) => {
            "Authorization header"
        }
        (_, Dialect::B2evolution) => "X-API-Key header",
    };
    let form = match credentials {
        Credentials::None => "none",
        Credentials::Key(key) if is_usual(key.reveal()) => "a key of 64 characters of [a-z0-9]",
        Credentials::Key(_) => "a key of another form than Dragoman's own",
        Credentials::Basic { password, .. } if is_usual(password.reveal()) => {
            "a login, and a password in the form of a key"
        }
        Credentials::Basic { .. } => "a login and a password",
    };
    Credential { place, form }
}

/// The key is in one place only: the codec refuses one that is in two.
fn is_in_query(head: &Parts, route: &Route) -> bool {
    route.policy.key_in_query
        && head
            .uri
            .query()
            .is_some_and(|query| query.contains("api_secret_key"))
}

fn is_usual(key: &str) -> bool {
    key.len() == 64
        && key
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
