//! JSON as b2evolution writes it: one line, `/` as `\/`, everything beyond ASCII as `\uXXXX`.

use std::fmt::Write as _;

use http::StatusCode;

use super::operation::{Operation, Page};
use super::wording::Shape;
use super::{html, place};
use crate::command::organization::Organization;
use crate::command::text::Text;
use crate::command::user::User;
use crate::command::{Dialect, Id};
use crate::framing::json::{Json, write_php_string};
use crate::outcome::UserPage;
use crate::route::profile::Place;
use crate::route::{JsonLimits, Policy};

/// What an envelope has besides its message, more or less.
const ENVELOPE_BYTES: usize = 96;

/// An envelope with a message of HTML.
pub(super) fn envelope(shape: Shape, message: &str) -> String {
    let mut out = open(message);
    match shape {
        Shape::Coded {
            code,
            status,
            quoted,
            listed: _,
        } => write_code(&mut out, code, message, status, quoted),
        Shape::Bare(status) => {
            key(&mut out, "error_status");
            let reason = status.canonical_reason().unwrap_or_default();
            write_php_string(&mut out, &format!("{} {reason}", status.as_str()));
            out.push(',');
            key(&mut out, "error_info");
            write_php_string(&mut out, message);
        }
    }
    out.push('}');
    out
}

/// Envelope A without a fault.
pub(super) fn success(code: &str, status: StatusCode, message: &str) -> String {
    let mut out = open(message);
    write_code(&mut out, code, message, status, false);
    out.push('}');
    out
}

fn open(message: &str) -> String {
    let mut out = String::with_capacity(message.len().saturating_add(ENVELOPE_BYTES));
    out.push('{');
    out
}

/// The answer to a list of any kind, and its status: without hits it is a fault for `users` and
/// none for the others.
pub(super) fn list(
    operation: Operation,
    page: Page,
    found: &UserPage,
    policy: &Policy,
) -> (StatusCode, String) {
    let mut out = String::from("{");
    let is_directory = operation == Operation::List;
    if found.users.is_empty() {
        let status = if is_directory {
            write_counters(&mut out, 0, page.size, found.total);
            out.push(',');
            StatusCode::NOT_FOUND
        } else {
            StatusCode::OK
        };
        write_code(&mut out, "no_users", "No users found", status, false);
        out.push('}');
        return (status, out);
    }
    if operation != Operation::Autocomplete {
        write_counters(&mut out, page.number, page.size, found.total);
        out.push(',');
    }
    key(
        &mut out,
        if operation == Operation::Logins {
            "list"
        } else {
            "users"
        },
    );
    write_list(&mut out, &found.users, |out, user| match operation {
        Operation::Logins => write_php_string(out, user.username.as_str()),
        Operation::Autocomplete => {
            out.push('{');
            key(out, "login");
            write_php_string(out, user.username.as_str());
            out.push('}');
        }
        Operation::List
        | Operation::View
        | Operation::Create
        | Operation::Update
        | Operation::Delete
        | Operation::Other => write_row(out, user, policy),
    });
    out.push('}');
    (StatusCode::OK, out)
}

/// The answer to `GET users/<id>`.
pub(super) fn view(user: &User, policy: &Policy) -> String {
    let mut out = String::with_capacity(320);
    let (first, last) = user.names();
    let _ = write!(out, "{{\"id\":{},", user.id);
    key(&mut out, "picture");
    write_php_string(&mut out, &picture(user).unwrap_or_default());
    out.push_str(",\"pictures\":[],");
    key(&mut out, "login");
    write_php_string(&mut out, user.username.as_str());
    let gender = user.gender.as_ref().map(Text::as_str);
    for (name, value) in [("firstname", first), ("lastname", last), ("gender", gender)] {
        out.push(',');
        key(&mut out, name);
        write_optional(&mut out, value);
    }
    out.push_str(",\"location\":{");
    write_places(&mut out, user, policy);
    out.push_str("},\"organizations\":");
    write_list(&mut out, &user.organizations, |out, organization| {
        write_organization(out, organization, policy);
    });
    out.push_str(",\"userfields\":");
    write_user_fields(&mut out, user, &policy.json);
    out.push('}');
    out
}

