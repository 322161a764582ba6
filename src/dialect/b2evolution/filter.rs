//! The filters of `GET users` ↔ the conditions of a search (quirk B16).

use super::form::Fields;
use super::{place, status, value, wording};
use crate::command::Dialect;
use crate::command::Id;
use crate::command::query::{Attribute, Criterion, Operator};
use crate::command::text::Text;
use crate::command::user::{Level, Role, Status};
use crate::error::{Error, Kind};
use crate::framing::form::Entry;
use crate::route::Policy;
use crate::route::profile::Place;

/// Reads one parameter of `GET users` as conditions that all must hold.
pub(super) fn decode(entry: &Entry<'_>, policy: &Policy) -> Result<Vec<Criterion>, Error> {
    let name = &*entry.name;
    match name {
        "userids" => return ids(entry).map(|ids| vec![ids]),
        "list_params" => return list_parameters(entry),
        _ => {}
    }
    let text = value::scalar(entry)?;
    if text.is_empty() && is_filter(name) {
        return Ok(Vec::new());
    }
    let condition = match name {
        "filter" if text == "new" => return Ok(Vec::new()),
        "filter" => Err(Error::invalid(name.to_owned(), "must be new; correct it")),
        "q" | "keywords" => {
            let words = text.split_whitespace();
            return words
                .map(|word| criterion(Attribute::AnyName, Operator::Contains, name, word))
                .collect();
        }
        "email" => exactly(Attribute::Email, name, text),
        "org" => organization(name, text),
        "account_status" => exactly(Attribute::Status, name, status::parse(name, text)?.name()),
        "status_activated" if !value::boolean(name, text)? => return Ok(Vec::new()),
        "status_activated" => exactly(Attribute::Status, name, Status::Active.name()),
        "group" => {
            let role = policy.role(text).map(Role::name);
            let role = role.ok_or_else(|| wording::UNKNOWN_GROUP.error(""))?;
            exactly(Attribute::Role, name, role)
        }
        "level_min" => level(Operator::AtLeast, name, text),
        "level_max" => level(Operator::AtMost, name, text),
        _ => living_at(name, text),
    };
    condition.map(|condition| vec![condition])
}

/// Writes conditions as parameters of `GET users`.
pub(super) fn encode(criteria: &[Criterion], policy: &Policy) -> Result<Fields, Error> {
    let mut form = Fields::new();
    if criteria.is_empty() {
        return Ok(form);
    }
    form.push("filter", "new");
    let words: Vec<&str> = criteria.iter().filter_map(keyword).collect();
    if !words.is_empty() {
        form.push("keywords", words.join(" "));
    }
    for criterion in criteria
        .iter()
        .filter(|criterion| keyword(criterion).is_none())
    {
        let [value] = criterion.values.as_slice() else {
            many(criterion, &mut form)?;
            continue;
        };
        let (name, value) = single(criterion, value.as_str(), policy)?;
        form.push_named(name, value);
    }
    Ok(form)
}

fn is_filter(name: &str) -> bool {
    let known = [
        "email",
        "org",
        "account_status",
        "status_activated",
        "group",
        "level_min",
        "level_max",
    ];
    known.contains(&name) || Place::ALL.iter().any(|place| place::name(*place) == name)
}

fn level(operator: Operator, name: &str, text: &str) -> Result<Criterion, Error> {
    let level = value::integer(name, text)?.and_then(|level| u8::try_from(level).ok());
    let level = level.and_then(Level::new);
    let level = level.ok_or_else(|| wording::ILLEGAL.error(name))?;
    criterion(Attribute::Level, operator, name, &level.value().to_string())
}

fn organization(name: &str, text: &str) -> Result<Criterion, Error> {
    let id = Id::parse(text).ok_or_else(|| wording::ILLEGAL.error(name))?;
    exactly(Attribute::Organization, name, &id.to_string())
}

/// A place is a number that we only keep.
fn living_at(name: &str, text: &str) -> Result<Criterion, Error> {
    let mut places = Place::ALL.into_iter();
    let place = places.find(|place| place::name(*place) == name);
    let place = place.ok_or_else(|| not_answered(name))?;
    value::integer(name, text)?;
    let field = value::text(name, place::field(place))?;
    let attribute = Attribute::Extension(Dialect::B2evolution, field);
    exactly(attribute, name, text)
}

