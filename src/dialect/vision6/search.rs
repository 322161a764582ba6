//! Search criteria and orders: `[[name, operator, value], …]`, all of which must hold.

use std::mem;

use super::details::unsupported;
use super::members::write_list;
use super::value;
use super::wire::{Key, SEARCH_CRITERIA, SORT_BY, SORT_ORDER};
use crate::command::Dialect;
use crate::command::query::{Attribute, Criterion, Operator, Sort};
use crate::command::text::Text;
use crate::command::user::Status;
use crate::error::{Error, Kind};
use crate::framing::json::{Json, write_php_string};

const OPERATORS: [(&str, Operator); 8] = [
    ("exactly", Operator::Exactly),
    ("not", Operator::Not),
    ("greater_than", Operator::GreaterThan),
    ("less_than", Operator::LessThan),
    ("in", Operator::In),
    ("starts_with", Operator::StartsWith),
    ("ends_with", Operator::EndsWith),
    ("contains", Operator::Contains),
];

/// Reads criteria; nothing at all means every user.
pub(super) fn decode(value: Json<'_>) -> Result<Vec<Criterion>, Error> {
    if value::is_nothing(&value) {
        return Ok(Vec::new());
    }
    let Json::Array(items) = value else {
        return Err(bad("must be a list of criteria (name, operator, value)"));
    };
    unnest(items).into_iter().map(decode_criterion).collect()
}

