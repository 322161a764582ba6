//! One JSON object as texts by column.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Noun;
use super::fields::{EXTENSION, Fault, Fields, OTHER_ID, is_column};

/// Reads an object. `ids` and `extensions` become columns of their own, as in CSV.
pub(super) fn read<N: Noun>(object: &[u8]) -> Result<Fields, Vec<Fault>> {
    let broken = |error: serde_json::Error| vec![Fault::new("", format!("is no JSON: {error}"))];
    let members: Members<'_> = serde_json::from_slice(object).map_err(broken)?;
    let mut fields = Fields::default();
    for (name, value) in members.0 {
        match name.as_str() {
            "ids" if N::HAS_ATTRIBUTES => {
                inner(&mut fields, &name, value, |fields, dialect, id| {
                    add::<N>(fields, format!("{OTHER_ID}{dialect}"), id);
                });
            }
            "extensions" if N::HAS_ATTRIBUTES => {
                inner(&mut fields, &name, value, |fields, dialect, own| {
                    inner(fields, &name, own, |fields, field, value| {
                        add::<N>(fields, format!("{EXTENSION}{dialect}.{field}"), value);
                    });
                });
            }
            _ if N::COLUMNS.contains(&name.as_str()) => add::<N>(&mut fields, name, value),
            _ => fields.fault(&name, UNKNOWN),
        }
    }
    Ok(fields)
}

const UNKNOWN: &str = "means nothing here; --help lists the names";

fn inner(
    fields: &mut Fields,
    name: &str,
    value: &RawValue,
    mut each: impl FnMut(&mut Fields, &str, &RawValue),
) {
    if value.get() == "null" {
        return;
    }
    match serde_json::from_str::<Members<'_>>(value.get()) {
        Ok(members) => {
            for (name, value) in members.0 {
                each(fields, &name, value);
            }
        }
        Err(_) => fields.fault(name, "must be an object"),
    }
}

fn add<N: Noun>(fields: &mut Fields, name: String, value: &RawValue) {
    if !is_column(&name, N::COLUMNS, N::HAS_ATTRIBUTES) {
        fields.fault(&name, UNKNOWN);
        return;
    }
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'n') => {}
        Some(b'"') => match serde_json::from_str(text) {
            Ok(text) => fields.insert(name, text),
            Err(error) => fields.fault(&name, error.to_string()),
        },
        Some(b'{' | b'[') if name != "organizations" => {
            fields.fault(&name, "must be a text, a number or true or false");
        }
        _ => fields.insert(name, text.to_owned()),
    }
}

/// The members of an object, in order, those that are there twice too.
struct Members<'de>(Vec<(String, &'de RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