fn ids(entry: &Entry<'_>) -> Result<Criterion, Error> {
    let elements = value::elements(entry)?;
    let values = elements.iter().map(|(_, id)| {
        let id = Id::parse(id).ok_or_else(|| wording::ILLEGAL.error(&entry.name))?;
        value::text(&entry.name, id.to_string())
    });
    Ok(Criterion {
        attribute: Attribute::Id,
        operator: Operator::In,
        values: values.collect::<Result<_, _>>()?,
    })
}

fn list_parameters(entry: &Entry<'_>) -> Result<Vec<Criterion>, Error> {
    let elements = value::elements(entry)?.into_iter();
    let conditions = elements.map(|(key, text)| match key {
        "where_status_closed" if text == "0" => {
            criterion(Attribute::Status, Operator::Not, key, Status::Closed.name())
        }
        "where_org_ID" => organization(key, text),
        _ => Err(not_answered(&format!("{}[{key}]", entry.name))),
    });
    conditions.collect()
}

/// A condition on one value.
pub(super) fn criterion(
    attribute: Attribute,
    operator: Operator,
    name: &str,
    value: &str,
) -> Result<Criterion, Error> {
    Ok(Criterion {
        attribute,
        operator,
        values: vec![value::text(name, value)?],
    })
}

fn exactly(attribute: Attribute, name: &str, value: &str) -> Result<Criterion, Error> {
    criterion(attribute, Operator::Exactly, name, value)
}

fn keyword(criterion: &Criterion) -> Option<&str> {
    let [value] = criterion.values.as_slice() else {
        return None;
    };
    let word = value.as_str();
    let is_word = !word.is_empty() && !word.contains(char::is_whitespace);
    let is_keyword = criterion.attribute == Attribute::AnyName
        && criterion.operator == Operator::Contains
        && is_word;
    is_keyword.then_some(word)
}

fn single<'q>(
    criterion: &'q Criterion,
    value: &'q str,
    policy: &'q Policy,
) -> Result<(&'static str, &'q str), Error> {
    let found = match (&criterion.attribute, criterion.operator) {
        (Attribute::Email, Operator::Exactly) => Some(("email", value)),
        (Attribute::Organization, Operator::Exactly) => Some(("org", value)),
        (Attribute::Level, Operator::AtLeast) => Some(("level_min", value)),
        (Attribute::Level, Operator::AtMost) => Some(("level_max", value)),
        (Attribute::Id, Operator::In) => Some(("userids[]", value)),
        (Attribute::Status, Operator::Exactly) => match Status::from_name(value) {
            Some(Status::Active) => Some(("status_activated", "1")),
            Some(Status::Closed) => Some(("account_status", "closed")),
            Some(Status::Unconfirmed | Status::Deactivated) | None => None,
        },
        (Attribute::Status, Operator::Not) if value == Status::Closed.name() => {
            Some(("list_params[where_status_closed]", "0"))
        }
        (Attribute::Role, Operator::Exactly) => {
            let role = Text::parse(value).ok().map(Role::new);
            role.and_then(|role| policy.role_name(&role))
                .map(|group| ("group", group))
        }
        (Attribute::Extension(Dialect::B2evolution, field), Operator::Exactly) => {
            let mut places = Place::ALL.into_iter();
            let place = places.find(|place| place::field(*place) == field.as_str());
            place.map(|place| (place::name(place), value))
        }
        _ => None,
    };
    found.ok_or_else(|| unsupported("one of the conditions"))
}

fn many(criterion: &Criterion, form: &mut Fields) -> Result<(), Error> {
    if criterion.attribute != Attribute::Id || criterion.operator != Operator::In {
        return Err(unsupported("one of the conditions"));
    }
    for id in &criterion.values {
        form.push_named("userids[]", id.as_str());
    }
    Ok(())
}

/// Refuses a parameter.
pub(super) fn not_answered(name: &str) -> Error {
    Error::invalid(name.to_owned(), "cannot be answered here; leave it out")
}

fn unsupported(what: &str) -> Error {
    Error::new(
        Kind::Unsupported,
        format!("b2evolution cannot be asked for {what}; leave it out"),
    )
}
