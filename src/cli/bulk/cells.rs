//! One row of an export, before it is written in one format or the other.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::command::extension::Extension;
use crate::command::text::Text;
use crate::store::bulk::OtherIds;

/// One value.
#[derive(Debug)]
pub(super) enum Cell {
    /// There is none.
    Absent,
    Text(String),
    Number(i64),
    Flag(bool),
    /// What a cell of a table cannot hold.
    Json(Box<RawValue>),
}

impl Cell {
    pub(super) fn text(text: Option<&Text>) -> Self {
        Self::name(text.map(Text::as_str))
    }

    pub(super) fn name(name: Option<&str>) -> Self {
        name.map_or(Self::Absent, |name| Self::Text(name.to_owned()))
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_unit(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Json(json) => json.serialize(serializer),
        }
    }
}

/// One row: the noun's own columns, all of them and in order, and what else there is.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pub(super) own: Vec<(&'static str, Cell)>,
    pub(super) other_ids: OtherIds,
    pub(super) extensions: Vec<Extension>,
}

/// A JSON object with what has a value.
impl Serialize for Cells {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (name, cell) in &self.own {
            if !matches!(cell, Cell::Absent) {
                object.serialize_entry(name, cell)?;
            }
        }
        if !self.other_ids.is_empty() {
            let ids: BTreeMap<_, _> = self
                .other_ids
                .iter()
                .map(|(dialect, id)| (dialect.name(), id.value()))
                .collect();
            object.serialize_entry("ids", &ids)?;
        }
        if !self.extensions.is_empty() {
            let mut dialects: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
            for Extension {
                dialect,
                field,
                value,
            } in &self.extensions
            {
                dialects
                    .entry(dialect.name())
                    .or_default()
                    .insert(field.as_str(), value.as_str());
            }
            object.serialize_entry("extensions", &dialects)?;
        }
        object.end()
    }
}
