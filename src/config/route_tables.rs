//! Tables of `[routes.NAME]`: the numbers of another system, and what they stand for.

use std::collections::BTreeMap;

use super::fault::Faults;
use super::place::Place;
use crate::command::Id;

/// Names by number, as they are written.
pub(super) type Names = BTreeMap<String, String>;

/// The table with its keys as ids. What has no name, or no id, is a fault, and so is a table that
/// would change nothing.
pub(super) fn by_id<V>(
    key: &str,
    table: BTreeMap<String, V>,
    name: fn(&V) -> &str,
    at: Place<'_>,
    faults: &mut Faults,
) -> BTreeMap<Id, V> {
    if table.is_empty() {
        faults.push(at.fault(key, "is empty: name what there is, or remove the line"));
    }
    let mut ids = BTreeMap::new();
    for (id, value) in table {
        let path = format!("{key}.{id}");
        match Id::parse(&id) {
            None => faults.push(at.fault(&path, "is no id: write a whole number above 0")),
            Some(_) if name(&value).trim().is_empty() => {
                faults.push(at.fault(&path, "has no name: write one"));
            }
            Some(id) if ids.contains_key(&id) => {
                faults.push(at.fault(&path, "is there twice: write each id once"));
            }
            Some(id) => drop(ids.insert(id, value)),
        }
    }
    ids
}
