//! `group_roles` and `group_categories` of a route: numbers of another system, and their names.

use std::collections::BTreeMap;

use super::fault::Faults;
use super::place::Place;
use crate::command::Id;
use crate::route::number_table::NumberTable;

/// The table under `key`; where there is none, any number is taken.
pub(super) fn build(
    section: Option<BTreeMap<String, String>>,
    key: &str,
    place: Place<'_>,
    faults: &mut Faults,
) -> NumberTable {
    let mut names = BTreeMap::new();
    if section.as_ref().is_some_and(BTreeMap::is_empty) {
        let message = "is empty: name the numbers that are taken, or remove it to take any";
        faults.push(place.fault(key, message));
    }
    for (number, name) in section.into_iter().flatten() {
        match entry(&number, &name, &names) {
            Ok(id) => {
                names.insert(id, name);
            }
            Err(message) => faults.push(place.fault(&format!("{key}.{number}"), message)),
        }
    }
    NumberTable::new(names)
}

fn entry(number: &str, name: &str, before: &BTreeMap<Id, String>) -> Result<Id, String> {
    let Some(id) = Id::parse(number) else {
        return Err(format!(
            "{number:?} is no number: write 1 or more, e.g. \"2\""
        ));
    };
    if before.contains_key(&id) {
        return Err(format!("{id} is there twice: remove one of the two"));
    }
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(format!("{name:?} is no name: write e.g. \"member\""));
    }
    match before.iter().find(|(_, known)| *known == name) {
        Some((other, _)) => Err(format!(
            "{name:?} is the name of {other} too: give each number a name of its own"
        )),
        None => Ok(id),
    }
}
