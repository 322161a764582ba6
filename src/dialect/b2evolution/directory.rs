//! Users as a real b2evolution shows them.
//!
//! It shows little: e-mail, nickname, status, level, groups and the ids of organizations are never
//! in its answers. A user read from it has none of them, and counts as active at level 1, which is
//! what the vendor gives a new one.

use crate::command::extension::Extension;
use crate::command::name::Username;
use crate::command::text::Text;
use crate::command::user::{Level, Status, User};
use crate::command::{AccountId, Command, Dialect, Id};
use crate::error::{Error, Kind};
use crate::framing::json::Json;
use crate::outcome::{Outcome, UserPage};
use crate::route::profile::Place;

use super::{html, place};

/// Reads the data of an answer to a read.
pub(super) fn decode(command: &Command, mut json: Json<'_>) -> Result<Outcome, Error> {
    let outcome = if let Command::ReadUser(_) = command {
        user(json).map(|user| Outcome::User(Box::new(user)))
    } else if let Command::ListUsers(_) = command {
        page(json).map(Outcome::Users)
    } else if let Command::CountUsers(_) = command {
        found(&mut json).map(Outcome::Count)
    } else {
        None
    };
    outcome.ok_or_else(|| {
        Error::from(Kind::Upstream).caused_by("b2evolution answered data of another shape")
    })
}

fn page(mut json: Json<'_>) -> Option<UserPage> {
    let total = found(&mut json)?;
    let Some(Json::Array(rows)) = json.take("users") else {
        return None;
    };
    let users = rows.into_iter().map(row).collect::<Option<Vec<_>>>()?;
    Some(UserPage { users, total })
}

fn found(json: &mut Json<'_>) -> Option<u64> {
    let Some(Json::Integer(found)) = json.take("found") else {
        return None;
    };
    u64::try_from(found).ok()
}

fn row(mut json: Json<'_>) -> Option<User> {
    let mut user = bare(&mut json)?;
    user.display_name = text(&mut json, "fullname");
    Some(user)
}

fn user(mut json: Json<'_>) -> Option<User> {
    let mut user = bare(&mut json)?;
    user.given_name = text(&mut json, "firstname");
    user.family_name = text(&mut json, "lastname");
    user.gender = text(&mut json, "gender");
    places(&mut json, &mut user.extensions);
    custom_fields(&mut json, &mut user.extensions);
    user.extensions.sort();
    Some(user)
}

fn bare(json: &mut Json<'_>) -> Option<User> {
    let Some(Json::Integer(id)) = json.take("id") else {
        return None;
    };
    let login = text(json, "login")?;
    let picture = text(json, "picture");
    Some(User {
        id: Id::new(id)?,
        account: AccountId::new(Id::ONE),
        username: Username::from_stored(login.as_str().to_owned()),
        display_name: None,
        given_name: None,
        family_name: None,
        nickname: None,
        gender: None,
        locale: None,
        email: None,
        email_verified: false,
        status: Status::Active,
        level: Level::new(1)?,
        phone: None,
        mobile: None,
        fax: None,
        title: None,
        timezone: None,
        picture_url: picture.and_then(|address| Text::parse(html::plain(address.as_str())).ok()),
        read_only: false,
        role: None,
        organizations: Vec::new(),
        extensions: Vec::new(),
    })
}

/// A string that is there and not empty.
fn text(json: &mut Json<'_>, name: &str) -> Option<Text> {
    match json.take(name) {
        Some(Json::String(text)) if !text.is_empty() => Text::parse(text.into_owned()).ok(),
        _ => None,
    }
}

fn places(json: &mut Json<'_>, extensions: &mut Vec<Extension>) {
    let Some(mut location) = json.take("location") else {
        return;
    };
    for kind in Place::ALL {
        let found = location.take(place::name(kind));
        if let Some(Json::Integer(id)) = found.and_then(|mut found| found.take("id")) {
            extensions.extend(extension(place::field(kind), id.to_string()));
        }
    }
}

/// `{"<group>":[{"code","name","value"}]}`: the code is the attribute's name.
fn custom_fields(json: &mut Json<'_>, extensions: &mut Vec<Extension>) {
    let Some(Json::Object(groups)) = json.take("userfields") else {
        return;
    };
    let lists = groups.into_iter().map(|(_, list)| list);
    for mut field in lists.flat_map(elements) {
        if let (Some(code), Some(value)) = (text(&mut field, "code"), text(&mut field, "value")) {
            extensions.extend(extension(code.as_str(), value.as_str().to_owned()));
        }
    }
}

fn elements(list: Json<'_>) -> Vec<Json<'_>> {
    let Json::Array(elements) = list else {
        return Vec::new();
    };
    elements
}

fn extension(field: &str, value: String) -> Option<Extension> {
    Some(Extension {
        dialect: Dialect::B2evolution,
        field: Text::parse(field).ok()?,
        value: Text::parse(value).ok()?,
    })
}
