//! Fields that the site requires, hides or leaves to administrators (quirk B26).

use super::place;
use super::wording::{self, Wording};
use crate::command::extension::Guard;
use crate::error::Error;
use crate::framing::form::{Entry, Form, Value};
use crate::route::Policy;
use crate::route::profile::{Field, Place, Rule};

/// The fields of the form that a site can say something of, in the order in which the vendor reads
/// them.
const FIELDS: [(&str, Field); 13] = [
    ("edited_user_birthday_month", Field::BirthdayMonth),
    ("edited_user_birthday_day", Field::BirthdayDay),
    ("edited_user_birthday_year", Field::BirthdayYear),
    ("edited_user_age_min", Field::AgeGroup),
    ("edited_user_age_max", Field::AgeGroup),
    ("edited_user_firstname", Field::FirstName),
    ("edited_user_lastname", Field::LastName),
    ("edited_user_nickname", Field::Nickname),
    ("edited_user_gender", Field::Gender),
    (place::field(Place::Country), Field::Place(Place::Country)),
    (place::field(Place::Region), Field::Place(Place::Region)),
    (
        place::field(Place::Subregion),
        Field::Place(Place::Subregion),
    ),
    (place::field(Place::City), Field::Place(Place::City)),
];

/// Refuses a field that the site hides, and notes one that a user may not send of itself.
pub(super) fn judge(name: &str, policy: &Policy, guard: &mut Guard) -> Result<(), Error> {
    if policy.profile.rules.is_empty() {
        return Ok(());
    }
    let found = FIELDS.iter().find(|(known, _)| *known == name);
    match found.map_or(Rule::Optional, |(_, field)| policy.profile.rule(*field)) {
        Rule::Optional | Rule::Required => Ok(()),
        Rule::Hidden => Err(Error::invalid(
            name.to_owned(),
            "is hidden on this site; leave it out",
        )),
        Rule::Admin => {
            *guard = (*guard).max(Guard::Administrative);
            Ok(())
        }
    }
}

/// The faults of required fields that are missing or empty.
pub(super) fn missing(form: &Form<'_>, policy: &Policy) -> Vec<Error> {
    if policy.profile.rules.is_empty() {
        return Vec::new();
    }
    let required = FIELDS
        .iter()
        .filter(|(_, field)| policy.profile.rule(*field) == Rule::Required);
    required
        .filter_map(|(name, field)| match form.entry(name) {
            // The one that has a default there, which is the empty text.
            None if *field == Field::Gender => Some(empty(name, *field)),
            None => Some(wording::REQUIRED.error(name)),
            Some(entry) if is_blank(entry) => Some(empty(name, *field)),
            Some(_) => None,
        })
        .collect()
}

fn is_blank(entry: &Entry<'_>) -> bool {
    matches!(&entry.value, Value::Text(text) if text.trim().is_empty())
}

/// The vendor's words where it has some.
fn empty(name: &'static str, field: Field) -> Error {
    let known: Option<&Wording> = match field {
        Field::FirstName => Some(&wording::FIRST_NAME_EMPTY),
        Field::LastName => Some(&wording::LAST_NAME_EMPTY),
        Field::Nickname => Some(&wording::NICKNAME_EMPTY),
        Field::Gender => Some(&wording::GENDER_EMPTY),
        Field::Place(Place::Country) => Some(&wording::COUNTRY_EMPTY),
        Field::Place(Place::Region) => Some(&wording::REGION_EMPTY),
        Field::Place(Place::Subregion) => Some(&wording::SUBREGION_EMPTY),
        Field::Place(Place::City) => Some(&wording::CITY_EMPTY),
        Field::BirthdayMonth | Field::BirthdayDay | Field::BirthdayYear | Field::AgeGroup => None,
    };
    known.map_or_else(
        || Error::invalid(name, "must not be empty on this site; send it"),
        |wording| wording.error(""),
    )
}
