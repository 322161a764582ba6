//! Outcome ↔ the `result` of an answer.

use std::fmt::Write as _;

use super::members::{Members, WriteString, write_list};
use super::record;
use super::value;
use crate::command::timezone::Timezone;
use crate::command::user::User;
use crate::command::{AccountId, Action, Command, Id};
use crate::error::{Error, Kind};
use crate::framing::json::Json;
use crate::outcome::{Outcome, UserPage};

/// Writes a result; nothing for what no method of Vision6 answers.
pub(super) fn encode(outcome: &Outcome, write: WriteString) -> Option<String> {
    let mut out = String::new();
    match outcome {
        Outcome::Done | Outcome::UserDeleted(_) => out.push_str("true"),
        Outcome::UserCreated(id) => number(&mut out, id),
        Outcome::Count(count) => number(&mut out, count),
        Outcome::User(user) => encode_users(&mut out, [&**user], write),
        Outcome::Users(page) => encode_users(&mut out, &page.users, write),
        Outcome::Timezones(zones) => encode_timezones(&mut out, zones, write),
        Outcome::GroupCreated(_)
        | Outcome::Group(_)
        | Outcome::Groups(_)
        // An answer of its own, and no result.
        | Outcome::Relayed(_) => return None,
    }
    Some(out)
}

fn number(out: &mut String, number: impl std::fmt::Display) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{number}");
}

/// A user's record and what surrounds it, usually.
const RECORD_BYTES: usize = 384;

fn encode_users<'u>(
    out: &mut String,
    users: impl IntoIterator<Item = &'u User, IntoIter: ExactSizeIterator>,
    write: WriteString,
) {
    let users = users.into_iter();
    out.reserve(users.len().saturating_mul(RECORD_BYTES));
    write_list(out, users, |out, user| record::encode(out, user, write));
}

fn encode_timezones(out: &mut String, zones: &[Timezone], write: WriteString) {
    write_list(out, zones, |out, zone| {
        let mut members = Members::open(out, write);
        members.text("timezone", Some(zone.name()));
        members.text("display_name", Some(&zone.name().replace('_', " ")));
        members.close();
    });
}

/// Reads the result of an upstream's success.
pub(super) fn decode(command: &Command, result: Json<'_>) -> Result<Outcome, Error> {
    match command.action() {
        Action::UpdateUser | Action::DeleteUser => decode_true(&result),
        Action::CreateUser => value::id(&result, "result").map(Outcome::UserCreated),
        Action::CountUsers => decode_count(&result),
        Action::ReadUser => decode_user(result),
        Action::ListUsers => decode_page(command, result),
        Action::ListTimezones => decode_timezones(result),
        Action::Native
        | Action::CreateGroup
        | Action::UpdateGroup
        | Action::ReadGroup
        | Action::ListGroups
        | Action::DeleteGroup
        | Action::AddMember
        | Action::RemoveMember
        | Action::SetMemberRole
        | Action::BanMember
        | Action::UnbanMember => Err(Kind::Unsupported.into()),
    }
}

fn decode_true(result: &Json<'_>) -> Result<Outcome, Error> {
    if *result == Json::Bool(true) {
        return Ok(Outcome::Done);
    }
    Err(Error::invalid("result", "must be true"))
}

fn decode_count(result: &Json<'_>) -> Result<Outcome, Error> {
    if *result == Json::String("".into()) {
        return Err(Error::missing("result"));
    }
    value::count(result, "result").map(Outcome::Count)
}

/// An empty list is a user that is not there.
fn decode_user(result: Json<'_>) -> Result<Outcome, Error> {
    let mut users = decode_users(result)?;
    match (users.pop(), users.is_empty()) {
        (Some(user), true) => Ok(Outcome::User(Box::new(user))),
        (None, _) => Err(Kind::UserNotFound.into()),
        (Some(_), false) => Err(Error::invalid("result", "must hold one user")),
    }
}

/// Vision6 does not say how many there are in all: at least those before and on the page.
fn decode_page(command: &Command, result: Json<'_>) -> Result<Outcome, Error> {
    let offset = if let Command::ListUsers(query) = command {
        query.offset
    } else {
        0
    };
    let users = decode_users(result)?;
    let listed = u64::try_from(users.len()).unwrap_or(u64::MAX);
    let total = offset.saturating_add(listed);
    Ok(Outcome::Users(UserPage { users, total }))
}

fn decode_users(result: Json<'_>) -> Result<Vec<User>, Error> {
    let account = AccountId::new(Id::ONE);
    let users = list(result)?.into_iter();
    users.map(|user| record::decode(user, account)).collect()
}

/// The zones of both: one that is not known here no caller could set, and it hides no other.
fn decode_timezones(result: Json<'_>) -> Result<Outcome, Error> {
    let zones = list(result)?.into_iter().filter_map(|mut zone| {
        let name = zone.take("timezone").unwrap_or(Json::Null);
        let name = value::required_text(name, "timezone");
        name.map(|name| Timezone::parse(&name)).transpose()
    });
    zones.collect::<Result<_, _>>().map(Outcome::Timezones)
}

fn list(result: Json<'_>) -> Result<Vec<Json<'_>>, Error> {
    value::array(result).ok_or_else(|| Error::invalid("result", "must be a list"))
}