fn key(out: &mut String, name: &str) {
    write_php_string(out, name);
    out.push(':');
}

fn write_code(out: &mut String, code: &str, message: &str, status: StatusCode, quoted: bool) {
    out.push_str("\"code\":");
    write_php_string(out, code);
    out.push_str(",\"message\":");
    write_php_string(out, message);
    let quote = if quoted { "\"" } else { "" };
    out.extend([",\"data\":{\"status\":", quote, status.as_str(), quote, "}"]);
}

fn write_counters(out: &mut String, page: u64, size: u64, total: u64) {
    let pages = total.div_ceil(size.max(1));
    let _ = write!(
        out,
        "\"found\":{total},\"page\":{page},\"page_size\":{size},\"pages_total\":{pages}"
    );
}

fn write_row(out: &mut String, user: &User, policy: &Policy) {
    let _ = write!(out, "{{\"id\":{},", user.id);
    if let Some(picture) = picture(user) {
        key(out, "picture");
        write_php_string(out, &picture);
        out.push(',');
    }
    key(out, "login");
    write_php_string(out, user.username.as_str());
    out.push(',');
    key(out, "fullname");
    write_php_string(out, &user.full_name().unwrap_or_default());
    out.push(',');
    key(out, "city");
    let city = number_of(user, Place::City).and_then(Id::new);
    write_php_string(out, policy.profile.place_name(Place::City, city));
    out.push('}');
}

fn write_list<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

fn write_optional(out: &mut String, value: Option<&str>) {
    match value {
        Some(value) => write_php_string(out, value),
        None => out.push_str("null"),
    }
}

/// Addresses are HTML in this API.
fn picture(user: &User) -> Option<String> {
    let address = user.picture_url.as_ref()?;
    Some(html::escape(address.as_str()))
}

/// A number that has no name here is one itself.
fn write_organization(out: &mut String, organization: &Organization, policy: &Policy) {
    let number = organization.id.to_string();
    let known = policy.profile.organizations.get(&organization.id);
    let (name, url) = known.map_or((&number, ""), |known| (&known.name, &known.url));
    out.push('{');
    key(out, "name");
    write_php_string(out, name);
    out.push(',');
    key(out, "url");
    write_php_string(out, url);
    out.push('}');
}

fn write_places(out: &mut String, user: &User, policy: &Policy) {
    for (index, place) in Place::ALL.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        key(out, place::name(place));
        let Some(number) = number_of(user, place) else {
            out.push_str("null");
            continue;
        };
        let _ = write!(out, "{{\"id\":{number},");
        key(out, "name");
        write_php_string(out, policy.profile.place_name(place, Id::new(number)));
        out.push('}');
    }
}

fn number_of(user: &User, place: Place) -> Option<i64> {
    let kept = user.extension(Dialect::B2evolution, place::field(place))?;
    kept.parse().ok()
}

/// The custom fields, in one group: neither groups nor names of them are known here.
fn write_user_fields(out: &mut String, user: &User, limits: &JsonLimits) {
    let fields: Vec<(&str, String)> = user
        .extensions
        .iter()
        .filter(|kept| kept.dialect == Dialect::B2evolution)
        .flat_map(|kept| field_values(kept.field.as_str(), kept.value.as_str(), limits))
        .collect();
    if fields.is_empty() {
        out.push_str("[]");
        return;
    }
    out.push_str("{\"\":");
    write_list(out, &fields, |out, (code, value)| {
        out.push('{');
        key(out, "code");
        write_php_string(out, code);
        out.push_str(",\"name\":\"\",");
        key(out, "value");
        write_php_string(out, value);
        out.push('}');
    });
    out.push('}');
}

fn field_values<'u>(field: &'u str, value: &str, limits: &JsonLimits) -> Vec<(&'u str, String)> {
    if !field.starts_with("uf_") {
        return Vec::new();
    }
    match Json::decode(value, limits) {
        Ok(Json::Array(_)) if field.starts_with("uf_add[") => {
            let values = super::value::list_elements(value, limits).unwrap_or_default();
            values.into_iter().map(|value| (field, value)).collect()
        }
        _ => vec![(field, value.to_owned())],
    }
}