/// Takes off the one extra level of nesting that a published client sends.
fn unnest(mut items: Vec<Json<'_>>) -> Vec<Json<'_>> {
    if let [Json::Array(inner)] = items.as_mut_slice()
        && matches!(inner.first(), Some(Json::Array(_)))
    {
        return mem::take(inner);
    }
    items
}

fn decode_criterion(item: Json<'_>) -> Result<Criterion, Error> {
    if let Json::String(word) = &item
        && word.eq_ignore_ascii_case("or")
    {
        return Err(bad(
            "can only be combined by AND; search once for each side of the OR",
        ));
    }
    let parts =
        value::array(item).ok_or_else(|| bad("must hold only criteria (name, operator, value)"))?;
    let Ok([Json::String(name), Json::String(operator), value]) = <[_; 3]>::try_from(parts) else {
        return Err(bad(
            "must have a name, an operator and a value in each criterion",
        ));
    };
    let Some(key) = Key::from_name(&name) else {
        return Err(bad("must name only keys of user_details"));
    };
    decode_comparison(key, decode_operator(&operator), value)
}

/// An operator that nobody knows is `exactly`: clients send `equal` and the vendor takes it.
fn decode_operator(name: &str) -> Operator {
    OPERATORS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map_or(Operator::Exactly, |(_, operator)| *operator)
}

fn decode_comparison(key: Key, operator: Operator, value: Json<'_>) -> Result<Criterion, Error> {
    let Some(attribute) = attribute(key) else {
        return Err(bad(
            "must not name password or email_user, which cannot be searched",
        ));
    };
    let values = match key {
        Key::IsActive | Key::IsConfirmed | Key::IsReadOnly | Key::ReceivesPromotional => {
            return decode_truth(key, attribute, operator, &value);
        }
        Key::Id => ids(operator, value)?,
        Key::Username
        | Key::Password
        | Key::FirstName
        | Key::LastName
        | Key::Email
        | Key::Phone
        | Key::Mobile
        | Key::Fax
        | Key::Position
        | Key::Timezone
        | Key::EmailUser => texts(operator, value)?,
    };
    Ok(Criterion {
        attribute,
        operator,
        values,
    })
}

fn decode_truth(
    key: Key,
    attribute: Attribute,
    operator: Operator,
    value: &Json<'_>,
) -> Result<Criterion, Error> {
    let refuse = || bad("must compare a boolean by exactly or not, with true or false");
    let flag = value::flag(value, key.name()).map_err(|_| refuse())?;
    if !matches!(operator, Operator::Exactly | Operator::Not) {
        return Err(refuse());
    }
    let (operator, value) = match (key, flag) {
        // There are several ways not to be active, and one to be it.
        (Key::IsActive, true) => (operator, Status::Active.name()),
        (Key::IsActive, false) => (negated(operator), Status::Active.name()),
        (Key::ReceivesPromotional, true) => (operator, "true"),
        (Key::ReceivesPromotional, false) => (operator, "false"),
        (_, true) => (operator, "1"),
        (_, false) => (operator, "0"),
    };
    Ok(Criterion {
        attribute,
        operator,
        values: vec![text(value.to_owned())?],
    })
}

const fn negated(operator: Operator) -> Operator {
    match operator {
        Operator::Not => Operator::Exactly,
        Operator::Exactly
        | Operator::GreaterThan
        | Operator::LessThan
        | Operator::AtLeast
        | Operator::AtMost
        | Operator::In
        | Operator::StartsWith
        | Operator::EndsWith
        | Operator::Contains => Operator::Not,
    }
}

fn ids(operator: Operator, value: Json<'_>) -> Result<Vec<Text>, Error> {
    let values = texts(operator, value)?;
    let is_number = |text: &Text| text.as_str().parse::<i64>().is_ok();
    if is_ordered(operator) && values.iter().all(is_number) {
        return Ok(values);
    }
    Err(bad(
        "must compare id as a whole number: by exactly, not, greater_than, less_than or in",
    ))
}

const fn is_ordered(operator: Operator) -> bool {
    match operator {
        Operator::Exactly
        | Operator::Not
        | Operator::GreaterThan
        | Operator::LessThan
        | Operator::AtLeast
        | Operator::AtMost
        | Operator::In => true,
        Operator::StartsWith | Operator::EndsWith | Operator::Contains => false,
    }
}

fn texts(operator: Operator, value: Json<'_>) -> Result<Vec<Text>, Error> {
    let Json::String(value) = value::digits_to_text(value) else {
        return Err(bad(
            "must compare with a string or a number; several values of in are one string with commas",
        ));
    };
    if operator == Operator::In {
        return value.split(',').map(|one| text(one.to_owned())).collect();
    }
    Ok(vec![text(value.into_owned())?])
}

fn text(value: String) -> Result<Text, Error> {
    Text::parse(value).map_err(|error| bad(&error.to_string()))
}

fn bad(must: &str) -> Error {
    Error::new(Kind::BadSearch, format!("{SEARCH_CRITERIA} {must}"))
}

/// What a key looks at; nothing for what is no stored attribute or must not be searched.
fn attribute(key: Key) -> Option<Attribute> {
    Some(match key {
        Key::Id => Attribute::Id,
        Key::Username => Attribute::Username,
        Key::FirstName => Attribute::GivenName,
        Key::LastName => Attribute::FamilyName,
        Key::Email => Attribute::Email,
        Key::Phone => Attribute::Phone,
        Key::Mobile => Attribute::Mobile,
        Key::Fax => Attribute::Fax,
        Key::Position => Attribute::Title,
        Key::Timezone => Attribute::Timezone,
        Key::IsConfirmed => Attribute::EmailVerified,
        Key::IsReadOnly => Attribute::ReadOnly,
        Key::IsActive => Attribute::Status,
        Key::ReceivesPromotional => {
            Attribute::Extension(Dialect::Vision6, Text::parse(key.name()).ok()?)
        }
        Key::Password | Key::EmailUser => return None,
    })
}

/// The key that looks at an attribute, where there is one.
fn key(attribute: &Attribute) -> Option<Key> {
    match attribute {
        Attribute::Id => Some(Key::Id),
        Attribute::Username => Some(Key::Username),
        Attribute::GivenName => Some(Key::FirstName),
        Attribute::FamilyName => Some(Key::LastName),
        Attribute::Email => Some(Key::Email),
        Attribute::EmailVerified => Some(Key::IsConfirmed),
        Attribute::Status => Some(Key::IsActive),
        Attribute::Phone => Some(Key::Phone),
        Attribute::Mobile => Some(Key::Mobile),
        Attribute::Fax => Some(Key::Fax),
        Attribute::Title => Some(Key::Position),
        Attribute::Timezone => Some(Key::Timezone),
        Attribute::ReadOnly => Some(Key::IsReadOnly),
        Attribute::Extension(Dialect::Vision6, name) => {
            let promotional = Key::ReceivesPromotional;
            (name.as_str() == promotional.name()).then_some(promotional)
        }
        Attribute::DisplayName
        | Attribute::Nickname
        | Attribute::Gender
        | Attribute::Locale
        | Attribute::Level
        | Attribute::PictureUrl
        | Attribute::Role
        | Attribute::Organization
        | Attribute::AnyName
        | Attribute::Extension(Dialect::Grupo | Dialect::B2evolution, _) => None,
    }
}

/// Writes criteria. What the operators and keys of Vision6 cannot say is [`Kind::Unsupported`].
pub(super) fn encode(out: &mut String, criteria: &[Criterion]) -> Result<(), Error> {
    let mut triples = Vec::with_capacity(criteria.len());
    for criterion in criteria {
        triples.push(encode_criterion(criterion)?);
    }
    write_list(out, triples, |out, triple| {
        write_list(out, triple, |out, text| write_php_string(out, &text));
    });
    Ok(())
}

fn encode_criterion(criterion: &Criterion) -> Result<[String; 3], Error> {
    let refuse = || unsupported("a search by this attribute, operator or value");
    let key = key(&criterion.attribute).ok_or_else(refuse)?;
    let operator = OPERATORS
        .iter()
        .find(|(_, known)| *known == criterion.operator)
        .map(|(name, _)| *name)
        .ok_or_else(refuse)?;
    let texts = || criterion.values.iter().map(Text::as_str);
    let value = if matches!(key, Key::IsActive | Key::ReceivesPromotional) {
        let truth = texts().eq([Status::Active.name()]) || texts().eq(["true"]);
        if truth { "1" } else { "0" }.to_owned()
    } else {
        texts().collect::<Vec<_>>().join(",")
    };
    // Reading it back is what finds a comma in a value, or booleans that are to be ordered.
    let read_back = decode_comparison(key, criterion.operator, Json::String(value.as_str().into()));
    if !read_back.is_ok_and(|read_back| read_back == *criterion) {
        return Err(refuse());
    }
    Ok([key.name().to_owned(), operator.to_owned(), value])
}

/// Reads `sort_by` and `sort_order`: descending where no order is given, and no order at all
/// without a key.
pub(super) fn decode_sort(by: Json<'_>, order: Json<'_>) -> Result<Option<Sort>, Error> {
    let descending = is_descending(order)?;
    if value::is_nothing(&by) {
        return Ok(None);
    }
    let key = value::string(by).and_then(|name| Key::from_name(&name));
    let must = "must be a key of user_details that users can be sorted by, such as username";
    let attribute = key
        .and_then(sort_attribute)
        .ok_or_else(|| Error::invalid(SORT_BY, must))?;
    Ok(Some(Sort {
        attribute,
        descending,
    }))
}

fn is_descending(order: Json<'_>) -> Result<bool, Error> {
    if value::is_nothing(&order) {
        return Ok(true);
    }
    match value::string(order) {
        Some(word) if word.eq_ignore_ascii_case("ASC") => Ok(false),
        Some(word) if word.eq_ignore_ascii_case("DESC") => Ok(true),
        Some(_) | None => Err(Error::invalid(SORT_ORDER, "must be ASC or DESC")),
    }
}

/// A status sorts by its name, which is not the order of `is_active`.
fn sort_attribute(key: Key) -> Option<Attribute> {
    attribute(key).filter(|attribute| *attribute != Attribute::Status)
}

/// Writes `sort_by` and `sort_order`.
pub(super) fn encode_sort(out: &mut String, sort: Option<&Sort>) -> Result<(), Error> {
    let Some(sort) = sort else {
        out.push_str("\"\",\"\"");
        return Ok(());
    };
    let key = key(&sort.attribute)
        .filter(|key| *key != Key::IsActive)
        .ok_or_else(|| unsupported("an order by this attribute"))?;
    write_php_string(out, key.name());
    out.push(',');
    write_php_string(out, if sort.descending { "DESC" } else { "ASC" });
    Ok(())
}
